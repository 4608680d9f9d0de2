"""A file that was taken for a test report is told which command reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.ingest.remedies import document_remedy, head_remedy, root_remedy


@pytest.mark.parametrize(
    ("document", "remedy"),
    [
        pytest.param({"tests/test_a.py::test_b": 0.5}, "durations", id="pytest-split"),
        pytest.param([["tests/test_a.py::test_b", 1]], "durations", id="pytest-split before 0.2"),
        pytest.param({"meta": {}, "files": {}, "totals": {}}, "coverage", id="coverage json"),
        pytest.param({"total_count": 1, "tests/a::b": None}, "", id="something else"),
        pytest.param({"name": "shop", "version": "1.0"}, "", id="package.json"),
        pytest.param({"width": 3, "height": 4}, "", id="numbers without ids"),
        pytest.param({}, "", id="nothing"),
        pytest.param([[]], "", id="pairs of nothing"),
        pytest.param(None, "", id="null"),
    ],
)
def test_a_document_names_its_command(document: object, remedy: str) -> None:
    assert document_remedy(document) == (f"; `cipredict ingest {remedy}` takes it in" if remedy else "")


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_runs_name_their_command(samples: Path, system: str) -> None:
    name = {"github": "runs.json", "gitlab": "pipelines.json"}[system]
    document = json.loads((samples / system / name).read_text(encoding="utf-8"))
    assert f"; `cipredict ingest {system}` takes it in" == document_remedy(document)


def test_coverage_names_its_command() -> None:
    remedies = root_remedy("coverage"), head_remedy(b"SQLite format 3\0..."), head_remedy(b"TN:\nSF:a.js\n")
    assert {"; `cipredict ingest coverage` takes it in"} == set(remedies)
    assert ("", "") == (root_remedy("html"), head_remedy(b"ran 3 tests"))
