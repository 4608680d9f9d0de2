"""Rows that a cache gives are those of a full replay, to the bit, whatever happened between two nights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.state import PathFaults
from cipredict.learn import featurising
from cipredict.learn.history import FAILED, PASSED, History, PastRun
from cipredict.learn.links import Links, Mutations
from cipredict.learn.row_cache_file import read_cache
from cipredict.learn.rows import JudgedRun, Replayed, collect_rows

pytestmark = pytest.mark.learn
MakeHistory = Callable[..., History]


def grown(history: History, stop: int) -> History:
    """Give the history of an earlier night: fewer runs, and only the cases that they had."""
    runs = history.runs[:stop]
    return replace(history, runs=runs, case_ids=history.case_ids[: 1 + max(int(run.slots.max()) for run in runs)])


def growing(history: History) -> History:
    """Let every fifth run bring a case that nobody saw before, and some runs overlap."""
    runs = []
    for number, run in enumerate(history.runs):
        n = min(len(run.slots), 10 + number // 5)
        hours = 3 if number % 4 == 0 else 0
        end = run.finished_at + (history.runs[1].started_at - history.runs[0].started_at) * hours
        cut = {name: getattr(run, name)[:n] for name in ("slots", "verdicts", "seconds", "is_flaky")}
        runs.append(replace(run, finished_at=end, **cut))
    return replace(history, runs=runs)


def collect(history: History, cache: Path | None) -> Replayed:
    judge_from = history.split(0.5)
    return collect_rows(history, build_case_index(history.case_ids), judge_from=judge_from, cache=cache)


def spelled(replayed: Replayed) -> list[bytes]:
    arrays = [getattr(rows, name) for rows in replayed.rows_by_run for name in rows.__slots__]
    names = [name for name in JudgedRun.__slots__ if name != "run"]
    arrays += [getattr(run, name) for run in replayed.judged.values() for name in names]
    return [str(list(replayed.judged)).encode(), *(f"{a.dtype}{a.shape}".encode() + a.tobytes() for a in arrays)]


class Counted:
    """Counts the runs that are featurised."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[str] = []
        original = featurising._featurise_run

        def counting(run: PastRun, *rest: object, **named: object) -> object:
            self.runs.append(run.run_id)
            return original(run, *rest, **named)  # type: ignore[arg-type]  # handed through

        monkeypatch.setattr(featurising, "_featurise_run", counting)

    def take(self) -> int:
        count, self.runs = len(self.runs), []
        return count


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted))
def test_nights_one_after_the_other_equal_a_full_replay(
    tmp_path: Path, make_history: MakeHistory, nights: list[int]
) -> None:
    history = growing(make_history("planted"))
    (tmp_path / "rows").unlink(missing_ok=True)
    for stop in nights:
        tonight = grown(history, stop)
        assert spelled(collect(tonight, tmp_path / "rows")) == spelled(collect(tonight, None))


def test_only_new_runs_are_featurised(
    tmp_path: Path, make_history: MakeHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, counted = growing(make_history("planted")), Counted(monkeypatch)
    taken = []
    for stop in (50, 53, 53, 60):
        collect(grown(history, stop), tmp_path / "rows")
        taken.append(counted.take())
    assert taken == [50, 3, 0, 7]


def late_report(history: History) -> History:
    run = history.runs[40]
    other = replace(run, verdicts=np.where(run.verdicts == FAILED, PASSED, FAILED).astype(np.int8))
    return replace(history, runs=[*history.runs[:40], other, *history.runs[41:]])


def coverage_came(history: History) -> History:
    links = Links(history.runs[45].started_at, {"pkg/m1.x": np.array([1, 2], np.int32)}, {})
    return replace(history, links=links)


def faults_came(history: History) -> History:
    faults = {"pkg/m1.x": PathFaults(3.0, np.array([1], np.int32), np.array([2.0], np.float32))}
    return replace(history, mutations=Mutations(history.runs[50].started_at, faults))


@pytest.mark.parametrize(
    ("happens", "replayed"),
    [
        pytest.param(late_report, 30, id="a late report, older than the snapshots of the last days"),
        pytest.param(coverage_came, 16, id="coverage"),
        pytest.param(faults_came, 16, id="injected faults"),
        pytest.param(lambda history: replace(history, runs=history.runs[1:]), 59, id="the first run is gone"),
        pytest.param(lambda history: replace(history, case_ids=["x", *history.case_ids[1:]]), 60, id="other cases"),
    ],
)
def test_what_changes_the_past_is_replayed(
    tmp_path: Path,
    make_history: MakeHistory,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[History], History],
    replayed: int,
) -> None:
    history, counted = make_history("planted"), Counted(monkeypatch)
    collect(history, tmp_path / "rows")
    counted.take()
    changed = happens(history)
    rows = collect(changed, tmp_path / "rows")
    assert counted.take() == replayed
    assert spelled(rows) == spelled(collect(changed, None))


def test_other_code_and_damage_make_a_cache_worthless(
    tmp_path: Path, make_history: MakeHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, path, counted = make_history("planted", n_runs=20), tmp_path / "rows", Counted(monkeypatch)
    whole = spelled(collect(history, path))
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], content[:5000] + b"\0" * 50 + content[5050:]):
        path.write_bytes(damaged)
        counted.take()
        assert spelled(collect(history, path)) == whole
        assert counted.take() == 20
    assert read_cache(path, "other code") is None
    collect(history, path)
    assert counted.take() == 0


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path, make_history: MakeHistory) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    history = make_history("planted", n_runs=5)
    assert spelled(collect(history, tmp_path / "file" / "rows")) == spelled(collect(history, None))
