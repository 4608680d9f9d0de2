"""What the page of `report html` is made of, asked of the store; `report_learned` adds what was learned from it.

Whatever is missing leaves its part of the page empty, with the command that fills it: a report of half a history is a
report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cipredict.cli.report_bands import NO_BANDS, load_bands
from cipredict.cli.report_learned import (
    Gaps,
    backtest_of,
    load_checks,
    load_manifest,
    load_series,
    load_versions,
    measures_of,
)
from cipredict.cli.report_operations import load_cache_stages, needs_of
from cipredict.render.html.facts import PageFacts, Waterfall

if TYPE_CHECKING:
    from cipredict.decide.flaky import CaseFlakiness
    from cipredict.forecast.bundle import Manifest
    from cipredict.render.html.facts import Columns
    from cipredict.settings import Settings
    from cipredict.store.database import Store

WATERFALLS = 30
FLAKY_SPAN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back the page looks: runs that it lists, runs whose cases it adds up; and what caches may hold."""

    runs: int
    case_runs: int
    quota_bytes: int


def gather(settings: Settings, now: datetime, reach: Reach) -> PageFacts:
    """Ask everything."""
    from cipredict import __version__  # noqa: PLC0415
    from cipredict.store import report  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.queries import load_ledger  # noqa: PLC0415

    gaps = Gaps()
    manifest = load_manifest(settings, gaps)
    with open_store(settings.store, read_only=True) as door:
        runs = report.load_listed_runs(door, now, last_runs=reach.runs).to_pydict()
        unit = unit_of(runs)
        waterfalls = tuple(_waterfalls(door, runs, now, manifest))
        cases = report.load_case_trends(door, now, last_runs=reach.case_runs).to_pydict()
        tables = {
            "periods": report.load_periods(door, now, unit=unit),
            "jobs": report.load_job_times(door, now, last_runs=reach.runs),
            "ledger": load_ledger(door, now),
            "deployments": report.load_deployments(door, now),
            "reliability": report.load_reliability(door, now),
            "shards": report.load_shard_balance(door, now),
            "caches": report.load_cache_periods(door, now, unit=unit),
            "cache_room": report.load_cache_room(door, now, unit=unit),
            "gates": report.load_gates(door, now),
        }
        bands, band_coverage = _bands(door, settings, now, unit=unit, gaps=gaps)
    flaky = _flaky(settings, runs, now)
    calibration, promises = load_checks(settings, gaps)
    versions, backtests = load_versions(settings, gaps)
    return PageFacts(
        project=settings.repository or _project(runs),
        made_at=now,
        version=__version__,
        unit=unit,
        case_runs=min(reach.case_runs, sum(bool(results) for results in runs["results"])),
        runs=runs,
        cases={**cases, **_flaky_columns(cases, flaky)},
        **{name: table.to_pydict() for name, table in tables.items()},
        bands=bands,
        band_coverage=band_coverage,
        calibration=calibration,
        promises=promises,
        cache_stages=load_cache_stages(settings, gaps, quota_bytes=reach.quota_bytes),
        quota_bytes=reach.quota_bytes,
        versions=versions,
        backtests=backtests,
        flaky=sum(case.standing.value == "flaky" for case in flaky.values()),
        waterfalls=waterfalls,
        series=load_series(settings, now, gaps),
        backtest=backtest_of(manifest) if manifest else None,
        measures=tuple(measures_of(manifest)) if manifest else (),
        empty=gaps.words,
    )


def _bands(door: Store, settings: Settings, now: datetime, *, unit: str, gaps: Gaps) -> tuple[Columns, float | None]:
    try:
        return load_bands(door, settings, now, unit=unit)
    except ModuleNotFoundError as error:
        gaps.note("bands", error)
        return NO_BANDS, None


def unit_of(runs: Columns) -> str:
    """Give the period that makes readable curves of that time: at most some 150 points, where there are years."""
    ended = [at for at in runs["ended"] if isinstance(at, datetime)]
    days = (max(ended) - min(ended)).days if ended else 0
    return "day" if days <= 120 else "week" if days <= 900 else "month"


def _waterfalls(door: Store, runs: Columns, now: datetime, manifest: Manifest | None) -> Iterator[Waterfall]:
    """Give the latest runs with jobs, the latest first."""
    from cipredict.render.html.waterfall import waterfall_of  # noqa: PLC0415
    from cipredict.store.traces import load_traced_runs  # noqa: PLC0415

    ended = [at for at, jobs in zip(runs["ended"], runs["jobs"], strict=True) if jobs][:WATERFALLS]
    oldest = ended[-1] if ended else now
    found = load_traced_runs(door, since=oldest if isinstance(oldest, datetime) else now, until=now)
    bars = (waterfall_of(run, jobs, needs_of(manifest, run.workflow)) for run, jobs in reversed(list(found)))
    yield from (one for one in bars if one)


def _flaky(settings: Settings, runs: Columns, now: datetime) -> dict[str, CaseFlakiness]:
    """Judge the cases of the last 90 days of the history, however old it is."""
    from cipredict.cli.flaky import judge  # noqa: PLC0415

    last = next((at for at in runs["ended"] if isinstance(at, datetime)), now)
    return {case.case_id: case for case in judge(settings, since=last - FLAKY_SPAN, until=now).cases}


def _flaky_columns(cases: Columns, flaky: dict[str, CaseFlakiness]) -> Columns:
    judged = [flaky.get(str(case_id)) for case_id in cases["case_id"]]
    return {
        "standing": [one.standing.value if one else "" for one in judged],
        "flaky_low": [one.low if one and one.flaky_failures else None for one in judged],
    }


def _project(runs: Columns) -> str:
    return next((str(name) for name in runs["repository"] if name), "This project")
