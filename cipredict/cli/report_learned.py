"""What the page of `report html` shows of forecasts, model versions and benchmarks; each may be missing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from cipredict.errors import CipredictError
from cipredict.render.html.facts import Backtest, CaughtCurve, Measure, Series, Turn, columns_of

if TYPE_CHECKING:
    from cipredict.forecast.bundle import Manifest
    from cipredict.learn.registry import Version
    from cipredict.records import BenchmarkRun
    from cipredict.render.html.facts import Columns
    from cipredict.settings import Settings

BUDGETS = (5, 10, 20, 30, 50)
_POLICIES = ("cipredict", "prior/time", "rules/time", "decay10/time", "last-failed", "random", "oracle")
"""Drawn of the backtest: more curves are a bush."""
_CALIBRATION = ("low", "high", "cases", "forecast", "observed")
_PROMISE = ("promised", "runs", "missed", "low", "high", "mean_share")
_BACKTESTS = ("version", "created_at", "forecast", "measure", "policy", "value")
_HEADLINES = {"failure": ("caught_20", "apfdc"), "case_time": ("wape",), "run_time": ("wape",)}
"""What versions are compared by."""
_JUDGED_VERSIONS = 60
_SPAN = timedelta(days=730)
_SERIES = 300
EMPTY = {
    "runs": ("Nothing was ingested yet: how to,", "cipredict ingest --help"),
    "queue": ("No source told how long jobs waited: an ingest of the API of GitHub or GitLab does.", ""),
    "jobs": (
        "No job with both times is known: an ingest of the API of GitHub or GitLab tells,",
        "cipredict ingest github --help",
    ),
    "cases": ("No test report was ingested yet: how to,", "cipredict ingest junit --help"),
    "ledger": ("No plan of select-tests was taken in yet: how to,", "cipredict ingest events .cipredict/events"),
    "backtest": ("No forecast is published yet: how to,", "cipredict train"),
    "bands": (
        "No workflow ran twice with a known start and end: an ingest of its runs tells,",
        "cipredict ingest --help",
    ),
    "calibration": (
        "The published forecast holds no calibration: a version trained by this cipredict does,",
        "cipredict train",
    ),
    "reliability": (
        "No plan with probabilities was followed by results of its own run: take both in,",
        "cipredict ingest events .cipredict/events",
    ),
    "shards": (
        "No shard plan was taken in yet: `cipredict shard` leaves one in the event files of its job,",
        "cipredict ingest events .cipredict/events",
    ),
    "caches": (
        "No restore or save of a cache is known: `cipredict cache restore` remembers them, and job logs tell,",
        "cipredict ingest cache-logs --help",
    ),
    "cache_stages": (
        "No cache is described in pyproject.toml, so that the git history cannot be replayed: how to,",
        "cipredict cache advise --help",
    ),
    "gates": (
        "No gate was decided yet: `cipredict gate` leaves its decisions in the event files of its job,",
        "cipredict ingest events .cipredict/events",
    ),
    "performance": ("No benchmark was recorded yet: how to,", "cipredict perf record --help"),
    "deployments": ("No deployment was taken in yet: how to,", "cipredict ingest events .cipredict/events"),
    "versions": ("No model version is registered yet: how to,", "cipredict train"),
}
"""Part of the page → why it has nothing to show, and what to do."""


@dataclass(slots=True)
class Gaps:
    """Parts of the page that could not be had, and why."""

    words: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(EMPTY))

    def note(self, part: str, error: CipredictError | ModuleNotFoundError) -> None:
        """Remember why a part is empty."""
        if isinstance(error, ModuleNotFoundError):
            self.words[part] = (f"{error.name} is not installed:", "pip install 'cipredict[learn,perf]'")
        else:
            self.words[part] = (error.message, self.words[part][1])


def load_manifest(settings: Settings, gaps: Gaps) -> Manifest | None:
    """Give the front page of the published forecast."""
    from cipredict.forecast.bundle import open_bundle  # noqa: PLC0415

    if not settings.forecast.exists():
        return None
    try:
        return open_bundle(settings.forecast).manifest
    except CipredictError as error:
        gaps.note("backtest", error)
        return None


def backtest_of(manifest: Manifest) -> Backtest | None:
    """Give the curves of the failure forecast, None where it has no figures."""
    served = manifest.served.get("failure")
    if served is None or not served.metrics:
        return None
    curves = tuple(
        CaughtCurve(name, tuple(served.metrics[name].get(f"caught_{budget}") for budget in BUDGETS))
        for name in _POLICIES
        if name in served.metrics
    )
    return Backtest(served.by, tuple(budget / 100 for budget in BUDGETS), curves, manifest.needed_shares)


def measures_of(manifest: Manifest) -> Iterator[Measure]:
    """Give every figure of the holdout, who serves first."""
    for forecast, served in sorted(manifest.served.items()):
        for policy, measures in sorted(served.metrics.items(), key=lambda item: (item[0] != served.by, item[0])):
            for name, value in sorted(measures.items()):
                yield Measure(forecast, policy, name, value, policy == served.by)


def load_checks(settings: Settings, gaps: Gaps) -> tuple[Columns, Columns]:
    """Give the backtest's calibration of probabilities, and the confidences that it promised and kept."""
    from cipredict.forecast.bundle import CHECKS, open_bundle  # noqa: PLC0415

    try:
        bundle = open_bundle(settings.forecast)
        checks = json.loads(bundle.read(CHECKS)) if bundle.has(CHECKS) else {}
    except CipredictError as error:
        gaps.note("calibration", error)
        checks = {}
    promises = ([row.get(name) for name in _PROMISE] for row in checks.get("promises", []))
    return columns_of(_CALIBRATION, checks.get("calibration", [])), columns_of(_PROMISE, promises)


def load_versions(settings: Settings, gaps: Gaps) -> tuple[Columns, Columns]:
    """Give the registered versions, newest first, and what their trainings measured.

    A folder without a registry is not made one.
    """
    columns: dict[str, list[object]] = {"number": [], "created_at": [], "aliases": [], "tags": []}
    nothing = columns_of(_BACKTESTS, ())
    if not os.environ.get("MLFLOW_TRACKING_URI") and not (settings.store.parent / "mlflow.db").exists():
        return columns, nothing
    try:
        from cipredict.cli.nightly import open_registry  # noqa: PLC0415

        registry = open_registry(settings, None)
        versions = registry.versions()
    except (CipredictError, ModuleNotFoundError) as error:
        gaps.note("versions", error)
        return columns, nothing
    for version in versions:
        columns["number"].append(version.number)
        columns["created_at"].append(_registered_at(version))
        columns["aliases"].append(", ".join(version.aliases))
        columns["tags"].append("; ".join(f"{name}: {value}" for name, value in sorted(version.tags.items())))
    judged = (row for version in versions[:_JUDGED_VERSIONS] for row in headlines(version, registry.metrics(version)))
    return columns, columns_of(_BACKTESTS, judged)


def _registered_at(version: Version) -> datetime:
    return datetime.fromtimestamp(version.created_at_ms / 1000, UTC)


def headlines(version: Version, metrics: Mapping[str, float]) -> Iterator[tuple[object, ...]]:
    """Give a row per policy and headline measure, the registry's names taken apart: `failure.prior/time.apfdc`."""
    for key, value in sorted(metrics.items()):
        forecast, _, rest = key.partition(".")
        policy, _, measure = rest.rpartition(".")
        if measure in _HEADLINES.get(forecast, ()):
            yield version.number, _registered_at(version), forecast, measure, policy, value


def load_series(settings: Settings, now: datetime, gaps: Gaps) -> tuple[Series, ...]:
    """Give the benchmarks of two years, those with the latest change for the worse first."""
    from cipredict.cli.perf_recording import load_pairs  # noqa: PLC0415

    try:
        pairs = load_pairs(settings, (), since=now - _SPAN, until=now)
        from cipredict.perf.history import find_turns  # noqa: PLC0415  # scipy

        runs = [pair.head for pair in pairs]
        turns: dict[str, list[Turn]] = {}
        for turn in find_turns(runs):
            first = turn.first_bad.sha[:10] or turn.first_bad.job
            turns.setdefault(turn.series, []).append(Turn(turn.since or now, turn.change, turn.is_worse, first))
    except ModuleNotFoundError as error:
        gaps.note("performance", error)
        return ()
    except CipredictError:  # nothing was recorded, which is what the page says anyway
        return ()
    return tuple(_in_order(_measured(runs), turns))[:_SERIES]


def _measured(runs: Sequence[BenchmarkRun]) -> dict[str, tuple[str, list[tuple[datetime, float]]]]:
    """Give unit and medians by series, in the order of time."""
    found: dict[str, tuple[str, list[tuple[datetime, float]]]] = {}
    for run in runs:
        for record in run.records:
            values = [value for process in record.processes for value in process]
            if values and run.measured_at:
                found.setdefault(record.series, (record.unit, []))[1].append((run.measured_at, median(values)))
    return found


def _in_order(
    measured: Mapping[str, tuple[str, list[tuple[datetime, float]]]], turns: Mapping[str, Sequence[Turn]]
) -> Iterator[Series]:
    def urgency(name: str) -> tuple[float, str]:
        worse = [turn.at.timestamp() for turn in turns.get(name, ()) if turn.is_worse]
        return -max(worse, default=0.0), name

    for name in sorted(measured, key=urgency):
        unit, points = measured[name]
        at, values = zip(*points, strict=True)
        yield Series(name, unit, at, values, tuple(turns.get(name, ())))
