"""The pipeline through its public API, as the brief names its tests: configuration, gates, parallel work, artifacts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cipredict.act.deployment.servers import LocalServers
from cipredict.decide.pipelines.parsing import parse_pipeline
from cipredict.errors import SettingsError, UsageError
from cipredict.local_runner import LocalExecution, LocalRunner
from cipredict.pipeline import PipelineManager
from cipredict.plans.pipeline_model import DEPLOY_STAGE, GATE_STAGE

GATES = {
    "test_coverage": 85,
    "audio_quality_score": 3.0,
    "performance_regression": 5,
    "security_vulnerabilities": 0,
}
DEPLOYMENT = {"strategy": "blue_green", "health_check": "api/health", "rollback_threshold": 5, "canary_percentage": 10}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "pipeline.toml").write_text('name = "shop"\n[stages.build]\nrun = "true"\n')
    (tmp_path / ".gitignore").write_text(".cipredict/\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "Begin")
    return tmp_path


def execute(pipeline: PipelineManager) -> LocalExecution:
    execution = pipeline.execute("HEAD")
    assert isinstance(execution, LocalExecution)
    return execution


def outcomes(execution: LocalExecution) -> dict[str, str]:
    return {result.stage: result.outcome.value for result in execution.results}


def test_pipeline_configuration() -> None:
    """The brief's example, which needs neither script nor repository."""
    pipeline = PipelineManager(None)
    pipeline.set_quality_gates(GATES)
    pipeline.add_stage(
        "audio_validation", {"script": "tests/validate_audio_quality.py", "timeout": 300, "parallel": True}
    )
    pipeline.configure_deployment(DEPLOYMENT)
    config = pipeline.generate_config()
    names = [stage.name for stage in config.stages]
    assert ["audio_validation", GATE_STAGE, DEPLOY_STAGE] == names[-3:]
    assert config.estimated_time > 0
    assert {"audio_validation": 300.0} == {
        stage.name: stage.timeout_s for stage in config.stages if stage.name == "audio_validation"
    }


@pytest.mark.parametrize(
    ("metrics", "status", "passed"),
    [
        pytest.param('{"test_coverage": "91%"}', "success", True, id="holds"),
        pytest.param('{"test_coverage": "80%"}', "failure", False, id="does not hold"),
        pytest.param("", "failure", False, id="nobody measured"),
    ],
)
def test_quality_gates(repository: Path, metrics: str, status: str, passed: bool) -> None:  # noqa: FBT001  # pytest passes by name
    """What comes after a gate that does not hold is not run."""
    pipeline = PipelineManager(repository)
    measure = (
        f"mkdir -p .cipredict/gates; printf '%s' '{metrics}' > .cipredict/gates/coverage.json" if metrics else "true"
    )
    pipeline.add_stage("measure", {"run": measure})
    pipeline.set_quality_gates({"test_coverage": 85})
    pipeline.configure_deployment({**DEPLOYMENT, "command": "touch deployed", "approval": False})
    execution = execute(pipeline)
    assert (status, passed, passed) == (execution.status, execution.gates_passed, (repository / "deployed").exists())


def test_quality_gates_that_cannot_be_meant() -> None:
    with pytest.raises(SettingsError, match="set_quality_gates"):
        PipelineManager(None).set_quality_gates({"happiness": 11})


def test_parallel_execution(repository: Path) -> None:
    """Two that wait for each other's sign end only if they run at the same time; one that is alone meets nobody."""
    pipeline = PipelineManager(repository, runner=LocalRunner(slots=3, grace_s=0.5))
    wait = "touch {0}; for i in $(seq 100); do test -e {1} && exit 0; sleep 0.05; done; exit 1"
    pipeline.add_stage("left", {"run": wait.format("l", "r"), "needs": ["build"]})
    pipeline.add_stage("right", {"run": wait.format("r", "l"), "needs": ["build"]})
    pipeline.add_stage("alone", {"run": "test ! -e busy", "parallel": False, "needs": ["build"]})
    pipeline.add_stage("legs", {"run": "echo $PYTHON >> seen", "matrix": {"python": ["3.11", "3.12"]}})
    execution = execute(pipeline)
    assert "success" == execution.status, outcomes(execution)
    assert ["3.11", "3.12"] == sorted((repository / "seen").read_text().split())


def test_stages_for_failures_and_for_whatever_happens(repository: Path) -> None:
    """A stage has a setup of its own, too, where the pipeline's would fail it."""
    pipeline = PipelineManager(repository)
    pipeline.use(parse_pipeline({"setup": "test ! -e broken", "stages": {"build": {"run": "exit 1"}}}, source="test"))
    pipeline.add_stage("sweep", {"run": "touch broken swept", "needs": ["build"], "when": "failure"})
    pipeline.add_stage("tell", {"run": "true", "needs": ["sweep"], "when": "always", "setup": "touch set-up"})
    pipeline.add_stage("behind", {"run": "true", "needs": ["build"]})
    found = outcomes(execute(pipeline))
    assert {"build": "failure", "sweep": "success", "tell": "success", "behind": "cancelled"} == found
    assert (repository / "swept").exists()
    assert (repository / "set-up").exists()


def test_artifact_management(repository: Path) -> None:
    """What a stage makes is kept by content; a run that goes on puts it back instead of making it again."""
    pipeline = PipelineManager(repository, runner=LocalRunner(run_id="r1"))
    pipeline.add_stage("package", {"run": "mkdir -p dist; date +%N > dist/app.bin", "artifacts": ["dist/*"]})
    first = execute(pipeline)
    content = (repository / "dist" / "app.bin").read_text()
    assert [["dist/app.bin"]] == [
        [one.path for one in result.artifacts] for result in first.results if result.artifacts
    ]
    (repository / "dist" / "app.bin").unlink()
    again = PipelineManager(repository, runner=LocalRunner(run_id="r1", resume=True))
    again.add_stage("package", {"run": "mkdir -p dist; date +%N > dist/app.bin", "artifacts": ["dist/*"]})
    assert all(result.is_reused for result in execute(again).results)
    assert content == (repository / "dist" / "app.bin").read_text()


def test_deployment_stages(repository: Path) -> None:
    """A deployment waits for everything, and for somebody's word where it is configured so."""
    pipeline = PipelineManager(repository)
    pipeline.add_stage("test", {"run": "echo test >> order"})
    pipeline.configure_deployment({**DEPLOYMENT, "command": "echo deploy >> order", "approval": False})
    assert "success" == execute(pipeline).status
    assert ["test", "deploy"] == (repository / "order").read_text().split()


@pytest.mark.parametrize("strategy", ["big_bang", ""])
def test_deployment_stages_of_no_strategy(strategy: str) -> None:
    with pytest.raises(SettingsError, match="strategy"):
        PipelineManager(None).configure_deployment({**DEPLOYMENT, "strategy": strategy})


def test_rollback_mechanism(repository: Path) -> None:
    """A release that does not come up is taken back by the deploy stage: users keep the old one, the run is red."""
    first = 10_000 + os.getpid() % 20_000  # below the ports that the system gives out
    switch = [sys.executable, "-c", "import os; open('weights', 'w').write(os.environ['CIPREDICT_WEIGHTS'])"]
    (repository / "pyproject.toml").write_text(
        "[tool.cipredict.deploy.production]\n"
        f'target = "command"\nports = "{first}-{first + 3}"\nscripts = {{ switch = {json.dumps(switch)} }}\n'
        'health_command = ["true"]\nhealth_interval_s = 0.05\nbake_s = 0.2\nleast_requests = 1\nstart_period_s = 5\n'
    )
    sleeper = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'"
    deploy = f"{shlex.quote(sys.executable)} -m cipredict deploy run"
    folder = repository / ".cipredict" / "deploy" / "production" / "servers"
    try:
        states = {}
        for release, command in (("v1", sleeper), ("v2", "false")):
            pipeline = PipelineManager(repository, runner=LocalRunner(run_id=release))
            pipeline.configure_deployment(
                {**DEPLOYMENT, "command": f"{deploy} {release} -- {command}", "approval": False}
            )
            states[release] = execute(pipeline).status
            assert f"{first}=256" == (repository / "weights").read_text(), "the first release serves all the time"
        assert {"v1": "success", "v2": "failure"} == states
    finally:
        LocalServers(folder).stop(first)


def test_a_missing_script_is_one_clear_line(repository: Path) -> None:
    pipeline = PipelineManager(repository)
    pipeline.add_stage("audio", {"script": "tests/nowhere.py"})
    with pytest.raises(UsageError, match=r"there is no script .*tests/nowhere\.py"):
        pipeline.execute("HEAD")


def test_a_commit_that_git_does_not_know_is_one_clear_line(repository: Path) -> None:
    with pytest.raises(UsageError, match="git knows no commit 'abc123'"):
        PipelineManager(repository).execute(commit_hash="abc123")


def test_another_commit_runs_in_a_checkout_of_its_own(repository: Path) -> None:
    (repository / "pipeline.toml").write_text('[stages.look]\nrun = "test ! -e later"\n')
    first = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True)
    (repository / "later").touch()
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    command = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "--quiet", "-m", "Go on"]
    subprocess.run(command, cwd=repository, check=True)
    pipeline = PipelineManager(repository)
    assert "success" == pipeline.execute(first.stdout.strip()).status
    assert "failure" == pipeline.execute("HEAD").status
