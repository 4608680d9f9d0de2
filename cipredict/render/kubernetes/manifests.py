"""A rollout as manifests: Argo Rollouts (`Rollout`, `AnalysisTemplate`, `Service`s), or a plain `Deployment`.

What the cluster cannot do is refused, not left out: metrics that compare with a baseline or run a command, and canary
or blue-green without Argo Rollouts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import TypeAlias

from cipredict.errors import UsageError
from cipredict.plans.rollout import Cluster, Metric, Rollout, Strategy

Manifest: TypeAlias = dict[str, object]
_ARGO = "argoproj.io/v1alpha1"
_OTHER = {Strategy.CANARY: "canary", Strategy.BLUE_GREEN: "preview"}


def render_manifests(rollout: Rollout, cluster: Cluster, release: str) -> list[Manifest]:
    """Give the manifests of a release.

    Raises
    ------
    UsageError
        Naming everything that a cluster cannot do.
    """
    refused = list(_refused(rollout, cluster))
    if refused:
        raise UsageError(f"Kubernetes cannot do that: {'; '.join(refused)}.", slug="deploy-cluster")
    names = [cluster.name]
    if cluster.argo and rollout.strategy in _OTHER:
        names.append(f"{cluster.name}-{_OTHER[rollout.strategy]}")
    services = [_service(cluster, name) for name in names]
    if not cluster.argo:
        return [*services, _workload(rollout, cluster, release)]
    templates = [_analysis_template(rollout, cluster, release)] if rollout.metrics else []
    return [*services, *templates, _workload(rollout, cluster, release)]


def render_yaml(manifests: Iterable[Mapping[str, object]]) -> str:
    """Spell manifests as documents of YAML, each of which is JSON."""
    return "".join(f"---\n{json.dumps(manifest, indent=2)}\n" for manifest in manifests)


def _refused(rollout: Rollout, cluster: Cluster) -> Iterable[str]:
    if not cluster.argo and rollout.strategy is not Strategy.ROLLING:
        yield f"{rollout.strategy} needs Argo Rollouts (`argo = true`)"
    if not cluster.argo and rollout.metrics:
        yield "a plain Deployment judges no metrics"
    for metric in rollout.metrics:
        if metric.command:
            yield f"metric '{metric.name}' runs a command of this machine"
        if metric.ratio is not None:
            yield f"metric '{metric.name}' is compared with a baseline (`ratio`)"
    if rollout.health.path and rollout.health.command:
        yield "a probe either asks a path or runs a command"


def _service(cluster: Cluster, name: str) -> Manifest:
    spec = {
        "selector": {"app": cluster.name},
        "ports": [{"name": "http", "port": 80, "targetPort": cluster.port}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(cluster, name), "spec": spec}


def _metadata(cluster: Cluster, name: str) -> Manifest:
    return {"name": name, "namespace": cluster.namespace, "labels": {"app": cluster.name}}


def _workload(rollout: Rollout, cluster: Cluster, release: str) -> Manifest:
    bake_s = max(step.bake_s for step in rollout.steps)
    ready_s = 0 if cluster.argo else ceil(bake_s)
    strategy = _strategy(rollout, cluster) if cluster.argo else {"type": "RollingUpdate", "rollingUpdate": _ONE_MORE}
    return {
        "apiVersion": _ARGO if cluster.argo else "apps/v1",
        "kind": "Rollout" if cluster.argo else "Deployment",
        "metadata": {**_metadata(cluster, cluster.name), "annotations": {"cipredict/release": release}},
        "spec": {
            "replicas": rollout.servers,
            "revisionHistoryLimit": rollout.keep_releases,
            "minReadySeconds": ready_s,
            "progressDeadlineSeconds": ready_s + ceil(rollout.health.start_period_s) + 60,
            "selector": {"matchLabels": {"app": cluster.name}},
            "strategy": strategy,
            "template": _pod(rollout, cluster, release),
        },
    }


_ONE_MORE: Mapping[str, object] = {"maxSurge": 1, "maxUnavailable": 0}


def _pod(rollout: Rollout, cluster: Cluster, release: str) -> Manifest:
    container: Manifest = {
        "name": "app",
        "image": cluster.image.replace("{release}", release),
        "ports": [{"name": "http", "containerPort": cluster.port}],
        **_probes(rollout, cluster),
    }
    if rollout.command:
        facts = {"{port}": str(cluster.port), "{release}": release}
        container["command"] = [_fill(word, facts) for word in rollout.command]
    return {
        "metadata": {"labels": {"app": cluster.name}, "annotations": {"cipredict/release": release}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": max(1, ceil(rollout.drain_s))},
    }


def _probes(rollout: Rollout, cluster: Cluster) -> Manifest:
    """Give when a container is ready, and how long it may take to start; whole seconds are the smallest there are."""
    health = rollout.health
    port = str(cluster.port)
    if health.command:
        ask: Manifest = {"exec": {"command": [word.replace("{port}", port) for word in health.command]}}
    elif health.path:
        ask = {"httpGet": {"path": health.path, "port": cluster.port}}
    else:
        ask = {"tcpSocket": {"port": cluster.port}}
    period_s = max(1, ceil(health.interval_s))
    ask = {**ask, "periodSeconds": period_s, "timeoutSeconds": max(1, ceil(health.timeout_s))}
    return {
        "startupProbe": {**ask, "failureThreshold": max(1, ceil(health.start_period_s / period_s))},
        "readinessProbe": {**ask, "successThreshold": health.successes, "failureThreshold": health.failures},
    }


def _strategy(rollout: Rollout, cluster: Cluster) -> Manifest:
    if rollout.strategy is Strategy.BLUE_GREEN:
        analysis = {"prePromotionAnalysis": _analysis(cluster)} if rollout.metrics else {}
        return {
            "blueGreen": {
                "activeService": cluster.name,
                "previewService": f"{cluster.name}-preview",
                "autoPromotionEnabled": not rollout.needs_approval,
                "scaleDownDelaySeconds": max(30, ceil(rollout.drain_s)),
                **analysis,
            }
        }
    canary: Manifest = {**_ONE_MORE, "steps": _steps(rollout, cluster)}
    if rollout.strategy is Strategy.CANARY:
        canary |= {"stableService": cluster.name, "canaryService": f"{cluster.name}-canary"}
        if cluster.ingress:
            canary["trafficRouting"] = {"nginx": {"stableIngress": cluster.ingress}}
    return {"canary": canary}


def _steps(rollout: Rollout, cluster: Cluster) -> list[Manifest]:
    """Give the steps before everybody has the release; Argo's weights are whole percents, 1 at least."""
    steps: list[Manifest] = []
    for step in rollout.steps[:-1]:
        steps.append({"setWeight": min(99, max(1, round(100 * step.share)))})
        if rollout.metrics:
            steps.append({"analysis": _analysis(cluster)})
        elif step.bake_s:
            steps.append({"pause": {"duration": f"{ceil(step.bake_s)}s"}})
    return [*steps, {"pause": {}}] if rollout.needs_approval else steps


def _analysis(cluster: Cluster) -> Manifest:
    return {"templates": [{"templateName": f"{cluster.name}-analysis"}]}


def _analysis_template(rollout: Rollout, cluster: Cluster, release: str) -> Manifest:
    bake_s = max(step.bake_s for step in rollout.steps)
    return {
        "apiVersion": _ARGO,
        "kind": "AnalysisTemplate",
        "metadata": _metadata(cluster, f"{cluster.name}-analysis"),
        "spec": {"metrics": _metrics(rollout.metrics, bake_s, release)},
    }


def _metrics(metrics: Sequence[Metric], bake_s: float, release: str) -> list[Manifest]:
    """Give them for as long as a bake; Argo counts all failures of a metric, not those in a row."""
    facts = {"{release}": release, "{role}": "canary", "{ports}": ""}
    rendered = []
    for metric in metrics:
        interval_s = max(1, ceil(metric.interval_s))
        sign = ">=" if metric.is_least else "<="
        rendered.append(
            {
                "name": metric.name,
                "interval": f"{interval_s}s",
                "count": max(metric.in_a_row, ceil(bake_s / interval_s) + 1),
                "failureLimit": metric.in_a_row - 1,
                "successCondition": f"len(result) == 1 && result[0] {sign} {metric.limit:g}",
                "provider": {"prometheus": {"address": metric.prometheus, "query": _fill(metric.query, facts)}},
            }
        )
    return rendered


def _fill(text: str, facts: Mapping[str, str]) -> str:
    for name, value in facts.items():
        text = text.replace(name, value)
    return text
