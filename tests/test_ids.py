"""Laws of case ids: what pytest flattens into a JUnit report is found again."""

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cipredict.ids
from cipredict.ids import case_class, case_file, case_folder, case_function, pytest_id

word = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
folder_name = st.from_regex(r"[a-z][a-z0-9_.-]{0,6}", fullmatch=True)
class_name = st.from_regex(r"Test[A-Z][a-z]{0,4}", fullmatch=True)
parameters = st.one_of(st.just(""), st.text(st.characters(codec="ascii", exclude_categories=["C"])).map("[{}]".format))
test_path = st.builds(lambda folders, stem: "/".join([*folders, f"test_{stem}.py"]), st.lists(word, max_size=3), word)
any_path = st.builds(
    lambda folders, name, suffix: "/".join([*folders, name + suffix]),
    st.lists(folder_name, max_size=3),
    word,
    st.sampled_from([".py", ".md", ".yml"]),
)


def flatten(node_id: str) -> tuple[str, str]:
    """Do what `_pytest.junitxml.mangle_test_address` does, joined as the report has it."""
    path, bracket, rest = node_id.partition("[")
    names = path.split("::")
    names[0] = re.sub(r"\.py$", "", names[0].replace("/", "."))
    names[-1] += bracket + rest
    return ".".join(names[:-1]), names[-1]


def node_id(path: str, classes: list[str], function: str, suffix: str) -> str:
    return "::".join([path, *classes, function]) + suffix


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(cipredict.ids).failed == 0


@given(test_path, st.lists(class_name, max_size=2), word, parameters)
def test_conventional_names_need_no_file_list(path: str, classes: list[str], function: str, suffix: str) -> None:
    expected = node_id(path, classes, function, suffix)
    classname, name = flatten(expected)
    assert expected == pytest_id(classname, name)


@given(any_path, st.lists(word, max_size=2), word, parameters)
def test_known_files_settle_every_spelling(path: str, classes: list[str], function: str, suffix: str) -> None:
    expected = node_id(path, classes, function, suffix)
    classname, name = flatten(expected)
    assert expected == pytest_id(classname, name, known_files=frozenset({path}))


@given(test_path, st.lists(class_name, max_size=2), word, parameters)
def test_xunit1_and_xunit2_give_one_id(path: str, classes: list[str], function: str, suffix: str) -> None:
    classname, name = flatten(node_id(path, classes, function, suffix))
    assert pytest_id(classname, name) == pytest_id(classname, name, file=path)


@given(st.text(), st.text(), st.text())
def test_any_attributes_give_an_id(classname: str, name: str, file: str) -> None:
    assert pytest_id(classname, name, file=file)


def test_the_deepest_known_file_wins() -> None:
    known = frozenset({"tests/api.py", "tests/api/users.py"})
    assert pytest_id("tests.api.users.TestAll", "test_x", known_files=known) == "tests/api/users.py::TestAll::test_x"


def test_an_inherited_test_belongs_to_the_file_that_was_collected() -> None:
    actual = pytest_id("tests.test_beta.TestB", "test_inherited", file="tests/base.py")
    assert actual == "tests/test_beta.py::TestB::test_inherited"


def test_a_classname_without_a_module_consists_of_classes() -> None:
    assert pytest_id("TestAcme", "test_pass", file="tests/test_lib.py") == "tests/test_lib.py::TestAcme::test_pass"


def test_a_doctest_keeps_its_module() -> None:
    assert pytest_id("src.pkg.mod", "pkg.mod.function") == "src/pkg/mod.py::pkg.mod.function"


def test_a_folder_with_a_dot_is_found_in_the_file_list() -> None:
    known = frozenset({"v1.2/test_a.py"})
    assert pytest_id("v1.2.test_a", "test_b", known_files=known) == "v1.2/test_a.py::test_b"


def test_a_collection_error_is_its_file() -> None:
    assert pytest_id("", "v1.2.test_a", known_files={"v1.2/test_a.py"}) == "v1.2/test_a.py"
    assert pytest_id("", "tests.test_a", file="tests/test_a.py") == "tests/test_a.py"


@pytest.mark.parametrize(
    ("case_id", "file", "folder", "function", "group"),
    [
        pytest.param("a/t.py::f[x::y]", "a/t.py", "a", "a/t.py::f", "a/t.py", id="function"),
        pytest.param("t.py::C::f", "t.py", "", "t.py::C::f", "t.py::C", id="class at the root"),
        pytest.param("a/t.py", "a/t.py", "a", "a/t.py", "", id="collection error"),
        pytest.param("com.acme.Foo::bar[1]", "com.acme.Foo", "", "com.acme.Foo::bar", "com.acme.Foo", id="Java"),
    ],
)
def test_parts_of_an_id(case_id: str, file: str, folder: str, function: str, group: str) -> None:
    actual = (case_file(case_id), case_folder(case_id), case_function(case_id), case_class(case_id))
    assert (file, folder, function, group) == actual
