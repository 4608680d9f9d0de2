"""Checks of the history: can it be read, is it deep, fresh and complete enough to learn from? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cipredict.decide.finding import Finding, Level
from cipredict.decide.health_facts import BundleFacts, Facts, History, StoreFacts

DAY = timedelta(days=1)
QUIET_DAYS = 7
"""A nightly job that has not run for so long does not run."""


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


_STORE_REMEDIES = {
    "no-store": "cipredict ingest history DIR, or cipredict ingest junit PATH",
    "missing-extra": "pip install 'cipredict[store]'",
    "store-locked": "wait for that process, then run cipredict doctor again",
    "store-too-new": "pip install --upgrade cipredict",
    "store-foreign": "give another --store",
}


def check_store(facts: Facts) -> Iterator[Finding]:
    """Say whether the history can be opened."""
    store = facts.store
    if store.trouble is None:
        what = f"{store.path}: schema {store.version}, {store.size_bytes / 1e6:,.1f} MB"
        yield Finding("store", Level.OK, what)
        return
    remedy = _STORE_REMEDIES.get(store.trouble.slug, "restore a copy, or delete the file and ingest again")
    level = _trouble_level(store, facts.bundle)
    yield Finding("store", level, store.trouble.message, "The nightly job learns from it.", remedy)


def _trouble_level(store: StoreFacts, bundle: BundleFacts) -> Level:
    """Rate a history out of reach: a CI job has none and needs none, but a broken one ends all learning."""
    slug = store.trouble.slug if store.trouble else ""
    if slug == "no-store":
        return Level.ERROR if bundle.trouble else Level.INFO
    if slug == "missing-extra":
        return Level.INFO
    return Level.WARN if slug == "store-locked" else Level.ERROR


def check_history(facts: Facts) -> Iterator[Finding]:
    """Say how deep the history is, and what it still lacks for a selection with confidence."""
    history = facts.store.history
    if history is None:
        return
    if history.reported_runs < facts.limits.min_history_runs:
        what = f"{history.reported_runs} runs with test results, fewer than {facts.limits.min_history_runs}"
        remedy = "cipredict ingest history DIR, or ingest junit in every run"
        yield Finding("history", Level.ERROR, what, "With so few nothing is skipped.", remedy)
        return
    days = (history.last_at - history.first_at) / DAY if history.last_at and history.first_at else 0.0
    what = f"{history.reported_runs} runs with test results in {days:,.0f} days, {history.failing_runs} failing"
    yield Finding("history", Level.OK, what)


def check_freshness(facts: Facts) -> Iterator[Finding]:
    """Say how old the newest run is."""
    history = facts.store.history
    if history is None or history.last_at is None:
        return
    age = (facts.now - history.last_at) / DAY
    what = f"the last run with test results is {age:,.1f} days old"
    if age <= QUIET_DAYS:
        yield Finding("freshness", Level.OK, what)
    else:
        why = "Plans know nothing of what happened since; the nightly job may have stopped."
        yield Finding(
            "freshness", Level.WARN, what, why, "cipredict ingest junit PATH, and look at the nightly workflow"
        )


def check_times(facts: Facts) -> Iterator[Finding]:
    """Say what lacks a time."""
    history = facts.store.history
    if history is None:
        return
    findings = list(_missing_times(history))
    yield from findings or [Finding("timestamps", Level.OK, "every run has its time, results have seconds")]


def _missing_times(history: History) -> Iterator[Finding]:
    if history.timeless_runs:
        what = f"{history.timeless_runs} runs have no time: only their reports are known"
        why = "No query and no forecast sees a run that nobody can place in time."
        yield Finding("timestamps", Level.WARN, what, why, "ingest the runs themselves: runs.csv, or the CI's API")
    untimed = _share(history.untimed_case_runs, history.case_runs)
    if untimed > 0.05:
        what = f"{untimed:.1%} of {history.case_runs:,} results have no seconds"
        why = "Shards are balanced by seconds; the missing ones are guessed from neighbours."
        yield Finding(
            "timestamps", Level.WARN, what, why, "let the test runner write times, e.g. junit_duration_report"
        )


def check_reports(facts: Facts) -> Iterator[Finding]:
    """Say how many reports could be used, and why not."""
    reports = facts.store.reports
    total = sum(report.files for report in reports)
    if not total:
        return
    findings = []
    for status in ("invalid", "suboptimal"):
        poor = [report for report in reports if report.status == status]
        if poor:
            share = _share(sum(report.files for report in poor), total)
            reasons = "; ".join(f"{report.files} x {report.reason} ({report.example})" for report in poor[:3])
            what = f"{share:.1%} of {total:,} reports are {status}: {reasons}"
            findings.append(Finding("reports", _report_level(status, share), what, *_REPORT_ADVICE[status]))
    yield from findings or [Finding("reports", Level.OK, f"{total:,} reports, all valid")]


_REPORT_ADVICE = {
    "invalid": ("They were skipped, and what they held is not known.", "correct the step that writes or uploads them"),
    "suboptimal": ("They were stored with what could be saved.", "see docs/formats.md for what is missing"),
}


def _report_level(status: str, share: float) -> Level:
    if status == "suboptimal":
        return Level.INFO if share <= 0.2 else Level.WARN
    if share > 0.5:
        return Level.ERROR
    return Level.WARN if share > 0.01 else Level.INFO


def check_changes(facts: Facts) -> Iterator[Finding]:
    """Say of how many runs the change is known."""
    history = facts.store.history
    if history is None or not history.reported_runs:
        return
    share = _share(history.changeless_runs, history.reported_runs)
    what = f"the change of {share:.1%} of the runs with test results is unknown"
    if share <= 0.1:
        yield Finding("changes", Level.OK, what)
    else:
        why = "What cases a change breaks is learned from runs whose change is known."
        yield Finding("changes", Level.WARN, what, why, "ingest junit with --base in a checkout with fetch-depth: 0")


def check_steps(facts: Facts) -> Iterator[Finding]:
    """Say which steps GitHub is about to drop."""
    steps = facts.store.steps
    if steps is None:
        return
    if not steps.jobs:
        yield Finding("steps", Level.OK, "no GitHub run is about to lose steps that are not stored")
        return
    oldest = f"{steps.oldest_at:%Y-%m-%d}" if steps.oldest_at else "?"
    what = f"{steps.jobs} jobs of {steps.runs} GitHub runs are stored without steps and 75 to 90 days old ({oldest})"
    why = "GitHub drops steps 88 to 90 days after the run; what is not fetched now is lost."
    yield Finding("steps", Level.WARN, what, why, "cipredict ingest github --repo OWNER/NAME --since 90d")


def check_flaky(facts: Facts) -> Iterator[Finding]:
    """Say how flaky the suite is."""
    flaky = facts.store.flaky
    if flaky is None:
        return
    if not flaky.cases:
        what = "no case ran in the last 90 days: nothing can be said of flakiness"
        yield Finding("flaky", Level.INFO, what, remedy="cipredict ingest junit PATH")
        return
    if not flaky.is_branch_known:
        why = "Which cases are broken or newly failing is told from the runs of that branch."
        remedy = "set default_branch, or ingest with --branch and --event"
        yield Finding("flaky", Level.WARN, "No default branch is known: set default_branch", why, remedy)
    share = _share(flaky.flaky, flaky.cases)
    what = f"{flaky.flaky} of {flaky.cases:,} cases ({share:.1%}) are flaky"
    if share <= 0.01:
        yield Finding("flaky", Level.OK, what)
    else:
        why = "Failures by chance are noise in what is learned, and turn good changes red."
        yield Finding("flaky", Level.WARN, what, why, "cipredict flaky --quarantine quarantine.json")
