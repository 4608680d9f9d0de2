"""The runner of the tests is itself held to what GitHub documents."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cipredict.decide.pipelines.parsing import parse_pipeline
from cipredict.plans.pipeline_model import Pipeline
from cipredict.render.pipelines.github_workflow import render_github_workflow
from tests.acceptance.expressions import evaluate, fill
from tests.acceptance.small_runner import Done, Runner, parse_outputs

CONTEXTS: dict[str, Any] = {
    "github": {"event_name": "push", "event": {"before": "abc"}},
    "needs": {"a": {"result": "success", "outputs": {"m": '{"x":[1]}'}}, "b": {"result": "skipped", "outputs": {}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("github.event.pull_request.base.sha || github.event.before", "abc", id="first that is there"),
        pytest.param("github.event_name == 'pull_request' && 'x' || 'y'", "y", id="choice"),
        pytest.param("contains(needs.*.result, 'skipped')", True, id="filter"),
        pytest.param("!contains(needs.*.result, 'failure') && true", True, id="not"),
        pytest.param("join(needs.*.result, ' ')", "success skipped", id="join"),
        pytest.param("fromJSON(needs.a.outputs.m).x", [1], id="json"),
        pytest.param("fromJSON(needs.b.outputs.m || '{\"x\":[2]}').x", [2], id="fallback in json"),
        pytest.param("'it''s' != ''", True, id="quotes"),
    ],
)
def test_expressions(text: str, value: object) -> None:
    assert value == evaluate(text, CONTEXTS, {})


def test_a_text_around_expressions_is_a_text() -> None:
    assert "a-abc-" == fill("a-${{ github.event.before }}-${{ github.event.nothing }}", CONTEXTS, {})
    assert {"x": [1]} == fill("${{ fromJSON(needs.a.outputs.m) }}", CONTEXTS, {})
    assert "}}" == fill("${{ '}}' }}", CONTEXTS, {})


def test_values_between_delimiters_hold_lines() -> None:
    assert {"a": "1=2", "b": "x\ny", "c": ""} == parse_outputs("a=1=2\nb<<end\nx\ny\nend\nc=\n")


def test_an_export_is_red_where_a_stage_is_and_runs_what_is_meant_for_that(tmp_path: Path) -> None:
    """The conditions that we generate, evaluated: what waits for a red stage is skipped, the check to require fails."""
    pytest.importorskip("yaml", reason="the store extra is not installed")
    stages = {
        "red": {"run": "exit 1"},
        "green": {"run": "echo ${WORD}s", "matrix": {"word": ["a", "b"]}},
        "behind": {"run": "true", "needs": ["red"]},
        "sweep": {"run": "true", "needs": ["red"], "when": "failure", "setup": ""},
        "idle": {"run": "true", "needs": ["green"], "when": "failure"},
        "tell": {"run": "true", "needs": ["red", "behind"], "when": "always"},
    }
    deployment = {"strategy": "rolling", "command": "touch deployed"}
    made = parse_pipeline(
        {"stages": stages, "gates": {"tests_failed": 0}, "deployment": deployment, "install": ":"}, source="test"
    )
    done = run_pipeline(made, tmp_path)

    assert {name: job.result for name, job in done.items()} == {
        "red": "failure", "green": "success", "behind": "skipped", "sweep": "success", "idle": "skipped",
        "tell": "success", "quality-gates": "skipped", "deploy": "skipped", "result": "failure",
    }  # fmt: skip
    assert ("as\n" in done["green"].log, "bs\n" in done["green"].log) == (True, True)


def test_a_deployment_that_fails_is_taken_back(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="the store extra is not installed")
    deployment = {"strategy": "rolling", "command": "exit 1", "recover": "echo taken back"}
    made = parse_pipeline({"stages": {"a": {"run": "true"}}, "deployment": deployment}, source="test")
    done = run_pipeline(made, tmp_path)

    assert (done["deploy"].result, done["result"].result) == ("failure", "failure")
    assert "taken back\n" in done["deploy"].log
    assert "taken back" not in run_pipeline(replace_command(made, "true"), tmp_path / "again")["deploy"].log


def replace_command(pipeline: Pipeline, command: str) -> Pipeline:
    assert pipeline.deployment is not None
    return replace(pipeline, deployment=replace(pipeline.deployment, command=command))


def run_pipeline(pipeline: Pipeline, folder: Path) -> dict[str, Done]:
    import yaml  # noqa: PLC0415  # an extra

    origin = folder / "origin"
    origin.mkdir(parents=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    github = {"event_name": "push", "ref": "refs/heads/main"}
    runner = Runner(origin, folder / "services", {"PATH": "/usr/bin:/bin", "HOME": str(folder)}, github)
    text = render_github_workflow(pipeline, is_dynamic=False)
    return runner.run_workflow(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  # texts only: `on` stays one
