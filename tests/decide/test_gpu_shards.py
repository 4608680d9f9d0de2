"""Cases that need a GPU: each planned once, where there is one, or said to go without."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.division import ShardOptions
from cipredict.decide.gpu_shards import plan_with_gpus
from cipredict.decide.grouping import GroupOf
from cipredict.decide.shard import plan_even_split, plan_for_target, plan_shards
from cipredict.errors import InputError, UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom
from cipredict.plans.gpu_tests import GpuShards
from cipredict.plans.shard_document import parse_shard_plan
from cipredict.plans.shard_plan import ShardPlan
from cipredict.render.shards import render_github_matrix
from cipredict.render.shards_gitlab import render_gitlab_shards

MADE_FROM = MadeFrom("0")
SECONDS = {"a.py::1": 8.0, "a.py::2": 4.0, "b.py::1": 6.0, "b.py::2": 6.0, "c.py::1": 9.0, "c.py::2": 3.0}
GPU = frozenset({"c.py::1", "c.py::2", "gone.py::1"})


def forecasts(case_ids: Sequence[str]) -> list[DurationForecast]:
    known = ((case, SECONDS.get(case, 1.0)) for case in case_ids)
    return [DurationForecast(case, seconds, seconds / 2, seconds * 2, Basis.HISTORY, 5) for case, seconds in known]


def plan(
    case_ids: Sequence[str] = tuple(SECONDS),
    *,
    tests: frozenset[str] = GPU,
    shards: int = 2,
    gpu_shards: int = 1,
    options: ShardOptions | None = None,
) -> ShardPlan:
    options = options or ShardOptions()

    def into(count: int, cases: Sequence[str]) -> ShardPlan:
        return plan_shards(forecasts(cases), count, made_from=MADE_FROM, options=options)

    return plan_with_gpus(
        case_ids,
        GpuShards(tests, gpu_shards, ("self-hosted", "gpu"), ("ubuntu-latest",)),
        plain=lambda cases: into(shards, cases),
        gpu=lambda cases: into(gpu_shards, cases),
        options=options,
    )


def test_marked_cases_go_to_the_last_shards() -> None:
    made = plan()
    assert [
        (0, ("ubuntu-latest",), False),
        (1, ("ubuntu-latest",), False),
        (2, ("self-hosted", "gpu"), True),
    ] == [(shard.shard_id, shard.runner, shard.needs_gpu) for shard in made.shards]
    assert ("c.py::1", "c.py::2") == made.shards[2].tests == made.gpu_tests
    assert (12.0, 12.0, False) == (made.makespan_s, made.lower_bound_s, made.gpu_fallback)
    assert 1.0 == made.efficiency
    assert "2 cases are marked gpu: the last 1 shards run them, on self-hosted, gpu." == made.reasons[0]
    assert made == parse_shard_plan(json.loads(json.dumps(made.to_document())))


def test_what_stays_together_with_a_marked_case_goes_along() -> None:
    made = plan(tests=frozenset({"c.py::1"}), options=ShardOptions(group_of=case_file))
    assert ("c.py::1", "c.py::2") == made.shards[2].tests
    assert made.reasons[0].startswith("1 cases are marked gpu, and 1 that stay together with them")


def test_without_gpus_everything_is_planned_and_the_plan_says_so() -> None:
    made = plan(gpu_shards=0)
    assert (2, 6, True) == (len(made.shards), made.cases, made.gpu_fallback)
    assert ("c.py::1", "c.py::2") == made.gpu_tests
    assert "2 cases are marked gpu and are planned without one (--no-gpu)" in made.reasons[0]
    assert {("ubuntu-latest",)} == {shard.runner for shard in made.shards}


def test_no_shard_waits_for_a_gpu_that_no_case_needs() -> None:
    made = plan(tests=frozenset())
    assert (2, False, "No case is marked gpu: no shard needs one.") == (
        len(made.shards),
        made.gpu_fallback,
        made.reasons[0],
    )


def test_a_suite_of_marked_cases_leaves_the_other_machines_empty() -> None:
    made = plan(["c.py::1", "c.py::2"])
    assert [0, 0, 2] == [len(shard.tests) for shard in made.shards]
    assert [{"shard": 3, "runner": ["self-hosted", "gpu"], "needs_gpu": True}] == [
        {key: entry[key] for key in ("shard", "runner", "needs_gpu")}
        for entry in json.loads(render_github_matrix(made).matrix)["include"]
    ]


def test_a_queue_would_mix_the_machines() -> None:
    with pytest.raises(UsageError, match="--tail and --gpu-shards do not go together"):
        plan(options=ShardOptions(tail_share=0.1))


def test_a_target_that_the_gpus_miss_is_told() -> None:
    made = plan_with_gpus(
        tuple(SECONDS),
        GpuShards(GPU, 1, ("gpu",), ("cpu",)),
        plain=lambda cases: plan_for_target(forecasts(cases), target_s=9, max_shards=4, made_from=MADE_FROM),
        gpu=lambda cases: plan_shards(forecasts(cases), 1, made_from=MADE_FROM),
        options=ShardOptions(),
    )
    assert "The GPU shards end after 12.0 s, later than the target: give more of them." in made.reasons


def test_without_a_forecast_both_are_split_evenly() -> None:
    made = plan_with_gpus(
        tuple(SECONDS),
        GpuShards(GPU, 2, ("gpu",), ("cpu",)),
        plain=lambda cases: plan_even_split(cases, 2, reason="none", made_from=MADE_FROM),
        gpu=lambda cases: plan_even_split(cases, 2, reason="none", made_from=MADE_FROM),
        options=ShardOptions(),
    )
    assert [2, 2, 1, 1] == [len(shard.tests) for shard in made.shards]
    assert (True, None, None) == (made.fallback, made.makespan_s, made.efficiency)


@given(
    st.dictionaries(st.sampled_from([f"{file}.py::{case}" for file in "abcd" for case in range(5)]), st.booleans()),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([None, case_file]),
)
def test_every_case_is_planned_once_and_marked_ones_where_a_gpu_is(
    suite: dict[str, bool], shards: int, gpu_shards: int, group_of: GroupOf | None
) -> None:
    marked = frozenset(case for case, is_marked in suite.items() if is_marked)
    options = ShardOptions(group_of=group_of)
    made = plan(tuple(suite), tests=marked, shards=shards, gpu_shards=gpu_shards, options=options)
    assert sorted(suite) == sorted(case for shard in made.shards for case in shard.tests)
    here = {case for shard in made.shards if not shard.needs_gpu for case in shard.tests}
    assert (not marked & here) or made.gpu_fallback
    files = [{case_file(case) for case in shard.tests} for shard in made.shards]
    assert group_of is None or len(set().union(*files)) == sum(map(len, files))


def test_a_plan_that_puts_a_marked_case_elsewhere_is_refused() -> None:
    document = json.loads(json.dumps(plan().to_document()))
    document["shards"][2]["needs_gpu"] = False
    with pytest.raises(InputError, match="gpu-cases-have-one"):
        parse_shard_plan(document)


def test_plans_of_before_are_still_read() -> None:
    document = json.loads(json.dumps(plan(gpu_shards=0, tests=frozenset()).to_document()))
    for shard in document["shards"]:
        del shard["needs_gpu"], shard["runner"]
    del document["gpu_tests"], document["gpu_fallback"]
    made = parse_shard_plan(document)
    assert ((), False, {()}) == (made.gpu_tests, made.gpu_fallback, {shard.runner for shard in made.shards})


# For GitLab


def test_gitlab_gets_a_job_per_kind_of_machine() -> None:
    assert {
        "shards": {
            "extends": ".cipredict-shard",
            "parallel": {"matrix": [{"SHARD": ["1", "2"], "SHARDS": ["3"]}]},
        },
        "gpu-shards": {
            "extends": ".cipredict-shard",
            "parallel": {"matrix": [{"SHARD": ["3"], "SHARDS": ["3"]}]},
            "tags": ["gpu"],
        },
    } == json.loads(render_gitlab_shards(plan()))


def test_gitlab_jobs_keep_to_the_official_schema(tmp_path: Path) -> None:
    tool = which("check-jsonschema")
    if tool is None:
        pytest.skip("check-jsonschema is not installed")
    jobs = json.loads(render_gitlab_shards(plan())) | {".cipredict-shard": {"script": ["pytest"]}}
    (tmp_path / "child.json").write_text(json.dumps(jobs))
    subprocess.run([tool, "--builtin-schema", "vendor.gitlab-ci", str(tmp_path / "child.json")], check=True)


def test_gitlab_never_gets_an_empty_pipeline() -> None:
    assert ["shards"] == [*json.loads(render_gitlab_shards(plan([])))]


def test_gitlab_refuses_more_jobs_than_its_matrix_takes() -> None:
    cases = [f"a.py::{number}" for number in range(201)]
    with pytest.raises(UsageError, match="GitLab runs at most 200"):
        render_gitlab_shards(plan(cases, tests=frozenset(), shards=201, gpu_shards=0))
