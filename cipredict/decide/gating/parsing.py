"""`[tool.cipredict.gates]` into gates: every problem of every gate is found before the settings are refused.

::

    test_coverage = 85                          short: the metric's known direction and unit, and `block`
    [tool.cipredict.gates.latency_gate]         long
    metric = "p99_latency"
    threshold = "10ms"                          or pass = "< 10ms", warn = "< 12ms"
    comparison = "less_than"
    action = "block_deployment"
    exceptions = ["hotfix", {branch = "release/*", expires = 2027-01-31, reason = "…"}]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from cipredict.decide.gating.definition import (
    Action,
    Against,
    Comparison,
    Criterion,
    Gate,
    Unknown,
)
from cipredict.decide.gating.definition_values import (
    read_count,
    read_criteria,
    read_exceptions,
    read_text,
    read_texts,
    read_truth,
)
from cipredict.decide.gating.known_metrics import KNOWN, KnownMetric
from cipredict.errors import SettingsError
from cipredict.measures import UNITS, parse_quantity

_KEYS = frozenset(
    {
        *("metric", "threshold", "comparison", "warn_threshold", "pass", "warn", "unit", "against_base", "action"),
        *("on_missing", "on_inconclusive", "exceptions", "escalation", "approvers", "approvals_required"),
        "self_approval",
    }
)
_NAME = re.compile(r"[A-Za-z0-9_][\w .:/-]{0,99}", re.ASCII)
_Word = TypeVar("_Word", bound=StrEnum)
_Value = TypeVar("_Value")


def parse_gates(table: Mapping[str, object], *, source: str = "gates") -> tuple[Gate, ...]:
    """Read all gates of a table, in its order.

    Raises
    ------
    SettingsError
        Naming every problem of every gate at once.
    """
    problems: list[str] = []
    gates = [_Reading(name, value, problems).gate() for name, value in table.items()]
    if problems:
        raise SettingsError(f"{source} [tool.cipredict.gates]: {'; '.join(problems)}.", slug="gate-definition")
    return tuple(gate for gate in gates if gate is not None)


class _Reading:
    """One gate being read; what is wrong is noted under its name."""

    def __init__(self, name: str, value: object, problems: list[str]) -> None:
        self._name = name
        self._problems = problems
        self._is_short = not isinstance(value, Mapping)
        table = {"metric": name, "threshold": value} if self._is_short else value
        assert isinstance(table, Mapping)  # noqa: S101  # for mypy: the line above made it one
        self._table = {str(key).replace("-", "_"): item for key, item in table.items()}

    def gate(self) -> Gate | None:
        """Build the gate, None where anything is wrong."""
        before = len(self._problems)
        if not _NAME.fullmatch(self._name):
            self._complain("a name is letters, digits, and _ . : / - or blanks after the first, 100 at most")
        for key in sorted(self._table.keys() - _KEYS):
            self._complain(f"unknown key '{key}' (known: {', '.join(sorted(_KEYS))})")
        metric = self._take("metric", read_text, "") or ""
        if not metric and "metric" not in self._table:
            self._complain("'metric' is missing")
        known = KNOWN.get(metric)
        if self._is_short and known is None:
            self._complain("the direction of this metric is not known: write a table with metric and comparison")
            return None
        gate = self._build(metric, known)
        return gate if len(self._problems) == before else None

    def _build(self, metric: str, known: KnownMetric | None) -> Gate:
        against = self._word("against_base", Against, Against.NOTHING)
        unit = self._unit(known, against)
        passes, warns = self._criteria(known, unit, against)
        action = self._word("action", Action, Action.BLOCK)
        is_mild = action is Action.WARN
        approvers: tuple[str, ...] = self._take("approvers", read_texts, ())
        if action is Action.REQUIRE_APPROVAL and not approvers:
            self._complain("'require_approval' needs 'approvers': nobody could approve")
        required = self._take("approvals_required", read_count, 1)
        return Gate(
            name=self._name,
            metric=metric,
            passes=passes,
            action=action,
            warns=warns,
            unit=unit,
            against_base=against,
            on_missing=self._word("on_missing", Unknown, Unknown.WARN if is_mild else Unknown.FAIL),
            on_inconclusive=self._word("on_inconclusive", Unknown, Unknown.WARN if is_mild else Unknown.INCONCLUSIVE),
            exceptions=self._take("exceptions", read_exceptions, ()),
            escalation=self._take("escalation", read_texts, ()),
            approvers=approvers,
            approvals_required=required,
            self_approval=self._take("self_approval", read_truth, False),  # noqa: FBT003  # the default
        )

    def _unit(self, known: KnownMetric | None, against: Against) -> str:
        """Give the unit of bare numbers: as set, else a percentage of the base, else the known metric's."""
        unit = self._take("unit", read_text, "")
        if unit not in UNITS:
            self._complain(f"'unit' {unit!r} is unknown (known: {', '.join(name for name in UNITS if name)})")
            return ""
        if against is Against.PERCENT:
            return "%"
        return unit or (known.unit if known else "")

    def _criteria(
        self, known: KnownMetric | None, unit: str, against: Against
    ) -> tuple[tuple[Criterion, ...], tuple[Criterion, ...]]:
        passes = self._side("pass", "threshold", known=known, unit=unit)
        warns = self._side("warn", "warn_threshold", known=known, unit=unit)
        if not passes:
            self._complain("'threshold' (with 'comparison') or 'pass' is missing")
        found = {criterion.threshold.dimension for criterion in (*passes, *warns)}
        wanted = UNITS[unit][0] if unit else (UNITS[known.unit][0] if known else None)
        if len(found) > 1:
            self._complain(f"its thresholds mix units ({', '.join(sorted(found))})")
        elif wanted is not None and found and found != {wanted}:
            what = "a change against the base in percent" if against is Against.PERCENT else "this metric"
            self._complain(f"{what} is measured in {wanted.value}, but its threshold is in {found.pop().value}")
        return passes, warns

    def _side(self, criteria: str, threshold: str, *, known: KnownMetric | None, unit: str) -> tuple[Criterion, ...]:
        """Read `pass` or `threshold`, of which one may be given."""
        if criteria in self._table and threshold in self._table:
            self._complain(f"give '{criteria}' or '{threshold}', not both")
        if criteria in self._table:
            return self._take(criteria, lambda value: read_criteria(value, unit), ())
        if threshold not in self._table:
            return ()
        if "comparison" not in self._table and known is None:
            self._complain("'comparison' is missing, and the direction of this metric is not known")
        fallback = known.comparison if known else Comparison.LESS_THAN
        comparison = self._word("comparison", Comparison, fallback)
        quantity = self._take(threshold, lambda value: parse_quantity(value, bare_unit=unit), None)
        return () if quantity is None else (Criterion(comparison, quantity),)

    def _word(self, key: str, kind: type[_Word], default: _Word) -> _Word:
        def convert(value: object) -> _Word:
            try:
                return kind(value)  # type: ignore[arg-type]  # what is no word raises ValueError
            except ValueError as error:
                raise ValueError(f"{value!r} is none of {', '.join(kind)}") from error

        return self._take(key, convert, default)

    def _take(self, key: str, convert: Callable[[object], _Value], default: _Value) -> _Value:
        if key not in self._table:
            return default
        try:
            return convert(self._table[key])
        except (TypeError, ValueError) as error:
            self._complain(f"'{key}' {error}")
            return default

    def _complain(self, problem: str) -> None:
        text = f"{self._name[:100]!r}: {problem}"
        if text not in self._problems:
            self._problems.append(text)
