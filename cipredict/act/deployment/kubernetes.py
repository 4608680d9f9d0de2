"""A cluster, through kubectl: it is told what to bring about, and watched until it has, or has given up.

The steps are the cluster's own: Argo Rollouts takes a bad release back by itself. A plain Deployment only stops where
it is, so that is undone here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from cipredict.act.deployment.interface import DeployFailed
from cipredict.plans.rollout import Cluster

_LOOK_S = 2.0
_REQUEST_S = 30.0


class Progress(NamedTuple):
    """How far the cluster is; `is_live` is None while that is not known."""

    is_live: bool | None
    words: str


class Kubectl:
    """Runs kubectl with the user's own configuration.

    Raises DeployFailed where there is none.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        program = shutil.which("kubectl")
        if program is None:
            hint = "Install the package `kubernetes-client`, or apply what `deploy plan --format kubernetes` writes."
            raise DeployFailed("There is no kubectl on this machine.", hint=hint, slug="deploy-program")
        self._program = program

    def apply(self, manifests: str) -> None:
        """Tell the cluster; raises DeployFailed with its words where it refuses."""
        self._run("apply", "-f", "-", given=manifests)

    def undo(self) -> None:
        """Return a plain Deployment to what it was before."""
        self._run("rollout", "undo", self._kind, self._cluster.name)

    def wait(self, *, within_s: float, tell: Callable[[str], None]) -> Progress:
        """Watch until it has ended, or for so long; `tell` hears of every change."""
        deadline = time.monotonic() + within_s
        said = ""
        while True:
            progress = self.progress()
            if progress.words != said:
                tell(progress.words)
                said = progress.words
            if progress.is_live is not None:
                return progress
            if time.monotonic() > deadline:
                return Progress(None, f"not ended within {within_s:g} s: {progress.words}")
            time.sleep(_LOOK_S)

    def progress(self) -> Progress:
        """Read how far the cluster is."""
        answer = self._run("get", self._kind, self._cluster.name, "-o", "json")
        try:
            document = json.loads(answer)
            return read_rollout(document) if self._cluster.argo else read_deployment(document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"kubectl does not describe {self._kind} {self._cluster.name}: {error!r}."
            raise DeployFailed(message, slug="deploy-cluster") from error

    @property
    def _kind(self) -> str:
        return "rollouts.argoproj.io" if self._cluster.argo else "deployments.apps"

    def _run(self, *words: str, given: str = "") -> str:
        command = [
            self._program,
            "--namespace",
            self._cluster.namespace,
            f"--request-timeout={_REQUEST_S:.0f}s",
            *words,
        ]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603  # kubectl itself
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise DeployFailed(f"kubectl {words[0]} failed: {last}", slug="deploy-cluster")
        return done.stdout


def read_rollout(document: dict[str, Any]) -> Progress:  # Any: JSON
    """Read what Argo Rollouts says; its phase is of an older generation until the controller has seen this one."""
    status = document.get("status", {})
    if str(status.get("observedGeneration", "")) != str(document["metadata"]["generation"]):
        return Progress(None, "the controller has not seen it yet")
    phase, message = status.get("phase", ""), status.get("message", "")
    words = f"{phase}: {message}" if message else phase
    if phase == "Healthy":
        is_ours = status.get("stableRS") == status.get("currentPodHash")
        return Progress(is_live=is_ours, words=words)
    return Progress(False if phase == "Degraded" else None, words or "no phase yet")


def read_deployment(document: dict[str, Any]) -> Progress:  # Any: JSON
    """Read a plain Deployment as `kubectl rollout status` does."""
    status, replicas = document.get("status", {}), document["spec"]["replicas"]
    if status.get("observedGeneration", 0) < document["metadata"]["generation"]:
        return Progress(None, "the controller has not seen it yet")
    for condition in status.get("conditions", ()):
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Progress(is_live=False, words=condition.get("message", "the deadline has passed"))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    words = f"{updated} of {replicas} pods are new, {available} are available"
    is_over = updated >= replicas and available >= updated and status.get("replicas", 0) <= updated
    return Progress(True if is_over else None, words)
