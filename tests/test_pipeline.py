"""The Python API of pipelines: the brief's example as written, and what stops it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cipredict.decide.pipelines.stage_rules import Knowledge
from cipredict.errors import SettingsError, UsageError
from cipredict.pipeline import (
    AdvancedPipelineOrchestrator,
    PipelineConfig,
    PipelineManager,
    PipelineOptimizationEngine,
    read_pipeline,
)

GATES = {
    "test_coverage": 85,
    "audio_quality_score": 3.0,
    "performance_regression": 5,
    "security_vulnerabilities": 0,
}
AUDIO = {"script": "tests/validate_audio_quality.py", "timeout": 300, "parallel": True}
DEPLOYMENT = {
    "strategy": "blue_green",
    "health_check": "api/health",
    "rollback_threshold": 5,
    "canary_percentage": 10,
}


@dataclass(frozen=True)
class Execution:
    status: str
    duration: float
    commit: str
    stages: int
    gates_passed: bool = True


def runner(config: PipelineConfig, *, commit: str, folder: Path) -> Execution:
    assert folder.is_dir()
    return Execution("success", 1.0, commit, len(config.stages))


def manager(folder: Path) -> PipelineManager:
    pipeline = PipelineManager(folder, runner=runner)
    pipeline.set_quality_gates(GATES)
    pipeline.add_stage("audio_validation", AUDIO)
    pipeline.configure_deployment(DEPLOYMENT)
    return pipeline


def test_the_example_of_the_brief_gives_stages_and_an_estimate(tmp_path: Path) -> None:
    config = manager(tmp_path).generate_config()

    assert [stage.name for stage in config.stages] == [
        "quality-checks",
        "tests",
        "audio_validation",
        "quality-gates",
        "deploy",
    ]
    assert config.pipeline.gates == GATES
    assert config.stages[2].timeout_s == 300
    assert config.estimated_time == config.plan.makespan_s == 330.0


def test_execution_goes_to_the_runner_with_the_full_commit(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    script = tmp_path / "tests" / "validate_audio_quality.py"
    script.parent.mkdir()
    script.write_text("")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    head = git("rev-parse", "HEAD")

    execution = manager(tmp_path).execute(commit_hash=head[:7])

    assert execution == Execution("success", 1.0, head, 5)
    with pytest.raises(UsageError) as caught:
        manager(tmp_path).execute(commit_hash="abc123")
    assert caught.value.slug == "commit-unknown"
    with pytest.raises(UsageError) as caught:
        manager(tmp_path).execute(commit_hash="--help")
    assert caught.value.slug == "commit-unknown"


def test_what_cannot_run_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        manager(tmp_path).execute("HEAD")
    assert caught.value.slug == "stage-script"
    assert "validate_audio_quality.py" in caught.value.message

    pipeline = PipelineManager(tmp_path)
    pipeline.configure_deployment(DEPLOYMENT)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with pytest.raises(UsageError) as caught:
        pipeline.execute("HEAD")
    assert caught.value.slug == "commit-unknown"


@pytest.mark.parametrize(
    ("name", "options", "slug"),
    [
        pytest.param("tests", {"run": "x"}, "stage-duplicate", id="duplicate"),
        pytest.param("a", {"run": "x", "needs": ["nobody"]}, "stage-unknown", id="unknown need"),
        pytest.param("a", {"run": "x", "resources": {"gpu": 1}}, "stage-resources", id="no such resource"),
        pytest.param("a", {"run": "x", "needs": ["a"]}, "stage-cycle", id="itself"),
        pytest.param("a", {"timeout": -3}, "pipeline-definition", id="nothing to run"),
    ],
)
def test_a_stage_that_cannot_be_meant_is_refused_and_changes_nothing(
    name: str, options: dict[str, object], slug: str, tmp_path: Path
) -> None:
    pipeline = PipelineManager(tmp_path)
    before = pipeline.generate_config().stages

    with pytest.raises(UsageError) as caught:
        pipeline.add_stage(name, options)

    assert caught.value.slug == slug
    assert pipeline.generate_config().stages == before


def test_definitions_are_found_in_their_two_places(tmp_path: Path) -> None:
    assert read_pipeline(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text('[tool.cipredict.pipeline.stages.a]\nrun = "x"\n', encoding="utf-8")
    found = read_pipeline(tmp_path)
    assert found is not None
    assert [stage.name for stage in found.stages] == ["a"]

    (tmp_path / "pipeline.toml").write_text('[stages.b]\nrun = "x"\n', encoding="utf-8")
    assert [stage.name for stage in PipelineManager(tmp_path).generate_config().stages] == ["b"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        pytest.param("[stages.a]\nrun = 1\n", "pipeline-definition", id="kind"),
        pytest.param('[stages.a]\nrun = "x"\n[stages.a]\nrun = "y"\n', "settings-toml", id="twice"),
        pytest.param("\xff", "settings-toml", id="not utf-8"),
    ],
)
def test_a_bad_definition_is_refused(text: str, slug: str, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError) as caught:
        read_pipeline(tmp_path)
    assert caught.value.slug == slug
    assert "pipeline.toml" in caught.value.message


CONFIG = {
    "stages": {
        "lint": {"run": "x", "expected": 10},
        "unit": {"run": "x", "expected": 100, "paths": ["src/**"]},
        "web": {"run": "x", "expected": 100, "paths": ["web/**"], "needs": ["lint"]},
    }
}


def test_a_dynamic_pipeline_has_the_stages_of_its_commits() -> None:
    built = AdvancedPipelineOrchestrator(CONFIG).build_dynamic_pipeline(
        {
            "commits": [{"files": ["src/a.c"]}, {"files": ["docs/b.md"]}],
            "constraints": {"max_parallel_jobs": 1, "total_resources": {}},
        }
    )

    assert {job["name"] for job in built["schedule"]} == {"lint", "unit"}
    assert built["skipped"] == {"web": "no change to web/**"}
    assert built["resource_utilization"] == {"parallel jobs": 1.0}
    low, high = built["estimated_duration_interval"]
    assert low < built["estimated_duration"] < high
    assert built["critical_path"] == ["unit"]


def test_commits_without_files_run_everything() -> None:
    built = AdvancedPipelineOrchestrator(CONFIG).build_dynamic_pipeline({"commits": ["abc123"]})

    assert built["skipped"] == {}


def test_constraints_that_cannot_be_met_are_refused() -> None:
    orchestrator = AdvancedPipelineOrchestrator(CONFIG)

    with pytest.raises(UsageError) as caught:
        orchestrator.build_dynamic_pipeline({"constraints": {"max_parallel_jobs": 0}})
    assert caught.value.slug == "stage-resources"
    with pytest.raises(UsageError) as caught:
        orchestrator.build_dynamic_pipeline({"constraints": {"max_parallel_jobs": "many"}})
    assert caught.value.slug == "stage-resources"


def test_the_engine_says_what_it_did_and_both_speed_ups() -> None:
    pipeline = {
        "max_parallel_jobs": 1,
        "stages": {
            "gate": {"run": "g", "expected": 100},
            "job": {"run": "j", "expected": 100, "needs": ["gate"]},
        },
    }
    found = PipelineOptimizationEngine(Knowledge(p_fail={"gate": 0.01})).optimize_pipeline_dag(pipeline)
    wide = PipelineOptimizationEngine(Knowledge(p_fail={"gate": 0.01})).optimize_pipeline_dag(
        {**pipeline, "max_parallel_jobs": 2}
    )

    assert (found["optimizations_applied"], found["speedup"]) == ([], 1.0)
    assert (wide["speedup"], wide["theoretical_speedup"]) == (2.0, 2.0)
    assert wide["optimizations_applied"] == ["parallelize_independent_stages"]
    assert [stage.needs for stage in wide["optimized_pipeline"].stages] == [(), ()]
