"""Facts into findings: what is wrong, why it matters, and the command that remedies it. Pure.

A finding is an *error* only where it makes plans worthless: they would skip and balance nothing, or by wrong knowledge.
What makes them worse is a *warning*; what is merely good to know, *info*. A check that had something to look at gives a
finding even where all is well: silence never means health.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cipredict.decide.finding import Finding, Level
from cipredict.decide.health_facts import Facts, Package
from cipredict.decide.health_store import (
    DAY,
    check_changes,
    check_flaky,
    check_freshness,
    check_history,
    check_reports,
    check_steps,
    check_store,
    check_times,
)
from cipredict.decide.matching import Match
from cipredict.stats import fewest_trials

GOOD_MATCH, POOR_MATCH = 0.95, 0.5
CONFIDENCE = 0.95
"""The goal of `select-tests` where nobody names one."""


def examine(facts: Facts) -> list[Finding]:
    """Give the findings of every check, in the order of a report: from the machine to the plan."""
    return [finding for check in CHECKS for finding in check(facts)]


def is_sound(findings: Sequence[Finding]) -> bool:
    """Tell whether plans are worth something: no finding is an error."""
    return all(finding.level is not Level.ERROR for finding in findings)


def check_python(facts: Facts) -> Iterator[Finding]:
    """Say which Python runs this, and which libraries of which extra are missing."""
    yield Finding("python", Level.OK, f"Python {facts.environment.python}")
    for extra, packages in facts.environment.extras.items():
        missing = [package.name for package in packages if package.version is None]
        if missing:
            yield _missing(extra, missing, of=len(packages))
        else:
            yield Finding("packages", Level.OK, f"{extra or 'base'}: {', '.join(map(_spell, packages))}")


def _spell(package: Package) -> str:
    return f"{package.name} {package.version}"


def _missing(extra: str, missing: Sequence[str], *, of: int) -> Finding:
    names = ", ".join(missing)
    if not extra:
        why = "Commands of CI jobs need them; every plan is a fallback that runs everything."
        return Finding("packages", Level.ERROR, f"base: {names} missing", why, "pip install cipredict")
    level = Level.INFO if len(missing) == of or extra == "otel" else Level.WARN
    why = "The nightly job needs them; CI jobs do not." if extra != "otel" else "Only `export otel` needs them."
    return Finding("packages", level, f"{extra}: {names} missing", why, f"pip install 'cipredict[{extra}]'")


def check_ci(facts: Facts) -> Iterator[Finding]:
    """Say whether the CI system was recognised."""
    provider = facts.environment.provider
    if provider:
        yield Finding("ci", Level.OK, f"{provider} recognised")
    else:
        why = "Run, commit and branch of reports come from the CI environment."
        yield Finding("ci", Level.INFO, "no CI system recognised", why, "outside of CI give --run-id, --sha, --branch")


def check_git(facts: Facts) -> Iterator[Finding]:
    """Say whether git can tell what changed."""
    environment = facts.environment
    if environment.git:
        why = "Nobody can tell what changed; without --changed or --diff every case runs."
        remedy = environment.git.hint or "run inside a git checkout"
        yield Finding("git", Level.WARN, environment.git.message, why, remedy)
    elif environment.is_shallow:
        what = f"shallow clone, commits: {environment.commits}"
        why = "Where the base is out of reach nobody can tell what changed, and every case runs."
        yield Finding("git", Level.WARN, what, why, "actions/checkout with fetch-depth: 0, or git fetch --unshallow")
    else:
        yield Finding("git", Level.OK, f"whole clone, commits: {environment.commits}")


def check_settings(facts: Facts) -> Iterator[Finding]:
    """Say whether the settings can be read."""
    limits = facts.limits
    if limits.trouble:
        why = "Every command stops with exit 2, and no plan is made."
        remedy = "correct [tool.cipredict] in pyproject.toml"
        yield Finding("settings", Level.ERROR, limits.trouble.message, why, remedy)
    else:
        yield Finding("settings", Level.OK, f"from {limits.source}")


def check_confidence(facts: Facts) -> Iterator[Finding]:
    """Say whether there are failing runs enough to promise that most of them are caught.

    The backtest counts those of its holdout; before the first one, no more than the whole history has.
    """
    wanted = fewest_trials(CONFIDENCE)
    if not facts.bundle.trouble:
        found, where = facts.bundle.failing_runs, "in the backtest"
    elif facts.store.history:
        found, where = facts.store.history.failing_runs, "in the history"
    else:
        return
    if found >= wanted:
        yield Finding(
            "confidence", Level.OK, f"{found} failing runs {where}; --confidence {CONFIDENCE:.0%} needs {wanted}"
        )
        return
    what = f"--confidence {CONFIDENCE:.0%} needs {wanted} failing runs in the backtest; there are {found} {where}"
    remedy = f"ingest {wanted - found} more or older ones, or select with --target or --time until then"
    yield Finding("confidence", Level.WARN, what, "Until then this goal, the default, runs everything.", remedy)


_BUNDLE_REMEDIES = {
    "forecast-missing": "cipredict train, or restore the bundle from the cache or artifact",
    "forecast-foreign": "cipredict publish in this repository, or correct `repository` in [tool.cipredict]",
    "forecast-stale": "let the nightly job run cipredict train",
}


def check_bundle(facts: Facts) -> Iterator[Finding]:
    """Say whether CI jobs can use the published forecast, and who serves in it."""
    bundle = facts.bundle
    if bundle.trouble:
        why = "CI jobs fall back: every case runs, shards are split evenly."
        remedy = _BUNDLE_REMEDIES.get(bundle.trouble.slug, "cipredict publish, with the version that CI jobs use")
        yield Finding("bundle", Level.ERROR, bundle.trouble.message, why, remedy)
        return
    yield _age(facts)
    if bundle.history_runs < facts.limits.min_history_runs:
        what = f"made from {bundle.history_runs} runs, fewer than {facts.limits.min_history_runs}"
        yield Finding("bundle", Level.ERROR, what, "With so few nothing is skipped.", "ingest more runs, then train")
    if bundle.served_by == "cipredict":
        yield Finding("serving", Level.OK, "the learned ensemble serves failure forecasts")
    else:
        what = (
            f"the baseline {bundle.served_by} serves failure forecasts: {'; '.join(bundle.reasons) or 'no model yet'}"
        )
        why = "The ensemble has not beaten it on this history; plans are as good as the baseline."
        yield Finding("serving", Level.INFO, what, why, "cipredict backtest shows both")


def _age(facts: Facts) -> Finding:
    bundle, limit = facts.bundle, facts.limits.max_forecast_age_days
    age = (facts.now - bundle.created_at) / DAY if bundle.created_at else 0.0
    what = f"{bundle.path}: {bundle.cases:,} cases, {age:,.1f} of at most {limit:g} days old, checksums good"
    if age <= limit / 2:
        return Finding("bundle", Level.OK, what)
    return Finding("bundle", Level.WARN, what, "Too old, it is refused, and every case runs.", "cipredict train")


def check_events(facts: Facts) -> Iterator[Finding]:
    """Say what CI jobs remembered and nobody has taken in."""
    events = facts.events
    if events.complaints:
        what = f"{events.complaints} lines in {events.folder} are no events"
        why = "Plans that cannot be read are missing from the ledger."
        yield Finding("events", Level.WARN, what, why, "cipredict ingest events names the lines")
    if events.pending:
        what = f"{events.pending} events in {events.files} files of {events.folder} are not in the history"
        why = "Until then `report ledger` cannot hold those plans against what happened."
        yield Finding("events", Level.INFO, what, why, "cipredict ingest events")
    if not events.complaints and not events.pending:
        yield Finding("events", Level.OK, "every event is in the history")


def check_ids(facts: Facts) -> Iterator[Finding]:
    """Say whether the collection, the history and the forecast call the cases alike."""
    ids = facts.ids
    if ids.trouble:
        why = "Whether history and collection call the cases alike is unknown."
        yield Finding("ids", Level.WARN, ids.trouble.message, why, ids.trouble.hint or "pytest --collect-only")
    elif not ids.was_asked:
        yield Finding("ids", Level.INFO, "not compared with a collection", remedy="cipredict doctor --collect")
    elif not ids.matches:
        what = "there is neither history nor forecast to compare a collection with"
        yield Finding("ids", Level.INFO, what, remedy="cipredict ingest history DIR, or restore the forecast")
    for source, match in ids.matches.items():
        yield _compared(source, match)


def _compared(source: str, match: Match) -> Finding:
    if not match.candidates:
        why = "There is nothing to select."
        return Finding("ids", Level.WARN, "the collection is empty", why, "check the command that made it")
    what = f"{match.share:.1%} of {match.candidates:,} collected cases are known to the {source}"
    if match.share >= GOOD_MATCH:
        return Finding("ids", Level.OK, what)
    sides = [f"only collected: {', '.join(match.only_collected)}"]
    if match.only_reported:
        sides.append(f"only in the {source}: {', '.join(match.only_reported)}")
    why = f"Probably {match.cause}. Unknown cases always run, and their seconds are guessed."
    level = Level.ERROR if match.share < POOR_MATCH else Level.WARN
    return Finding("ids", level, f"{what}; {'; '.join(sides)}", why, "see docs/formats.md, One id per case")


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    check_python,
    check_ci,
    check_git,
    check_settings,
    check_store,
    check_history,
    check_freshness,
    check_times,
    check_reports,
    check_changes,
    check_steps,
    check_flaky,
    check_events,
    check_bundle,
    check_confidence,
    check_ids,
)
"""Every check, in the order of a report."""
