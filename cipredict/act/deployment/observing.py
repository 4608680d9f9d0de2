"""One look at a release that takes over: its processes, its health, what it answers, what the project's metrics say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from cipredict.act.deployment.health import Vigil
from cipredict.act.deployment.interface import Role, Server, Target
from cipredict.act.deployment.metrics import Metrics
from cipredict.act.deployment.outcome import Bad
from cipredict.act.deployment.papers import State
from cipredict.act.deployment.watch import Watch, spell_evidence
from cipredict.plans.rollout import Finding, Rollout, Seen


class Judge(Protocol):
    """Says what the evidence means; `look` counts from 1 over the whole deployment."""

    def __call__(self, seen: Seen, /, *, look: int) -> Finding: ...  # noqa: D102  # above


class Observer:
    """Looks at the servers of one deployment; `begin` comes first.

    Attributes
    ----------
    evidence : of the last look
    """

    def __init__(self, rollout: Rollout, target: Target, judge: Judge) -> None:
        self._rollout, self._target, self._judge = rollout, target, judge
        self._looks = 0
        self._vigil = Vigil(rollout.health)
        self._metrics = Metrics(rollout.metrics)
        self.evidence: Mapping[str, object] = {}

    def begin(self) -> None:
        """Count from now."""
        self._watch = Watch(self._target)

    def check_health(self, canaries: Sequence[Server]) -> None:
        """Raise Bad where a server has ended, or is not healthy any more."""
        for server in canaries:
            if self._target.has_crashed(server):
                raise Bad(f"{server.release.name} ended by itself on port {server.port}")
        problem = self._vigil.look([server.port for server in canaries])
        if problem:
            raise Bad(f"{canaries[0].release.name} is not healthy any more: {problem}")

    def look(self, state: State) -> Finding:
        """Judge the canary against the baseline, or against what served before where there is none."""
        canaries = state.of(Role.CANARY)
        self.check_health(canaries)
        self._looks += 1
        self._watch.look(state.servers, with_seconds=self._rollout.watches_latency)
        against = Role.BASELINE if state.of(Role.BASELINE) else Role.STABLE
        seen = replace(self._watch.seen(against=against), readings=self._metrics.look(canaries, state.of(against)))
        self.evidence = spell_evidence(seen, look=self._looks, against=against)
        return self._judge(seen, look=self._looks)
