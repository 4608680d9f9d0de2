"""Values out of any JSON or CSV: where exactly one is expected, none and two are reasons, never numbers."""

from __future__ import annotations

import json

import pytest

from cipredict.ingest.metrics.jsonpath import find_values
from cipredict.ingest.metrics.plain import Pick, pick_csv, pick_json

DOCUMENT = {"runs": [{"name": "p50", "value": 3}, {"name": "p99", "value": "9ms"}], "a b": {"x": [1, 2, 3]}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [DOCUMENT]),
        ("$.runs[0].value", [3]),
        ("$.runs[-1].value", ["9ms"]),
        ("$.runs[9].value", []),
        ("$['a b'].x[*]", [1, 2, 3]),
        ('$["a b"]["x"][1]', [2]),
        ("$.runs[*].name", ["p50", "p99"]),
        ("$..value", [3, "9ms"]),
        ("$.runs[?@.name=='p99'].value", ["9ms"]),
        ('$.runs[?(@.name == "p50")].value', [3]),
        ("$.runs[?@.value==3].name", ["p50"]),
        ("$.nothing.there", []),
        ("$.runs.value", []),
        ("$.*.x[0]", [1]),
    ],
)
def test_paths_lead_to_values(path: str, expected: list[object]) -> None:
    assert expected == find_values(DOCUMENT, path)


@pytest.mark.parametrize("path", ["runs", "$.runs[", "$..", "$.a..[0]", "$.runs[1:2]", "$ .a"])
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        find_values(DOCUMENT, path)


def test_deep_documents_are_walked() -> None:
    document: object = 1
    for _ in range(50_000):
        document = [document]
    assert [] == find_values(document, "$..x")


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (Pick("m", "f", path="$.runs[1].value"), "9ms"),
        (Pick("m", "f", path="$.runs[0].value", unit="ms"), "3ms"),
        (Pick("m", "f", path="$['a b'].x[*]", take="max"), "3"),
        (Pick("m", "f", path="$['a b'].x[*]", take="mean"), "2"),
        (Pick("m", "f", path="$['a b'].x[*]"), "leads to 3 values"),
        (Pick("m", "f", path="$.nothing"), "leads to nothing"),
        (Pick("m", "f", path="$.runs[*].value", take="max"), "mixes units"),
        (Pick("m", "f", path="$.runs[0].name"), "not a quantity"),
        (Pick("m", "f", path="$.runs["), "cannot be read from"),
    ],
)
def test_one_value_is_taken_out_of_json(pick: Pick, expected: str) -> None:
    measured = pick_json(pick, json.loads(json.dumps(DOCUMENT)))
    assert expected in (str(measured.quantity) if measured.quantity else measured.reason)


@pytest.mark.parametrize(
    ("text", "take", "expected"),
    [
        ("name,ms\na,3\nb,4.5\n", "max", "4.5ms"),
        ("name,ms\na,3\nb,4.5\n", "sum", "7.5ms"),
        ("name,ms\n", "max", "leads to nothing"),
        ("name,s\na,1\n", "max", "there is no column 'ms'"),
        ("name,ms\na,\n", "max", "not a quantity"),
        ("name,ms\na\n", "max", "not a quantity"),
        ("", "max", "there is no column"),
        ("name,ms\na,1e308\nb,1e308\n", "sum", "no finite number"),
    ],
)
def test_one_value_is_taken_out_of_csv(text: str, take: str, expected: str) -> None:
    unit = "" if "1e308" in text else "ms"
    measured = pick_csv(Pick("m", "f", column="ms", unit=unit, take=take), text)
    assert expected in (str(measured.quantity) if measured.quantity else measured.reason)
