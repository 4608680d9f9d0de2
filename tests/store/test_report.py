"""What reports ask of a store, held against the same sums by hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")

from cipredict.events import Event
from cipredict.records import CommitRecord
from cipredict.store import report  # after the skip
from cipredict.store.database import Store, open_store
from cipredict.store.ledger import add_events
from cipredict.store.writer import add_commits
from tests.cli import report_history as history

pytestmark = pytest.mark.learn
LATER = datetime(2030, 1, 1, tzinfo=UTC)
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Store:  # type: ignore[misc]  # a generator fixture
    path = tmp_path_factory.mktemp("report") / "h.duckdb"
    history.fill(path)
    with open_store(path, read_only=True) as store:
        yield store


def test_periods_add_up_to_all_runs(store: Store) -> None:
    for unit in ("day", "week", "month"):
        rows = report.load_periods(store, LATER, unit=unit).to_pylist()
        assert sum(row["runs"] for row in rows) == history.RUNS
        assert sum(row["succeeded"] for row in rows) == sum(n % 7 != 3 for n in range(history.RUNS))
    days = report.load_periods(store, LATER, unit="day").to_pylist()
    assert [row["p50_s"] for row in days] == pytest.approx([360 + 6 * n for n in range(history.RUNS)])
    assert {row["queued_p95_s"] for row in days} == {15.0, 16.0, 17.0, 18.0, 19.0}


def test_later_runs_change_no_period(store: Store) -> None:
    cut = history.NEWEST - timedelta(days=20)
    early = report.load_periods(store, cut, unit="day").to_pylist()

    assert early == report.load_periods(store, LATER, unit="day").to_pylist()[: len(early)]
    assert 0 < len(early) < history.RUNS


def test_listed_runs_are_the_latest_with_their_sums(store: Store) -> None:
    rows = report.load_listed_runs(store, LATER, last_runs=4).to_pylist()

    assert [row["run_id"] for row in rows] == ["1059", "1058", "1057", "1056"]
    assert {(row["jobs"], row["results"]) for row in rows} == {(4, 126)}
    assert rows[0]["failures"] == sum((59 + k) % 8 == 0 for k in range(6)) + (59 % 7 == 3)


def test_one_run_can_be_asked_for(store: Store) -> None:
    [wanted] = report.load_listed_runs(store, LATER, last_runs=1).to_pylist()
    again = report.load_listed_runs(store, LATER, last_runs=9, run_seq=wanted["run_seq"]).to_pylist()

    assert again == [wanted]


def test_case_trends_are_those_of_a_loop(store: Store) -> None:
    rows = {row["case_id"]: row for row in report.load_case_trends(store, LATER, last_runs=24).to_pylist()}
    times = [0.01 * 50 + 0.001 * n for n in range(36, 60)]
    row = rows["tests/test_2.py::test_50"]

    assert row["trend"] == pytest.approx([(times[2 * k] + times[2 * k + 1]) / 2 for k in range(12)])
    assert row["p50_s"] == pytest.approx(median(times))
    assert row["total_s"] == pytest.approx(sum(times))
    assert (row["results"], row["failures"], row["failed_at"]) == (24, 0, None)


def test_a_stretch_without_the_case_is_unknown(store: Store) -> None:
    rows = report.load_case_trends(store, LATER, last_runs=3).to_pylist()

    assert {sum(value is not None for value in row["trend"]) for row in rows} == {3}


def test_jobs_are_listed_by_their_sum(store: Store) -> None:
    rows = report.load_job_times(store, LATER, last_runs=10).to_pylist()

    assert [row["name"] for row in rows] == list(reversed(history.JOBS))
    assert [row["p50_s"] for row in rows] == [210, 180, 150, 120]
    assert Counter(row["runs"] for row in rows) == {10: 4}


def test_failures_of_a_run_have_names(store: Store) -> None:
    [run] = report.load_listed_runs(store, LATER, last_runs=1).to_pylist()
    names = [row["case_id"] for row in report.load_run_failures(store, run["run_seq"]).to_pylist()]

    assert names == sorted(
        [*(name for k, name in enumerate(history.HOSTILE) if (59 + k) % 8 == 0), "tests/test_1.py::test_1"]
    )


def deployed(hours: float, release: str, *, is_live: bool, environment: str = "production", **more: object) -> Event:
    body = {"environment": environment, "release": release, "is_live": is_live, "duration_s": 60.0, **more}
    return Event("deployment", AT + timedelta(hours=hours), {}, json.loads(json.dumps(body)))


def test_lead_and_recovery_of_deployments(tmp_path: Path) -> None:
    with open_store(tmp_path / "h.duckdb") as store:
        add_commits(store, [CommitRecord("r", "abcdef1234", "", AT - timedelta(hours=2), "a", ())])
        add_events(
            store,
            [
                deployed(0, "abcdef12", is_live=True),
                deployed(1, "bad-1", is_live=False, rolled_back_s=7.5),
                deployed(2, "bad-2", is_live=False),
                deployed(3, "other", is_live=True, environment="staging"),
                deployed(6, "abc", is_live=True),
                deployed(7, "bad-3", is_live=False),
            ],
        )
        rows = report.load_deployments(store, LATER).to_pylist()
        early = report.load_deployments(store, AT + timedelta(hours=2, minutes=30)).to_pylist()

    assert [row["lead_s"] for row in rows] == [7200, None, None, None, None, None]  # three digits name no commit
    assert [row["recovery_s"] for row in rows] == [None, 7.5, 4 * 3600, None, None, None]
    assert [row["recovery_s"] for row in early] == [None, 7.5, None]


def test_gates_are_listed_decision_by_decision(store: Store) -> None:
    rows = report.load_gates(store, LATER).to_pylist()
    latency = [row for row in rows if row["name"] == "latency"]

    assert len(rows) == 3 * history.RUNS
    assert [row["outcome"] for row in latency] == ["pass" if n % 7 else "fail" for n in range(history.RUNS)]
    assert {(row["value"], row["reason"]) for row in latency} == {(0.009, ""), (0.013, "13ms is not < 10ms")}
    assert {row["verdict"] for row in latency if row["outcome"] == "fail"} == {"blocked"}
    assert {row["branch"] for row in rows} == {"main", history.HOSTILE[1]}
    assert [row["name"] for row in rows[:3]] == ["coverage", "latency", history.HOSTILE[0]]
    assert report.load_gates(store, LATER, last_plans=2).to_pylist() == rows[-6:]


@pytest.mark.parametrize("gates", ["no list", [1, "x", None, {}, {"name": 7}], {"name": "x"}, None])
def test_an_odd_gate_plan_is_passed_over(tmp_path: Path, gates: object) -> None:
    with open_store(tmp_path / "h.duckdb") as store:
        add_events(store, [Event("plan", AT, {}, {"schema": "cipredict.gate-plan/1", "gates": gates})])
        names = [row["name"] for row in report.load_gates(store, LATER).to_pylist()]
        shards = report.load_shard_balance(store, LATER).to_pylist()

    assert names in ([], ["7"])
    assert shards == []


def test_shards_are_held_against_what_their_tests_and_jobs_took(store: Store) -> None:
    rows = [row for row in report.load_shard_balance(store, LATER).to_pylist() if row["run_id"] == "1050"]
    cases = list(history.cases_of(50))

    assert [row["cases"] for row in rows] == [32, 32, 31, 31]
    assert [row["measured"] for row in rows] == [32, 32, 31, 31]
    assert [row["test_s"] for row in rows] == pytest.approx(
        [sum(case.duration_s or 0 for case in cases[place::4]) for place in range(4)]
    )
    assert [row["job_s"] for row in rows] == [120, 150, 180, 210]
    assert [row["planned_s"] for row in rows] == [38, 39, 40, 41]
    assert {row["has_tail"] for row in rows} == {True}


def test_shards_of_a_run_without_results_have_no_seconds(tmp_path: Path) -> None:
    body = {"schema": "cipredict.shard-plan/1", "id": "p", "shards": [{"tests": ["a", "b"], "estimated_time": 3.5}, 7]}
    with open_store(tmp_path / "h.duckdb") as store:
        add_events(store, [Event("plan", AT, {}, body)])
        rows = report.load_shard_balance(store, LATER).to_pylist()

    assert [(row["cases"], row["planned_s"], row["measured"], row["test_s"], row["job_s"]) for row in rows] == [
        (2, 3.5, 0, None, None),
        (0, None, 0, None, None),
    ]


def test_caches_are_counted_by_kind(store: Store) -> None:
    rows = report.load_cache_periods(store, LATER, unit="month").to_pylist()
    found = Counter(kind for row in rows for kind in ("exact", "prefixed", "missed", "saved") for _ in range(row[kind]))

    assert found == {"exact": 96, "prefixed": 12, "missed": 12, "saved": 24}
    assert {row["cache"] for row in rows} == {"deps", history.HOSTILE[2]}
    assert {(row["restore_s"], row["save_s"]) for row in rows} == {(3.5, 8.0)}
    alerts = report.load_alert_caches(store, LATER).to_pylist()
    assert Counter(row["is_hit"] for row in alerts) == {True: 108, False: 12}


def test_an_entry_counts_for_seven_days(store: Store) -> None:
    """Every five days both caches change their key: a window of seven holds two or three of each."""
    rows = report.load_cache_room(store, LATER, unit="day").to_pylist()
    sizes = {row["held_bytes"] / 510_000_000 for row in rows}

    assert len(rows) == history.RUNS
    assert rows[0]["entries"] == 2
    assert sizes == {1, 2, 3}
    assert {row["unsized"] for row in rows} == {0}


def test_forecasts_are_held_against_what_ran(store: Store) -> None:
    """Of the ones that `_plans` forecasts, all run in this store: hostile ones at 0.1, the others at 0.01."""
    rows = report.load_reliability(store, LATER).to_pylist()
    plans = range(20, history.RUNS)

    assert [(row["low"], row["high"], row["cases"], row["forecast"]) for row in rows] == [
        (0.01, 0.03, 120 * len(plans), pytest.approx(0.01)),
        (0.1, 0.3, 6 * len(plans), pytest.approx(0.1)),
    ]
    assert rows[0]["failed"] == sum(n % 7 == 3 for n in plans)
    assert rows[1]["failed"] == sum((n + k) % 8 == 0 for n in plans for k in range(6))
