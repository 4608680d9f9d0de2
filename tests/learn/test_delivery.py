"""DORA's figures and the pipeline's, of rows as the store gives them: absent where nothing was measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("scipy", reason="needs the learn extra")
pytestmark = pytest.mark.learn

from cipredict.learn.delivery import Delivered, summarise_delivery, to_document  # noqa: E402

NOW = datetime(2026, 3, 31, tzinfo=UTC)
NOTHING = Delivered([], [], [], 0, 0)


def run(days: float, result: str = "success", seconds: float | None = 60.0, **more: object) -> dict[str, object]:
    facts = {"branch": "main", "queued_s": None}
    return {"at": NOW - timedelta(days=days), "result": result, "duration_s": seconds, **facts, **more}


def deployment(days: float, environment: str = "production", **more: object) -> dict[str, object]:
    facts = {"is_live": True, "lead_s": None, "recovery_s": None}
    return {"happened_at": NOW - timedelta(days=days), "environment": environment, **facts, **more}


def figures(delivered: Delivered, branch: str = "main") -> dict[str, float]:
    return {one.name: one.value for one in summarise_delivery(delivered, as_of=NOW, default_branch=branch)}


def test_nothing_measured_gives_no_figure() -> None:
    assert {} == figures(NOTHING)
    assert {} == figures(NOTHING._replace(runs=[run(91)], deployments=[deployment(91)]))


def test_red_counts_on_the_default_branch_and_seconds_everywhere() -> None:
    runs = [
        run(3),
        run(2, "failure", 5.0, queued_s=10.0),
        run(1, seconds=100.0, branch="topic"),
        run(1, "failure", branch="topic"),
    ]
    expected = {
        "pipeline.success_rate": 50.0,
        "pipeline.p50_seconds": 80.0,
        "pipeline.p90_seconds": 96.0,
        "pipeline.queue_p90_seconds": 10.0,
    }
    assert expected == pytest.approx(figures(NOTHING._replace(runs=runs)))
    assert 50.0 == figures(NOTHING._replace(runs=runs), branch="")["pipeline.success_rate"]


def test_flaky_cases_and_cache_hits_are_shares() -> None:
    hits = [{"at": NOW, "is_hit": hit} for hit in (True, True, True, False)]
    found = figures(NOTHING._replace(flaky_cases=1, cases=50, cache_hits=hits))
    assert {"pipeline.flaky_share": 2.0, "pipeline.cache_hit_rate": 75.0} == found


def test_doras_figures_are_productions() -> None:
    deployments = [
        deployment(30, lead_s=3600.0),
        deployment(20, is_live=False, recovery_s=600.0),
        deployment(10, lead_s=7200.0),
        deployment(5, "staging", is_live=False, recovery_s=9.0),
    ]
    found = figures(NOTHING._replace(deployments=deployments))
    assert {
        "dora.deployment_frequency": 2 / 30,
        "dora.change_failure_rate": 100 / 3,
        "dora.lead_time": 5400.0,
        "dora.recovery_time": 600.0,
    } == pytest.approx({name: value for name, value in found.items() if ":" not in name})
    assert (100.0, 9.0) == (found["dora.change_failure_rate:staging"], found["dora.recovery_time:staging"])


def test_without_a_production_all_environments_count() -> None:
    found = figures(NOTHING._replace(deployments=[deployment(4, "eu"), deployment(2, "us", is_live=False)]))
    assert 50.0 == found["dora.change_failure_rate"]


def test_a_failure_that_nobody_mended_lasts_until_now() -> None:
    found = summarise_delivery(
        NOTHING._replace(deployments=[deployment(2, is_live=False)]), as_of=NOW, default_branch="main"
    )
    [recovery] = [one for one in found if one.name == "dora.recovery_time"]
    assert (2 * 86_400.0, "median of 1 failed, 1 still open") == (recovery.value, recovery.reason)


def test_a_young_history_is_not_diluted_by_days_that_nobody_watched() -> None:
    assert (
        2.0 == figures(NOTHING._replace(deployments=[deployment(0.5), deployment(0.25)]))["dora.deployment_frequency"]
    )


def test_figures_are_a_file_of_metrics() -> None:
    found = summarise_delivery(NOTHING._replace(runs=[run(1)]), as_of=NOW, default_branch="")
    document = to_document(found)
    assert {
        "name": "pipeline.success_rate",
        "value": 100.0,
        "unit": "%",
        "reason": "of 1 run",
    } == document["metrics"][0]  # type: ignore[index]  # a list by the schema
