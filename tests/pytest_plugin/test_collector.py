"""`--cipredict-collect`: the hidden option behind `cipredict.act.collect`."""

from __future__ import annotations

import json

import pytest

from cipredict.act import collect
from cipredict.pytest_plugin.collector import COLLECTION_SCHEMA

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def test_ids_markers_and_errors_are_written_whatever_a_plan_says(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers = slow\n")
    pytester.makepyfile(
        test_a="""
            import pytest
            pytestmark = pytest.mark.slow
            @pytest.mark.parametrize("x", ["a::b"])
            def test_p(x): pass
        """,
        test_broken="import nowhere_to_be_found",
    )

    pytester.runpytest_inprocess(
        *("-p", "cipredict", "--collect-only", "-qq", "--cipredict-collect=c.json", "--cipredict-plan=gone.json")
    )

    assert json.loads((pytester.path / "c.json").read_text()) == {
        "schema": "cipredict.collection/1",
        "exitstatus": 2,
        "cases": [{"id": "test_a.py::test_p[a::b]", "markers": ["slow"]}],
        "errors": [{"id": "test_broken.py", "message": "ModuleNotFoundError: No module named 'nowhere_to_be_found'"}],
    }


def test_writer_and_reader_agree_on_the_schema() -> None:
    assert COLLECTION_SCHEMA == collect.COLLECTION_SCHEMA
