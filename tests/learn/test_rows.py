"""Training rows and judged runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES
from cipredict.learn.history import FAILED, PASSED, SKIPPED, History
from cipredict.learn.rows import Replayed, collect_rows

pytestmark = pytest.mark.learn


def with_verdicts(history: History, *verdicts: list[int]) -> History:
    runs = [replace(run, verdicts=np.array(v, np.int8)) for run, v in zip(history.runs, verdicts, strict=False)]
    return replace(history, runs=runs)


def collect(history: History, *, sample: int = 400, judge_from: int = 0) -> Replayed:
    return collect_rows(history, build_case_index(history.case_ids), judge_from=judge_from, sample_per_run=sample)


@pytest.mark.parametrize(
    ("second", "failing_mass"),
    [
        pytest.param([PASSED, FAILED, PASSED, PASSED], 20.0, id="new failures share it all"),
        pytest.param([FAILED, PASSED, PASSED, PASSED], 10.0, id="repeated ones count half"),
        pytest.param([FAILED, FAILED, FAILED, PASSED], 15.0, id="half new, half of the rest repeated"),
        pytest.param([PASSED, PASSED, PASSED, PASSED], 0.0, id="green"),
    ],
)
@pytest.mark.parametrize("sample", [400, 1])
def test_weights_sum_to_the_masses(
    make_history: Callable[..., History], second: list[int], failing_mass: float, sample: int
) -> None:
    history = with_verdicts(make_history("green", n_runs=2, n_cases=4), [FAILED, PASSED, PASSED, PASSED], second)
    rows = collect(history, sample=sample).rows_by_run[1]
    assert rows.weight[rows.y == 0].sum() == pytest.approx(30.0)
    if sample > 4:
        assert rows.weight[rows.y == 1].sum() == pytest.approx(failing_mass)
        assert rows.frequency.sum() == 4


def test_a_sample_stands_for_the_whole_run(make_history: Callable[..., History]) -> None:
    verdicts = [FAILED] * 20 + [PASSED] * 60 + [SKIPPED] * 20
    rows = collect(with_verdicts(make_history("green", n_runs=1, n_cases=100), verdicts), sample=16).rows_by_run[0]
    assert (int((rows.y == 1).sum()), int((rows.y == 0).sum())) == (8, 16)
    assert rows.frequency[rows.y == 1].sum() == pytest.approx(20)
    assert rows.frequency[rows.y == 0].sum() == pytest.approx(60)


def test_flaky_verdicts_weigh_less(make_history: Callable[..., History]) -> None:
    history = with_verdicts(make_history("green", n_runs=1, n_cases=4), [FAILED, PASSED, PASSED, PASSED])
    flaky = [replace(history.runs[0], is_flaky=np.array([True, False, False, False]))]
    weight = collect(replace(history, runs=flaky)).rows(0, 1, max_rows=10**9)
    assert weight.weight[weight.y == 1].sum() == pytest.approx(20 * 0.3)


def test_permanently_red_cases_are_kept_apart(make_history: Callable[..., History]) -> None:
    """A case red for five runs is no target and no lesson; its repair and what fails beside it still are."""
    red = [[FAILED, PASSED, PASSED, PASSED]] * 5
    history = with_verdicts(
        make_history("green", n_runs=8, n_cases=4),
        *red,
        [FAILED, PASSED, PASSED, PASSED],
        [FAILED, FAILED, PASSED, PASSED],
        [PASSED, PASSED, PASSED, PASSED],
    )
    replayed = collect(history)
    assert [position for position, run in replayed.judged.items() if run.targets.any()] == [0, 1, 2, 3, 4, 6]
    assert replayed.judged[6].targets.tolist() == [False, True, False, False]
    assert [int(rows.y.sum()) for rows in replayed.rows_by_run] == [1, 1, 1, 1, 1, 0, 1, 0]
    assert [len(rows.y) for rows in replayed.rows_by_run[-3:]] == [3, 3, 4]


def test_thinning_keeps_failures_and_the_total(make_history: Callable[..., History]) -> None:
    replayed = collect(make_history("planted"))
    whole, thinned = replayed.rows(0, 60, max_rows=10**9), replayed.rows(0, 60, max_rows=600)
    assert len(thinned.y) < len(whole.y) / 3
    assert thinned.y.sum() == whole.y.sum()
    assert thinned.frequency.sum() == pytest.approx(whole.frequency.sum(), rel=0.05)
    assert thinned.X.shape == (len(thinned.y), len(FEATURES))


def test_no_run_gives_empty_rows(make_history: Callable[..., History]) -> None:
    rows = collect(make_history("planted", n_runs=3)).rows(1, 1, max_rows=10)
    assert (rows.X.shape, rows.y.shape) == ((0, len(FEATURES)), (0,))


def test_failing_runs_of_the_window_are_judged_whole(make_history: Callable[..., History]) -> None:
    history = make_history("planted", n_runs=10)
    judged = collect(history, judge_from=4, sample=2).judged
    assert list(judged) == [4, 6, 8]
    for position, run in judged.items():
        assert run.X.shape == (40, len(FEATURES))
        assert run.failed.sum() == 2
        assert (run.is_new & ~run.failed).sum() == 0
        assert run.run is history.runs[position]
        assert not run.always_runs.any()


def test_unseen_changed_and_red_cases_always_run(make_history: Callable[..., History]) -> None:
    history = with_verdicts(
        make_history("green", n_runs=2, n_cases=4), [FAILED, PASSED, SKIPPED, PASSED], [PASSED, PASSED, PASSED, FAILED]
    )
    first, second = history.runs
    on_main = replace(first, facts=replace(first.facts, branch="main", is_base_push=True))
    change = replace(first.facts.changes[0], path="tests/test_area1.py")
    judged = collect(
        replace(history, runs=[on_main, replace(second, facts=replace(second.facts, changes=(change,)))]), judge_from=1
    ).judged[1]
    assert judged.is_red_at_base.tolist() == [True, False, False, False]
    assert judged.always_runs.tolist() == [True, True, True, False]  # red, changed, unseen
