"""Coverage: every format with contexts gives the same links, every format with lines the same shares."""

from __future__ import annotations

import doctest
import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import InputError
from cipredict.ingest.coverage import Coverage, data_file, read_coverage, tally
from cipredict.records import CoverageLink, CoveredFile

PRICES = frozenset({"src/shop/prices.py", "src/shop/cart.py", "src/shop/__init__.py"})


def pairs(read: Coverage) -> set[tuple[str, str]]:
    return {(link.case_id, link.path) for link in read.links}


def write_json(path: Path, files: dict[str, dict[str, list[str]]]) -> Path:
    path.write_text(json.dumps({"files": {name: {"contexts": lines} for name, lines in files.items()}}))
    return path


@pytest.mark.parametrize("module", [data_file, tally])
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", ["contexts.json", "lines.coverage", "branches.coverage"])
def test_every_format_links_the_same_cases_and_files(samples: Path, tmp_path: Path, name: str) -> None:
    read = read_coverage(samples / "coverage" / name, root=tmp_path, known_files=PRICES)
    assert {
        ("tests/test_cart.py::TestCart::TestEmpty::test_nothing", "src/shop/cart.py"),
        ("tests/test_cart.py::TestCart::test_total", "src/shop/cart.py"),
        ("tests/test_cart.py::TestCart::test_total", "src/shop/prices.py"),
        ("tests/test_prices.py::test_add_tax", "src/shop/prices.py"),
    } == pairs(read)
    assert (0, 0) == (read.ignored_contexts, read.outside_files)


def test_lines_are_counted_once_over_phases(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["t.py::x|setup", "t.py::x|run"], "2": ["t.py::x|run"]}})
    assert (CoverageLink("t.py::x", "a.py", 2),) == read_coverage(path, root=tmp_path).links


def test_a_bar_inside_parameters_belongs_to_the_id(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["t.py::x[a|b]|run"]}})
    assert {("t.py::x[a|b]", "a.py")} == pairs(read_coverage(path, root=tmp_path))


def test_other_contexts_are_ignored_and_counted(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", {"a.py": {"1": ["", "test_alpha.TestA.test_b", "t.py::x|odd", "|run"]}})
    read = read_coverage(path, root=tmp_path)
    assert ((), 3) == (read.links, read.ignored_contexts)


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
        pytest.param(b"", "coverage-format", id="empty"),
        pytest.param(b"root:x:0:0", "coverage-format", id="some text"),
        pytest.param(b"TN:\n", "coverage-contexts", id="lcov without a file"),
        pytest.param(b"SF:a.py\nDA:one,1\n", "coverage-format", id="lcov with an odd line"),
        pytest.param(b"SF:a.py\nDA:1,inf\n", "coverage-format", id="lcov with endless hits"),
        pytest.param(b'{"files": {"a.py": {"summary": {}}}}', "coverage-format", id="JSON without counts"),
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


def test_lcov_gives_shares_and_links_only_where_a_test_name_is_a_case(samples: Path, tmp_path: Path) -> None:
    read = read_coverage(samples / "coverage" / "shop.info", root=tmp_path)
    assert (CoverageLink("tests/test_cart.py::TestCart::test_total", "src/shop/prices.py", 2),) == read.links
    assert (
        CoveredFile("src/shop/cart.py", 2, 3),
        CoveredFile("src/shop/empty.py", 0, 0),
        CoveredFile("src/shop/prices.py", 3, 3),
    ) == read.files
    assert ("lcov", 1, 1) == (read.dialect, read.ignored_contexts, read.outside_files)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("SF:a.c\nDA:1,-1\nDA:2,1e3\nend_of_record\n", CoveredFile("a.c", 1, 2), id="gcov's overflow"),
        pytest.param("SF:a.c\r\nDA:1,1\r\nend_of_record\r\n", CoveredFile("a.c", 1, 1), id="Windows"),
        pytest.param("\ufeffSF:a.c\nDA:1,1\n", CoveredFile("a.c", 1, 1), id="byte order mark, end missing"),
        pytest.param("# made by hand\nSF:a.c\nLF:9\nLH:4\nend_of_record", CoveredFile("a.c", 4, 9), id="counts only"),
    ],
)
def test_lcov_as_found_in_the_wild(tmp_path: Path, text: str, expected: CoveredFile) -> None:
    path = tmp_path / "lcov.info"
    path.write_text(text, encoding="utf-8", newline="")
    assert (expected,) == read_coverage(path, root=tmp_path).files


@given(st.lists(st.dictionaries(st.integers(1, 40), st.integers(0, 3), min_size=1), min_size=1, max_size=4))
def test_a_line_of_a_file_counts_once_however_often_lcov_lists_it(entries: list[dict[int, int]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lcov.info"
        records = [
            "\n".join(["SF:a.c", *(f"DA:{n},{hits}" for n, hits in e.items()), "end_of_record"]) for e in entries
        ]
        path.write_text("\n".join(records))
        [file] = read_coverage(path, root=Path(folder)).files
    valid = {line for entry in entries for line in entry}
    covered = {line for entry in entries for line, hits in entry.items() if hits}
    assert CoveredFile("a.c", len(covered), len(valid)) == file


class TestCobertura:
    """Read with the standard library's expat."""

    @pytest.mark.parametrize(
        ("root", "known", "prefix"),
        [
            pytest.param("/builds/shop", frozenset[str](), "src/shop", id="below the root"),
            pytest.param("/elsewhere", frozenset({"src/shop/cart.py", "src/shop/prices.py"}), "src/shop", id="tracked"),
            pytest.param("/elsewhere", frozenset[str](), "shop", id="as the report has it"),
        ],
    )
    def test_lines_are_counted_by_file(self, samples: Path, root: str, known: frozenset[str], prefix: str) -> None:
        read = read_coverage(samples / "coverage" / "cobertura.xml", root=Path(root), known_files=known)
        assert (CoveredFile(f"{prefix}/cart.py", 3, 4), CoveredFile(f"{prefix}/prices.py", 0, 1)) == read.files
        assert ("Cobertura", ()) == (read.dialect, read.links)

    @pytest.mark.parametrize(
        ("content", "slug"),
        [
            pytest.param(b"<report/>", "coverage-format", id="JaCoCo"),
            pytest.param(b"<coverage><class/></coverage>", "coverage-format", id="class without a file"),
            pytest.param(
                b"<coverage><class filename='a.py'><line hits='1'/></class></coverage>",
                "coverage-format",
                id="line without a number",
            ),
            pytest.param(b"<coverage><packages>", "coverage-format", id="cut off"),
            pytest.param(b"<coverage/>", "coverage-contexts", id="empty"),
            pytest.param(b"<!-- -->", "coverage-format", id="no root"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, tmp_path: Path, content: bytes, slug: str) -> None:
        path = tmp_path / "coverage.xml"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_coverage(path, root=tmp_path)
        assert slug == caught.value.slug

    def test_entities_are_not_opened(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret.py")
        path = tmp_path / "coverage.xml"
        path.write_text(
            f'<!DOCTYPE coverage [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
            "<coverage><source>&x;</source><class filename='a.py'><line number='1' hits='1'/></class>"
            "</coverage>"
        )
        assert (CoveredFile("a.py", 1, 1),) == read_coverage(path, root=tmp_path).files


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
    assert ((), 3) == (dynamic.links, dynamic.ignored_contexts)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["coverage.json", "coverage.lcov", "coverage_cobertura.xml", "coverage_dyn_contexts.json"]
)
def test_real_files_without_case_contexts_agree_on_the_share(real_formats: Path, name: str) -> None:
    read = read_coverage(real_formats / "coverage" / name, root=Path("/home/ci/project"))
    assert ((), (CoveredFile("src/pkg/__init__.py", 6, 8),)) == (read.links, read.files)
