"""One JSON document: limits, and what is saved of a broken one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.ingest.formats import json_document
from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.formats.json_document import DocumentKind, DocumentsDecoder
from cipredict.ingest.formats.json_values import as_object, name, objects
from cipredict.records import CaseRun, Verdict


def decode(document: object, findings: Findings) -> Iterator[CaseRun]:
    for test in objects(as_object(document).get("tests")):
        yield from findings.case(name(test.get("name")), Verdict.PASSED, 0.0)


KIND = DocumentKind("made up", lambda document: "tests" in as_object(document), decode)


def read(content: bytes) -> tuple[list[str], list[str]]:
    findings = Findings()
    cases = DocumentsDecoder([KIND])(io.BytesIO(content), findings)
    return [case.case_id for case in cases], findings.problems


def document(*names: str) -> bytes:
    return json.dumps({"tests": [{"name": each, "more": [{"x": "}{"}]} for each in names], "end": {}}).encode()


def test_an_intact_document_gives_all() -> None:
    assert (["a", "b"], []) == read(document("a", "b"))


@pytest.mark.parametrize(
    ("content", "names", "problem"),
    [
        pytest.param(document("a", "b", "c")[:-30], ["a"], "truncated: the end is missing", id="end"),
        pytest.param(b'{"tests": [{"name": "a"}, {"na', [], "truncated: the end is missing", id="first only"),
        pytest.param(
            b'{"tests": [{"name": "a"}, {"name": "b"}, {"name" "c"}]}',
            ["a"],
            "broken JSON at line 1: Expecting ':' delimiter",
            id="middle",
        ),
        pytest.param(b"log\n" + document("a"), ["a"], "4 bytes of junk before the JSON", id="before"),
        pytest.param(document("a") + b"\ndone", ["a"], "something follows the JSON, passed over", id="after"),
        pytest.param(document("a").replace(b"a", b"\xff"), [], "not UTF-8: some characters were replaced", id="bytes"),
        pytest.param(b"[}", [], "broken JSON at line 1: Expecting value", id="hopeless"),
        pytest.param(b'"text"', [], "not JSON", id="no object"),
        pytest.param(b'{"other": 1}', [], "JSON, but no known test report", id="unknown"),
    ],
)  # fmt: skip
def test_a_broken_document_gives_what_was_finished(content: bytes, names: list[str], problem: str) -> None:
    found, problems = read(content)
    assert names == found
    assert problem in problems


def test_a_document_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "LARGEST_DOCUMENT_BYTES", 60)
    assert read(document("a" * 60)) == ([], ["a JSON document of more than 0 MB, refused"])


def test_a_large_broken_document_is_not_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "LARGEST_MENDED_CHARACTERS", 10)
    assert read(document("a", "b", "c")[:-30]) == ([], ["truncated: the end is missing"])


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(value=JSON, share=st.floats(0, 1))
@settings(deadline=None)
def test_any_document_cut_anywhere_is_survived(value: object, share: float) -> None:
    content = json.dumps({"tests": [{"name": "a"}, {"name": "b"}, {"name": "c"}, value]}).encode()
    found, _ = read(content[: int(len(content) * share)])
    assert found == ["a", "b", "c"][: len(found)]
