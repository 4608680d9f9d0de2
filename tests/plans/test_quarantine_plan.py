"""The quarantine plan as a contract: its bytes, reading it back, its checks, and its end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import MadeFrom, canonical_json, plan_id, write_plan
from cipredict.plans.quarantine_document import parse_quarantine_plan, read_quarantine_plan, still_quarantined
from cipredict.plans.quarantine_plan import (
    EvidenceNote,
    HeldBack,
    QuarantinedCase,
    QuarantinePlan,
    Terms,
    verify_quarantine,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "quarantine_plan.json"
NET = QuarantinedCase(
    "tests/test_net.py::test_größe[a::b]",
    score=0.0644,
    low=0.0261,
    high=0.1243,
    confidence="high",
    results=100,
    flaky_failures=6,
    reasons=("passed and failed on the same code: 6 times",),
    expires_on=date(2026, 7, 27),
    owner="@net @infra",
    evidence=(EvidenceNote("same-commit", "4711", "commit owner/name f00d", date(2026, 6, 27)),),
)
PAY = replace(NET, case_id="tests/test_pay.py::test_card", expires_on=date(2026, 7, 10), owner="")


def golden_plan() -> QuarantinePlan:
    return QuarantinePlan(
        (NET, PAY),
        (HeldBack("tests/test_web.py::test_home", "contradicted on one state of the code only"),),
        MadeFrom("0.1.0", settings="pyproject.toml"),
        since=date(2026, 4, 1),
        until=date(2026, 6, 30),
        runs=500,
        cases=1000,
        terms=Terms(),
    )


def test_a_plan_has_the_bytes_of_the_golden_file(tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / GOLDEN.name
    write_plan(actual, golden_plan().to_document())
    assert GOLDEN.read_text(encoding="utf-8") == actual.read_text(encoding="utf-8"), actual
    assert golden_plan() == read_quarantine_plan(GOLDEN)


def test_a_plan_only_ever_reports_and_ends_with_its_last_entry() -> None:
    document = golden_plan().to_document()
    assert (document["action"], document["expires_on"]) == ("report", "2026-07-27")


def test_an_empty_plan_has_ended() -> None:
    assert replace(golden_plan(), quarantined=()).expires_on == date(2026, 6, 30)


@pytest.mark.parametrize(
    ("today", "names"),
    [
        (date(2026, 7, 9), [NET.case_id, PAY.case_id]),
        (date(2026, 7, 10), [NET.case_id]),
        (date(2026, 7, 27), []),
    ],
)
def test_an_entry_ends_on_its_day(today: date, names: list[str]) -> None:
    assert names == list(still_quarantined(golden_plan(), today))


def damaged(*path: object, value: object) -> dict[str, Any]:  # Any: JSON of any shape
    """Give the golden document with one field replaced and the id that fits."""
    document: dict[str, Any] = json.loads(canonical_json(golden_plan().to_document()))
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    body = {key: one for key, one in document.items() if key not in {"schema", "id"}}
    return {**document, "id": plan_id(body)}


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("action",), "skip", "'action' is not 'report'"),
        (("cases",), {}, "'cases'"),
        (("cases", 0, "id"), 7, r"'cases\[0\].id'"),
        (("cases", 1, "expires_on"), "soon", r"'cases\[1\].expires_on'"),
        (("cases", 1, "expires_on"), "2026-06-30", "an-entry-has-time-left"),
        (("cases", 1, "evidence"), [], "an-entry-says-why"),
        (("cases", 1, "reasons"), [], "an-entry-says-why"),
        (("cases", 1, "id"), NET.case_id, "each-case-once"),
        (("held_back", 0, "id"), NET.case_id, "each-case-once"),
        (("terms", "max_share"), 0.001, "few-cases"),
        (("terms", "max_share"), "all", "'terms.max_share'"),
        (("window", "until"), 5, "'window.until'"),
    ],
)
def test_a_damaged_plan_is_refused_by_the_name_of_the_field(
    path: tuple[object, ...], value: object, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_quarantine_plan(damaged(*path, value=value))


def test_a_plan_that_was_changed_after_it_was_made_is_refused() -> None:
    document = {**damaged("cases", 0, "expires_on", value="2027-01-01"), "id": golden_plan().to_document()["id"]}
    with pytest.raises(InputError, match="changed after it was made"):
        parse_quarantine_plan(document)


def test_of_many_problems_the_first_are_named() -> None:
    with pytest.raises(InputError, match=r"'window' is missing .* and \d+ more"):
        parse_quarantine_plan({"schema": "cipredict.quarantine-plan/1"})


@pytest.mark.parametrize(
    ("plan", "check"),
    [
        pytest.param(replace(golden_plan(), quarantined=(PAY, NET)), "each-case-once", id="order"),
        pytest.param(replace(golden_plan(), cases=99), "few-cases", id="cap"),
    ],
)
def test_checks_carry_their_name(plan: QuarantinePlan, check: str) -> None:
    with pytest.raises(CipredictError, match=check):
        verify_quarantine(plan)
