"""What the page of `report html` shows of forecasts, model versions and benchmarks; each may be missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from cipredict.errors import CipredictError
from cipredict.render.html.facts import Backtest, CaughtCurve, Measure, Series, Turn

if TYPE_CHECKING:
    from cipredict.forecast.bundle import Manifest
    from cipredict.records import BenchmarkRun
    from cipredict.render.html.facts import Columns
    from cipredict.settings import Settings

BUDGETS = (5, 10, 20, 30, 50)
_POLICIES = ("cipredict", "prior/time", "rules/time", "decay10/time", "last-failed", "random", "oracle")
"""Drawn of the backtest: more curves are a bush."""
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


def load_versions(settings: Settings, gaps: Gaps) -> Columns:
    """Give the registered versions, newest first; a folder without a registry is not made one."""
    columns: dict[str, list[object]] = {"number": [], "created_at": [], "aliases": [], "tags": []}
    if not os.environ.get("MLFLOW_TRACKING_URI") and not (settings.store.parent / "mlflow.db").exists():
        return columns
    try:
        from cipredict.cli.nightly import open_registry  # noqa: PLC0415

        versions = open_registry(settings, None).versions()
    except (CipredictError, ModuleNotFoundError) as error:
        gaps.note("versions", error)
        return columns
    for version in versions:
        columns["number"].append(version.number)
        columns["created_at"].append(datetime.fromtimestamp(version.created_at_ms / 1000, UTC))
        columns["aliases"].append(", ".join(version.aliases))
        columns["tags"].append("; ".join(f"{name}: {value}" for name, value in sorted(version.tags.items())))
    return columns


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
