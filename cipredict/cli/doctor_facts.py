"""What `doctor` looks at besides the history: environment, settings, forecast, ids. Edges; nothing is judged here."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path

from cipredict.act.git import describe_clone
from cipredict.cli.environment import ci_run
from cipredict.cli.inputs import read_candidates
from cipredict.decide.health_facts import BundleFacts, Environment, IdFacts, Limits, Package, Trouble
from cipredict.decide.matching import match_ids
from cipredict.errors import ChangeUnknown, CipredictError, ForecastUnusable, InputError, SettingsError
from cipredict.forecast.bundle import Bundle, check_fit, open_bundle
from cipredict.settings import Settings, read_settings

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*extra\s*==\s*['\"](?P<extra>\w+)['\"])?")
_EXTRAS = ("", "store", "learn", "otel")
"""Those that commands need; the others are for developers."""


def trouble_of(error: CipredictError) -> Trouble:
    """Keep what an error says, without raising it."""
    return Trouble(error.slug, error.message, error.hint)


def read_limits(folder: Path, environment: Mapping[str, str]) -> tuple[Settings, Limits]:
    """Give the settings, or the defaults with the reason why they cannot be read."""
    try:
        settings = read_settings(folder, environment)
    except SettingsError as error:
        return Settings(), Limits(trouble=trouble_of(error))
    limits = Limits(
        settings.source,
        max_forecast_age_days=settings.max_forecast_age_days,
        min_history_runs=settings.min_history_runs,
    )
    return settings, limits


def describe_environment(folder: Path) -> Environment:
    """Say where this runs."""
    run = ci_run()
    git, is_shallow, commits = None, False, 0
    try:
        clone = describe_clone(cwd=folder)
        is_shallow, commits = clone.is_shallow, clone.commits
    except ChangeUnknown as error:
        git = trouble_of(error)
    return Environment(
        python=platform.python_version(),
        extras=installed_extras(),
        provider=run.provider if run else "",
        git=git,
        is_shallow=is_shallow,
        commits=commits,
    )


def installed_extras() -> dict[str, tuple[Package, ...]]:
    """Give the libraries that each extra asks for; nothing where this is no installed package."""
    found: dict[str, list[Package]] = {}
    try:
        requirements = metadata.requires("cipredict") or []
    except metadata.PackageNotFoundError:
        requirements = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != "cipredict":
            found.setdefault(match["extra"] or "", []).append(Package(match["name"], _version(match["name"])))
    return {extra: tuple(found[extra]) for extra in _EXTRAS if extra in found}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def examine_bundle(settings: Settings, now: datetime) -> tuple[BundleFacts, Sequence[str]]:
    """Look at the forecast as a CI job would, and at every entry; also give the cases that it knows."""
    path = str(settings.forecast)
    try:
        bundle = open_bundle(settings.forecast)
        bundle.check_entries()
        run = ci_run()
        repository = settings.repository or (run.repository if run else "")
        check_fit(bundle, repository=repository, now=now, max_age_days=settings.max_forecast_age_days)
        case_ids = bundle.case_ids()
    except ForecastUnusable as error:
        return BundleFacts(path, trouble_of(error)), ()
    return _describe(bundle, path, cases=len(case_ids)), case_ids


def _describe(bundle: Bundle, path: str, *, cases: int) -> BundleFacts:
    manifest = bundle.manifest
    served = manifest.served["failure"]
    return BundleFacts(
        path,
        created_at=manifest.created_at,
        history_runs=manifest.history_runs,
        failing_runs=len(manifest.needed_shares),
        served_by=served.by,
        reasons=served.reasons,
        cases=cases,
    )


def compare_ids(known: Mapping[str, Sequence[str]], *, candidates: str | None, collect: bool) -> IdFacts:
    """Compare the collection with what each source knows.

    A collection that fails is a fact; a file of candidates that cannot be read is the user's mistake.
    """
    if candidates is None and not collect:
        return IdFacts()
    try:
        ids = read_candidates(candidates, collect=collect, known=False) or ()
    except InputError as error:
        if not collect:
            raise
        return IdFacts(was_asked=True, trouble=trouble_of(error))
    matches = {source: match_ids(ids, case_ids) for source, case_ids in known.items() if case_ids}
    return IdFacts(was_asked=True, matches=matches)
