"""Reading a quarantine plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import plan_id, read_plan
from cipredict.plans.fields import Fields, parse_made_from
from cipredict.plans.quarantine_plan import (
    ACTION,
    SCHEMA,
    EvidenceNote,
    HeldBack,
    QuarantinedCase,
    QuarantinePlan,
    Terms,
    verify_quarantine,
)


def read_quarantine_plan(path: Path) -> QuarantinePlan:
    """Read a plan file; raises InputError where it cannot be read or is not a whole quarantine plan."""
    return parse_quarantine_plan(read_plan(path, schemas=(SCHEMA,)), where=str(path))


def parse_quarantine_plan(document: Mapping[str, object], *, where: str = "The document") -> QuarantinePlan:
    """Build a plan from its document, and check it as it was checked before it was written.

    Unlike other plans its id is checked, too: an entry that somebody added by hand has no evidence behind it.

    Raises
    ------
    InputError
        Naming every field that is missing or of the wrong kind, or the check that fails.
    """
    problems: list[str] = []
    fields = Fields(document, problems, "")
    plan = _parse_plan(fields, problems)
    if not problems:
        try:
            verify_quarantine(plan)
        except CipredictError as error:
            problems.append(error.message)
    body = {key: value for key, value in document.items() if key not in {"schema", "id"}}
    if not problems and plan_id(body) != document.get("id"):
        problems.append("its id is not that of its content, so it was changed after it was made")
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise InputError(
            f"{where} is not a whole quarantine plan: {'; '.join(problems[:5])}{more}.", slug="plan-unreadable"
        )
    return plan


def _parse_plan(fields: Fields, problems: list[str]) -> QuarantinePlan:
    window, terms = fields.inner("window"), fields.inner("terms")
    if fields.text("action") != ACTION:
        problems.append(f"'action' is not '{ACTION}'")
    return QuarantinePlan(
        quarantined=tuple(_parse_case(one) for one in fields.inner_list("cases")),
        held_back=tuple(HeldBack(one.text("id"), one.text("reason")) for one in fields.inner_list("held_back")),
        made_from=parse_made_from(fields.inner("made_from")),
        since=window.day("since"),
        until=window.day("until"),
        runs=window.count("runs"),
        cases=window.count("cases"),
        terms=Terms(
            min_results=terms.count("min_results"),
            min_score=terms.number("min_score"),
            max_share=terms.number("max_share"),
            expire_days=terms.count("expire_days"),
        ),
    )


def _parse_case(fields: Fields) -> QuarantinedCase:
    return QuarantinedCase(
        case_id=fields.text("id"),
        score=fields.number("score"),
        low=fields.number("low"),
        high=fields.number("high"),
        confidence=fields.text("confidence"),
        results=fields.count("results"),
        flaky_failures=fields.count("flaky_failures"),
        reasons=fields.texts("reasons"),
        expires_on=fields.day("expires_on"),
        owner=fields.text("owner"),
        evidence=tuple(
            EvidenceNote(one.text("kind"), one.text("run_id"), one.text("where"), one.day("on"))
            for one in fields.inner_list("evidence")
        ),
    )


def still_quarantined(plan: QuarantinePlan, today: date) -> dict[str, QuarantinedCase]:
    """Give the entries that hold on a day, by case id; one ends on its `expires_on`."""
    return {case.case_id: case for case in plan.quarantined if today < case.expires_on}
