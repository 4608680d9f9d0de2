"""Needs, waits and shares read off past runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cipredict.forecast.features import ChangeFacts
from cipredict.learn.needs import places_of
from cipredict.learn.run_time import TimedRun

START = datetime(2026, 1, 1, tzinfo=UTC)


def pipeline(number: int, event: str = "push", **jobs: tuple[float, float]) -> list[TimedRun]:
    """Make a run of jobs, each (start, end) in seconds after the run's start."""
    began = START + timedelta(hours=number)

    def timed(series: str, start_s: float, end_s: float) -> TimedRun:
        start, end = (began + timedelta(seconds=s) for s in (start_s, end_s))
        return TimedRun(series, number, start, end, ChangeFacts(()), end_s - start_s, event=event, run=number)

    whole = timed("ci", 0, max(end for _, end in jobs.values()))
    return [whole, *(timed(f"ci / {job}", *times) for job, times in jobs.items())]


def chain(number: int) -> list[TimedRun]:
    return pipeline(number, lint=(1, 9), build=(2, 50 + number), test=(53 + number, 90), publish=(95, 99))


def test_jobs_that_never_overlap_need_each_other_without_detours() -> None:
    places = places_of([run for number in range(6) for run in chain(number)])
    assert {name: place.needs for name, place in places.items()} == {
        "ci / lint": (),
        "ci / build": (),
        "ci / test": ("build", "lint"),
        "ci / publish": ("test",),
    }
    assert places["ci / test"].waits == [3.0] * 6
    assert places["ci / build"].waits == [2.0] * 6


def test_one_overlap_is_proof_of_no_need() -> None:
    runs = [run for number in range(9) for run in chain(number)]
    runs += pipeline(9, build=(2, 50), test=(20, 90), lint=(1, 9), publish=(95, 99))
    assert places_of(runs)["ci / test"].needs == ("lint",)


def test_too_few_runs_prove_nothing() -> None:
    assert places_of(chain(0) + chain(1))["ci / test"].needs == ()


def test_shares_are_told_by_event() -> None:
    runs = [run for number in range(8) for run in pipeline(number, build=(0, 9), deploy=(9, 12))]
    runs += [run for number in range(8, 10) for run in pipeline(number, "pull_request", build=(0, 9))]
    assert places_of(runs)["ci / deploy"].shares == {"push": 1.0, "pull_request": 0.0, "": 0.8}
