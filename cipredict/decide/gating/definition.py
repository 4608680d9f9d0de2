"""What a gate demands: the vocabulary of `[tool.cipredict.gates.<name>]` as values.

A gate is a metric, criteria, and an action that follows where they do not hold. `parsing.py` reads them from settings,
`judging.py` applies them; `gates.schema.json` beside this file publishes the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import isclose
from typing import assert_never

from cipredict.measures import Quantity

_SAME = 1e-9
"""Relative difference below which two numbers are one: 85.1 / 100 and 851 / 1000 differ in the last bit."""


class Action(StrEnum):
    """What follows where the criteria do not hold."""

    BLOCK_DEPLOYMENT = "block_deployment"
    BLOCK = "block"
    WARN = "warn"
    REQUIRE_APPROVAL = "require_approval"


class Comparison(StrEnum):
    """How the measured value must relate to the threshold; the strict ones exclude equality."""

    LESS_THAN = "less_than"
    LESS_THAN_OR_EQUAL = "less_than_or_equal"
    GREATER_THAN = "greater_than"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal"
    EQUAL = "equal"
    NOT_EQUAL = "not_equal"

    @property
    def symbol(self) -> str:
        """Give the sign that criteria are written with."""
        return _SYMBOLS[self]

    def holds(self, value: float, threshold: float) -> bool:
        """Compare two numbers of one unit; what differs by rounding only is equal."""
        is_equal = isclose(value, threshold, rel_tol=_SAME, abs_tol=0.0)
        match self:
            case Comparison.LESS_THAN:
                return value < threshold and not is_equal
            case Comparison.LESS_THAN_OR_EQUAL:
                return value < threshold or is_equal
            case Comparison.GREATER_THAN:
                return value > threshold and not is_equal
            case Comparison.GREATER_THAN_OR_EQUAL:
                return value > threshold or is_equal
            case Comparison.EQUAL:
                return is_equal
            case Comparison.NOT_EQUAL:
                return not is_equal
        assert_never(self)


_SYMBOLS = {
    Comparison.LESS_THAN: "<",
    Comparison.LESS_THAN_OR_EQUAL: "<=",
    Comparison.GREATER_THAN: ">",
    Comparison.GREATER_THAN_OR_EQUAL: ">=",
    Comparison.EQUAL: "==",
    Comparison.NOT_EQUAL: "!=",
}
BY_SYMBOL = {symbol: comparison for comparison, symbol in _SYMBOLS.items()}


class Unknown(StrEnum):
    """What a gate does that has nothing to judge. There is no `pass`: what was not measured is never green."""

    FAIL = "fail"  # as if the criteria did not hold
    INCONCLUSIVE = "inconclusive"  # exit code 4
    WARN = "warn"


class Against(StrEnum):
    """What the criteria look at: the value itself, or how far it moved from the base's."""

    NOTHING = "nothing"
    DIFFERENCE = "difference"  # head - base, in the metric's own unit (percentage points for a share)
    PERCENT = "percent"  # (head - base) / base


@dataclass(frozen=True, slots=True)
class Criterion:
    """One comparison with one threshold, `>= 85%`."""

    comparison: Comparison
    threshold: Quantity

    def holds(self, quantity: Quantity) -> bool:
        """Compare; the caller has checked that the dimensions agree."""
        return self.comparison.holds(quantity.value, self.threshold.value)

    def __str__(self) -> str:
        """Write it as `pass` and `warn` criteria are written."""
        return f"{self.comparison.symbol} {self.threshold}"


@dataclass(frozen=True, slots=True)
class GateException:
    """A change that a gate lets through although it fails; `label` or `branch`, a glob, says which.

    Attributes
    ----------
    expires_on : the first day on which it no longer holds, None: never
    reason : why, shown wherever the exception is used
    """

    label: str = ""
    branch: str = ""
    expires_on: date | None = None
    reason: str = ""

    def is_expired(self, today: date) -> bool:
        """Tell whether its time is over."""
        return self.expires_on is not None and today >= self.expires_on

    def __str__(self) -> str:
        """Name it in a message."""
        return f"label {self.label}" if self.label else f"branch {self.branch}"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate, defaults filled in.

    Attributes
    ----------
    passes : all must hold for `pass`
    warns : where `passes` do not hold but all of these do, the outcome is `warn` and the action does not follow
    unit : of numbers that come without one, `ms`; empty: they are plain numbers
    on_missing, on_inconclusive : what follows where nothing was measured, or too little
    escalation : who is told where the gate does not hold
    approvers : users or roles whose approval counts for `require_approval`
    self_approval : whether the change's author may approve it
    """

    name: str
    metric: str
    passes: tuple[Criterion, ...]
    action: Action
    warns: tuple[Criterion, ...] = ()
    unit: str = ""
    against_base: Against = Against.NOTHING
    on_missing: Unknown = Unknown.FAIL
    on_inconclusive: Unknown = Unknown.INCONCLUSIVE
    exceptions: tuple[GateException, ...] = ()
    escalation: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    approvals_required: int = 1
    self_approval: bool = False

    @property
    def demand(self) -> str:
        """Write what must hold, `< 10ms`."""
        return " and ".join(map(str, self.passes))
