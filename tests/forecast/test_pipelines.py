"""The finish of a pipeline: through its needs, with honest quantiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.pipelines import Needs, PipelineForecast, forecast_pipeline, simulate
from cipredict.forecast.state import State

NOON = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
EXPECTED = {"build": 100.0, "lint": 30.0, "test": 200.0}


def run(needs: Needs, **memories: Mapping[str, object]) -> PipelineForecast:
    known: dict[str, Mapping[str, object]] = {job: memories.get(job, {}) for job in EXPECTED}
    return simulate("ci", known, expected=EXPECTED, needs={job: needs.get(job, ()) for job in EXPECTED}, event="push")


def test_parallel_jobs_end_with_the_longest() -> None:
    found = run({})
    assert (found.p50_s, found.p90_s, found.sum_s) == (200.0, 200.0, 330.0)
    assert {job.job: job.p_last for job in found.jobs} == {"build": 0.0, "lint": 0.0, "test": 1.0}


def test_needs_are_waited_for() -> None:
    found = run({"test": ("build", "lint")}, test={"waits": [5.0]})
    assert found.p50_s == pytest.approx(305)
    (test,) = (job for job in found.jobs if job.job == "test")
    assert test.needs == ("build", "lint")
    assert test.start_p50_s == pytest.approx(105)


def test_a_slow_run_is_slow_for_all_of_its_jobs() -> None:
    errors = [0.0] * 8 + [0.7] * 2
    found = run({"test": ("build",)}, build={"errors": errors}, test={"errors": errors})
    assert found.p50_s == pytest.approx(300, abs=1)
    assert found.p90_s == pytest.approx(302 * 2.0138 - 2, abs=2)  # both slow in one draw, never only one of them


def test_a_job_that_seldom_runs_takes_part_in_its_share_of_draws() -> None:
    found = run({}, test={"shares": {"push": 0.2, "": 0.9}})
    assert (found.p50_s, found.p90_s) == (100.0, 200.0)
    (test,) = (job for job in found.jobs if job.job == "test")
    assert test.p_runs == 0.2
    assert test.p_last == pytest.approx(0.2, abs=0.03)


def test_equal_inputs_give_equal_forecasts() -> None:
    errors = {"errors": [0.1, -0.2, 0.4], "waits": [1.0, 9.0]}
    assert run({}, test=errors) == run({}, test=errors)


def test_needs_in_a_circle_are_refused() -> None:
    with pytest.raises(InputError, match="circle"):
        run({"build": ("test",), "test": ("build",)})


def test_needs_must_be_jobs() -> None:
    with pytest.raises(InputError, match="deploy"):
        run({"build": ("deploy",)})


def job_series(seconds: float, **more: object) -> dict[str, object]:
    return {"seconds": [seconds] * 3, "groups": {}, "cases_s": 0.0, **more}


def test_a_bundle_answers_for_its_workflows(make_bundle: Callable[..., Bundle]) -> None:
    series = {
        "ci": job_series(300),
        "ci / build": job_series(100),
        "ci / build (queued)": job_series(7),
        "ci / test": job_series(50, needs=["build"]),
    }
    bundle = make_bundle(State.blank([]), series=series)
    found = forecast_pipeline(bundle, "ci", ChangeFacts(()), started_at=NOON)
    assert [(job.job, job.needs) for job in found.jobs] == [("build", ()), ("test", ("build",))]
    assert found.p50_s == pytest.approx(150)
    flat = forecast_pipeline(bundle, "ci", ChangeFacts(()), started_at=NOON, needs={})
    assert flat.p50_s == pytest.approx(100)


def test_jobs_that_the_workflow_had_long_ago_are_left_out(make_bundle: Callable[..., Bundle]) -> None:
    series = {"ci / old": job_series(900), "ci / test": job_series(50, shares={"": 1.0})}
    found = forecast_pipeline(make_bundle(State.blank([]), series=series), "ci", ChangeFacts(()), started_at=NOON)
    assert [job.job for job in found.jobs] == ["test"]


def test_an_unknown_pipeline_names_the_known_ones(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(State.blank([]), series={"ci": job_series(300), "ci / test": job_series(50)})
    with pytest.raises(InputError, match="known pipelines: 'ci'"):
        forecast_pipeline(bundle, "nightly", ChangeFacts(()), started_at=NOON)
