"""Caches with keys, case plans, conditions, secrets, schedules and recoveries, for both providers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from cipredict.decide.pipelines.parsing import parse_pipeline
from cipredict.plans.pipeline_model import Pipeline
from cipredict.render.pipelines.github_workflow import render_github_workflow, render_plan_outputs
from cipredict.render.pipelines.gitlab_file import render_gitlab_child, render_gitlab_file

yaml = pytest.importorskip("yaml", reason="the store extra is not installed")


def load(text: str) -> dict[str, Any]:  # whatever YAML holds
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return found


def pipeline(**tables: object) -> Pipeline:
    stages = {
        "tests": {
            "run": "pytest $CIPREDICT_ARGS",
            "shards": 4,
            "plan": {"mode": "select-shard", "target": "30%", "fewest": True},
        },
        "night": {
            "run": "cipredict train",
            "setup": "make install",
            "needs": ["tests"],
            "full_history": True,
            "permissions": {"actions": "read"},
            "secrets": {"TOKEN": "GITHUB_TOKEN", "SAME": "SAME"},
            "caches": {
                "history": {"paths": ["a", "b"], "key": "h-{run}", "restore": ["h-"], "saves_always": True},
                "tools": {"paths": ["t"], "key": "t-{os}-{files}", "files": ["x.lock", "y.lock"]},
                "bundle": {"paths": ["c"], "key": "f-{run}", "use": "save"},
            },
        },
        "sweep": {"run": "make sweep", "needs": ["night"], "when": "failure"},
        "tell": {"run": "make tell", "needs": ["night"], "when": "always"},
    }
    return parse_pipeline({"name": "p", "stages": stages, **tables}, source="test")


def steps(job: str, **tables: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(render_github_workflow(pipeline(**tables)))["jobs"][job]["steps"]
    return found


def test_a_cache_is_restored_before_and_saved_after_the_work() -> None:
    names = [step.get("name", "") for step in steps("night")]
    by_name = {step.get("name", ""): step for step in steps("night")}

    assert names.index("Restore the history") < names.index("Run night") < names.index("Save the history")
    assert "Restore the bundle" not in names
    assert by_name["Save the history"]["if"] == "${{ !cancelled() }}"
    assert "if" not in by_name["Save the bundle"]
    saved, restored = by_name["Save the history"]["with"], by_name["Restore the history"]["with"]
    assert saved == {"path": "a\nb\n", "key": "h-${{ github.run_id }}-${{ github.run_attempt }}"}
    assert restored == {**saved, "restore-keys": "h-"}
    digest = "${{ hashFiles('x.lock', 'y.lock') }}"
    assert by_name["Save the tools"]["with"]["key"] == f"t-${{{{ runner.os }}}}-{digest}"


def test_gitlab_overwrites_a_cache_instead_of_naming_it_by_run() -> None:
    history, tools, bundle = load(render_gitlab_child(pipeline()))["night"]["cache"]

    assert history == {"key": "h", "paths": ["a", "b"], "policy": "pull-push", "when": "always"}
    assert tools["key"] == {"files": ["x.lock", "y.lock"], "prefix": "t"}
    assert (bundle["key"], bundle["policy"]) == ("f", "push")


def test_stages_behind_a_failure_run_when_they_are_meant_to() -> None:
    jobs = load(render_github_workflow(pipeline(), is_dynamic=False))["jobs"]
    child = load(render_gitlab_child(pipeline()))

    assert "contains(needs.*.result, 'failure')" in jobs["sweep"]["if"]
    assert jobs["tell"]["if"] == "${{ always() }}"
    assert "needs.night.result == 'success'" not in jobs["sweep"]["if"] + jobs["tell"]["if"]
    assert [child["sweep"]["rules"], child["tell"]["rules"]] == [[{"when": "on_failure"}], [{"when": "always"}]]


def test_secrets_reach_the_environment_and_no_script() -> None:
    job = load(render_github_workflow(pipeline()))["jobs"]["night"]

    assert job["env"] == {"TOKEN": "${{ secrets.GITHUB_TOKEN }}", "SAME": "${{ secrets.SAME }}"}
    assert job["permissions"] == {"contents": "read", "actions": "read"}
    assert load(render_gitlab_child(pipeline()))["night"]["variables"] == {"GIT_DEPTH": "0", "TOKEN": "$GITHUB_TOKEN"}


def test_a_stage_has_a_setup_of_its_own() -> None:
    assert [step["run"] for step in steps("night", setup="make all") if step.get("name") == "Set up"] == [
        "make install\npython -m pip install cipredict\n"
    ]
    assert [step["run"] for step in steps("sweep", setup="make all") if step.get("name") == "Set up"] == ["make all"]


def test_cases_are_divided_in_the_plan_job_and_their_plan_reaches_the_shards() -> None:
    document = load(render_github_workflow(pipeline(forecast_key="f-")))
    plan, tests = document["jobs"]["plan"], document["jobs"]["tests"]
    names = [step.get("name", "") for step in plan["steps"]]
    divide = plan["steps"][names.index("Divide the cases of tests")]

    assert names.index("Restore the forecast") < names.index("Install cipredict")
    assert divide["run"].split() == [
        "cipredict",
        "ci",
        "--mode",
        "select-shard",
        "--target",
        "30%",
        "--shards",
        "auto",
        "--max-shards",
        "4",
        "--base",
        '"$BASE"',
        "--cases",
        "known",
        "--folder",
        ".cipredict/plans/tests",
    ]
    assert plan["outputs"]["matrix_tests"] == "${{ steps.cases_tests.outputs.matrix }}"
    assert tests["env"]["CIPREDICT_ARGS"] == "${{ matrix.args }}"
    assert tests["strategy"]["fail-fast"] == "false"
    assert "matrix_tests" not in render_plan_outputs(pipeline(), ["tests"])


def test_a_plan_job_that_fails_lets_everything_run_in_equal_shards() -> None:
    document = load(render_github_workflow(pipeline()))
    runs = [step for step in document["jobs"]["plan"]["steps"] if "run" in step]
    fallback = re.search(r"\|\| '(.*)'\)", document["jobs"]["tests"]["strategy"]["matrix"])

    assert all(step["continue-on-error"] == "true" for step in runs)
    assert fallback is not None
    assert json.loads(fallback[1]) == {"shard": [1, 2, 3, 4]}
    assert "needs.plan.outputs.stages == '' ||" in document["jobs"]["tests"]["if"]


def test_a_child_takes_the_case_plans_of_its_parent() -> None:
    parent, child = load(render_gitlab_file(pipeline())), load(render_gitlab_child(pipeline()))

    assert any("cipredict ci --mode select-shard --target 30% --shards 4 " in line for line in parent["plan"]["script"])
    assert ".cipredict/plans/" in parent["plan"]["artifacts"]["paths"]
    assert parent["run"]["variables"] == {"PARENT_PIPELINE_ID": "$CI_PIPELINE_ID"}
    assert child["tests"]["needs"] == [{"pipeline": "$PARENT_PIPELINE_ID", "job": "plan"}]
    assert child["tests"]["script"][1].startswith("test ! -f .cipredict/plans/tests/args || export CIPREDICT_ARGS=")
    alone = load(render_gitlab_child(pipeline(), is_alone=True))
    assert alone["tests"]["needs"] == []


TRIGGERS = {"push": ["main"], "schedule": ["17 3 * * *", "0 */6 * * 1-5"], "manual": True}


def test_schedules_and_hands_start_a_pipeline() -> None:
    document = load(render_github_workflow(pipeline(triggers=TRIGGERS, serial=True, dynamic=False)))
    rules = load(render_gitlab_file(pipeline(triggers=TRIGGERS)))["workflow"]["rules"]

    assert document["on"]["schedule"] == [{"cron": "17 3 * * *"}, {"cron": "0 */6 * * 1-5"}]
    assert document["on"]["workflow_dispatch"] == {}
    assert document["concurrency"] == {"group": "${{ github.workflow }}", "cancel-in-progress": "false"}
    assert "plan" not in document["jobs"]
    assert [rule["if"] for rule in rules[1:]] == [
        '$CI_PIPELINE_SOURCE == "schedule"',
        '$CI_PIPELINE_SOURCE == "web"',
    ]


def test_serial_runs_wait_for_each_other_on_gitlab() -> None:
    assert load(render_gitlab_child(pipeline(serial=True)))["night"]["resource_group"] == "p"


DEPLOYMENT = {"strategy": "canary", "recover": "cipredict deploy resume", "runs_on": ["self-hosted", "near"]}


def test_a_deployment_that_was_cut_off_is_finished_or_taken_back() -> None:
    job = load(render_github_workflow(pipeline(deployment=DEPLOYMENT)))["jobs"]["deploy"]
    recover = next(step for step in job["steps"] if step.get("name") == "Finish or take back")
    child = load(render_gitlab_child(pipeline(deployment=DEPLOYMENT)))["deploy"]

    assert (recover["if"], recover["run"]) == ("${{ failure() || cancelled() }}", "cipredict deploy resume")
    assert (job["runs-on"], child["tags"]) == (["self-hosted", "near"], ["self-hosted", "near"])
    assert child["after_script"] == ['test "$CI_JOB_STATUS" = success || cipredict deploy resume']


def test_jobs_read_the_definition_that_the_export_came_from() -> None:
    made = pipeline(gates={"test_coverage": 85})
    named = Pipeline(**{**{key: getattr(made, key) for key in made.__slots__}, "definition": ".ci/p.toml"})
    jobs = load(render_github_workflow(named))["jobs"]

    assert any("pipeline plan .ci/p.toml --base" in step.get("run", "") for step in jobs["plan"]["steps"])
    assert jobs["quality-gates"]["steps"][-1]["run"] == "cipredict gate --config .ci/p.toml --metrics .cipredict/gates"
    assert any("export .ci/p.toml --target" in line for line in load(render_gitlab_file(named))["plan"]["script"])


def test_hidden_files_are_uploaded_where_they_are_what_is_kept() -> None:
    stage = {"run": "true", "artifacts": ["reports/", ".cipredict/night.json"]}
    shown = {"run": "true", "artifacts": ["./reports/", "../x"]}
    made = parse_pipeline({"stages": {"a": stage, "b": shown}}, source="test")
    jobs = load(render_github_workflow(made))["jobs"]

    assert jobs["a"]["steps"][-1]["with"]["include-hidden-files"] == "true"
    assert "include-hidden-files" not in jobs["b"]["steps"][-1]["with"]


EVERYTHING: dict[str, object] = {
    "triggers": TRIGGERS,
    "deployment": DEPLOYMENT,
    "gates": {"test_coverage": 85},
    "forecast_key": "f-",
    "serial": True,
}
RENDERED = {
    "github": lambda: render_github_workflow(pipeline(**EVERYTHING)),
    "github static": lambda: render_github_workflow(pipeline(**EVERYTHING), is_dynamic=False),
    "gitlab": lambda: render_gitlab_file(pipeline(**EVERYTHING)),
    "gitlab child": lambda: render_gitlab_child(pipeline(**EVERYTHING)),
    "gitlab alone": lambda: render_gitlab_child(pipeline(**EVERYTHING), is_alone=True),
}


@pytest.mark.parametrize("name", RENDERED)
def test_every_part_keeps_to_the_official_schemas(name: str, tmp_path: Path) -> None:
    tool = which("check-jsonschema")
    if tool is None:
        pytest.skip("check-jsonschema is not installed")
    file = tmp_path / "pipeline.yml"
    file.write_text(RENDERED[name](), encoding="utf-8")
    is_github = name.startswith("github")
    schema = ["vendor.github-workflows"] if is_github else ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    command = [tool, "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
