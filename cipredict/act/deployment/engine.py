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
from dataclasses import replace
from datetime import UTC, datetime

from cipredict.act.deployment.answer import forget_approval, read_answer, refusal
from cipredict.act.deployment.health import ask, wait_healthy, warm_up
from cipredict.act.deployment.interface import DeployFailed, Release, Role, Server, Target
from cipredict.act.deployment.observing import Judge, Observer
from cipredict.act.deployment.outcome import Bad, Ended
from cipredict.act.deployment.papers import Cause, GoingOn, Papers, Phase, State
from cipredict.errors import UsageError
from cipredict.plans.approvals import Approval
from cipredict.plans.rollout import Finding, Rollout, Step, Verdict, WhenInconclusive

LOOK_S = 0.1
_WHOLE = 256


class Engine:
    """One environment's deployments; `tell` hears of every event.

    With `approval_key`, an approval counts only if it is signed with it.
    """

    def __init__(
        self,
        rollout: Rollout,
        target: Target,
        papers: Papers,
        *,
        judge: Judge,
        approval_key: bytes | None = None,
        tell: Callable[[str, Mapping[str, object]], None] = lambda _, __: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rollout = rollout
        self._target = target
        self._papers = papers
        self._approval_key = approval_key
        self._tell = tell
        self._now = now
        self._state = papers.load()
        self._observer = Observer(rollout, target, judge)
        self._healthy: set[Server] = set()

    # What a user asks for

    def deploy(self, release: Release, *, by_hand: bool = False, is_forced: bool = False) -> Ended:
        """Bring a release to everybody, or back to where things were.

        Raises
        ------
        UsageError
            It is live already or was bad before, one was cut, or one goes on elsewhere.
        """
        with self._papers.lock():
            self._state = state = self._papers.load()
            if state.going_on:
                raise _unfinished(state.going_on)
            if state.live and state.live.name == release.name:
                raise UsageError(f"{release.name} is live already.", slug="deploy-live")
            if release.name in state.pinned and not (by_hand or is_forced):
                message = f"{release.name} was taken back before: {state.pinned[release.name]}."
                hint = "Give the mended release another name, or give --force with a reason."
                raise UsageError(message, hint=hint, slug="deploy-pinned")
            at = self._now()
            name = f"{at:%Y%m%dT%H%M%S}-{release.name}"
            self._papers.answer.unlink(missing_ok=True)
            self._save(replace(state, going_on=GoingOn(name, release, at, by_hand=by_hand)))
            self._note("started", release=release.name, previous=state.live.name if state.live else None)
            return self._go_on()

    def resume(self) -> Ended:
        """Finish a deployment that was cut, from the phase in which it was."""
        with self._unfinished():
            self._save(replace(self._state, going_on=replace(self._going_on, is_waiting=False)))
            self._note("resumed")
            return self._go_on()

    def abort(self, reason: str = "aborted by hand") -> Ended:
        """Take back a deployment that was cut."""
        with self._unfinished():
            if self._going_on.phase is Phase.PROMOTING:
                message = f"{self._going_on.release.name} serves everybody, and the old servers may be gone."
                hint = "Run `cipredict deploy resume`, then `cipredict deploy rollback`."
                raise UsageError(message, hint=hint, slug="deploy-promoted")
            return self._roll_back(reason, Cause.STOPPED)

    def promote(self) -> Ended:
        """Finish a deployment that was cut, without looking further, but only if the release is healthy."""
        with self._unfinished():
            if self._going_on.phase is Phase.ROLLING_BACK:
                message = f"{self._going_on.release.name} is being taken back."
                hint = "Run `cipredict deploy resume`, then deploy it again."
                raise UsageError(message, hint=hint, slug="deploy-going-back")
            return self._go_on(by_looking=False)

    def restore(self) -> None:
        """Bring back what the papers say, after the machine or the balancer was started again.

        Raises
        ------
        UsageError
            A deployment was cut, or nothing has been deployed.
        DeployFailed
            What should serve is not well.
        """
        with self._papers.lock():
            self._state = state = self._papers.load()
            if state.going_on:
                raise _unfinished(state.going_on)
            if state.live is None:
                raise UsageError("Nothing has been deployed here.", slug="deploy-none")
            self._target.prepare()
            problems = self._revive(state.servers)
            self._target.set_weights(_spread(_WHOLE, state.servers))
            self._note("restored", release=state.live.name)
            if problems:
                raise DeployFailed(f"{state.live.name} is not well: {'; '.join(problems)}.", slug="deploy-unwell")

    # Phases

    def _go_on(self, *, by_looking: bool = True) -> Ended:
        try:
            self._target.prepare()
            going_on = self._going_on
            if going_on.phase is Phase.ROLLING_BACK:
                return self._roll_back(going_on.reason, going_on.cause)
            if going_on.phase is Phase.STEPS and by_looking:
                self._take_steps()
            elif going_on.phase is Phase.STEPS:
                self._start_servers(self._steps[-1])
            return self._promote()
        except Bad as bad:
            return self._roll_back(str(bad), bad.cause)
        except (DeployFailed, OSError) as error:
            return self._turn_back(str(error), Cause.BROKEN)
        except KeyboardInterrupt:
            return self._turn_back("interrupted", Cause.STOPPED)

    def _turn_back(self, reason: str, cause: Cause) -> Ended:
        """Roll back, unless everybody has the new release already and the old servers may be gone."""
        going_on = self._going_on
        if going_on.phase is Phase.PROMOTING:
            message = f"{going_on.release.name} serves everybody, but the old servers were not ended: {reason}"
            raise DeployFailed(message, hint="Run `cipredict deploy resume`.", slug="deploy-unfinished")
        return self._roll_back(reason, cause)

    def _take_steps(self) -> None:
        stable = self._state.of(Role.STABLE)
        for problem in self._revive(stable):  # whoever mends that by a new release must not be kept from it
            self._note("unwell", problem=problem)
        self._target.set_weights(_spread(_WHOLE, stable))
        self._observer.begin()
        steps = self._steps
        decisive = max((n for n, step in enumerate(steps) if step.baseline), default=len(steps) - 1)
        for number, step in enumerate(steps):
            self._proceed(step=number)
            self._start_servers(step)
            if number == len(steps) - 1:
                self._wait_for_approval()
            self._set_weights(step)
            self._note("step", number=number, share=step.share, weights=dict(self._target.weights()))
            self._settle(self._bake(step.bake_s), is_decisive=number == decisive)

    def _promote(self) -> Ended:
        self._proceed(phase=Phase.PROMOTING)
        state = self._state
        new, old = state.of(Role.CANARY), state.of(Role.STABLE, Role.BASELINE)
        problems = self._revive([server for server in new if not self._target.is_running(server)])
        if problems:
            raise Bad(f"{self._going_on.release.name} does not run any more: {'; '.join(problems)}")
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
                pinned=self._pinned_without(going_on),
            )
        )
        reason = "" if is_empty else f"requests were still open after {self._rollout.drain_s:g} s of draining"
        return self._end(going_on, is_live=True, reason=reason)

    def _pinned_without(self, going_on: GoingOn) -> Mapping[str, str]:
        """Give the bad releases after a promotion: not the new one, but one that was left by hand."""
        pinned = {name: why for name, why in self._state.pinned.items() if name != going_on.release.name}
        if going_on.by_hand and self._state.live:
            pinned[self._state.live.name] = f"somebody returned to {going_on.release.name}"
        return pinned

    def _roll_back(self, reason: str, cause: Cause) -> Ended:
        """Give the old servers their traffic back first; whatever else there is to do can wait."""
        begin_s = time.monotonic()
        state = self._state
        stable = state.of(Role.STABLE)
        with suppress(DeployFailed):  # a balancer that is gone has no weights; prepare brings it up again below
            self._target.set_weights(_spread(_WHOLE, list(filter(self._target.is_running, stable)) or stable))
        rolled_back_s = time.monotonic() - begin_s
        self._proceed(phase=Phase.ROLLING_BACK, reason=reason, cause=cause)
        self._target.prepare()
        problems = self._revive(stable)
        self._target.set_weights(_spread(_WHOLE, stable))
        reason = "; and the old release is not well: ".join([reason, *problems])
        bad = state.of(Role.CANARY, Role.BASELINE)
        self._target.drain([server.port for server in bad], within_s=min(self._rollout.drain_s, 5.0))
        for server in bad:
            self._target.stop(server)
        going_on = self._going_on
        pinned = {**state.pinned, going_on.release.name: reason} if cause is Cause.BAD else state.pinned
        self._save(replace(state, servers=stable, going_on=None, pinned=pinned))
        return self._end(going_on, is_live=False, reason=reason, rolled_back_s=rolled_back_s, cause=cause)

    def _revive(self, servers: Iterable[Server]) -> list[str]:
        """Start those of a release that once was well that do not run; give what is wrong with any."""
        problems = []
        for server in servers:
            try:
                was_running = self._target.is_running(server)
                self._target.start(server)
            except DeployFailed as error:
                problems.append(error.message)
                continue
            problems.append(
                ask(self._rollout.health, server.port)
                if was_running
                else wait_healthy(self._rollout.health, server.port, has_ended=lambda: False)
            )
        return list(filter(None, problems))

    # Steps

    def _start_servers(self, step: Step) -> None:
        """Have as many servers of the new release as the step needs, and of the baseline; all healthy."""
        self._have(Role.CANARY, self._going_on.release, step.servers_of(self._rollout.servers))
        if step.baseline and self._state.live:
            self._have(Role.BASELINE, self._state.live, step.servers_of(self._rollout.servers))

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
        problem = wait_healthy(self._rollout.health, server.port, has_ended=lambda: self._target.has_crashed(server))
        if problem:
            raise Bad(f"{server.release.name} did not start on port {server.port}: {problem}")
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
        self._refuse_stop()
        state = self._state
        if self._going_on.by_hand or not state.live:
            self._observer.check_health(state.of(Role.CANARY))
            return Finding(Verdict.PASS, "healthy; there is nothing to compare with")
        finding = self._observer.look(state)
        if finding.verdict is Verdict.FAIL:
            self._note_verdict(finding)
            raise Bad(finding.reason)
        return finding

    def _note_verdict(self, finding: Finding) -> None:
        facts = {"verdict": finding.verdict, "reason": finding.reason, "p_value": finding.p_value}
        evidence = self._observer.evidence
        self._note("verdict", number=self._going_on.step, **facts, allowed=finding.allowed, evidence=evidence)

    def _settle(self, finding: Finding, *, is_decisive: bool) -> None:
        """Do as wished where there was too little traffic: before everybody gets the release, not after."""
        wish = self._rollout.when_inconclusive
        deadline = time.monotonic() + (self._rollout.longest_wait_s if wish is WhenInconclusive.WAIT else 0.0)
        while finding.verdict is Verdict.INCONCLUSIVE and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            finding = self._look()
        self._note_verdict(finding)
        if finding.verdict is Verdict.INCONCLUSIVE and is_decisive and wish is not WhenInconclusive.PROMOTE:
            raise Bad(f"inconclusive: {finding.reason}", Cause.INCONCLUSIVE)

    def _wait_for_approval(self) -> None:
        """Wait before everybody gets the release, and go on watching meanwhile."""
        going_on, state = self._going_on, self._state
        if not self._rollout.needs_approval or going_on.is_approved or going_on.by_hand or not state.live:
            return
        forget_approval(self._papers.answer)  # what was said before it was asked
        self._save(replace(state, going_on=replace(going_on, is_waiting=True)))
        self._note("waiting", approvers=list(self._rollout.approvers), decision_sha256=going_on.decision_sha256)
        deadline = time.monotonic() + self._rollout.approval_s
        while (approval := self._take_approval(going_on)) is None:
            if time.monotonic() > deadline:
                raise Bad(f"nobody approved within {self._rollout.approval_s:g} s", Cause.UNAPPROVED)
            time.sleep(LOOK_S)
            self._look()
        self._note("approved", by=approval.user, reason=approval.reason, approval=json.loads(approval.to_record()))
        self._save(replace(self._state, going_on=replace(self._going_on, is_waiting=False, is_approved=True)))

    def _take_approval(self, going_on: GoingOn) -> Approval | None:
        """Give the approval if it counts; one that does not is noted and thrown away."""
        answer = read_answer(self._papers.answer)
        if answer is None or not answer.is_approved:
            return None
        key, approvers = self._approval_key, self._rollout.approvers
        problem = refusal(answer.approval, going_on.decision_sha256, approvers, key=key)
        if not problem:
            return answer.approval
        self._note("refused", problem=problem)
        forget_approval(self._papers.answer)
        return None

    def _refuse_stop(self) -> None:
        answer = read_answer(self._papers.answer)
        if answer is not None and not answer.is_approved:
            raise Bad(f"stopped by {answer.approval.user or 'somebody'}", Cause.STOPPED)

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

    def _proceed(
        self, *, phase: Phase | None = None, step: int | None = None, reason: str = "", cause: Cause = Cause.NONE
    ) -> None:
        going_on = self._going_on
        going_on = replace(
            going_on,
            phase=phase or going_on.phase,
            step=going_on.step if step is None else step,
            reason=reason or going_on.reason,
            cause=cause or going_on.cause,
        )
        self._save(replace(self._state, going_on=going_on))

    def _save(self, state: State) -> None:
        self._state = state
        self._papers.save(state)

    def _end(
        self,
        going_on: GoingOn,
        *,
        is_live: bool,
        reason: str,
        rolled_back_s: float | None = None,
        cause: Cause = Cause.NONE,
    ) -> Ended:
        name = going_on.deployment
        ended = Ended(
            name,
            going_on.release.name,
            is_live,
            reason,
            (self._now() - going_on.started_at).total_seconds(),
            rolled_back_s,
            cause,
            tuple(
                entry
                for entry in self._papers.journal()
                if entry.get("event") == "verdict" and entry.get("deployment") == name
            ),
        )
        event = "promoted" if is_live else "rolled-back"
        self._note(event, release=ended.release, reason=reason, cause=cause, deployment=name)
        return ended

    def _note(self, event: str, **facts: object) -> None:
        going_on = self._state.going_on
        deployment = {"deployment": going_on.deployment} if going_on else {}
        self._papers.note(event, self._now(), **{**deployment, **facts})
        self._tell(event, facts)


def _unfinished(going_on: GoingOn) -> UsageError:
    message = f"The deployment of {going_on.release.name} has not ended."
    hint = "Run `cipredict deploy resume` or `cipredict deploy abort` first."
    return UsageError(message, hint=hint, slug="deploy-unfinished")


def _spread(weight: int, servers: Iterable[Server]) -> dict[int, int]:
    """Share a role's weight out among its servers; one that has any gets at least 1."""
    ports = [server.port for server in servers]
    return {port: max(1, round(weight / len(ports))) for port in ports} if weight else {}
