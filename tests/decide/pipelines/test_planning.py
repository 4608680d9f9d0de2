"""A plan: jobs in time, their reasons, the forecast of the end; read back as written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cipredict.decide.pipelines.choosing import StageChoice
from cipredict.decide.pipelines.estimates import ASSUMED_S, Estimate, estimate_stages, no_history
from cipredict.decide.pipelines.planning import NO_PRIORITY, plan_pipeline
from cipredict.errors import CipredictError, InputError
from cipredict.forecast.interface import Basis
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.plans.pipeline_document import parse_pipeline_plan, read_pipeline_plan
from cipredict.plans.pipeline_model import Deployment, Pipeline, Stage, Strategy
from cipredict.plans.pipeline_parts import When
from cipredict.plans.pipeline_plan import PipelinePlan
from cipredict.render.pipelines.gantt import render_gantt, render_gantt_svg, render_plan_summary, render_reasons

GOLDEN = Path(__file__).parents[2] / "golden"
PIPELINE = Pipeline(
    "shop",
    stages=(
        Stage("lint", run="x", expected_s=40),
        Stage("unit", run="x", expected_s=360, shards=2),
        Stage("model", run="x", expected_s=540, resources={"gpu": 1}),
        Stage("e2e", run="x", needs=("lint",), matrix={"browser": ("a<b", "c")}),
    ),
    gates={"test_coverage": 85},
    deployment=Deployment(Strategy.BLUE_GREEN),
    max_parallel_jobs=2,
    resources={"gpu": 1},
)


def known(series: str) -> Estimate | None:
    return Estimate(700.0, 600.0, 900.0, Basis.HISTORY, series) if series == "shop / e2e" else None


def plan() -> PipelinePlan:
    return plan_pipeline(PIPELINE, made_from=MadeFrom("0"), history=known)


def test_history_beats_the_definition_and_neighbours_speak_for_the_rest() -> None:
    estimates = estimate_stages("shop", [*PIPELINE.stages, Stage("new", run="x", timeout_s=100)], known)

    assert estimates["e2e"].basis is Basis.HISTORY
    assert (estimates["unit"].expected_s, estimates["unit"].source) == (180.0, "the pipeline's definition")
    assert (estimates["new"].expected_s, estimates["new"].source) == (100.0, "the median of the other stages")
    assert estimate_stages("x", [Stage("a", run="x")], no_history)["a"].expected_s == ASSUMED_S


def test_jobs_keep_to_needs_slots_and_resources() -> None:
    made = plan()

    for job in made.jobs:
        running = [one for one in made.jobs if one.start_s <= job.start_s < one.end_s]
        assert len(running) <= 2
    assert [job.name for job in made.jobs][-2:] == ["quality-gates", "deploy"]
    assert made.lower_bound_s <= made.makespan_s
    assert made.p10_s <= made.p50_s <= made.p90_s
    assert made.unlimited_s <= made.makespan_s <= made.serial_s
    assert NO_PRIORITY in made.reasons


def test_a_stage_that_is_not_parallel_runs_alone() -> None:
    stages = (Stage("a", run="x"), Stage("b", run="x", parallel=False), Stage("c", run="x"))
    made = plan_pipeline(Pipeline(stages=stages), made_from=MadeFrom("0"))

    alone = next(job for job in made.jobs if job.name == "b")
    assert all(job.end_s <= alone.start_s or job.start_s >= alone.end_s for job in made.jobs if job is not alone)


def test_skipped_stages_are_listed_and_nobody_waits_for_them() -> None:
    choices = [StageChoice(stage, stage.name != "lint", f"why {stage.name}") for stage in PIPELINE.complete()]
    made = plan_pipeline(PIPELINE, choices, made_from=MadeFrom("0"))

    assert [one.stage for one in made.skipped] == ["lint"]
    assert next(job for job in made.jobs if job.stage == "e2e").needs == ()
    assert "Skipped: lint: why lint." in render_plan_summary(made)
    assert "e2e: why e2e" in render_reasons(made)


def test_nothing_to_run_is_a_plan() -> None:
    choices = [StageChoice(stage, False, "no") for stage in PIPELINE.complete()]  # noqa: FBT003  # none runs
    made = plan_pipeline(PIPELINE, choices, made_from=MadeFrom("0"))

    assert (made.jobs, made.makespan_s, made.gap_share) == ((), 0.0, 0.0)
    assert render_gantt(made)
    assert render_gantt_svg(made)


def test_a_plan_has_the_bytes_of_the_golden_file_and_reads_back(tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / "pipeline_plan.json"
    write_plan(actual, plan().to_document())

    assert actual.read_bytes() == (GOLDEN / "pipeline_plan.json").read_bytes(), actual
    assert read_pipeline_plan(GOLDEN / "pipeline_plan.json") == plan()


def test_the_chart_has_the_bytes_of_the_golden_file(tmp_path: Path) -> None:
    actual = tmp_path / "pipeline_plan.svg"
    actual.write_text(render_gantt_svg(plan()), encoding="utf-8")

    assert actual.read_bytes() == (GOLDEN / "pipeline_plan.svg").read_bytes(), actual
    assert "a&lt;b" in actual.read_text(encoding="utf-8")


def test_a_damaged_plan_is_refused_with_every_field() -> None:
    document = json.loads(json.dumps(plan().to_document()))
    del document["makespan_s"]
    document["jobs"][0]["start_s"] = "soon"

    with pytest.raises(
        InputError, match=r"'makespan_s' is missing .*; 'jobs\[0\].start_s' is missing|start_s.*makespan_s"
    ):
        parse_pipeline_plan(document)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        pytest.param({"makespan_s": 1.0}, "seconds-agree", id="end"),
        pytest.param({"jobs": ()}, "seconds-agree", id="no jobs"),
        pytest.param({"jobs": (*plan().jobs, plan().jobs[0])}, "jobs-are-distinct", id="twice"),
        pytest.param({"jobs": plan().jobs[3:]}, "needs-are-planned", id="a need is missing"),
        pytest.param({"jobs": tuple(replace(job, start_s=0.0) for job in plan().jobs)}, "needs-come-first", id="early"),
    ],
)
def test_a_plan_that_contradicts_itself_is_not_written(change: dict[str, object], check: str) -> None:
    with pytest.raises(CipredictError, match=check):
        replace(plan(), **change).to_document()  # type: ignore[arg-type]  # fields by name


def test_what_runs_after_failures_only_takes_no_time_of_a_plan() -> None:
    stages = (Stage("a", run="x", expected_s=60), Stage("sweep", run="x", needs=("a",), when=When.FAILURE))
    plan = plan_pipeline(Pipeline(stages=stages), made_from=MadeFrom("0"))

    assert plan.makespan_s == 60
    assert [job.name for job in plan.jobs] == ["a", "sweep"]
    assert not [note for note in plan.reasons if "sweep" in note]
