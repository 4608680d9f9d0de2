"""The selection plan as a contract: its bytes, what it says of itself, and the checks before it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.goal import Target
from cipredict.decide.select import SelectionRequest, plan_everything, plan_selection
from cipredict.errors import EXIT_OUR_BUG, EXIT_USAGE, CipredictError, InputError
from cipredict.forecast.interface import Basis, CaseForecast, ConfidenceCurve
from cipredict.plans.document import MadeFrom, canonical_json, write_plan
from cipredict.plans.selection_document import parse_selection_plan, read_selection_plan
from cipredict.plans.selection_plan import (
    SCHEMA,
    ChangeSummary,
    PlannedCase,
    Reason,
    SelectionPlan,
    verify_selection,
)

GOLDEN = Path(__file__).parents[1] / "golden"


def golden_plan() -> SelectionPlan:
    model = Basis.MODEL
    forecasts = [
        CaseForecast("tests/test_cart.py::test_add", 0.31, 0.4, model, 120, evidence="is named after a changed file"),
        CaseForecast(
            "tests/test_cart.py::test_remove", 0.02, 0.3, model, 120, evidence="is named after a changed file"
        ),
        CaseForecast("tests/test_pay.py::test_card[visa]", 0.2, 41.5, model, 118, evidence="imports a changed file"),
        CaseForecast("tests/test_pay.py::test_größe[a|b]", 0.001, 2.25, model, 118),
        CaseForecast("tests/test_web.py::TestHome::test_new", 0.5, 1.0, Basis.FALLBACK, 0, evidence="never seen"),
        CaseForecast("tests/test_web.py::TestHome::test_red", 0.9, 3.0, model, 80, is_red_at_base=True),
    ]
    return plan_selection(
        SelectionRequest(
            forecasts=forecasts,
            change=ChangeSummary("b" * 12, "h" * 12, ("src/cart.py", "src/größe.py")),
            goal=Target(0.2),
            curve=ConfidenceCurve(tuple(at / 100 for at in range(1, 101))),
            made_from=MadeFrom("0.1.0", forecast="0123456789ab", model="3", commit="h" * 12),
            is_mapped=lambda _: True,
            runs=200,
            min_runs=20,
        )
    )


def golden_fallback() -> SelectionPlan:
    ids = ["tests/test_b.py::test_b", "tests/test_a.py::test_a"]
    reason = "There is no forecast bundle at .cipredict/forecast.bundle. [forecast-missing]"
    return plan_everything(ids, reason=reason, made_from=MadeFrom("0.1.0"), goal="target 0.2 of the suite's time")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        pytest.param("selection_plan.json", golden_plan, id="plan"),
        pytest.param("selection_plan_fallback.json", golden_fallback, id="fallback"),
    ],
)
def test_a_plan_has_the_bytes_of_the_golden_file(name: str, make: Callable[[], SelectionPlan], tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / name
    write_plan(actual, make().to_document())
    assert (GOLDEN / name).read_text(encoding="utf-8") == actual.read_text(encoding="utf-8"), actual


def test_a_plan_that_is_read_back_says_the_same() -> None:
    for make, name in ((golden_plan, "selection_plan.json"), (golden_fallback, "selection_plan_fallback.json")):
        again = read_selection_plan(GOLDEN / name)
        assert make().to_document() == again.to_document()
        assert make().to_run == again.to_run


def damaged(*path: object, value: object) -> dict[str, Any]:  # Any: JSON of any shape
    """Give the golden document with one field replaced."""
    document: dict[str, Any] = json.loads(canonical_json(golden_plan().to_document()))
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("cases",), {}, "'cases' is missing or of the wrong kind"),
        (("cases", 1, "id"), 7, r"'cases\[1\].id'"),
        (("cases", 1, "decision"), "maybe", r"'cases\[1\].decision'"),
        (("cases", 1, "reason"), "hunch", r"'cases\[1\].reason'"),
        (("cases", 1, "p_fail"), "high", r"'cases\[1\].p_fail'"),
        (("miss", "failing_runs"), 1.5, "'miss.failing_runs'"),
        (("made_from",), None, "'made_from'"),
        (("change", "paths"), [1], "'change.paths'"),
        (("fallback",), "false", "'fallback'"),
        (("fallback",), True, "everything-means-everything"),
        (("cases", 0, "decision"), "skip", "certain-cases-run"),
        (("cases", 1, "id"), "tests/test_web.py::TestHome::test_new", "each-candidate-once"),
    ],
)
def test_a_damaged_plan_is_refused_by_the_name_of_the_field(
    path: tuple[object, ...], value: object, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        parse_selection_plan(damaged(*path, value=value))
    assert caught.value.exit_code == EXIT_USAGE


def test_a_plan_with_many_problems_names_the_first() -> None:
    with pytest.raises(InputError, match=r"; .* and 9 more\.") as caught:
        parse_selection_plan(damaged("cases", value=[{}, {}]))
    assert caught.value.message.count("cases[0]") == 5


def test_the_document_holds_what_its_readers_take() -> None:
    document = golden_plan().to_document()
    assert document["schema"] == SCHEMA == "cipredict.selection-plan/1"
    assert document["counts"] == {"candidates": 6, "selected": 5, "skipped": 1}
    cases = json.loads(canonical_json(document))["cases"]
    assert [case["position"] for case in cases] == list(range(6))
    assert {case["decision"] for case in cases} == {"run", "skip"}
    assert {case["basis"] for case in cases} == {"model", "fallback"}


def test_an_untimed_plan_does_not_claim_zero_seconds() -> None:
    expected = {"selected_s": None, "total_s": None, "saved_s": None, "budget_s": None}
    assert expected == golden_fallback().to_document()["expected"]


def test_observing_and_ordering_change_what_runs_but_not_the_decision() -> None:
    plan = golden_plan()
    for other in (replace(plan, observe=True), replace(plan, order_only=True)):
        assert len(other.to_run) == 6
        assert other.selected == plan.selected
        assert other.to_document()["id"] != plan.to_document()["id"]


def test_has_tests_is_false_exactly_where_nothing_runs() -> None:
    skipped = SelectionPlan((PlannedCase("a", is_selected=False, reason=Reason.BEYOND_BUDGET),), MadeFrom("0"))
    assert skipped.to_document()["has_tests"] is False
    assert replace(skipped, observe=True).to_document()["has_tests"] is True


def test_every_reason_has_words_and_none_is_repeated() -> None:
    assert len({reason.text for reason in Reason}) == len(Reason)
    assert all(reason.value == reason.value.lower().replace("_", "-") for reason in Reason)


CASE = PlannedCase("a", is_selected=True, reason=Reason.NEW)
PLAN = SelectionPlan((CASE, CASE._replace(case_id="b")), MadeFrom("0"))


@pytest.mark.parametrize(
    ("plan", "check"),
    [
        pytest.param(replace(PLAN, cases=(CASE,)), "each-candidate-once", id="lost"),
        pytest.param(replace(PLAN, cases=(CASE, CASE, *PLAN.cases[1:])), "each-candidate-once", id="doubled"),
        pytest.param(
            replace(PLAN, cases=(CASE._replace(is_selected=False), PLAN.cases[1])),
            "certain-cases-run",
            id="rule broken",
        ),
        pytest.param(
            replace(
                PLAN,
                cases=(CASE, PlannedCase("b", is_selected=False, reason=Reason.BEYOND_BUDGET)),
                everything_because="uv.lock can move any case",
            ),
            "everything-means-everything",
            id="skips in everything",
        ),
        pytest.param(replace(PLAN, fallback=True), "a-fallback-says-why", id="silent fallback"),
    ],
)
def test_a_wrong_plan_fails_the_check_by_name(plan: SelectionPlan, check: str) -> None:
    verify_selection(PLAN, ["b", "a"])
    with pytest.raises(CipredictError, match=check) as caught:
        verify_selection(plan, ["a", "b"])
    assert caught.value.exit_code == EXIT_OUR_BUG


FLAT = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
JSON = st.recursive(
    FLAT, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3))
)
TABLES = st.lists(st.dictionaries(st.text(max_size=3), FLAT, max_size=3), max_size=4)


@given(document=st.dictionaries(st.text(max_size=5), st.one_of(JSON, TABLES), max_size=4))
def test_canonical_bytes_are_those_of_the_standard_library(document: dict[str, object]) -> None:
    assert json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n" == canonical_json(document)


def test_rows_are_not_taken_apart_by_text_that_looks_like_their_border() -> None:
    border = '"},\n      {"a": "'
    assert json.loads(canonical_json({"rows": [{"a": border}, {"a": "x"}]})) == {"rows": [{"a": border}, {"a": "x"}]}
