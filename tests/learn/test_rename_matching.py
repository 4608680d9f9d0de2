"""Which id continues which: what is joined, and above all what is not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ids import case_file
from cipredict.learn.rename_matching import Evidence, match_renames

pytestmark = pytest.mark.learn


def joined(before: Iterable[str], after: Iterable[str], **moved: str) -> dict[str, tuple[str, Evidence]]:
    paths = {f"{old}.py": new for old, new in moved.items()}
    return {m.old_id: (m.new_id, m.evidence) for m in match_renames(list(before), list(after), paths)}


@pytest.mark.parametrize(
    ("old", "new", "evidence"),
    [
        pytest.param("a.py::test_upoad_file", "a.py::test_upload_file", Evidence.RENAMED, id="typo"),
        pytest.param("a.py::T::test_reads_all_rows", "a.py::T::test_read_all_rows", Evidence.RENAMED, id="inflection"),
        pytest.param("a.py::testReadsAllRows", "a.py::testReadAllRows", Evidence.RENAMED, id="camel-case"),
        pytest.param("cart.js::cart pays all bills", "cart.js::Cart pays all Bill", Evidence.RENAMED, id="title"),
        pytest.param("a.py::Old::test_x", "a.py::New::test_x", Evidence.MOVED, id="class-renamed"),
        pytest.param("a.py::test_x", "a.py::New::test_x", Evidence.MOVED, id="into-a-class"),
        pytest.param("a.py::T::test_x_of_y[p]", "b/c.py::T::test_x_of_y[p]", Evidence.MOVED, id="other-file"),
        pytest.param("a.py::T::test_x_of_y", "b.py::U::test_x_of_y", Evidence.MOVED, id="other-file-and-class"),
        pytest.param("spec/a/new_phone_spec.rb", "spec/b/new_phone_spec.rb", Evidence.MOVED, id="file-is-the-case"),
        pytest.param("a.py::test_x[abcdef-1]", "a.py::test_x[abcdef-2]", Evidence.PARAMETERS, id="value"),
        pytest.param("a.py::test_x[1e-12]", "a.py::test_x[1e-12-expected2]", Evidence.PARAMETERS, id="value-added"),
        pytest.param("a.py::test_x[sql-lf-None]", "a.py::test_x[sql-None]", Evidence.PARAMETERS, id="value-dropped"),
        pytest.param("a.py::test_x[sql-out3]", "a.py::test_x[sql-out4]", Evidence.PARAMETERS, id="position-shifted"),
    ],
)
def test_a_case_is_known_again(old: str, new: str, evidence: Evidence) -> None:
    assert joined([old], [new]) == {old: (new, evidence)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(["a.py::test_api_create_user"], ["a.py::test_api_delete_user"], id="one-word-of-three-is-another"),
        pytest.param(["a.py::test_reads_all_rows_of_x"], ["a.py::test_reads_not_all_rows_of_x"], id="a-word-more"),
        pytest.param(["a.py::test_info"], ["a.py::test_info_base", "a.py::test_info_envs"], id="split"),
        pytest.param(["a.py::test_x"], ["a.py::test_x[a]", "a.py::test_x[b]"], id="parametrised"),
        pytest.param(["a.py::test_x[a]"], ["a.py::test_x[a-1]", "a.py::test_x[a-2]"], id="one-value-became-two"),
        pytest.param(["a.py::test_x[x9]"], ["a.py::test_x[x10]"], id="only-a-position-is-known"),
        pytest.param(["a.py::test_x[1]"], ["a.py::test_x[7]"], id="nothing-in-common"),
        pytest.param(["a.py::test_init"], ["b.py::test_init"], id="a-name-that-is-everywhere"),
        pytest.param(["pkg/a/index.js"], ["pkg/b/index.js"], id="a-file-name-that-is-everywhere"),
        pytest.param(["a.py::test_x_y"], ["b.py::test_x_y", "c.py::test_x_y"], id="copied-to-two-files"),
        pytest.param(["a.py::test_reads_rows_1"], ["a.py::test_reads_rows_2", "a.py::test_reads_rows_3"], id="rivals"),
        pytest.param(["a.py::test_x", "a.py::test_y"], ["a.py::test_x", "a.py::test_y"], id="nothing-happened"),
        pytest.param(["a.py::test_x_y"], ["a.py::test_x_y", "b.py::test_x_y"], id="copied"),
        pytest.param(["a.py::test_x[p]", "a.py::test_x[q]"], ["a.py::test_x[p]", "b.py::test_x[q]"], id="some-stayed"),
        pytest.param(["spec/user_phone_spec.rb"], ["spec/users_phone_spec.rb"], id="a-like-file-is-for-git-to-judge"),
    ],
)
def test_in_doubt_nothing_is_joined(before: list[str], after: list[str]) -> None:
    assert joined(before, after) == {}


def test_git_has_the_first_word() -> None:
    before = ["old.py::test_a", "old.py::test_b[x]", "old.py::test_gone"]
    after = ["new.py::test_a", "new.py::test_b[x]", "other.py::test_a"]
    assert joined(before, after, old="new.py") == {
        "old.py::test_a": ("new.py::test_a", Evidence.GIT),
        "old.py::test_b[x]": ("new.py::test_b[x]", Evidence.GIT),
    }


def test_a_file_that_was_renamed_is_one_file_for_names_as_well() -> None:
    before = ["old.py::T::test_upoad_file", "old.py::T::test_x[abc-1]", "old.py::T::test_init"]
    after = ["new.py::T::test_upload_file", "new.py::T::test_x[abc-1-None]", "new.py::U::test_init"]
    assert joined(before, after, old="new.py") == {
        before[0]: (after[0], Evidence.RENAMED),
        before[1]: (after[1], Evidence.PARAMETERS),
        before[2]: (after[2], Evidence.MOVED),
    }


def test_names_that_are_everywhere_are_known_by_what_moved_with_them() -> None:
    before = ["a.py::test_init", "a.py::test_copies_rows"]
    after = ["b.py::test_init", "b.py::test_copies_rows"]
    assert joined(before, after) == {a: (b, Evidence.MOVED) for a, b in zip(before, after, strict=True)}


def test_paths_tell_cases_of_one_name_apart() -> None:
    before = ["t/one/a.py::test_reads_rows", "t/two/b.py::test_reads_rows"]
    after = ["tests/one/a.py::test_reads_rows", "tests/two/b.py::test_reads_rows"]
    assert joined(before, after) == {a: (b, Evidence.MOVED) for a, b in zip(before, after, strict=True)}
    assert joined(["t/x/a.py::test_reads_rows", "t/y/a.py::test_reads_rows"], after) == {}


def test_renaming_a_function_keeps_its_parameters() -> None:
    before = [f"a.py::test_reads_all_rows[{value}]" for value in ("lf", "crlf", "none")]
    after = [case_id.replace("reads", "read") for case_id in before]
    assert joined(before, after) == {a: (b, Evidence.RENAMED) for a, b in zip(before, after, strict=True)}


words = st.lists(st.sampled_from(["read", "reads", "row", "rows", "all", "init", "user"]), min_size=1, max_size=3)
ids = st.builds(
    lambda file, name, parameter: f"{file}.py::test_{'_'.join(name)}{parameter}",
    st.sampled_from("abc"),
    words,
    st.sampled_from(["", "[x]", "[x-1]", "[x-2]", "[y0]"]),
)


@given(before=st.sets(ids, max_size=12), after=st.sets(ids, max_size=12), has_moved=st.booleans())
def test_only_what_is_gone_goes_on_and_only_once(before: set[str], after: set[str], *, has_moved: bool) -> None:
    moved = {"a.py": "b.py"} if has_moved else {}
    matches = match_renames(before, after, moved)
    olds, news = [match.old_id for match in matches], [match.new_id for match in matches]
    assert set(olds) <= before - after
    assert set(news) <= after - before
    assert (len(set(olds)), len(set(news))) == (len(matches), len(matches))
    assert all(0.75 <= match.likeness <= 1 for match in matches)
    assert matches == match_renames(sorted(before, reverse=True), sorted(after), moved)


@given(cases=st.sets(ids, max_size=12))
def test_a_renamed_file_loses_nothing(cases: set[str]) -> None:
    before = {case_id for case_id in cases if case_file(case_id) == "a.py"}
    after = {case_id.replace("a.py", "new.py") for case_id in before}
    assert {m.old_id: m.new_id for m in match_renames(before, after, {"a.py": "new.py"})} == {
        case_id: case_id.replace("a.py", "new.py") for case_id in before
    }


@given(before=st.sets(ids, max_size=8), after=st.sets(ids, max_size=8), extra=ids)
def test_what_did_not_change_has_no_say(before: set[str], after: set[str], extra: str) -> None:
    """A case of another function that is on both sides changes no match."""
    stayed = extra.replace("test_", "test_entirely_other_")
    assert match_renames(before | {stayed}, after | {stayed}) == match_renames(before, after)
