"""Coverage contexts: JSON and sqlite, by line and by branch, say the same."""

from __future__ import annotations

import doctest
import json
import sqlite3
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest import coverage
from cipredict.ingest.coverage import Coverage, read_coverage
from cipredict.records import CoverageLink

PRICES = frozenset({"src/shop/prices.py", "src/shop/cart.py", "src/shop/__init__.py"})


def pairs(read: Coverage) -> set[tuple[str, str]]:
    return {(link.case_id, link.path) for link in read.links}


def write_json(path: Path, files: dict[str, dict[str, list[str]]]) -> Path:
    path.write_text(json.dumps({"files": {name: {"contexts": lines} for name, lines in files.items()}}))
    return path


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(coverage).failed == 0


@pytest.mark.parametrize("name", ["contexts.json", "lines.coverage", "branches.coverage"])
def test_every_format_links_the_same_cases_and_files(samples: Path, tmp_path: Path, name: str) -> None:
    read = read_coverage(samples / "coverage" / name, root=tmp_path, known_files=PRICES)
    assert {
        ("tests/test_cart.py::TestCart::TestEmpty::test_nothing", "src/shop/cart.py"),
        ("tests/test_cart.py::TestCart::test_total", "src/shop/cart.py"),
        ("tests/test_cart.py::TestCart::test_total", "src/shop/prices.py"),
        ("tests/test_prices.py::test_add_tax", "src/shop/prices.py"),
    } == pairs(read)
    assert (1, 0) == (read.ignored_contexts, read.outside_files)


def test_lines_are_counted_once_over_phases(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["t.py::x|setup", "t.py::x|run"], "2": ["t.py::x|run"]}})
    assert (CoverageLink("t.py::x", "a.py", 2),) == read_coverage(path, root=tmp_path).links


def test_a_bar_inside_parameters_belongs_to_the_id(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["t.py::x[a|b]|run"]}})
    assert {("t.py::x[a|b]", "a.py")} == pairs(read_coverage(path, root=tmp_path))


def test_other_contexts_are_ignored_and_counted(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["", "test_alpha.TestA.test_b", "t.py::x|odd", "|run"]}})
    read = read_coverage(path, root=tmp_path)
    assert ((), 4) == (read.links, read.ignored_contexts)


def test_absolute_paths_become_relative_and_strangers_stay_out(tmp_path: Path) -> None:
    contexts = {"1": ["t.py::x|run"]}
    files = dict.fromkeys([f"{tmp_path}/src/a.py", "/usr/lib/b.py", "../c.py", "src\\d.py", "C:\\e.py"], contexts)
    read = read_coverage(write_json(tmp_path / "c.json", files), root=tmp_path)
    assert ({("t.py::x", "src/a.py"), ("t.py::x", "src/d.py")}, 3) == (pairs(read), read.outside_files)


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        pytest.param(b'{"files": {"a.py": {}}}', "coverage-contexts", id="no contexts"),
        pytest.param(b'{"files": {"a.py": {"contexts": {"1": [""]}}}}', "coverage-contexts", id="import time only"),
        pytest.param(b"{", "coverage-format", id="not JSON"),
        pytest.param(b"[]", "coverage-format", id="another JSON"),
        pytest.param(b'{"files": {"a.py": {"contexts": {"x": ["t|run"]}}}}', "coverage-format", id="odd line"),
        pytest.param(b"SQLite format 3\0garbage", "coverage-format", id="damaged sqlite"),
        pytest.param(b"<xml/>", "coverage-format", id="Cobertura"),
    ],
)
def test_what_cannot_be_used_is_the_users_mistake(tmp_path: Path, content: bytes, slug: str) -> None:
    path = tmp_path / "coverage"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_coverage(path, root=tmp_path)
    assert slug == caught.value.slug


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("create table file (id)")
    connection.commit()
    connection.close()
    with pytest.raises(InputError):
        read_coverage(tmp_path / "other.db", root=tmp_path)
    with pytest.raises(InputError):
        read_coverage(tmp_path / "missing", root=tmp_path)


def test_text_that_is_no_utf8_is_the_users_mistake(tmp_path: Path, samples: Path) -> None:
    content = (samples / "coverage" / "lines.coverage").read_bytes()
    (tmp_path / "c").write_bytes(content.replace(b"|run", b"|r\xcbn"))
    with pytest.raises(InputError) as caught:
        read_coverage(tmp_path / "c", root=tmp_path)
    assert caught.value.slug == "coverage-format"


@pytest.mark.shared_data
def test_real_files_agree(real_formats: Path) -> None:
    folder, root = real_formats / "coverage", Path("/tmp/landscape/gen")  # noqa: S108  # where it was measured
    expected = pairs(read_coverage(folder / "coverage_contexts.json", root=root))
    assert expected == pairs(read_coverage(folder / "dot_coverage_cov-context-test.sqlite", root=root))
    assert ("tests/test_alpha.py::test_fail_ctrl", "src/pkg/__init__.py") in expected
    dynamic = read_coverage(folder / "dot_coverage_dynamic_context_test_function.sqlite", root=root)
    assert ((), 4) == (dynamic.links, dynamic.ignored_contexts)
