"""Case seconds while history rolls: who leads, whose seconds are planned with, how newcomers are judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cipredict.forecast.features import ChangeFacts
from cipredict.learn.case_time import final_clock, replay_cases
from cipredict.learn.clock import DEFAULT, Clock
from cipredict.learn.history import PASSED, SKIPPED, History, PastRun
from cipredict.learn.newcomers import measure_newcomers, replay_newcomers
from cipredict.learn.plan_time import CANDIDATES, PLAN_DEFAULT, study_plans

START = datetime(2026, 1, 1, tzinfo=UTC)


def run_of(number: int, seconds: Sequence[float] | np.ndarray, slots: Sequence[int] | None = None) -> PastRun:
    started = START + timedelta(hours=number)
    places = np.arange(len(seconds)) if slots is None else np.array(slots)
    return PastRun(
        run_id=f"{number}",
        started_at=started,
        finished_at=started + timedelta(minutes=5),
        facts=ChangeFacts(()),
        event="push",
        slots=places.astype(np.int32),
        verdicts=np.full(len(seconds), PASSED, np.int8),
        seconds=np.asarray(seconds, np.float32),
        is_flaky=np.zeros(len(seconds), np.bool_),
    )


def history_of(rows: Iterable[Sequence[float] | np.ndarray], ids: Sequence[str] | None = None) -> History:
    runs = [run_of(number, seconds) for number, seconds in enumerate(rows)]
    names = list(ids or (f"t.py::test_{at}" for at in range(max(len(run.slots) for run in runs))))
    return History(names, runs, runs[-1].finished_at)


def test_the_simple_forecasts_of_a_known_past() -> None:
    clock = final_clock(history_of([[8.0], [1.0], [3.0], [2.0], [6.0], [4.0]]))
    found = {name: float(values[0]) for name, values in clock.experts(np.array([0])).items()}
    assert found["last"] == 4.0
    assert found["median3"] == 4.0
    assert found["median5"] == 3.0
    assert found["lower"] == 4.0
    assert found[DEFAULT] == 4.0
    assert found["ewma"] == pytest.approx(4.21875)


def test_medians_of_a_short_past_use_what_there_is() -> None:
    experts = final_clock(history_of([[1.0], [4.0]])).experts(np.array([0]))
    assert (experts["median3"][0], experts["median5"][0], experts["lower"][0]) == (2.5, 2.5, 2.5)


def test_noise_makes_a_median_lead_and_a_drift_makes_the_last_lead() -> None:
    generator = np.random.default_rng(0)
    noisy = final_clock(history_of(np.exp(generator.normal(0, 0.5, (40, 60)))))
    drifting = final_clock(history_of(np.tile(1.3 ** np.arange(40)[:, None], (1, 60))))
    assert "median" in noisy.leader.name
    assert drifting.leader.name == "last"


def test_the_spread_of_runs_as_a_whole_is_estimated() -> None:
    generator = np.random.default_rng(3)
    machines = np.exp(generator.normal(0, 0.1, 60))
    clock = final_clock(history_of(machines[:, None] * generator.uniform(1, 5, 50)))
    assert clock.run_spread() == pytest.approx(1.645 * 0.1 * np.sqrt(2), rel=0.35)  # one run against the one before
    assert np.isnan(Clock.blank(3).run_spread())


def test_skipped_cases_leave_no_mark() -> None:
    skipped = run_of(1, [99.0])
    skipped.verdicts[:] = SKIPPED
    clock = Clock.blank(1)
    for run in (run_of(0, [2.0]), skipped):
        clock.absorb(run)
    assert (clock.recent[0, 0], clock.runs[0]) == (2.0, 1.0)


def test_a_run_is_not_known_before_it_ended() -> None:
    history = history_of([[1.0], [5.0], [9.0]])
    known = [timed.clock.experts(timed.slots)["last"].tolist() for timed in replay_cases(history)]
    assert known == [[], [1.0], [5.0]]


def test_plans_are_made_with_the_last_value_where_nothing_is_clearly_better() -> None:
    generator = np.random.default_rng(2)
    steady = study_plans(history_of(np.tile(np.exp(generator.normal(0, 1, 80)), (12, 1))))
    assert (steady.chosen, set(steady.ratios)) == (PLAN_DEFAULT, set(CANDIDATES))
    assert max(steady.ratios.values()) == pytest.approx(1.0, abs=0.02)
    growing = np.exp(generator.normal(0, 1, 80)) * np.where(np.arange(80) < 40, 1.3 ** np.arange(20)[:, None], 1.0)
    found = study_plans(history_of(growing))
    assert found.chosen == PLAN_DEFAULT
    assert found.ratios["last"] < found.ratios["median3"]


def test_too_few_cases_for_a_plan_are_not_studied() -> None:
    assert study_plans(history_of([[1.0], [2.0]])).ratios == {}


def newcomers_history(*, factor: float) -> History:
    """Give ten runs, each with a new case of the same file that takes `factor` times what its siblings take."""
    ids = [f"t.py::T::test_{at}" for at in range(20)]
    runs = [run_of(0, [2.0] * 10)]
    runs += [run_of(number, [2.0] * (9 + number) + [2.0 * factor]) for number in range(1, 10)]
    return History(ids, runs, runs[-1].finished_at)


def test_newcomers_are_guessed_from_what_was_alive_before_them() -> None:
    found = list(replay_newcomers(newcomers_history(factor=1.0)))
    assert [(newcomer.position, newcomer.slot) for newcomer in found] == [
        (number, 9 + number) for number in range(3, 10)
    ]
    assert {(newcomer.guess_s, newcomer.scope, newcomer.actual_s) for newcomer in found} == {(2.0, "class", 2.0)}


def test_the_interval_of_newcomers_learns_what_they_take() -> None:
    alike, slower = (measure_newcomers(newcomers_history(factor=factor), coverage=0.9) for factor in (1.0, 20.0))
    assert alike.observed_coverage == 1.0
    assert slower.scopes["class"][1] > 3 * alike.scopes["class"][1]
    none = measure_newcomers(history_of([[1.0], [1.0]]), coverage=0.9)
    assert np.isnan(none.observed_coverage)
