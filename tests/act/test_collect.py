"""Collection runs the real pytest of this environment on small suites."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cipredict.act.collect import BrokenFile, collect_cases
from cipredict.errors import EXIT_USAGE, InputError
from cipredict.ids import CaseId

SUITE = """
import pytest
pytestmark = pytest.mark.slow

@pytest.mark.parametrize("x", ["a::b", "[c]", "d/e f"])
def test_parameters(x): pass

@pytest.mark.database
class TestThing:
    @pytest.mark.skipif(False, reason="")
    def test_method(self): pass
"""
MARKERS = "[pytest]\nmarkers =\n  slow\n  database\n"
IDS = (
    "test_a.py::test_parameters[a::b]",
    "test_a.py::test_parameters[[c]]",
    "test_a.py::test_parameters[d/e f]",
    "test_a.py::TestThing::test_method",
)


@pytest.fixture(autouse=True)
def _no_outer_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # faster, and `-p cipredict` must do without


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(MARKERS)
    (tmp_path / "test_a.py").write_text(SUITE)
    return tmp_path


def test_ids_come_exactly_and_in_order_with_the_markers_they_inherit(suite: Path) -> None:
    found = collect_cases(cwd=suite)

    assert found.cases == IDS
    assert [found.markers[case_id] for case_id in found.cases] == [("slow",)] * 3 + [("database", "slow")]
    assert found.broken == ()


@pytest.mark.parametrize("addopts", ["-qq", "-v", "-p xdist -n 2", "--cipredict-shard 1/2", "-p no:cipredict"])
def test_the_projects_own_options_do_not_change_the_answer(suite: Path, addopts: str) -> None:
    (suite / "pytest.ini").write_text(f"{MARKERS}addopts = {addopts}\n")
    if "xdist" in addopts:
        pytest.importorskip("xdist", reason="-n is pytest-xdist's")

    assert collect_cases(cwd=suite).cases == IDS


def test_arguments_narrow_the_collection(suite: Path) -> None:
    assert collect_cases(["-k", "method"], cwd=suite).cases == IDS[3:]


def test_a_broken_file_becomes_a_candidate_so_that_the_real_run_reports_it(suite: Path) -> None:
    (suite / "test_broken.py").write_text("import nowhere_to_be_found\n")

    found = collect_cases(cwd=suite)

    expected = (BrokenFile(CaseId("test_broken.py"), "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),)
    assert expected == found.broken
    assert found.candidates == (*IDS, "test_broken.py")


@pytest.mark.parametrize("arguments", [(), ("--continue-on-collection-errors",)])
def test_only_broken_files_is_still_an_answer(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "test_broken.py").write_text("def (\n")

    assert collect_cases(arguments, cwd=tmp_path).candidates == ("test_broken.py",)


def test_a_project_without_cases_has_none(tmp_path: Path) -> None:
    assert collect_cases(cwd=tmp_path).candidates == ()


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        pytest.param({}, ("missing.py",), "missing.py", id="no-such-file"),
        pytest.param({}, ("--unknown-option",), "unrecognized arguments", id="no-such-option"),
        pytest.param({"conftest.py": "import nowhere\n"}, (), "No module named 'nowhere'", id="broken-conftest"),
        pytest.param({"conftest.py": "import os\nos._exit(3)\n"}, (), "it printed nothing", id="killed"),
        pytest.param({"conftest.py": "def pytest_collection():\n    raise OSError\n"}, (), "exit code 3", id="crash"),
    ],
)
def test_without_any_collection_the_command_must_fail(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)

    with pytest.raises(InputError) as error:
        collect_cases(arguments, cwd=tmp_path)

    assert (error.value.exit_code, error.value.slug) == (EXIT_USAGE, "collect-failed")
    assert words in str(error.value)


def test_a_collection_that_hangs_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import time\ntime.sleep(30)\n")

    with pytest.raises(InputError, match=r"more than 0\.5 s"):
        collect_cases(cwd=tmp_path, timeout_s=0.5)


@pytest.mark.parametrize(
    ("python", "cwd", "words"), [("/nowhere/python", ".", "/nowhere/python"), (sys.executable, "gone", "gone")]
)
def test_an_interpreter_or_folder_that_does_not_exist_is_named(
    tmp_path: Path, python: str, cwd: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        collect_cases(cwd=tmp_path / cwd, python=python)
