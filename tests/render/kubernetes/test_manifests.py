from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cipredict.decide.rollout.wish import parse_wish
from cipredict.errors import UsageError
from cipredict.plans.rollout import Rollout
from cipredict.render.kubernetes import checks
from cipredict.render.kubernetes.checks import check_manifests
from cipredict.render.kubernetes.manifests import render_manifests, render_yaml

P95 = {"name": "p95", "kind": "latency", "prometheus": "http://p:9090", "query": "q{v='{release}'}", "limit": 0.3}


def wish(strategy: str = "canary", *, cluster: dict[str, object] | None = None, **others: object) -> Rollout:
    kubernetes = {"name": "shop", "image": "registry/shop:{release}", "port": 8000, **(cluster or {})}
    table = {"target": "kubernetes", "strategy": strategy, "health_check": "health", "kubernetes": kubernetes, **others}
    return parse_wish(table, where="test").rollout


def render(rollout: Rollout) -> dict[str, Any]:  # Any: JSON
    assert rollout.cluster is not None
    manifests = render_manifests(rollout, rollout.cluster, "v2")
    assert [] == check_manifests(manifests)
    return {f"{manifest['kind']} {manifest['metadata']['name']}": manifest for manifest in manifests}  # type: ignore[index]  # JSON


def test_a_canary_of_argo_rollouts() -> None:
    found = render(wish(steps=[10, 50], bake_s=30, servers=4, cluster={"ingress": "front"}, approval=True))
    assert ["Service shop", "Service shop-canary", "Rollout shop"] == list(found)
    expected = {
        "maxSurge": 1,
        "maxUnavailable": 0,
        "steps": [
            {"setWeight": 10},
            {"pause": {"duration": "30s"}},
            {"setWeight": 50},
            {"pause": {"duration": "30s"}},
            {"pause": {}},
        ],
        "stableService": "shop",
        "canaryService": "shop-canary",
        "trafficRouting": {"nginx": {"stableIngress": "front"}},
    }
    spec = found["Rollout shop"]["spec"]
    assert ({"canary": expected}, 4) == (spec["strategy"], spec["replicas"])
    (container,) = spec["template"]["spec"]["containers"]
    assert ("registry/shop:v2", {"path": "/health", "port": 8000}) == (
        container["image"],
        container["readinessProbe"]["httpGet"],
    )


def test_metrics_are_judged_by_the_cluster_for_as_long_as_a_bake() -> None:
    found = render(wish(steps=[10], bake_s=30, metrics=[{**P95, "interval_s": 10, "in_a_row": 3}]))
    analysis = {"templates": [{"templateName": "shop-analysis"}]}
    assert [{"setWeight": 10}, {"analysis": analysis}] == found["Rollout shop"]["spec"]["strategy"]["canary"]["steps"]
    expected = {
        "name": "p95",
        "interval": "10s",
        "count": 4,
        "failureLimit": 2,
        "successCondition": "len(result) == 1 && result[0] <= 0.3",
        "provider": {"prometheus": {"address": "http://p:9090", "query": "q{v='v2'}"}},
    }
    assert [expected] == found["AnalysisTemplate shop-analysis"]["spec"]["metrics"]


def test_blue_green_of_argo_rollouts() -> None:
    found = render(wish("blue_green", approval=True, metrics=[P95]))
    expected = {
        "activeService": "shop",
        "previewService": "shop-preview",
        "autoPromotionEnabled": False,
        "scaleDownDelaySeconds": 30,
        "prePromotionAnalysis": {"templates": [{"templateName": "shop-analysis"}]},
    }
    assert {"blueGreen": expected} == found["Rollout shop"]["spec"]["strategy"]


def test_a_plain_deployment() -> None:
    found = render(wish("rolling", cluster={"argo": False}, servers=3, health_check="/", bake_s=5))
    assert ["Service shop", "Deployment shop"] == list(found)
    spec = found["Deployment shop"]["spec"]
    assert ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, 5) == (
        spec["strategy"],
        spec["minReadySeconds"],
    )


@pytest.mark.parametrize("strategy", ["canary", "blue_green", "rolling"])
@pytest.mark.parametrize("health", [{"health_command": ["check", "{port}"], "health_check": "/"}, {}, {"bake_s": 0}])
def test_whatever_is_rendered_passes_the_checks_or_is_refused(strategy: str, health: dict[str, object]) -> None:
    rollout = wish(strategy, cluster=None, **health)
    if "health_command" in health:
        with pytest.raises(UsageError, match="either asks a path or runs a command"):
            render(rollout)
        return
    render(rollout)


@pytest.mark.parametrize(
    ("rollout", "words"),
    [
        (wish(cluster={"argo": False}), "canary needs Argo Rollouts"),
        (wish("rolling", cluster={"argo": False}, metrics=[P95]), "a plain Deployment judges no metrics"),
        (wish(metrics=[{**P95, "ratio": 2}]), "metric 'p95' is compared with a baseline"),
        (wish(metrics=[{"name": "m", "command": ["x"], "limit": 1}]), "metric 'm' runs a command of this machine"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(rollout: Rollout, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        render(rollout)


def test_every_document_of_the_file_is_json() -> None:
    text = render_yaml([{"a": 1}, {"b": [2]}])
    assert [{"a": 1}, {"b": [2]}] == [json.loads(part) for part in text.split("---\n")[1:]]


# What is wrong with manifests


def broken(path: str, value: object, strategy: str = "canary") -> list[str]:
    """Render, put a value into the workload, and check."""
    rollout = wish(strategy, steps=[10], cluster={"ingress": "front"}, metrics=[P95])
    assert rollout.cluster is not None
    manifests = json.loads(json.dumps(render_manifests(rollout, rollout.cluster, "v2")))
    *way, last = path.split("/")
    place = manifests[-1]["spec"]
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    if value is None:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return check_manifests(manifests)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("strategy/canary/steps/0", {"setWeight": 150}, "steps[0].setWeight needs to be between 0 and 100"),
        ("strategy/canary/steps/0", {"setWeight": -1}, "steps[0].setWeight needs to be between 0 and 100"),
        ("strategy/canary/steps/0", {"setWeight": "10"}, "spec.strategy.canary.steps[0].setWeight is no integer"),
        ("strategy/canary/steps/0", {"setWieght": 10}, "spec.strategy.canary.steps[0].setWieght is unknown"),
        ("strategy/canary/steps/0", {}, "steps[0] must have exactly one of analysis, pause, setWeight"),
        ("strategy/canary/steps/0", {"setWeight": 1, "pause": {}}, "steps[0] must have exactly one of"),
        (
            "strategy/canary/steps/0",
            {"pause": {"duration": "0s"}},
            "steps[0].pause.duration needs to be greater than 0",
        ),
        ("strategy/canary/steps/0", {"pause": {"duration": "-5s"}}, "needs to be greater than 0"),
        ("strategy/canary/canaryService", "shop", "stableService and canaryService must be two different services"),
        ("strategy/canary/canaryService", None, "trafficRouting needs a stableService and a canaryService"),
        ("strategy/canary/canaryService", "other", "there is no Service other"),
        ("strategy/canary/maxSurge", 0, "maxSurge and maxUnavailable are both 0"),
        ("strategy/blueGreen", {"activeService": "shop"}, "exactly one of canary and blueGreen must be given"),
        ("strategy/canary", None, "exactly one of canary and blueGreen must be given"),
        ("strategy/canary/steps/1/analysis/templates/0/templateName", "gone", "there is no AnalysisTemplate gone"),
        ("template/metadata/labels/app", "other", "its selector does not match the labels of its pods"),
        ("progressDeadlineSeconds", None, "spec.progressDeadlineSeconds is missing"),
        ("minReadySeconds", 9999, "progressDeadlineSeconds must be greater than minReadySeconds"),
        ("replicas", -1, "spec.replicas is not allowed by minimum 0"),
        ("template/spec/containers", [], "spec.template.spec.containers is not allowed by minItems 1"),
        ("template/spec/containers/0/image", "", "image is not allowed by pattern"),
        ("replicas", True, "spec.replicas is no integer"),
    ],
)
def test_a_mistake_in_a_canary_is_found_without_a_cluster(path: str, value: object, problem: str) -> None:
    (found,) = broken(path, value)
    assert found.startswith("Rollout shop: ")
    assert problem in found


def test_blue_green_needs_two_services() -> None:
    (found,) = broken("strategy/blueGreen/previewService", "shop", "blue_green")
    assert "Rollout shop: activeService and previewService must be two different services" == found


def test_an_unknown_kind_is_no_manifest_of_ours() -> None:
    assert ["Job x: its kind is unknown"] == check_manifests([{"kind": "Job", "metadata": {"name": "x"}}])


def test_the_schema_means_the_same_to_a_library() -> None:
    """What the small reader of the schema accepts and refuses, jsonschema does too."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(checks.__file__).with_name("manifests.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    rollout = wish(steps=[10], cluster={"ingress": "front"}, metrics=[P95])
    assert rollout.cluster is not None
    for manifest in render_manifests(rollout, rollout.cluster, "v2"):
        validator = jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{manifest['kind']}"})
        assert [] == list(validator.iter_errors(manifest))
        for key in manifest:
            rest = {name: value for name, value in manifest.items() if name != key}
            assert list(validator.iter_errors(rest))
        assert list(validator.iter_errors({**manifest, "extra": 1}))
