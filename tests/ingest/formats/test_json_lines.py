"""Lines of JSON: what else may stand between them, and how they end."""

from __future__ import annotations

import io

import pytest

from cipredict.ingest.formats import json_lines
from cipredict.ingest.formats.interface import Findings, Json
from cipredict.ingest.formats.json_lines import read_lines


def read(content: bytes) -> tuple[list[Json], list[str]]:
    findings = Findings()
    return list(read_lines(io.BufferedReader(io.BytesIO(content)), findings)), findings.problems


@pytest.mark.parametrize(
    ("content", "found", "problems"),
    [
        pytest.param(b"", [], [], id="nothing"),
        pytest.param(b'{"a":1}\r\n\r\n{"a":2}', [{"a": 1}, {"a": 2}], [], id="no last line end"),
        pytest.param(b'[{"a":1}]\n1\n{}\n', [{}], [], id="values that are no objects"),
        pytest.param(b'text\n{"a":1}\n', [{"a": 1}], ["1 lines that are no JSON, passed over"], id="text"),
        pytest.param(b'{"a":1}\n{"a":', [{"a": 1}], ["truncated: the last line is cut off"], id="cut off"),
        pytest.param(b'{"a":1}\ndone', [{"a": 1}], ["1 lines that are no JSON, passed over"], id="text at the end"),
        pytest.param(b'{"a":"\xff"}\n', [{"a": "\ufffd"}], [], id="wrong encoding"),
        pytest.param(b'{"a":"\x01"}\n', [{"a": "\x01"}], [], id="raw control character"),
    ],
)
def test_objects_are_given_and_the_rest_is_reported(content: bytes, found: list[Json], problems: list[str]) -> None:
    assert (found, problems) == read(content)


def test_a_line_beyond_the_limit_is_passed_over_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE_BYTES", 16)
    found, problems = read(b'{"a":1}\n{"a":"' + b"x" * 100 + b'"}\n{"a":2}\n')
    assert ([{"a": 1}, {"a": 2}], ["1 lines that are no JSON, passed over"]) == (found, problems)
