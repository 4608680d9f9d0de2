"""How the project delivers, for gates: DORA's four figures and how its pipeline runs, of the last 90 days.

What nobody measured gives no metric, so that a gate on it says so instead of passing on a made-up zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from cipredict.measures import METRICS_SCHEMA

SPAN = timedelta(days=90)
PRODUCTION = ("production", "prod", "live")
"""Names of the environment that DORA's figures are about, where a project has one of them."""
_DAY_S = 86_400.0
_Row = Mapping[str, Any]  # Any: columns of a query


class Delivered(NamedTuple):
    """Rows of the history up to `as_of`, in the order of time.

    Attributes
    ----------
    runs : of `load_alert_runs`
    deployments : of `load_deployments`
    cache_hits : of `load_alert_caches`
    flaky_cases, cases : known flaky ones, and all that ran
    """

    runs: Sequence[_Row]
    deployments: Sequence[_Row]
    cache_hits: Sequence[_Row]
    flaky_cases: int
    cases: int


class Figure(NamedTuple):
    """One metric as `cipredict.metrics/1` spells it; seconds in s, shares in percent."""

    name: str
    value: float
    unit: str
    reason: str


def summarise_delivery(delivered: Delivered, *, as_of: datetime, default_branch: str) -> list[Figure]:
    """Give every figure of the last 90 days that something was measured of."""
    since = as_of - SPAN
    runs = [row for row in delivered.runs if row["at"] >= since]
    hits = [row["is_hit"] for row in delivered.cache_hits if row["at"] >= since]
    figures = [*_of_runs(runs, default_branch), *_of_environments(delivered.deployments, since, as_of=as_of)]
    if delivered.cases:
        share = 100 * delivered.flaky_cases / delivered.cases
        figures.append(Figure("pipeline.flaky_share", share, "%", f"of {_count(delivered.cases, 'case')}"))
    if hits:
        figures.append(
            Figure("pipeline.cache_hit_rate", 100 * sum(hits) / len(hits), "%", _count(len(hits), "look-up"))
        )
    return figures


def to_document(figures: Sequence[Figure]) -> dict[str, object]:
    """Give the figures as a file of metrics."""
    return {"schema": METRICS_SCHEMA, "metrics": [figure._asdict() for figure in figures]}


def _of_runs(runs: Sequence[_Row], default_branch: str) -> Iterator[Figure]:
    """Success counts on the default branch, where red is bad; seconds are of runs that came to their end."""
    judged = [row for row in runs if row["branch"] == default_branch] if default_branch else runs
    if judged:
        share = 100 * sum(row["result"] == "success" for row in judged) / len(judged)
        where = f" on {default_branch}" if default_branch else ""
        yield Figure("pipeline.success_rate", share, "%", f"of {_count(len(judged), 'run')}{where}")
    seconds = [row["duration_s"] for row in runs if row["result"] == "success" and row["duration_s"] is not None]
    waits = [row["queued_s"] for row in runs if row["queued_s"] is not None]
    if seconds:
        reason = _count(len(seconds), "successful run")
        yield Figure("pipeline.p50_seconds", float(np.quantile(seconds, 0.5)), "s", reason)
        yield Figure("pipeline.p90_seconds", float(np.quantile(seconds, 0.9)), "s", reason)
    if waits:
        yield Figure("pipeline.queue_p90_seconds", float(np.quantile(waits, 0.9)), "s", _count(len(waits), "run"))


def _of_environments(deployments: Sequence[_Row], since: datetime, *, as_of: datetime) -> Iterator[Figure]:
    """Give each environment's figures, and under the bare names production's, else those of all together."""
    recent = [row for row in deployments if row["happened_at"] >= since]
    days = _observed_days(deployments, since, as_of=as_of)
    names = sorted({row["environment"] for row in recent})
    chosen = next((name for word in PRODUCTION for name in names if name.lower() == word), None)
    headline = [row for row in recent if chosen in {None, row["environment"]}]
    yield from _dora(headline, days, as_of=as_of, suffix="", where=chosen or "all environments")
    for name in filter(None, names):
        rows = [row for row in recent if row["environment"] == name]
        yield from _dora(rows, days, as_of=as_of, suffix=f":{name}", where=name)


def _observed_days(deployments: Sequence[_Row], since: datetime, *, as_of: datetime) -> float:
    """Give over how many days deployments were looked at: a history of a week is no quarter with six idle weeks."""
    first = min((row["happened_at"] for row in deployments), default=as_of)
    return max(1.0, (as_of - max(since, first)).total_seconds() / _DAY_S)


def _dora(rows: Sequence[_Row], days: float, *, as_of: datetime, suffix: str, where: str) -> Iterator[Figure]:
    if not rows:
        return
    live = [row for row in rows if row["is_live"]]
    failed = [row for row in rows if not row["is_live"]]
    leads = [row["lead_s"] for row in live if row["lead_s"] is not None]
    total = f"{_count(len(rows), 'deployment')} to {where}"
    yield Figure(f"dora.deployment_frequency{suffix}", len(live) / days, "", f"a day; {total} in {days:.0f} days")
    yield Figure(f"dora.change_failure_rate{suffix}", 100 * len(failed) / len(rows), "%", total)
    if leads:
        reason = f"median of {len(leads)} of {total}"
        yield Figure(f"dora.lead_time{suffix}", median(leads), "s", reason)
    if failed:
        open_ones = sum(row["recovery_s"] is None for row in failed)
        recoveries = [_recovery_s(row, as_of) for row in failed]
        reason = f"median of {len(failed)} failed{f', {open_ones} still open' if open_ones else ''}"
        yield Figure(f"dora.recovery_time{suffix}", median(recoveries), "s", reason)


def _recovery_s(row: _Row, as_of: datetime) -> float:
    """Give how long a failure lasted; an open one lasts until now."""
    recovery_s = row["recovery_s"]
    return float((as_of - row["happened_at"]).total_seconds() if recovery_s is None else recovery_s)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
