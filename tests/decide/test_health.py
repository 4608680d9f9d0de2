"""Each check of `doctor`: made to find something, and left with nothing to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cipredict.decide.finding import Finding, Level
from cipredict.decide.health import CHECKS, examine, is_sound
from cipredict.decide.health_facts import (
    BundleFacts,
    Environment,
    EventFacts,
    ExpiringSteps,
    Facts,
    FlakyCount,
    History,
    IdFacts,
    Limits,
    Package,
    ReportCount,
    StoreFacts,
    Trouble,
)
from cipredict.decide.matching import Match, match_ids

NOW = datetime(2026, 6, 30, 3, tzinfo=UTC)
IDS = [f"tests/test_a.py::test_{n}" for n in range(100)]


def compared(source: str, match: Match) -> IdFacts:
    return IdFacts(was_asked=True, matches={source: match})


HISTORY = History(
    runs=500,
    timeless_runs=0,
    reported_runs=400,
    failing_runs=90,
    changeless_runs=10,
    case_runs=40_000,
    untimed_case_runs=100,
    first_at=NOW - timedelta(days=120),
    last_at=NOW - timedelta(hours=5),
)
WELL = Facts(
    now=NOW,
    environment=Environment(
        "3.12.1", {"": (Package("numpy", "2.0"),), "store": (Package("duckdb", "1.4"),)}, "github", commits=900
    ),
    limits=Limits("pyproject.toml"),
    store=StoreFacts(
        "h.duckdb",
        version=1,
        size_bytes=10_000_000,
        history=HISTORY,
        reports=(ReportCount("valid", "", 400, "r.xml"),),
        steps=ExpiringSteps(0, 0, None),
        flaky=FlakyCount(1, 1000),
    ),
    bundle=BundleFacts(
        "f.bundle",
        created_at=NOW - timedelta(days=1),
        history_runs=400,
        failing_runs=80,
        served_by="cipredict",
        cases=1000,
    ),
    events=EventFacts("events", files=3),
    ids=compared("history", match_ids(IDS, IDS)),
)


def environment(**changed: object) -> Facts:
    return replace(WELL, environment=replace(WELL.environment, **changed))  # type: ignore[arg-type]  # checked by replace


def history(**changed: object) -> Facts:
    return store(history=replace(HISTORY, **changed))  # type: ignore[arg-type]  # checked by replace


def store(**changed: object) -> Facts:
    return replace(WELL, store=replace(WELL.store, **changed))  # type: ignore[arg-type]  # checked by replace


def store_trouble(slug: str, *, bundle: BundleFacts = WELL.bundle) -> Facts:
    return replace(WELL, store=StoreFacts("h.duckdb", Trouble(slug, "What happened.")), bundle=bundle)


def bundle(**changed: object) -> Facts:
    return replace(WELL, bundle=replace(WELL.bundle, **changed))  # type: ignore[arg-type]  # checked by replace


NO_BUNDLE = BundleFacts("f.bundle", Trouble("forecast-missing", "No forecast bundle."))


def test_where_all_is_well_every_check_says_so() -> None:
    findings = examine(WELL)
    assert {finding.level for finding in findings} == {Level.OK}
    assert len({finding.check for finding in findings}) >= len(CHECKS)
    assert is_sound(findings)


def worst(facts: Facts, check: str) -> Finding:
    levels = list(Level)
    return max((one for one in examine(facts) if one.check == check), key=lambda one: levels.index(one.level))


@pytest.mark.parametrize(
    ("facts", "check", "level", "words"),
    [
        (environment(extras={"": (Package("numpy", None),)}), "packages", Level.ERROR, "numpy missing"),
        (environment(extras={"store": (Package("duckdb", None),)}), "packages", Level.INFO, "duckdb missing"),
        (
            environment(extras={"learn": (Package("torch", None), Package("xgboost", "3"))}),
            "packages",
            Level.WARN,
            "learn: torch missing",
        ),
        (environment(extras={"otel": (Package("sdk", None), Package("x", "1"))}), "packages", Level.INFO, "otel: sdk"),
        (environment(provider=""), "ci", Level.INFO, "no CI system"),
        (environment(git=Trouble("git-missing", "No git.", "Install git.")), "git", Level.WARN, "No git."),
        (environment(is_shallow=True, commits=1), "git", Level.WARN, "shallow clone, commits: 1"),
        (replace(WELL, limits=Limits(trouble=Trouble("s", "unknown key 'x'"))), "settings", Level.ERROR, "unknown key"),
        (store_trouble("no-store"), "store", Level.INFO, "What happened."),
        (store_trouble("no-store", bundle=NO_BUNDLE), "store", Level.ERROR, "What happened."),
        (store_trouble("missing-extra"), "store", Level.INFO, "What happened."),
        (store_trouble("store-locked"), "store", Level.WARN, "What happened."),
        (store_trouble("store-unusable"), "store", Level.ERROR, "What happened."),
        (store_trouble("store-too-new"), "store", Level.ERROR, "What happened."),
        (history(reported_runs=19), "history", Level.ERROR, "19 runs with test results, fewer than 20"),
        (history(last_at=NOW - timedelta(days=8)), "freshness", Level.WARN, "8.0 days old"),
        (history(timeless_runs=3), "timestamps", Level.WARN, "3 runs have no time"),
        (history(untimed_case_runs=4000), "timestamps", Level.WARN, "10.0% of 40,000 results have no seconds"),
        (history(changeless_runs=100), "changes", Level.WARN, "25.0% of the runs"),
        (
            store(reports=(*WELL.store.reports, ReportCount("suboptimal", "N cases", 9, "s.xml"))),
            "reports",
            Level.INFO,
            "9 x N cases (s.xml)",
        ),
        (
            store(reports=(*WELL.store.reports, ReportCount("suboptimal", "x", 400, "s"))),
            "reports",
            Level.WARN,
            "50.0%",
        ),
        (store(reports=(*WELL.store.reports, ReportCount("invalid", "empty", 2, "i"))), "reports", Level.INFO, "0.5%"),
        (store(reports=(*WELL.store.reports, ReportCount("invalid", "empty", 40, "i"))), "reports", Level.WARN, "9.1%"),
        (store(reports=(ReportCount("invalid", "no XML", 9, "i"),)), "reports", Level.ERROR, "100.0% of 9 reports"),
        (store(steps=ExpiringSteps(7, 2, NOW - timedelta(days=88))), "steps", Level.WARN, "7 jobs of 2 GitHub runs"),
        (store(flaky=FlakyCount(20, 1000)), "flaky", Level.WARN, "20 of 1,000 cases (2.0%)"),
        (store(flaky=FlakyCount(0, 0)), "flaky", Level.INFO, "no case ran"),
        (store(flaky=FlakyCount(0, 9, is_branch_known=False)), "flaky", Level.WARN, "No default branch is known"),
        (replace(WELL, bundle=NO_BUNDLE), "bundle", Level.ERROR, "No forecast bundle."),
        (bundle(created_at=NOW - timedelta(days=16)), "bundle", Level.WARN, "16.0 of at most 30 days"),
        (bundle(history_runs=5), "bundle", Level.ERROR, "made from 5 runs"),
        (bundle(served_by="last-failed", reasons=("no gain",)), "serving", Level.INFO, "last-failed serves"),
        (bundle(failing_runs=30), "confidence", Level.WARN, "needs 72 failing runs in the backtest; there are 30"),
        (replace(history(failing_runs=3), bundle=NO_BUNDLE), "confidence", Level.WARN, "there are 3 in the history"),
        (replace(WELL, events=EventFacts("e", 2, pending=5)), "events", Level.INFO, "5 events in 2 files"),
        (replace(WELL, events=EventFacts("e", 2, complaints=1)), "events", Level.WARN, "1 lines in e"),
        (replace(WELL, ids=IdFacts(was_asked=True)), "ids", Level.INFO, "neither history nor forecast"),
        (replace(WELL, ids=IdFacts()), "ids", Level.INFO, "not compared"),
        (replace(WELL, ids=compared("history", match_ids([], IDS))), "ids", Level.WARN, "the collection is empty"),
        (replace(WELL, ids=compared("history", match_ids(IDS, IDS[:80]))), "ids", Level.WARN, "80.0% of 100"),
        (replace(WELL, ids=compared("forecast", match_ids(IDS, ["x"]))), "ids", Level.ERROR, "only in the forecast: x"),
        (
            replace(WELL, ids=IdFacts(was_asked=True, trouble=Trouble("c", "No pytest."))),
            "ids",
            Level.WARN,
            "No pytest.",
        ),
    ],
)
def test_a_check_fires(facts: Facts, check: str, level: Level, words: str) -> None:
    finding = worst(facts, check)
    assert (finding.level, words in finding.what) == (level, True), finding
    assert finding.remedy
    assert is_sound(examine(facts)) == all(one.level is not Level.ERROR for one in examine(facts))


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        pytest.param(history(untimed_case_runs=2000), "timestamps", id="some seconds missing"),
        pytest.param(history(changeless_runs=40), "changes", id="some changes unknown"),
        pytest.param(history(last_at=NOW - timedelta(days=7)), "freshness", id="a quiet week"),
        pytest.param(store(flaky=FlakyCount(10, 1000)), "flaky", id="one in a hundred"),
        pytest.param(bundle(created_at=NOW - timedelta(days=15)), "bundle", id="half its life"),
        pytest.param(bundle(failing_runs=72), "confidence", id="just enough failures"),
        pytest.param(replace(WELL, bundle=NO_BUNDLE), "confidence", id="enough failures in the history"),
        pytest.param(replace(WELL, ids=compared("history", match_ids(IDS, IDS[:97]))), "ids", id="a few new cases"),
    ],
)
def test_a_check_is_content_at_its_limit(facts: Facts, check: str) -> None:
    assert worst(facts, check).level is Level.OK


def test_without_a_history_its_checks_are_silent() -> None:
    checks = {finding.check for finding in examine(store_trouble("no-store"))}
    assert checks.isdisjoint({"history", "freshness", "timestamps", "reports", "changes", "steps", "flaky"})


def test_without_history_and_forecast_nothing_is_said_of_confidence() -> None:
    facts = store_trouble("no-store", bundle=NO_BUNDLE)
    assert [finding for finding in examine(facts) if finding.check == "confidence"] == []


def test_the_probable_cause_is_named() -> None:
    match = match_ids(IDS, [f"backend/{case_id}" for case_id in IDS])
    finding = worst(replace(WELL, ids=compared("history", match)), "ids")
    assert "another root folder" in finding.why


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_a_check_that_is_not_ok_says_why_and_what_to_do(check: Callable[..., object]) -> None:
    """Of an empty project, in which nearly everything is missing."""
    nothing = Facts(
        NOW,
        Environment("3.12", {}, git=Trouble("git-missing", "No git.")),
        Limits(),
        StoreFacts("h", Trouble("no-store", "No history.")),
        NO_BUNDLE,
        EventFacts("e"),
        IdFacts(),
    )
    findings = list(check(nothing))  # type: ignore[call-overload]  # a check gives findings
    assert all(one.level is Level.OK or one.remedy for one in findings)
