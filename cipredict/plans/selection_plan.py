"""The selection plan: which cases a change needs, in which order, and why each one runs or is skipped.

`fallback` is the whole run's: True means that nothing was decided and everything runs. `basis` is each case's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from cipredict.errors import CipredictError
from cipredict.plans.document import MadeFrom, compact_json, frame_json, id_of

# 1  2026-11: the first.
SCHEMA = "cipredict.selection-plan/1"


class Reason(StrEnum):
    """Why a case runs or is skipped: a word for machines, which stays, and `text` for people, which may improve."""

    EVERYTHING = "everything"
    MUST_RUN = "must-run"
    NEW = "new"
    CHANGED = "changed"
    RED_AT_BASE = "red-at-base"
    FAILED_RECENTLY = "failed-recently"
    WITHIN_BUDGET = "within-budget"
    BEYOND_BUDGET = "beyond-budget"
    NOTHING_MOVED = "nothing-moved"

    @property
    def text(self) -> str:
        """The reason in words."""
        return _TEXTS[self]

    @property
    def is_certain(self) -> bool:
        """Tell whether a rule makes the case run, so that the budget has no say."""
        return self not in _LEFT_TO_BUDGET


_TEXTS = {
    Reason.EVERYTHING: "everything runs",
    Reason.MUST_RUN: "matches a must-run rule",
    Reason.NEW: "new or unknown",
    Reason.CHANGED: "its file is in the change",
    Reason.RED_AT_BASE: "fails on the default branch",
    Reason.FAILED_RECENTLY: "failed in this branch's last run",
    Reason.WITHIN_BUDGET: "its risk for its time is within the budget",
    Reason.BEYOND_BUDGET: "its risk for its time is beyond the budget",
    Reason.NOTHING_MOVED: "the change only touches paths that move no case",
}
_WORDS = {reason: reason.value for reason in Reason}  # `.value` calls Python code, per case
_LEFT_TO_BUDGET = frozenset({Reason.WITHIN_BUDGET, Reason.BEYOND_BUDGET, Reason.NOTHING_MOVED})


class PlannedCase(NamedTuple):
    """One candidate.

    Attributes
    ----------
    is_selected : runs; else skipped
    reason : why
    evidence : the strongest tie to the change, in words; empty where nothing was forecast
    basis : `model`, `history` or `fallback`
    p_fail, expected_s : None where nothing was forecast
    """

    case_id: str
    is_selected: bool
    reason: Reason
    evidence: str = ""
    basis: str = "fallback"
    p_fail: float | None = None
    expected_s: float | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """How likely a failing run slips through this selection; all zero where nothing is skipped.

    Attributes
    ----------
    p_miss_given_failure : share of the backtest's failing runs that so much time would have missed, with its interval
    """

    p_miss_given_failure: float
    low: float
    high: float
    failing_runs: int


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """What the plan was made for.

    Attributes
    ----------
    base, head : commits, empty where paths were named without git
    paths : changed paths, both of a rename
    """

    base: str = ""
    head: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)  # no slots: it remembers its JSON
class SelectionPlan:
    """A whole selection.

    Attributes
    ----------
    cases : every candidate once, in the order to run
    goal : as asked, in words
    everything_because : the rule that made everything run; empty where the goal decided
    observe : the plan is logged, everything runs
    order_only : everything runs, in this order
    miss : None where nobody measured it
    history_share : share of the candidates that have history, 0…1; None where no forecast was asked
    budget_s : seconds that the goal allowed, None where everything runs
    """

    cases: tuple[PlannedCase, ...]
    made_from: MadeFrom
    goal: str = ""
    everything_because: str = ""
    fallback: bool = False
    fallback_reason: str = ""
    observe: bool = False
    order_only: bool = False
    miss: Miss | None = None
    history_share: float | None = None
    budget_s: float | None = None
    change: ChangeSummary = ChangeSummary()

    @property
    def selected(self) -> list[str]:
        """Ids of the cases that the decision selects, in order."""
        return [case.case_id for case in self.cases if case.is_selected]

    @property
    def skipped(self) -> list[str]:
        """Ids of the others, in order."""
        return [case.case_id for case in self.cases if not case.is_selected]

    @property
    def to_run(self) -> list[str]:
        """Ids of the cases that really run: all of them where the plan only observes or orders."""
        return [case.case_id for case in self.cases] if self.observe or self.order_only else self.selected

    @property
    def has_tests(self) -> bool:
        """Tell whether a runner must start. A fallback that could not even list the cases means all of them."""
        return bool(self.to_run) or self.fallback

    @property
    def is_timed(self) -> bool:
        """Tell whether a forecast gave seconds; where none did, sums of seconds say nothing."""
        return any(case.expected_s is not None for case in self.cases)

    @property
    def total_s(self) -> float:
        """Expected seconds of all candidates."""
        return sum(case.expected_s or 0.0 for case in self.cases)

    @property
    def selected_s(self) -> float:
        """Expected seconds of the selected."""
        return sum(case.expected_s or 0.0 for case in self.cases if case.is_selected)

    @property
    def to_run_s(self) -> float:
        """Expected seconds of the cases that really run."""
        return self.total_s if self.observe or self.order_only else self.selected_s

    def to_document(self) -> dict[str, object]:
        """Give the JSON document, with schema and id, an object per case."""
        cases = [_case_document(case, position) for position, case in enumerate(self.cases)]
        return {"schema": SCHEMA, "id": id_of(self._body), **self._head(), "cases": cases}

    def to_record(self) -> str:
        """Give the plan as one line of JSON with a column per field of the cases, for the ledger.

        It lacks what only people ask: `evidence`, `position`. For 10,000 cases it costs a tenth of the document.
        """
        return frame_json(SCHEMA, self._body)

    @cached_property
    def _body(self) -> str:
        """The JSON that gives the plan its id."""
        ids, selected, reasons, _, bases, p_fail, expected_s = zip(*self.cases, strict=True) if self.cases else [()] * 7
        columns = {
            "id": ids,
            "decision": [_DECISIONS[is_selected] for is_selected in selected],
            "reason": [_WORDS[reason] for reason in reasons],
            "basis": bases,
            "p_fail": p_fail,
            "expected_s": expected_s,
        }
        return compact_json({**self._head(), "cases": columns})

    def _head(self) -> dict[str, object]:
        selected = len(self.selected)
        return {
            "made_from": asdict(self.made_from),
            "goal": self.goal,
            "everything_because": self.everything_because,
            "fallback": self.fallback,
            "fallback_reason": self.fallback_reason,
            "observe": self.observe,
            "order_only": self.order_only,
            "has_tests": self.has_tests,
            "counts": {"candidates": len(self.cases), "selected": selected, "skipped": len(self.cases) - selected},
            "expected": self._expected_document(),
            "miss": asdict(self.miss) if self.miss else None,
            "history_share": None if self.history_share is None else round(self.history_share, 4),
            "change": asdict(self.change),
            "reasons": dict(sorted(Counter(_WORDS[case.reason] for case in self.cases).items())),
        }

    def _expected_document(self) -> dict[str, object]:
        total_s, selected_s = self.total_s, self.selected_s
        names = ("selected_s", "total_s", "saved_s")
        seconds = (selected_s, total_s, total_s - selected_s) if self.is_timed else (None, None, None)
        expected = {
            name: None if value is None else round(value, 3) for name, value in zip(names, seconds, strict=True)
        }
        return {**expected, "budget_s": None if self.budget_s is None else round(self.budget_s, 3)}


_DECISIONS = {True: "run", False: "skip"}


def _case_document(case: PlannedCase, position: int) -> dict[str, object]:
    return {
        "id": case.case_id,
        "decision": _DECISIONS[case.is_selected],
        "position": position,
        "reason": _WORDS[case.reason],
        "evidence": case.evidence,
        "basis": case.basis,
        "p_fail": case.p_fail,
        "expected_s": case.expected_s,
    }


def verify_selection(plan: SelectionPlan, candidates: Iterable[str]) -> None:
    """Check a plan before anyone follows it: every candidate once, nothing certain skipped, no skip in a fallback.

    Raises
    ------
    CipredictError
        A check failed: our bug.
    """
    planned, wanted = {case.case_id for case in plan.cases}, set(candidates)
    if planned != wanted or len(plan.cases) != len(wanted):
        raise _violation("each-candidate-once")
    if any(not case.is_selected and case.reason.is_certain for case in plan.cases):
        raise _violation("certain-cases-run")
    if (plan.fallback or plan.everything_because) and plan.skipped:
        raise _violation("everything-means-everything")
    if plan.fallback and not plan.fallback_reason:
        raise _violation("a-fallback-says-why")


def _violation(check: str) -> CipredictError:
    return CipredictError(f"A selection plan failed its check '{check}'.", slug="plan-check")
