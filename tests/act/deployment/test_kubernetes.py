"""kubectl as the cluster's door: a program that answers as it does, because no cluster is here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cipredict.act.deployment import kubernetes
from cipredict.act.deployment.interface import DeployFailed
from cipredict.act.deployment.kubernetes import Kubectl, Progress, read_deployment, read_rollout
from cipredict.plans.rollout import Cluster

KUBECTL = """#!{python}
import json, sys
from pathlib import Path
folder = Path(__file__).parent
words = [word for word in sys.argv[1:] if not word.startswith("--request-timeout")]
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(words) + chr(10))
if "apply" in words:
    (folder / "applied").write_text(sys.stdin.read())
if "get" in words:
    answers = json.loads((folder / "answers").read_text())
    print(json.dumps(answers[0]))
    (folder / "answers").write_text(json.dumps(answers[1:] or answers))
if (folder / "refusal").exists():
    sys.exit((folder / "refusal").read_text())
"""


def rollout(phase: str, *, seen: int = 2, stable: str = "new", message: str = "") -> dict[str, object]:
    status = {"observedGeneration": str(seen), "phase": phase, "stableRS": stable, "currentPodHash": "new"}
    return {"metadata": {"generation": 2}, "status": {**status, "message": message}}


def deployment(updated: int, available: int, total: int = 3, **status: object) -> dict[str, object]:
    counts = {"observedGeneration": 2, "updatedReplicas": updated, "availableReplicas": available, "replicas": total}
    return {"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {**counts, **status}}


LATE = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (rollout("Healthy"), True),
        (rollout("Healthy", seen=1), None),
        (rollout("Healthy", stable="old"), False),
        (rollout("Progressing"), None),
        (rollout("Paused"), None),
        (rollout("Degraded", message="RolloutAborted"), False),
        ({"metadata": {"generation": 1}}, None),
    ],
)
def test_argo_rollouts_says_how_far_it_is(document: dict[str, object], expected: bool | None) -> None:  # noqa: FBT001  # pytest passes by name
    assert expected is read_rollout(document).is_live


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (deployment(3, 3), True),
        (deployment(3, 2), None),
        (deployment(1, 3, 4), None),
        (deployment(3, 3, 4), None),
        (deployment(3, 3, observedGeneration=1), None),
        (deployment(1, 3, 4, conditions=[LATE]), False),
    ],
)
def test_a_deployment_says_how_far_it_is(document: dict[str, object], expected: bool | None) -> None:  # noqa: FBT001  # pytest passes by name
    assert expected is read_deployment(document).is_live


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(kubernetes, "_LOOK_S", 0.0)
    return tmp_path


def answer(folder: Path, *documents: Mapping[str, object]) -> None:
    (folder / "answers").write_text(json.dumps(documents))


def test_a_release_is_applied_and_watched(folder: Path) -> None:
    answer(folder, rollout("Healthy", seen=1), rollout("Progressing"), rollout("Progressing"), rollout("Healthy"))
    kubectl = Kubectl(Cluster("shop", "image", 80, namespace="prod"))
    kubectl.apply("---\n{}\n")
    told: list[str] = []
    assert Progress(is_live=True, words="Healthy") == kubectl.wait(within_s=20, tell=told.append)
    assert ["the controller has not seen it yet", "Progressing", "Healthy"] == told
    assert "---\n{}\n" == (folder / "applied").read_text()
    calls = (folder / "calls").read_text().splitlines()
    assert "--namespace prod apply -f -" == calls[0]
    assert {"--namespace prod get rollouts.argoproj.io shop -o json"} == set(calls[1:])


def test_nobody_waits_for_ever(folder: Path) -> None:
    answer(folder, rollout("Paused", message="CanaryPauseStep"))
    progress = Kubectl(Cluster("shop", "image", 80)).wait(within_s=0, tell=lambda _: None)
    assert (None, "not ended within 0 s: Paused: CanaryPauseStep") == progress


def test_a_plain_deployment_is_undone(folder: Path) -> None:
    Kubectl(Cluster("shop", "image", 80, argo=False)).undo()
    assert "--namespace default rollout undo deployments.apps shop\n" == (folder / "calls").read_text()


def test_what_the_cluster_refuses_is_one_line(folder: Path) -> None:
    (folder / "refusal").write_text("first line\nerror: no matches for kind Rollout")
    with pytest.raises(DeployFailed, match=r"^kubectl apply failed: error: no matches for kind Rollout"):
        Kubectl(Cluster("shop", "image", 80)).apply("")


def test_without_kubectl_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployFailed, match=r"There is no kubectl on this machine. Install the package"):
        Kubectl(Cluster("shop", "image", 80))
