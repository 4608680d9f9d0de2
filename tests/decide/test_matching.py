"""Ids of a collection against those of reports: the share, examples, and the probable cause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.matching import match_ids

IDS = [f"tests/test_{file}.py::test_{n}" for file in "ab" for n in range(20)]


def test_the_share_is_of_the_distinct_candidates() -> None:
    match = match_ids([*IDS, *IDS], IDS[:30])
    assert (match.candidates, match.matched, match.share) == (40, 30, 0.75)
    assert match.only_collected == tuple(sorted(IDS[30:])[:3])


def test_where_everything_matches_there_is_no_cause() -> None:
    match = match_ids(IDS, [*IDS, "tests/test_c.py::test_gone"])
    assert (match.share, match.cause, match.only_reported) == (1.0, "", ("tests/test_c.py::test_gone",))


@pytest.mark.parametrize(
    ("collected", "reported", "cause"),
    [
        pytest.param(IDS, [f"backend/{i}" for i in IDS], "another root folder: './' here is 'backend/'", id="below"),
        pytest.param([f"backend/{i}" for i in IDS], IDS, "another root folder: 'backend/' here is './'", id="above"),
        pytest.param(
            [f"a/{i}" for i in IDS], [f"/ci/b/{i}" for i in IDS], "'a/' here is '/ci/b/' in the reports", id="elsewhere"
        ),
        pytest.param(
            ["tests/test_a.py::TestB::test_c", "tests/api/v1.py::check"],
            ["tests/test_a/TestB.py::test_c", "tests/api.py::v1::check"],
            "xunit2",
            id="module or class",
        ),
        pytest.param(
            [f"t.py::test_a[<object at 0x7f{n}>]" for n in range(9)],
            [f"t.py::test_a[<object at 0x8e{n}>]" for n in range(9)],
            "parameters differ",
            id="parameters",
        ),
        pytest.param(IDS[:20], [i.replace("test_a", "test_z") for i in IDS[:20]], "moved files", id="moved"),
        pytest.param(["a.py::x"], ["b.py::y"], "new or renamed cases", id="nothing alike"),
        pytest.param([*IDS, "a.py::new"], IDS, "new cases", id="only new ones"),
    ],
)
def test_a_cause_is_guessed(collected: list[str], reported: list[str], cause: str) -> None:
    assert cause in match_ids(collected, reported).cause


def test_a_few_new_cases_do_not_hide_another_root() -> None:
    new = [f"tests/test_new.py::test_{n}" for n in range(15)]
    assert "another root folder" in match_ids([*IDS, *new], [f"backend/{i}" for i in IDS]).cause


def test_without_candidates_nothing_is_known() -> None:
    assert match_ids([], IDS).share == 0.0


ids = st.lists(st.text("ab/:.[]", max_size=8), max_size=8)


@given(ids, ids)
def test_any_ids_can_be_compared(collected: list[str], reported: list[str]) -> None:
    match = match_ids(collected, reported)
    assert match.matched == len(set(collected) & set(reported))
    assert bool(match.cause) == (match.matched < match.candidates)
