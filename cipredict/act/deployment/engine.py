"""Walks a deployment through its steps, and back where the new release is bad.

::

    start ──> weights ──> bake ──┬─> weights ──> bake ──┬─> … ──> promote: drain and stop the old
                                 └──────────────────────┴──────> roll back: weights first, then drain the new

Every phase brings about and does not add, and the state is saved before it begins. So whoever finds a deployment that
was cut (`resume`) does its phase again, with the steps from the first one, because what was seen is lost; and `abort`
rolls it back. Old servers stay as they are until the very end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Protocol

from cipredict.act.deployment.health import ask, wait_healthy, warm_up
from cipredict.act.deployment.interface import DeployFailed, Release, Role, Server, Target
from cipredict.act.deployment.papers import GoingOn, Papers, Phase, State
from cipredict.act.deployment.watch import Watch
from cipredict.errors import UsageError
from cipredict.plans.rollout import Finding, Rollout, Seen, Step, Verdict, WhenInconclusive

LOOK_S = 0.1
_WHOLE = 256


class Judge(Protocol):
    """Says what the evidence means; `look` counts from 1 over the whole deployment."""

    def __call__(self, seen: Seen, /, *, look: int) -> Finding: ...  # noqa: D102  # above


@dataclass(frozen=True, slots=True)
class Ended:
    """How a deployment ended.

    Attributes
    ----------
    is_live : the release serves
    rolled_back_s : from the first sign of trouble to the old weights; None where it was not rolled back
    """

    deployment: str
    release: str
    is_live: bool
    reason: str
    duration_s: float
    rolled_back_s: float | None = None


class _Bad(Exception):  # how a deployment turns back, no error
    pass


class Engine:
    """One environment's deployments; `tell` hears of every event."""

    def __init__(
        self,
        rollout: Rollout,
        target: Target,
        papers: Papers,
        *,
        judge: Judge,
        tell: Callable[[str, Mapping[str, object]], None] = lambda _, __: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rollout = rollout
        self._target = target
        self._papers = papers
        self._judge = judge
        self._tell = tell
        self._now = now
        self._state = papers.load()
        self._looks = 0
        self._watch: Watch | None = None
        self._healthy: set[Server] = set()

    # What a user asks for

    def deploy(self, release: Release, *, by_hand: bool = False) -> Ended:
        """Bring a release to everybody, or back to where things were.

        Raises
        ------
        UsageError
            It is live already, one was cut, or one goes on elsewhere.
        """
        with self._papers.lock():
            self._state = state = self._papers.load()
            if state.going_on:
                message = f"The deployment of {state.going_on.release.name} has not ended."
                hint = "Run `cipredict deploy resume` or `cipredict deploy abort` first."
                raise UsageError(message, hint=hint, slug="deploy-unfinished")
            if state.live and state.live.name == release.name:
                raise UsageError(f"{release.name} is live already.", slug="deploy-live")
            at = self._now()
            name = f"{at:%Y%m%dT%H%M%S}-{release.name}"
            self._papers.answer.unlink(missing_ok=True)
            self._save(replace(state, going_on=GoingOn(name, release, at, by_hand=by_hand)))
            self._note("started", release=release.name, previous=state.live.name if state.live else None)
            return self._go_on()

    def resume(self) -> Ended:
        """Finish a deployment that was cut, from the phase in which it was."""
        with self._unfinished():
            self._note("resumed")
            return self._go_on()

    def abort(self, reason: str = "aborted by hand") -> Ended:
        """Take back a deployment that was cut."""
        with self._unfinished():
            if self._going_on.phase is Phase.PROMOTING:
                message = f"{self._going_on.release.name} serves everybody, and the old servers may be gone."
                hint = "Run `cipredict deploy resume`, then `cipredict deploy rollback`."
                raise UsageError(message, hint=hint, slug="deploy-promoted")
            return self._roll_back(reason)

    def promote(self) -> Ended:
        """Finish a deployment that was cut, without looking further."""
        with self._unfinished():
            return self._promote()

    # Phases

    def _go_on(self) -> Ended:
        try:
            self._target.prepare()
            going_on = self._going_on
            if going_on.phase is Phase.ROLLING_BACK:
                return self._roll_back(going_on.reason)
            if going_on.phase is Phase.STEPS:
                self._take_steps()
            return self._promote()
        except (_Bad, DeployFailed) as bad:
            return self._roll_back(str(bad))
        except KeyboardInterrupt:
            return self._roll_back("interrupted")

    def _take_steps(self) -> None:
        stable = self._state.of(Role.STABLE)
        for server in stable:
            self._target.start(server)  # those that run stay as they are
        self._target.set_weights(_spread(_WHOLE, stable))
        self._watch = Watch(self._target)
        steps = self._steps
        decisive = max((n for n, step in enumerate(steps) if step.baseline), default=len(steps) - 1)
        for number, step in enumerate(steps):
            self._proceed(step=number)
            self._start_servers(step)
            if number == len(steps) - 1:
                self._wait_for_approval()
            self._set_weights(step)
            self._note("step", number=number, share=step.share, weights=dict(self._target.weights()))
            finding = self._settle(self._bake(step.bake_s), is_decisive=number == decisive)
            self._note(
                "verdict", number=number, verdict=finding.verdict, reason=finding.reason, p_value=finding.p_value
            )

    def _promote(self) -> Ended:
        self._proceed(phase=Phase.PROMOTING)
        state = self._state
        new, old = state.of(Role.CANARY), state.of(Role.STABLE, Role.BASELINE)
        self._target.set_weights(_spread(_WHOLE, new))
        is_empty = self._target.drain([server.port for server in old], within_s=self._rollout.drain_s) if old else True
        for server in old:
            self._target.stop(server)
        going_on = self._going_on
        kept = [release for release in state.releases if release.name != going_on.release.name]
        self._save(
            State(
                live=going_on.release,
                servers=tuple(replace(server, role=Role.STABLE) for server in new),
                releases=(*kept, going_on.release)[-self._rollout.keep_releases - 1 :],
            )
        )
        reason = "" if is_empty else f"requests were still open after {self._rollout.drain_s:g} s of draining"
        return self._end(going_on, is_live=True, reason=reason)

    def _roll_back(self, reason: str) -> Ended:
        """Give the old servers their traffic back first; whatever else there is to do can wait."""
        begin_s = time.monotonic()
        state = self._state
        with suppress(DeployFailed):  # a balancer that is gone has no weights; prepare brings it up again below
            self._target.set_weights(_spread(_WHOLE, state.of(Role.STABLE)))
        rolled_back_s = time.monotonic() - begin_s
        self._proceed(phase=Phase.ROLLING_BACK, reason=reason)
        self._target.prepare()
        self._target.set_weights(_spread(_WHOLE, state.of(Role.STABLE)))
        for problem in filter(None, (ask(self._rollout.health, server.port) for server in state.of(Role.STABLE))):
            reason = f"{reason}; and the old release is not well: {problem}"
        bad = state.of(Role.CANARY, Role.BASELINE)
        self._target.drain([server.port for server in bad], within_s=min(self._rollout.drain_s, 5.0))
        for server in bad:
            self._target.stop(server)
        going_on = self._going_on
        self._save(replace(state, servers=state.of(Role.STABLE), going_on=None))
        return self._end(going_on, is_live=False, reason=reason, rolled_back_s=rolled_back_s)

    # Steps

    def _start_servers(self, step: Step) -> None:
        """Have as many servers of the new release as the step needs, and of the baseline; all healthy."""
        wanted = max(1, ceil(step.share * self._rollout.servers - 1e-9))
        self._have(Role.CANARY, self._going_on.release, wanted)
        if step.baseline and self._state.live:
            self._have(Role.BASELINE, self._state.live, wanted)

    def _have(self, role: Role, release: Release, wanted: int) -> None:
        present = self._state.of(role)
        used = {server.port for server in self._state.servers}
        free = [port for port in self._rollout.ports if port not in used][: max(0, wanted - len(present))]
        if len(present) + len(free) < wanted:
            there = len(self._rollout.ports)
            message = f"There are no ports left for {wanted} {role.value} servers: `ports` holds {there}."
            raise DeployFailed(message, slug="deploy-port")
        added = tuple(Server(port, release, role) for port in free)
        self._save(replace(self._state, servers=(*self._state.servers, *added)))
        for server in (*present, *added):
            self._target.start(server)
        for server in (*present, *added):
            self._wait_healthy(server)

    def _wait_healthy(self, server: Server) -> None:
        if server in self._healthy:
            return
        problem = wait_healthy(self._rollout.health, server.port, is_running=lambda: self._target.is_running(server))
        if problem:
            raise _Bad(f"{server.release.name} did not start on port {server.port}: {problem}")
        warm_up(self._rollout.health, server.port, self._rollout.warm_up_requests)
        self._healthy.add(server)
        self._note("healthy", port=server.port, role=server.role, release=server.release.name)

    def _set_weights(self, step: Step) -> None:
        weights = {
            **_spread(step.stable, self._state.of(Role.STABLE)),
            **_spread(step.baseline, self._state.of(Role.BASELINE)),
            **_spread(step.canary, self._state.of(Role.CANARY)),
        }
        self._target.set_weights(weights)

    def _bake(self, bake_s: float) -> Finding:
        """Watch for so long, and at least once; raises where the release is bad."""
        deadline = time.monotonic() + bake_s
        while True:
            time.sleep(LOOK_S)
            finding = self._look()
            if time.monotonic() >= deadline:
                return finding

    def _look(self) -> Finding:
        self._looks += 1
        self._refuse_stop()
        state = self._state
        for server in state.of(Role.CANARY):
            if not self._target.is_running(server):
                raise _Bad(f"{server.release.name} ended by itself on port {server.port}")
        assert self._watch is not None  # noqa: S101  # made before the first step
        self._watch.look(state.servers, with_seconds=self._rollout.watches_latency)
        if self._going_on.by_hand or not state.live:
            return Finding(Verdict.PASS, "healthy; there is nothing to compare with")
        against = Role.BASELINE if state.of(Role.BASELINE) else Role.STABLE
        finding = self._judge(self._watch.seen(against=against), look=self._looks)
        if finding.verdict is Verdict.FAIL:
            raise _Bad(finding.reason)
        return finding

    def _settle(self, finding: Finding, *, is_decisive: bool) -> Finding:
        """Do as wished where there was too little traffic: before everybody gets the release, not after."""
        wish = self._rollout.when_inconclusive
        deadline = time.monotonic() + (self._rollout.longest_wait_s if wish is WhenInconclusive.WAIT else 0.0)
        while finding.verdict is Verdict.INCONCLUSIVE and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            finding = self._look()
        if finding.verdict is Verdict.INCONCLUSIVE and is_decisive and wish is not WhenInconclusive.PROMOTE:
            raise _Bad(f"inconclusive: {finding.reason}")
        return finding

    def _wait_for_approval(self) -> None:
        """Wait before everybody gets the release, and go on watching meanwhile."""
        going_on, state = self._going_on, self._state
        if not self._rollout.needs_approval or going_on.is_approved or going_on.by_hand or not state.live:
            return
        self._note("waiting", approvers=list(self._rollout.approvers))
        deadline = time.monotonic() + self._rollout.approval_s
        while (answer := self._answer()) is None:
            if time.monotonic() > deadline:
                raise _Bad(f"nobody approved within {self._rollout.approval_s:g} s")
            time.sleep(LOOK_S)
            self._look()
        by = str(answer.get("by", ""))
        if self._rollout.approvers and by not in self._rollout.approvers:
            raise _Bad(f"{by} is none of the approvers {', '.join(self._rollout.approvers)}")
        self._note("approved", by=by, reason=answer.get("reason", ""))
        self._save(replace(state, going_on=replace(going_on, is_approved=True)))

    def _answer(self) -> Mapping[str, object] | None:
        try:
            document = json.loads(self._papers.answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there, or not whole
            return None
        return document if isinstance(document, dict) else None

    def _refuse_stop(self) -> None:
        answer = self._answer()
        if answer is not None and not answer.get("is_approved"):
            raise _Bad(f"stopped by {answer.get('by', 'somebody')}")

    # Papers

    @property
    def _going_on(self) -> GoingOn:
        assert self._state.going_on is not None  # noqa: S101  # every phase is of one
        return self._state.going_on

    @property
    def _steps(self) -> tuple[Step, ...]:
        is_plain = self._going_on.by_hand or not self._state.live
        return self._rollout.first_steps if is_plain else self._rollout.steps

    @contextmanager
    def _unfinished(self) -> Iterator[None]:
        """Hold the lock around what is done to a deployment that was cut."""
        with self._papers.lock():
            self._state = self._papers.load()
            if not self._state.going_on:
                raise UsageError("No deployment is going on.", slug="deploy-none")
            yield

    def _proceed(self, *, phase: Phase | None = None, step: int | None = None, reason: str = "") -> None:
        going_on = self._going_on
        going_on = replace(
            going_on,
            phase=phase or going_on.phase,
            step=going_on.step if step is None else step,
            reason=reason or going_on.reason,
        )
        self._save(replace(self._state, going_on=going_on))

    def _save(self, state: State) -> None:
        self._state = state
        self._papers.save(state)

    def _end(self, going_on: GoingOn, *, is_live: bool, reason: str, rolled_back_s: float | None = None) -> Ended:
        at = self._now()
        ended = Ended(
            going_on.deployment,
            going_on.release.name,
            is_live,
            reason,
            (at - going_on.started_at).total_seconds(),
            rolled_back_s,
        )
        self._note("promoted" if is_live else "rolled-back", release=ended.release, reason=reason)
        return ended

    def _note(self, event: str, **facts: object) -> None:
        self._papers.note(event, self._now(), **facts)
        self._tell(event, facts)


def _spread(weight: int, servers: Iterable[Server]) -> dict[int, int]:
    """Share a role's weight out among its servers; one that has any gets at least 1."""
    ports = [server.port for server in servers]
    return {port: max(1, round(weight / len(ports))) for port in ports} if weight else {}
