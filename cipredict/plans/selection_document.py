"""Reading a selection plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import read_plan
from cipredict.plans.fields import Fields, parse_made_from
from cipredict.plans.selection_plan import (
    SCHEMA,
    ChangeSummary,
    Miss,
    PlannedCase,
    Reason,
    SelectionPlan,
    verify_selection,
)


class _Decision(StrEnum):
    RUN = "run"
    SKIP = "skip"


def read_selection_plan(path: Path) -> SelectionPlan:
    """Read a plan file; raises InputError where it cannot be read or is not a whole selection plan."""
    return parse_selection_plan(read_plan(path, schemas=(SCHEMA,)), where=str(path))


def parse_selection_plan(document: Mapping[str, object], *, where: str = "The document") -> SelectionPlan:
    """Build a plan from its document, and check it as it was checked before it was written.

    Seconds and probabilities come back as rounded as they were written; sums are computed anew.

    Raises
    ------
    InputError
        Naming every field that is missing or of the wrong kind, or the check that fails.
    """
    problems: list[str] = []
    plan = _parse_plan(Fields(document, problems, ""))
    if not problems:
        try:
            verify_selection(plan, (case.case_id for case in plan.cases))
        except CipredictError as error:
            problems.append(error.message)
    if problems:
        raise InputError(f"{where} is not a whole selection plan: {_few(problems)}.", slug="plan-unreadable")
    return plan


def _few(problems: list[str]) -> str:
    """Name the first problems: a file of another kind has one per case."""
    more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
    return "; ".join(problems[:5]) + more


def _parse_plan(fields: Fields) -> SelectionPlan:
    miss = fields.inner_or_none("miss")
    return SelectionPlan(
        cases=tuple(_parse_case(one) for one in fields.inner_list("cases")),
        made_from=parse_made_from(fields.inner("made_from")),
        goal=fields.text("goal"),
        everything_because=fields.text("everything_because"),
        fallback=fields.truth("fallback"),
        fallback_reason=fields.text("fallback_reason"),
        observe=fields.truth("observe"),
        order_only=fields.truth("order_only"),
        miss=_parse_miss(miss) if miss else None,
        history_share=fields.number_or_none("history_share"),
        budget_s=fields.inner("expected").number_or_none("budget_s"),
        change=_parse_change(fields.inner("change")),
    )


def _parse_case(fields: Fields) -> PlannedCase:
    return PlannedCase(
        case_id=fields.text("id"),
        is_selected=fields.word("decision", _Decision, _Decision.RUN) is _Decision.RUN,
        reason=fields.word("reason", Reason, Reason.EVERYTHING),
        evidence=fields.text("evidence"),
        basis=fields.text("basis"),
        p_fail=fields.number_or_none("p_fail"),
        expected_s=fields.number_or_none("expected_s"),
    )


def _parse_miss(fields: Fields) -> Miss:
    return Miss(
        p_miss_given_failure=fields.number("p_miss_given_failure"),
        low=fields.number("low"),
        high=fields.number("high"),
        failing_runs=fields.count("failing_runs"),
    )


def _parse_change(fields: Fields) -> ChangeSummary:
    return ChangeSummary(base=fields.text("base"), head=fields.text("head"), paths=fields.texts("paths"))
