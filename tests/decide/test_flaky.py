"""Flaky, broken, newly failing: what a history proves, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.flaky import (
    CaseFlakiness,
    Changes,
    Confidence,
    Evidence,
    Standing,
    TreeChange,
    TreeOutcome,
    judge_cases,
)
from cipredict.decide.globs import path_matcher
from cipredict.stats import jeffreys

CASE = "tests/test_a.py::test_b"
START = datetime(2026, 1, 1, tzinfo=UTC)


def outcomes(marks: str, *, series: str = "", is_base: bool = True, attempts: int = 1) -> list[TreeOutcome]:
    """Give a tree per mark: `.` passed, `F` failed in all attempts, `M` failed and passed, `R` in one report."""
    rows = []
    for position, mark in enumerate(marks):
        failures = attempts if mark == "F" else int(mark in "MR")
        passes = 0 if mark == "F" else attempts
        at = START + timedelta(days=position)
        rerun = int(mark == "R")
        tree = f"commit o/r {position}" if is_base else f"run github o/r {position}"
        rows.append(TreeOutcome(CASE, series, tree, position, is_base, passes, failures, rerun, str(position), at))
    return rows


def changes(*paths: Sequence[str] | None, parents: bool = True) -> Changes:
    """Give the changes of commits 0, 1, …, each the child of the one before."""
    by_tree = {
        f"commit o/r {n}": TreeChange(str(n), str(n - 1) if parents else "", None if found is None else tuple(found))
        for n, found in enumerate(paths)
    }
    return Changes(by_tree, can_move_any=path_matcher(("**/conftest.py",)), is_ignored=path_matcher(("docs/**",)))


NO_CHANGES = changes()


def judge(rows: list[TreeOutcome], known: Changes = NO_CHANGES) -> CaseFlakiness:
    [judged] = judge_cases(rows, known)
    return judged


@pytest.mark.parametrize(
    ("marks", "standing", "kinds"),
    [
        pytest.param("...M..", Standing.FLAKY, [Evidence.SAME_COMMIT], id="both on one commit"),
        pytest.param("...R..", Standing.FLAKY, [Evidence.RERUN], id="passed when run again"),
        pytest.param("FFFFF", Standing.BROKEN, [], id="never passed"),
        pytest.param("...FFFFF", Standing.BROKEN, [], id="red for five commits"),
        pytest.param(".....FF", Standing.NEWLY_FAILING, [], id="red since two commits"),
        pytest.param("F", Standing.NEWLY_FAILING, [], id="new and red"),
        pytest.param("..M..F", Standing.NEWLY_FAILING, [Evidence.SAME_COMMIT], id="flaky, but red now"),
        pytest.param("..FFF..", Standing.EXPLAINED, [], id="broke and was fixed"),
        pytest.param("F....", Standing.EXPLAINED, [], id="was fixed at the start"),
    ],
)
def test_a_history_is_judged(marks: str, standing: Standing, kinds: list[Evidence]) -> None:
    judged = judge(outcomes(marks))
    assert (judged.standing, [one.kind for one in judged.contradictions]) == (standing, kinds)


def test_what_fails_only_in_changes_is_their_authors_affair() -> None:
    judged = judge(outcomes("FFFFFF", is_base=False))
    assert (judged.standing, judged.results) == (Standing.EXPLAINED, 0)


def test_a_case_that_is_red_in_one_job_of_a_matrix_is_broken_there() -> None:
    judged = judge([*outcomes("......", series="linux"), *outcomes("FFFFFF", series="windows")])
    assert (judged.standing, judged.contradictions) == (Standing.BROKEN, ())


@pytest.mark.parametrize(("red_runs", "standing"), [(1, Standing.FLAKY), (2, Standing.NEWLY_FAILING)])
def test_a_commit_that_passed_and_fails_in_every_run_since_is_red(red_runs: int, standing: Standing) -> None:
    rows = outcomes("....M")
    assert judge([*rows[:-1], rows[-1]._replace(red_runs=red_runs)]).standing is standing


SRC, OTHER, DOCS, CONFTEST, OWN = ["src/a.py"], ["src/b.py"], ["docs/x.md"], ["tests/conftest.py"], ["tests/test_a.py"]


@pytest.mark.parametrize(
    ("broke_with", "healed_with", "is_flip"),
    [
        pytest.param(DOCS, SRC, True, id="broke with words"),
        pytest.param(SRC, DOCS, True, id="healed with words"),
        pytest.param([], [], True, id="broke and healed with nothing"),
        pytest.param(SRC, OTHER, True, id="unrelated files"),
        pytest.param(SRC, SRC, False, id="fixed where it broke"),
        pytest.param([*SRC, *DOCS], [*OTHER, *DOCS], True, id="words in both explain nothing"),
        pytest.param(SRC, OWN, False, id="the case itself was changed"),
        pytest.param(CONFTEST, OTHER, False, id="a path that moves any case"),
        pytest.param(SRC, None, False, id="nobody knows what changed"),
    ],
)
def test_a_flip_counts_where_no_change_explains_it(
    broke_with: list[str], healed_with: list[str] | None, *, is_flip: bool
) -> None:
    judged = judge(outcomes("..F.."), changes(SRC, SRC, broke_with, healed_with, SRC))
    assert [one.kind for one in judged.contradictions] == [Evidence.FLIP] * is_flip
    assert judged.standing is (Standing.SUSPECT if is_flip else Standing.EXPLAINED)


@pytest.mark.parametrize(("marks", "standing"), [(".F..F...", Standing.SUSPECT), (".F..F.F.", Standing.FLAKY)])
def test_three_flips_are_flaky(marks: str, standing: Standing) -> None:
    assert judge(outcomes(marks), changes(*[DOCS] * 8)).standing is standing


def test_a_flip_needs_to_know_that_no_commit_lies_between() -> None:
    assert judge(outcomes("..F.."), changes(SRC, SRC, DOCS, DOCS, SRC, parents=False)).contradictions == ()


@pytest.mark.parametrize(("marks", "attempts"), [("..FFF..", 1), ("..F....", 2)])
def test_what_lasts_or_fails_in_every_attempt_is_no_flip(marks: str, attempts: int) -> None:
    rows = outcomes(marks, attempts=attempts)
    assert judge(rows, changes(*[DOCS] * 7)).contradictions == ()


def test_a_flake_may_fail_in_every_attempt() -> None:
    judged = judge(outcomes(".M..F..", attempts=2), changes(*[DOCS] * 7))
    assert [one.kind for one in judged.contradictions] == [Evidence.SAME_COMMIT, Evidence.FLIP]
    assert judged.failed_throughout == "commit o/r 4"


def test_only_contradicted_failures_and_passes_are_in_the_sample() -> None:
    judged = judge(outcomes("..M.FFF.."))
    assert (judged.flaky_failures, judged.results) == (1, 7)
    assert (judged.score, judged.low, judged.high) == jeffreys(1, 7)


@pytest.mark.parametrize(("results", "word"), [(1, "low"), (9, "low"), (10, "medium"), (99, "medium"), (100, "high")])
def test_confidence_grows_with_the_sample(results: int, word: str) -> None:
    assert Confidence.of(results).value == word


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        pytest.param(outcomes("..F..", attempts=3), "commit o/r 2", id="on the default branch, once"),
        pytest.param(outcomes("..F..", attempts=1), "", id="a single attempt"),
        pytest.param(
            [*outcomes(".F.", is_base=False, attempts=3), *outcomes("....")[3:]], "", id="in a change, passed since"
        ),
        pytest.param(
            [*outcomes(".")[:1], *outcomes(".F", is_base=False, attempts=3)[1:]],
            "run github o/r 1",
            id="since it passed",
        ),
    ],
)
def test_failing_in_every_attempt_is_remembered(rows: list[TreeOutcome], where: str) -> None:
    assert where == judge(rows).failed_throughout


@given(st.lists(st.sampled_from(".F"), min_size=1, max_size=30).map("".join), st.integers(1, 3))
def test_without_a_contradiction_nothing_is_flaky(marks: str, attempts: int) -> None:
    judged = judge(outcomes(marks, attempts=attempts))
    assert judged.standing not in {Standing.FLAKY, Standing.SUSPECT}
    assert (judged.flaky_failures, judged.contradictions) == (0, ())


@given(st.lists(st.sampled_from(".FMR"), min_size=1, max_size=30).map("".join))
def test_the_last_commit_decides_whether_a_case_is_red(marks: str) -> None:
    is_red = judge(outcomes(marks)).standing in {Standing.BROKEN, Standing.NEWLY_FAILING}
    assert marks.endswith("F") == is_red
