"""Every packing of JSON is read, and no value is trusted to be what it should be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.payloads import (
    integer_of,
    moment_of,
    object_of,
    objects_of,
    parse_documents,
    seconds_of,
    text_of,
    texts_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _documents(text: str) -> list[object]:
    return [str(found) if isinstance(found, ValueError) else found for found in parse_documents(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param('{"id": 1}', [{"id": 1}], id="one object"),
        pytest.param('{"id": 1}{"id": 2}', [{"id": 1}, {"id": 2}], id="gh api --paginate"),
        pytest.param('[{"id": 1}][{"id": 2}]', [[{"id": 1}], [{"id": 2}]], id="pages of arrays"),
        pytest.param('{"id": 1}\n\n{"id": 2}\r\n', [{"id": 1}, {"id": 2}], id="a document per line"),
        pytest.param('\ufeff{"id": 1}\n\x1e{"id": 2}', [{"id": 1}, {"id": 2}], id="byte order mark, record separator"),
    ],
)
def test_documents_behind_each_other(text: str, expected: list[object]) -> None:
    assert _documents(text) == expected


def test_a_broken_document_does_not_hide_the_next_line() -> None:
    assert ["no JSON from character 0 on (Expecting property name enclosed in double quotes)", {"id": 2}] == _documents(
        '{oops\n{"id": 2}'
    )


def test_a_truncated_end_is_said() -> None:
    first, second = _documents('{"id": 1}\n{"id": ')

    assert {"id": 1} == first
    assert str(second).startswith("no JSON from character")


def test_deep_nesting_is_an_error_and_not_a_crash() -> None:
    assert ["no JSON from character 0 on (nested too deeply)"] == _documents("[" * 100_000)


@given(st.lists(JSON, max_size=4))
def test_whatever_was_written_comes_back(documents: list[Any]) -> None:
    text = "\n".join(json.dumps(document) for document in documents)

    assert [json.dumps(document) for document in documents] == [json.dumps(found) for found in parse_documents(text)]


@given(st.text())
def test_any_text_ends(text: str) -> None:
    list(parse_documents(text))


@given(JSON)
def test_any_value_can_be_asked_for_anything(value: object) -> None:
    payload = {"it": value}
    text_of(payload, "it").encode()
    number = integer_of(payload, "it")
    seconds = seconds_of(payload, "it")
    assert number is None or abs(number) < 2**31
    assert seconds is None or seconds >= 0
    for ask in (moment_of, object_of, objects_of, texts_of):
        ask(payload, "it")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(12, "12", id="a number"),
        pytest.param(True, "", id="a truth"),
        pytest.param(None, "", id="null"),
        pytest.param("a\ud800b", "a?b", id="half a character"),
    ],
)
def test_text(value: object, expected: str) -> None:
    assert text_of({"it": value}, "it") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-10-01T09:00:00Z", "2026-10-01T09:00:00+00:00", id="GitHub"),
        pytest.param("2026-10-01T10:00:09.000+01:00", "2026-10-01T09:00:09+00:00", id="GitHub's steps"),
        pytest.param("2026-10-01T09:00:00.123Z", "2026-10-01T09:00:00.123000+00:00", id="GitLab"),
        pytest.param("2026-10-05 08:00:00 UTC", "2026-10-05T08:00:00+00:00", id="GitLab's hooks"),
        pytest.param("0001-01-01T00:00:00Z", None, id="no time at all"),
        pytest.param(1759305600, None, id="a number"),
        pytest.param(None, None, id="null"),
    ],
)
def test_moment(value: object, expected: str | None) -> None:
    moment = moment_of({"it": value}, "it")

    assert expected == (moment.isoformat() if moment else None)
