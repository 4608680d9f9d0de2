"""Definitions are read whole or refused with every problem at once."""

from __future__ import annotations

import re

import pytest

from cipredict.decide.pipelines.parsing import parse_deployment, parse_pipeline, parse_stage
from cipredict.errors import SettingsError, UsageError
from cipredict.plans.pipeline_model import DEPLOY_STAGE, GATE_STAGE, Kind, Strategy


def test_gates_and_deployment_become_stages_at_the_end() -> None:
    pipeline = parse_pipeline(
        {
            "gates": {"test_coverage": 85},
            "stages": {"lint": {"run": "make lint"}, "unit": {"run": "make unit", "needs": ["lint"]}},
            "deployment": {"strategy": "canary", "canary_percentage": "10%", "bake_s": 5},
        },
        source="pipeline.toml",
    )

    stages = pipeline.complete()
    assert [stage.name for stage in stages] == ["lint", "unit", GATE_STAGE, DEPLOY_STAGE]
    assert stages[2].needs == ("unit",)
    assert stages[3].needs == (GATE_STAGE,)
    assert (stages[3].kind, stages[3].environment, stages[3].is_fixed) == (Kind.DEPLOY, "production", True)
    assert pipeline.deployment is not None
    assert (pipeline.deployment.strategy, pipeline.deployment.canary_percentage) == (Strategy.CANARY, 10.0)
    assert pipeline.deployment.options == {"bake_s": 5}


def test_a_matrix_and_shards_multiply() -> None:
    stage = parse_stage("t", {"run": "x", "matrix": {"os": ["a", "b"]}, "shards": 2})

    assert stage.jobs() == ("t (a, 1/2)", "t (a, 2/2)", "t (b, 1/2)", "t (b, 2/2)")


def test_a_script_is_run_by_its_kind() -> None:
    assert parse_stage("a", {"script": "x.py"}).command == "python x.py"
    assert parse_stage("a", {"script": "x.sh"}).command == "sh x.sh"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_pipeline(
            {
                "speed": 3,
                "stages": {
                    "a b": {"run": "x"},
                    "c": {"timeout": "soon", "needs": 3},
                    "d": {"run": "x", "matrix": {"os": []}},
                    "e": {"run": "x", "approval": True},
                    "f": {"run": "x", "environment": "p", "shards": 2},
                },
                "deployment": {"strategy": "hope", "rollback_threshold": 200},
            },
            source="pipeline.toml",
        )

    message = caught.value.message
    for part in (
        "unknown key 'speed'",
        "stage 'a b': a name is",
        "stage 'c': 'timeout' is no duration",
        "stage 'c': 'needs' must be a list",
        "stage 'c': give one of 'run' and 'script'",
        "stage 'd': 'matrix' needs at least one value for 'os'",
        "stage 'e': 'approval' needs an 'environment'",
        "stage 'f': an environment and a matrix",
        "deployment: 'strategy' is one of",
        "deployment: 'rollback_threshold' must be a percentage",
    ):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("stages", "slug"),
    [
        pytest.param({"a": {"run": "x", "needs": ["b"]}, "b": {"run": "x", "needs": ["a"]}}, "stage-cycle", id="cycle"),
        pytest.param({"a": {"run": "x", "needs": ["z"]}}, "stage-unknown", id="unknown"),
        pytest.param({"a": {"run": "x", "resources": {"gpu": 1}}}, "stage-resources", id="resources"),
        pytest.param({GATE_STAGE: {"run": "x"}}, "stage-duplicate", id="name of ours"),
    ],
)
def test_stages_that_do_not_fit_are_refused(stages: dict[str, object], slug: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pipeline({"stages": stages, "gates": {"test_coverage": 85}}, source="x")

    assert caught.value.slug == slug


def test_a_wrong_deployment_is_refused() -> None:
    with pytest.raises(SettingsError, match="'strategy' is one of blue_green, canary, rolling, recreate"):
        parse_deployment({})


@pytest.mark.parametrize(
    ("stage", "problem"),
    [
        pytest.param({"when": "sometimes"}, "'when' is one of success, failure, always", id="when"),
        pytest.param({"caches": {"c": {"paths": ["a"]}}}, "cache 'c': needs 'paths' and 'key'", id="no key"),
        pytest.param({"caches": {"c": {"paths": ["a"], "key": "x-$(id)"}}}, "a key holds letters", id="shell in a key"),
        pytest.param({"caches": {"c": {"paths": ["a"], "key": "{files}"}}}, "go together", id="digest of nothing"),
        pytest.param({"plan": {}}, "'plan' divides cases among 'shards'", id="plan of one job"),
        pytest.param(
            {"shards": 2, "plan": {"target": "30%"}}, "needs a mode that selects", id="goal without selecting"
        ),
        pytest.param(
            {"shards": 2, "plan": {"mode": "observe", "target": "1% $(id)"}}, "is a share or", id="shell in a goal"
        ),
        pytest.param({"permissions": {"actions": "admin"}}, "a permission is a scope with", id="permission"),
        pytest.param({"secrets": {"A": "B }} C"}}, "names of variables and secrets", id="expression in a secret"),
    ],
)
def test_parts_that_cannot_be_meant(stage: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        parse_pipeline({"stages": {"a": {"run": "true", **stage}}}, source="test")


@pytest.mark.parametrize("cron", ["3 am", "17 3 * *", "17 3 * * * *", "1;2 * * * *"])
def test_times_that_are_not_in_crons_form(cron: str) -> None:
    with pytest.raises(SettingsError, match="no time in cron's form"):
        parse_pipeline({"stages": {}, "triggers": {"schedule": [cron]}}, source="test")
