"""CTRF: a golden file, and the rules of its JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.document import canonical_json
from cipredict.records import Verdict
from cipredict.render import ctrf
from cipredict.render.ctrf import render_ctrf

GOLDEN = Path(__file__).parents[1] / "golden" / "ctrf.json"
SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "formats" / "ctrf" / "ctrf.schema.json"
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)


def run(**facts: object) -> dict[str, Any]:
    """Make a run as the store gives it."""
    known = {
        "provider": "github",
        "repository": "me/it",
        "run_id": "17",
        "attempt": 2,
        "workflow": "ci",
        "sha": "f" * 40,
        "branch": "main",
        "event": "push",
        "started_at": AT,
        "finished_at": AT + timedelta(minutes=1.5),
        "result": "failure",
    }
    return {**known, **facts}


def case(case_id: str, verdict: Verdict = Verdict.PASSED, **facts: object) -> dict[str, Any]:
    """Make a case of a run as the store gives it."""
    known = {
        "case_id": case_id,
        "job": "",
        "verdict": verdict.value,
        "duration_s": 0.1234,
        "attempts": 1,
        "is_flaky": False,
        "peak_memory_bytes": None,
    }
    return {**known, **facts}


CASES = [
    case("tests/test_a.py::TestA::test_b[x::y]", job="unit (3.12)", peak_memory_bytes=4096),
    case("tests/test_a.py::test_c", attempts=3, is_flaky=True),
    case("com.acme.NetTest$Inner::calm[1]", Verdict.FAILED, attempts=2, is_flaky=True),
    case("tests/test_broken.py", Verdict.ERROR, duration_s=None),
    case("test/user.rb::Skipped", Verdict.SKIPPED, duration_s=0.0),
]


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool}


def violations(value: object, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> Iterator[str]:
    """Check what CTRF's schema uses of draft 7; jsonschema is not among the dependencies."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    yield from (f"{at}: {value!r} breaks {rule}" for rule in broken_rules(value, schema))
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from violations(item, schema.get("items", {}), root, f"{at}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from violations(item, schema.get("properties", {}).get(name, {}), root, f"{at}.{name}")


def broken_rules(value: object, schema: dict[str, Any]) -> Iterator[str]:
    """Name the rules that a value itself breaks."""
    kind = schema.get("type", "")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield "type"
    if value != schema.get("const", value):
        yield "const"
    if value not in schema.get("enum", [value]):
        yield "enum"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield "pattern"
    if isinstance(value, str | list) and len(value) < max(schema.get("minLength", 0), schema.get("minItems", 0)):
        yield "length"
    if isinstance(value, dict):
        yield from (f"required {name}" for name in schema.get("required", []) if name not in value)
        if schema.get("additionalProperties") is False:
            yield from (f"additional {name}" for name in value if name not in schema["properties"])


@pytest.fixture(name="schema")
def _schema() -> dict[str, Any]:
    if not SCHEMA.is_file():
        pytest.skip(f"{SCHEMA} is absent: it is not part of this repository")
    schema: dict[str, Any] = json.loads(SCHEMA.read_text())
    return schema


def test_a_run_has_the_bytes_of_the_golden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    monkeypatch.setattr(ctrf, "__version__", "0.1.0")
    actual = canonical_json(render_ctrf(run(), CASES))
    (tmp_path / GOLDEN.name).write_text(actual)
    assert GOLDEN.read_text() == actual, tmp_path / GOLDEN.name


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("facts", "cases"),
    [
        pytest.param({}, CASES, id="golden"),
        pytest.param({}, [], id="no cases"),
        pytest.param({"started_at": None, "finished_at": None, "result": None}, CASES, id="times unknown"),
        pytest.param({"finished_at": None, "workflow": "", "sha": "", "branch": "", "event": ""}, CASES, id="bare"),
    ],
)
def test_the_schema_of_ctrf_holds(schema: dict[str, Any], facts: dict[str, Any], cases: list[dict[str, Any]]) -> None:
    assert list(violations(render_ctrf(run(**facts), cases), schema, schema)) == []


@pytest.mark.shared_data
def test_the_checker_sees_what_is_wrong(schema: dict[str, Any]) -> None:
    document: dict[str, Any] = render_ctrf(run(), CASES)
    document["results"]["tests"][0].update(duration=0.5, suite=[], status="great", mood="good")
    del document["results"]["summary"]["start"]
    document["specVersion"] = "1"
    assert len(list(violations(document, schema, schema))) == 6


def test_seconds_become_whole_milliseconds_and_unknown_ones_0() -> None:
    document: dict[str, Any] = render_ctrf(
        run(), [case("a::b", duration_s=seconds) for seconds in (1.2345, None, 0.0004)]
    )
    assert [test["duration"] for test in document["results"]["tests"]] == [1234, 0, 0]
    summary = document["results"]["summary"]
    assert (summary["start"], summary["duration"]) == (1714564800000, 90_000)


def test_only_a_case_that_passed_in_the_end_is_flaky() -> None:
    document: dict[str, Any] = render_ctrf(run(), CASES)
    assert [(test["flaky"], test["retries"]) for test in document["results"]["tests"][:3]] == [
        (False, 0),
        (True, 2),
        (False, 1),
    ]
    assert document["results"]["summary"]["flaky"] == 1


def test_the_same_run_has_the_same_report_id_and_another_attempt_another() -> None:
    ids = [render_ctrf(run(attempt=attempt), [])["reportId"] for attempt in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.booleans(), st.integers(1, 9))))
def test_the_summary_counts_every_case_once(facts: list[tuple[Verdict, bool, int]]) -> None:
    cases = [case("t.py::x", verdict, is_flaky=is_flaky, attempts=n) for verdict, is_flaky, n in facts]
    summary: dict[str, Any] = render_ctrf(run(), cases)["results"]["summary"]  # type: ignore[index]  # nested JSON
    assert summary["tests"] == len(cases) == sum(summary[word] for word in ("passed", "failed", "skipped"))
    assert summary["failed"] == sum(verdict in {Verdict.FAILED, Verdict.ERROR} for verdict, _, _ in facts)
