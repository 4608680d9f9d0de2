"""Seconds of instructions from the seconds of builds: found where builds differ, refused where they cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.containers.step_seconds import BuildSeconds, StepEstimate, _solve, estimate_seconds
from cipredict.dockerfile.context import ContextCommit, ContextHistory
from tests.decide.containers.conftest import history

if TYPE_CHECKING:
    from tests.decide.containers.conftest import MakeSituation

TEXT = "FROM a/a\nWORKDIR /app\nCOPY a.txt ./\nRUN one\nCOPY b.txt ./\nRUN two\n"
FILES = ("a.txt", "b.txt", "c.txt")
PATHS = [["a.txt"], ["b.txt"], ["c.txt"], ["b.txt"]] * 6
TRUE_S = {"a.txt": 90.0 + 12.0, "b.txt": 12.0, "c.txt": 0.0}
"""What `a.txt` makes anew, with one second for each copy left out, holds what `b.txt` does."""


def estimate(
    make_situation: MakeSituation, builds: dict[str, float], *, paths: list[list[str]] | None = None
) -> StepEstimate:
    situation = make_situation(TEXT, FILES)
    past = history(situation, paths or PATHS)
    seen = [BuildSeconds(sha, seconds) for sha, seconds in builds.items()]
    return estimate_seconds(situation.links, past, situation.ignore, builds=seen)


def builds_of(paths: list[list[str]], overhead_s: float = 20.0) -> dict[str, float]:
    return {f"{number}": overhead_s + TRUE_S[names[0]] for number, names in enumerate(paths)}


def test_seconds_are_found_where_builds_differ(make_situation: MakeSituation) -> None:
    found = estimate(make_situation, builds_of(PATHS))

    assert (found.builds, found.outliers, found.doubt) == (24, 0, "")
    assert [group.seconds for group in found.groups] == pytest.approx([90.0, 12.0])
    assert found.r2 == pytest.approx(1.0)
    assert all(one.low_s - 0.01 <= one.seconds <= one.high_s + 0.01 for one in found.groups)
    assert sum(found.seconds.values()) == pytest.approx(102.0)


def test_of_instructions_that_go_together_a_copy_keeps_what_is_assumed(make_situation: MakeSituation) -> None:
    """The copy is assumed to take 1 s, and the RUN took what is left of 12."""
    found = estimate(make_situation, builds_of(PATHS))

    assert [found.seconds[number] for number in found.groups[1].links] == pytest.approx([1.0, 11.0])


def test_a_build_with_an_empty_cache_is_left_out(make_situation: MakeSituation) -> None:
    found = estimate(make_situation, builds_of(PATHS) | {"2": 900.0})

    assert found.outliers == 1
    assert [group.seconds for group in found.groups] == pytest.approx([90.0, 12.0])


def test_commits_that_nobody_built_join_the_next(make_situation: MakeSituation) -> None:
    """Every second commit is built; what two commits change is then made anew at once."""
    paths = [[name] for pair in zip(["c.txt"] * 24, [one for [one] in PATHS], strict=True) for name in pair]
    builds = {f"{2 * number + 1}": 20.0 + TRUE_S[names[0]] for number, names in enumerate(PATHS)}

    assert [one.seconds for one in estimate(make_situation, builds, paths=paths).groups] == pytest.approx([90.0, 12.0])


@pytest.mark.parametrize(
    ("paths", "builds", "doubt"),
    [
        pytest.param(PATHS, {"1": 30.0, "x": 5.0}, "1 builds are too few", id="few"),
        pytest.param([["a.txt"]] * 24, builds_of([["a.txt"]] * 24), "every build made the same", id="one pattern"),
        pytest.param(
            PATHS,
            {f"{n}": 20.0 + (n * 7919) % 13 for n in range(24)},
            "of the seconds only",
            id="nothing to do with it",
        ),
    ],
)
def test_builds_that_cannot_tell_only_scale_what_is_assumed(
    paths: list[list[str]], builds: dict[str, float], doubt: str, make_situation: MakeSituation
) -> None:
    found = estimate(make_situation, builds, paths=paths)

    assert doubt in found.doubt
    assert (found.groups, found.seconds, found.r2) == ((), {}, None)
    assert found.scale != 1.0


def test_the_scale_makes_assumed_seconds_add_up_to_what_was_measured(make_situation: MakeSituation) -> None:
    """12 s are assumed where `a.txt` changes: 2 of copies, which keep them, and 10 of RUNs."""
    found = estimate(make_situation, dict.fromkeys(map(str, range(11)), 36.0), paths=[["a.txt"]] * 11)

    assert found.scale == pytest.approx(34.0 / 10.0)


def test_only_commits_after_the_last_change_of_a_path_count() -> None:
    past = ContextHistory(
        {"a": "1", "Dockerfile": "1"},
        (
            ContextCommit("x", {"a": "2"}),
            ContextCommit("y", {"Dockerfile": "2", "a": None}),
            ContextCommit("z", {"b": "1"}),
        ),
    )

    assert past.since_change({"Dockerfile"}) == ContextHistory({"Dockerfile": "2"}, past.commits[2:])
    assert past.since_change({"other"}) is past


@given(
    st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=6, max_size=12),
    st.lists(st.floats(0, 100), min_size=3, max_size=3),
)
def test_no_other_seconds_explain_the_builds_better(made: list[list[bool]], true_s: list[float]) -> None:
    rows = [[1.0, *map(float, one)] for one in made]
    seconds = [sum(a * b for a, b in zip(row, true_s, strict=True)) + 3.0 * (at % 3) for at, row in enumerate(rows)]
    fit = _solve(rows, seconds)

    def loss(weights: list[float]) -> float:
        return sum(
            (one - sum(a * b for a, b in zip(row, weights, strict=True))) ** 2
            for row, one in zip(rows, seconds, strict=True)
        )

    assert min(fit) >= 0.0
    for at in range(3):
        for step in (-0.5, 0.5):
            other = [max(0.0, value + step * (number == at)) for number, value in enumerate(fit)]
            assert loss(fit) <= loss(other) + 1e-3
