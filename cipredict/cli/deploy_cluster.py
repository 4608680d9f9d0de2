"""`cipredict deploy` for a cluster: manifests that were checked, applied by kubectl, and what came of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime

from cipredict.act.deployment.interface import Release
from cipredict.act.deployment.kubernetes import Kubectl, Progress
from cipredict.act.deployment.outcome import Ended
from cipredict.act.deployment.papers import Cause, Papers, State
from cipredict.errors import SettingsError, UsageError
from cipredict.plans.rollout import Cluster, Rollout
from cipredict.render.kubernetes.checks import check_manifests
from cipredict.render.kubernetes.manifests import render_manifests, render_yaml

_EVENTS = {True: "promoted", False: "rolled-back", None: "left-to-the-cluster"}
_CAUSES = {True: Cause.NONE, False: Cause.BAD, None: Cause.INCONCLUSIVE}
_STEP_S = 120.0
"""That a cluster may take for each step beside its bake: scheduling, pulling images."""


def spell_manifests(rollout: Rollout, release: str) -> str:
    """Give the manifests of a release.

    Raises
    ------
    SettingsError
        The settings name no cluster.
    UsageError
        No release, or something that a cluster cannot do or would refuse.
    """
    if not release:
        raise UsageError("Which release? Say it with --release.", slug="deploy-release")
    manifests = render_manifests(rollout, _cluster(rollout), release)
    problems = check_manifests(manifests)
    if problems:
        raise UsageError(f"The cluster would refuse: {'; '.join(problems)}.", slug="deploy-cluster")
    return render_yaml(manifests)


def deploy_to_cluster(rollout: Rollout, papers: Papers, release: Release, *, is_forced: bool) -> Ended:
    """Apply a release and watch it.

    Raises
    ------
    UsageError
        It was bad before, or somebody else deploys.
    DeployFailed
        There is no kubectl, or the cluster refuses; nothing has changed.
    """
    manifests = spell_manifests(rollout, release.name)
    with papers.lock():
        state = papers.load()
        if release.name in state.pinned and not is_forced:
            message = f"{release.name} was taken back before: {state.pinned[release.name]}."
            raise UsageError(message, hint="Give --force with a reason.", slug="deploy-pinned")
        begun = datetime.now(UTC)
        name = f"{begun:%Y%m%dT%H%M%S}-{release.name}"
        kubectl = Kubectl(_cluster(rollout))
        kubectl.apply(manifests)
        papers.note("started", begun, deployment=name, release=release.name)
        progress = kubectl.wait(within_s=_longest_s(rollout), tell=lambda words: _say(words, begun))
        if progress.is_live is False and not _cluster(rollout).argo:
            kubectl.undo()
        papers.save(_after(state, release, progress))
        papers.note(_EVENTS[progress.is_live], datetime.now(UTC), deployment=name, reason=progress.words)
    seconds = (datetime.now(UTC) - begun).total_seconds()
    cause = _CAUSES[progress.is_live]
    return Ended(name, release.name, bool(progress.is_live), progress.words, seconds, cause=cause)


def _after(state: State, release: Release, progress: Progress) -> State:
    if progress.is_live is None:
        return state
    if not progress.is_live:
        return replace(state, pinned={**state.pinned, release.name: progress.words})
    pinned = {name: why for name, why in state.pinned.items() if name != release.name}
    return replace(state, live=release, releases=(*state.releases, release), pinned=pinned)


def _longest_s(rollout: Rollout) -> float:
    waits = rollout.approval_s if rollout.needs_approval else 0.0
    return waits + rollout.health.start_period_s + sum(step.bake_s + _STEP_S for step in rollout.steps)


def _cluster(rollout: Rollout) -> Cluster:
    if rollout.cluster is None:
        message = f"[tool.cipredict.deploy.{rollout.environment}] has no table `kubernetes`."
        raise SettingsError(message, slug="deploy-settings")
    return rollout.cluster


def _say(words: str, begun: datetime) -> None:
    sys.stderr.write(f"{(datetime.now(UTC) - begun).total_seconds():7.1f} s  {' '.join(words.split())}\n")
