"""What the rules look at, asked of the store: a list of points per rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cipredict.decide.alerts.replay import Point
from cipredict.decide.alerts.rule import Measure, Rule

if TYPE_CHECKING:
    from cipredict.store.database import Store

_Rows = list[dict[str, Any]]  # Any: a query's columns


class Points:
    """The rows of one history; each table is asked for once, and only if a rule needs it."""

    def __init__(self, store: Store, as_of: datetime) -> None:
        self._store, self._as_of = store, as_of
        self._known: dict[str, _Rows] = {}

    def of(self, rule: Rule) -> list[Point]:
        """Give the points of a rule, in the order of time."""
        if rule.measure is Measure.CACHE_HITS:
            return [Point(row["at"], float(row["is_hit"])) for row in self._rows("caches")]
        if rule.measure is Measure.MISSES:
            return list(_misses(self._rows("ledger")))
        if rule.measure is Measure.ROLLBACK:
            return [Point(row["happened_at"], float(not row["is_live"])) for row in self._rows("deployments")]
        value = _VALUES[rule.measure]
        rows = (row for row in self._rows("runs") if _is_of(rule, row))
        return [Point(row["at"], float(seen)) for row in rows if (seen := value(row)) is not None]

    def _rows(self, name: str) -> _Rows:
        from cipredict.store import report  # noqa: PLC0415  # duckdb, not for --help
        from cipredict.store.queries import load_ledger  # noqa: PLC0415

        loaders = {
            "runs": report.load_alert_runs,
            "caches": report.load_alert_caches,
            "deployments": report.load_deployments,
            "ledger": load_ledger,
        }
        if name not in self._known:
            self._known[name] = loaders[name](self._store, self._as_of).to_pylist()
        return self._known[name]


def _is_of(rule: Rule, row: Mapping[str, Any]) -> bool:
    return rule.branch in {"", row["branch"]} and rule.workflow in {"", row["workflow"]}


def _misses(rows: _Rows) -> Iterator[Point]:
    """Give a point per plan that skipped cases and was followed by a failure: whether all of it was missed."""
    for row in rows:
        if row["is_judged"] and row["failing"] and not row["skips_nothing"]:
            yield Point(row["made_at"], float(bool(row["missed"]) and not row["caught"]))


_VALUES: Mapping[Measure, Callable[[Mapping[str, Any]], float | None]] = {
    Measure.DURATION: lambda row: row["duration_s"] if row["result"] == "success" else None,
    Measure.QUEUE: lambda row: row["queued_s"],
    Measure.FAILURES: lambda row: float(row["result"] != "success"),
    Measure.FLAKY: lambda row: row["flaky_cases"],
}
"""Of a run; a failing one ends early and tells nothing of duration."""
