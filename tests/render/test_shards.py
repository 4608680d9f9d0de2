"""What people and workflows see of a shard plan."""

from __future__ import annotations

import json

import pytest

from cipredict.decide.division import ShardOptions
from cipredict.decide.packing import Worker
from cipredict.decide.shard import Pool, plan_even_split, plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_plan import ShardPlan
from cipredict.render.shards import MAX_ROWS, duration, render_github_matrix, render_shard_summary, render_shards

MADE_FROM = MadeFrom("0.1.0")


def plan(seconds: list[float], pool: Pool, *, unknown: int = 0, overhead_s: float = 0.0) -> ShardPlan:
    cases = [
        DurationForecast(f"test_{at}", value, value / 2, value * 2, _basis(at < unknown), 3)
        for at, value in enumerate(seconds)
    ]
    return plan_shards(cases, pool, made_from=MADE_FROM, options=ShardOptions(overhead_s=overhead_s))


def _basis(is_unknown: bool) -> Basis:  # noqa: FBT001  # one word, one use
    return Basis.FALLBACK if is_unknown else Basis.HISTORY


def text_of(plan: ShardPlan) -> list[str]:
    return render_shards(plan).splitlines()


def test_the_table_has_a_row_per_shard() -> None:
    title, header, _, *rows = text_of(plan([90.0, 30.0], 2))
    assert title == "2 shards, 2 cases, strategy optimal"
    assert header.split() == ["shard", "cases", "expected", "interval", "processes"]
    assert rows == [
        "1          1  1 min 30 s  39.7 s to 3 min 3 s          1",
        "2          1      30.0 s  13.2 s to 1 min 1 s          1",
    ]


def test_workers_are_named_where_they_have_names() -> None:
    rows = text_of(plan([1.0, 1.0], [Worker("mac"), Worker("linux")]))[3:]
    assert [row.split()[:2] for row in rows] == [["1", "(mac)"], ["2", "(linux)"]]


def test_many_shards_are_cut_to_the_longest() -> None:
    title, _, _, first, *others = text_of(plan([float(at) for at in range(1, 101)], 100))
    assert title.endswith(f"; the longest {MAX_ROWS}")
    assert len(others) == MAX_ROWS - 1
    assert "1 min 40 s" in first


def test_an_even_split_shows_dashes_for_what_is_unknown() -> None:
    even = plan_even_split(["a", "b"], 2, reason="No bundle.", made_from=MADE_FROM)
    assert " ".join(text_of(even)[3].split()) == "1 1 - - -"
    assert render_shard_summary(even) == "No forecast: No bundle. Cases are dealt out evenly by number."


def test_the_summary_gives_end_bound_floor_and_history() -> None:
    lines = render_shard_summary(plan([50.0, 30.0, 20.0], 2, unknown=1, overhead_s=10.0)).splitlines()
    assert lines == [
        "Expected to end after 1 min 0 s, 10.0 s of it to start a job; no plan ends before 1 min 0 s "
        "(0.00% above that bound). Efficiency 83%.",
        "Longest undivided: test_0 takes 50.0 s.",
        "67% of the cases have history, 1 assumed to take their neighbours' median.",
        "test_0 takes 50.0 s, which is the floor: more than 2 shards end no earlier.",
    ]


def test_a_suite_without_cases_has_a_summary_too() -> None:
    assert render_shard_summary(plan([], 2)) == "2 of 2 shards are empty: there is nothing left for them."


def test_cases_without_length_have_a_summary_too() -> None:
    assert "100% of the cases have history." in render_shard_summary(plan([0.0, 0.0], 2))


def test_the_matrix_has_an_entry_per_shard_that_runs() -> None:
    matrix = render_github_matrix(plan([61.26, 30.0], 3))
    assert json.loads(matrix.matrix) == {
        "include": [
            {"shard": 1, "index": 0, "of": 3, "tests": 1, "estimated_time": 61.3, "parallelism": 1, "worker": "1"},
            {"shard": 2, "index": 1, "of": 3, "tests": 1, "estimated_time": 30.0, "parallelism": 1, "worker": "2"},
        ]
    }
    assert (matrix.jobs, matrix.has_tests) == (2, True)


def test_the_matrix_of_no_cases_has_one_entry_and_says_that_there_is_nothing_to_do() -> None:
    matrix = render_github_matrix(plan([], 3))
    assert len(json.loads(matrix.matrix)["include"]) == 1
    assert matrix.output_lines().splitlines()[1:] == ["count=1", "has_tests=false"]


def test_the_matrix_of_an_even_split_claims_no_time() -> None:
    even = plan_even_split(["a"], 1, reason="No bundle.", made_from=MADE_FROM)
    assert json.loads(render_github_matrix(even).matrix)["include"][0]["estimated_time"] is None


def test_outputs_are_one_line_each() -> None:
    lines = render_github_matrix(plan([1.0], 1)).output_lines().splitlines()
    assert [line.partition("=")[0] for line in lines] == ["matrix", "count", "has_tests"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "-"), (0.0, "0.0 s"), (59.4, "59.4 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min"), (7384.0, "2 h 3 min")],
)
def test_seconds_as_people_say_them(seconds: float | None, expected: str) -> None:
    assert expected == duration(seconds)
