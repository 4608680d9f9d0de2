"""Deployments on a target made of dictionaries: every path, and a kill at every call."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.act.deployment import engine as engine_module
from cipredict.act.deployment.answer import Answer, write_answer
from cipredict.act.deployment.engine import Engine
from cipredict.act.deployment.interface import DeployFailed, Release, Role, Server, Traffic
from cipredict.act.deployment.outcome import Ended
from cipredict.act.deployment.papers import Cause, Papers, Phase
from cipredict.decide.rollout.judge import judge
from cipredict.decide.rollout.wish import parse_wish
from cipredict.errors import InputError, UsageError
from cipredict.plans.approvals import Approval
from cipredict.plans.rollout import Finding, Rollout, Seen

V1, V2 = Release("v1", ("serve",)), Release("v2", ("serve",))


class Killed(BaseException):
    """The deployer is gone."""


class Place:
    """A `Target`: what a kill leaves is what these dictionaries hold.

    `error_share` by release; every look sees 1,000 requests, shared out by weight. `calls_left` counts down to a kill.
    """

    def __init__(self) -> None:
        self.running: dict[int, str] = {}
        self.given: dict[int, int] = {}
        self.counters: dict[int, Traffic] = {}
        self.error_share: dict[str, float] = {}
        self.ends_by_itself: set[str] = set()
        self.calls_left = -1
        self.history: list[dict[int, int]] = []
        self.is_stuck = False

    def call(self) -> None:
        self.calls_left -= 1
        if self.calls_left == 0:
            raise Killed

    def prepare(self) -> None:
        self.call()

    def start(self, server: Server) -> None:
        self.call()
        self.running[server.port] = server.release.name

    def is_running(self, server: Server) -> bool:
        return server.port in self.running

    def has_crashed(self, server: Server) -> bool:
        return server.release.name in self.ends_by_itself

    def stop(self, server: Server) -> None:
        self.call()
        self.running.pop(server.port, None)
        self.given.pop(server.port, None)

    def set_weights(self, weights: Mapping[int, int]) -> None:
        self.call()
        self.given = dict(weights)
        self.history.append(self.given)

    def weights(self) -> Mapping[int, int]:
        return self.given

    def drain(self, ports: Iterable[int], *, within_s: float) -> bool:  # noqa: ARG002  # nothing to wait for
        self.call()
        for port in ports:
            self.given.pop(port, None)
        return not self.is_stuck

    def traffic(self) -> Mapping[int, Traffic]:
        total = sum(self.given.values())
        for port, weight in self.given.items():
            requests = 1000 * weight // total
            errors = round(requests * self.error_share.get(self.running.get(port, ""), 0.0))
            before = self.counters.get(port, Traffic(0, 0))
            self.counters[port] = Traffic(before.requests + requests, before.errors + errors)
        return dict(self.counters)

    def answers_s(self) -> Mapping[int, Sequence[float]]:
        return {}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOOK_S", 0.0)


def rollout(strategy: str = "canary", **others: object) -> Rollout:
    table = {"strategy": strategy, "ports": "9001-9009", "health_command": ["true"], "bake_s": 0, **others}
    return replace(parse_wish(table, where="test").rollout, health=replace(HEALTH))


HEALTH = parse_wish({"health_command": ["true"], "health_successes": 1, "start_period_s": 5}, where="t").rollout.health


class Site:
    """One environment, with v1 live."""

    def __init__(self, folder: Path, wish: Rollout) -> None:
        self.place, self.wish, self.papers = Place(), wish, Papers(folder)
        self.events: list[tuple[str, Mapping[str, object]]] = []
        assert self.engine().deploy(V1).is_live
        self.old_ports = set(self.place.given)
        self.events.clear()

    def engine(self) -> Engine:
        def look_at(seen: Seen, *, look: int) -> Finding:
            return judge(seen, self.wish.limits, look=look)

        return Engine(
            self.wish,
            self.place,
            self.papers,
            judge=look_at,
            tell=lambda event, facts: self.events.append((event, facts)),
        )

    @property
    def live(self) -> str:
        state = self.papers.load()
        return state.live.name if state.live else ""

    def check_consistent(self) -> None:
        """What serves is what the papers say, and nothing else runs."""
        state = self.papers.load()
        assert state.going_on is None
        assert {self.live} == set(self.place.running.values())
        assert {server.port for server in state.servers} == set(self.place.running) == set(self.place.given)
        assert {Role.STABLE} == {server.role for server in state.servers}


@pytest.mark.parametrize("strategy", ["blue_green", "canary", "rolling"])
def test_a_good_release_takes_over(tmp_path: Path, strategy: str) -> None:
    site = Site(tmp_path, rollout(strategy, servers=2))
    ended = site.engine().deploy(V2)
    assert (True, "v2", "") == (ended.is_live, site.live, ended.reason)
    site.check_consistent()
    assert site.old_ports.isdisjoint(site.place.given)


@pytest.mark.parametrize("strategy", ["blue_green", "canary", "rolling"])
def test_a_bad_release_goes_back_to_the_servers_that_were_never_touched(tmp_path: Path, strategy: str) -> None:
    site = Site(tmp_path, rollout(strategy))
    site.place.error_share["v2"] = 0.5
    ended = site.engine().deploy(V2)
    assert (False, "v1") == (ended.is_live, site.live)
    assert "errors in" in ended.reason
    assert site.old_ports == set(site.place.given)
    site.check_consistent()


def test_users_see_a_bad_canary_in_its_share_only(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.place.error_share["v2"] = 0.5
    site.place.history.clear()
    site.engine().deploy(V2)
    (new,) = [port for port, name in enumerate_ports(site) if name == "v2"]
    assert 26 == max(weights.get(new, 0) for weights in site.place.history)


def enumerate_ports(site: Site) -> list[tuple[int, str]]:
    healthy = [facts for event, facts in site.events if event == "healthy"]
    return [(int(str(facts["port"])), str(facts["release"])) for facts in healthy]


def test_the_canary_is_compared_with_the_old_release_started_anew(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.engine().deploy(V2)
    roles = [(facts["release"], facts["role"]) for event, facts in site.events if event == "healthy"][:2]
    assert [("v2", Role.CANARY), ("v1", Role.BASELINE)] == roles


def test_an_error_rate_that_the_old_release_has_too_is_not_held_against_the_new_one(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.place.error_share = {"v1": 0.03, "v2": 0.03}
    assert site.engine().deploy(V2).is_live


def test_a_release_that_ends_by_itself_is_taken_back(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.place.ends_by_itself = {"v2"}
    ended = site.engine().deploy(V2)
    assert not ended.is_live
    assert "v2 ended by itself" in ended.reason
    site.check_consistent()


def test_a_release_that_is_not_healthy_never_gets_a_request(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.wish = replace(site.wish, health=replace(HEALTH, command=("false",), start_period_s=0.2))
    site.place.history.clear()
    ended = site.engine().deploy(V2)
    assert "not healthy within 0.2 s: false exited with 1" in ended.reason
    assert all(set(weights) <= site.old_ports for weights in site.place.history)


def test_the_first_release_has_nobody_to_compare_with(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    assert "v1" == site.live
    site.check_consistent()


def test_too_few_ports_change_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, replace(rollout(), ports=(9001, 9002)))
    ended = site.engine().deploy(V2)
    assert "no ports left for 1 baseline servers" in ended.reason
    assert Cause.BROKEN is ended.cause
    site.check_consistent()


def test_what_is_live_is_not_deployed_again(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    with pytest.raises(UsageError, match="v1 is live already"):
        site.engine().deploy(V1)


def test_two_deployments_at_once_are_refused(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    with site.papers.lock(), pytest.raises(UsageError, match="Another process deploys here"):
        site.engine().deploy(V2)


def test_open_requests_are_reported(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.place.is_stuck = True
    ended = site.engine().deploy(V2)
    assert (True, "requests were still open after 30 s of draining") == (ended.is_live, ended.reason)


@pytest.mark.parametrize("wish", ["rollback", "promote", "wait"])
def test_silence_is_settled_as_wished(tmp_path: Path, wish: str) -> None:
    site = Site(tmp_path, rollout(when_inconclusive=wish, longest_wait_s=0, least_requests=10**9))
    assert (wish == "promote") == site.engine().deploy(V2).is_live
    site.check_consistent()


def test_waiting_ends_once_there_is_enough_traffic(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(when_inconclusive="wait", longest_wait_s=30, least_requests=3_000))
    assert site.engine().deploy(V2).is_live


# Approval


KEY = b"0123456789abcdef"


def answer(site: Site, by: str, *, is_approved: bool = True, key: bytes | None = None, decision: str = "") -> None:
    going_on = site.papers.load().going_on
    assert going_on is not None
    approval = Approval(decision or going_on.decision_sha256, by, "", datetime.now(UTC))
    write_answer(site.papers.answer, Answer(approval.signed(key) if key else approval, is_approved=is_approved))


@pytest.mark.parametrize(
    ("by", "is_approved", "expected"),
    [
        ("ann", True, (True, "", Cause.NONE)),
        ("@Ann", True, (True, "", Cause.NONE)),
        ("eve", True, (False, "nobody approved within 0.3 s", Cause.UNAPPROVED)),
        ("ann", False, (False, "stopped by ann", Cause.STOPPED)),
    ],
)
def test_somebody_decides_before_everybody_gets_it(
    tmp_path: Path,
    by: str,
    is_approved: bool,  # noqa: FBT001  # pytest passes by name
    expected: tuple[bool, str, Cause],
) -> None:
    site = Site(tmp_path, rollout(approval=True, approvers=["ann"], approval_s=0.3))
    engine = site.engine()
    engine._tell = lambda event, _: answer(site, by, is_approved=is_approved) if event == "waiting" else None
    ended = engine.deploy(V2)
    assert expected == (ended.is_live, ended.reason, ended.cause)


@pytest.mark.parametrize(
    ("key", "decision", "problem"),
    [
        (KEY, "", None),
        (None, "", "not signed"),
        (b"another key, and long enough", "", "not signed"),
        (KEY, "0" * 64, "of another deployment"),
    ],
)
def test_an_approval_counts_if_it_is_of_this_deployment_and_signed(
    tmp_path: Path, key: bytes | None, decision: str, problem: str | None
) -> None:
    site = Site(tmp_path, rollout(approval=True, approval_s=0.3))
    engine = site.engine()
    engine._approval_key = KEY
    heard: list[str] = []

    def tell(event: str, facts: Mapping[str, object]) -> None:
        heard.append(f"{event} {facts.get('problem', '')}")
        if event == "waiting":
            answer(site, "ann", key=key, decision=decision)

    engine._tell = tell
    assert (problem is None) == engine.deploy(V2).is_live
    assert problem is None or any(problem in words for words in heard)


def test_what_was_said_before_it_was_asked_is_no_approval(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(approval=True, approval_s=0))
    engine = site.engine()
    engine._tell = lambda event, _: answer(site, "ann") if event == "step" else None
    assert Cause.UNAPPROVED is engine.deploy(V2).cause


def test_a_release_that_turns_bad_while_it_waits_is_taken_back(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(approval=True))
    engine = site.engine()
    engine._tell = lambda event, _: site.place.error_share.update(v2=0.5) if event == "waiting" else None
    assert "errors in" in engine.deploy(V2).reason


def test_silence_is_a_no(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(approval=True, approval_s=0))
    assert "nobody approved within 0 s" == site.engine().deploy(V2).reason


# Kills


def cut(site: Site, calls: int) -> bool:
    """Deploy v2 and die at the n-th thing that is done to the target; False where it was over before."""
    site.place.calls_left = calls
    try:
        site.engine().deploy(V2)
    except Killed:
        return True
    finally:
        site.place.calls_left = -1
    return False


POINTS = range(1, 26)


@pytest.mark.parametrize("calls", POINTS)
def test_a_deployment_that_was_cut_anywhere_can_be_finished(tmp_path: Path, calls: int) -> None:
    site = Site(tmp_path, rollout(servers=2))
    if cut(site, calls):
        assert site.papers.load().going_on is not None
        assert site.place.given, "users are served all the time"
        assert site.engine().resume().is_live
    assert "v2" == site.live
    site.check_consistent()


@pytest.mark.parametrize("calls", POINTS)
def test_a_deployment_that_was_cut_anywhere_can_be_taken_back(tmp_path: Path, calls: int) -> None:
    """Until the old servers are stopped; from then on it can only be finished."""
    site = Site(tmp_path, rollout(servers=2))
    if cut(site, calls):
        going_on = site.papers.load().going_on
        assert going_on is not None
        if going_on.phase is Phase.PROMOTING:
            with pytest.raises(UsageError, match="resume"):
                site.engine().abort()
            site.engine().resume()
        else:
            assert not site.engine().abort().is_live
            assert "v1" == site.live
    site.check_consistent()


@pytest.mark.parametrize("calls", POINTS)
def test_a_rollback_that_was_cut_goes_on(tmp_path: Path, calls: int) -> None:
    site = Site(tmp_path, rollout())
    site.place.error_share["v2"] = 0.5
    if cut(site, calls):
        site.engine().resume()
    assert "v1" == site.live
    site.check_consistent()


def test_nothing_begins_while_something_is_unfinished(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    assert cut(site, 5)
    with pytest.raises(UsageError, match="has not ended"):
        site.engine().deploy(Release("v3", ("serve",)))


@pytest.mark.parametrize("wish", ["resume", "abort", "promote"])
def test_there_must_be_something_to_finish(tmp_path: Path, wish: str) -> None:
    site = Site(tmp_path, rollout())
    with pytest.raises(UsageError, match="No deployment is going on"):
        getattr(site.engine(), wish)()


def test_a_balancer_that_fails_is_no_traceback(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    calls = iter([DeployFailed("HAProxy does not answer.", slug="deploy-balancer")])
    healthy = site.place.start

    def start(server: Server) -> None:
        if server.role is Role.CANARY:
            for error in calls:
                raise error
        healthy(server)

    site.place.start = start  # type: ignore[method-assign]  # fails once
    ended: Ended = site.engine().deploy(V2)
    assert "HAProxy does not answer." in ended.reason
    site.check_consistent()


def test_releases_that_can_be_returned_to_are_kept(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout("blue_green", keep_releases=2))
    for number in range(2, 6):
        site.engine().deploy(Release(f"v{number}", ("serve",)))
    assert ["v3", "v4", "v5"] == [release.name for release in site.papers.load().releases]


# What a review found


def test_a_cut_before_any_server_was_started_is_not_promoted_into_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(servers=2))
    assert cut(site, 2)
    assert () == site.papers.load().of(Role.CANARY)
    assert site.engine().promote().is_live
    site.check_consistent()
    assert 2 == len(site.place.running)


def test_what_is_being_taken_back_is_not_promoted(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.place.error_share["v2"] = 0.5
    calls = iter(range(1, 30))
    while (going_on := site.papers.load().going_on) is None or going_on.phase is not Phase.ROLLING_BACK:
        if going_on is not None:
            site.engine().abort()
        cut(site, next(calls))
    with pytest.raises(UsageError, match="is being taken back"):
        site.engine().promote()


def test_old_servers_that_were_ended_are_never_given_the_traffic_back(tmp_path: Path) -> None:
    """A failure while they are ended leaves the new release where it is: with everybody."""
    site = Site(tmp_path, rollout("blue_green", servers=2))
    stop = site.place.stop
    stopped: list[int] = []

    def fail(server: Server) -> None:
        if stopped:
            raise DeployFailed("HAProxy does not answer.", slug="deploy-balancer")
        stopped.append(server.port)
        stop(server)

    site.place.stop = fail  # type: ignore[method-assign]  # fails at the second
    with pytest.raises(DeployFailed, match="serves everybody, but the old servers were not ended"):
        site.engine().deploy(V2)
    assert {"v2"} == {site.place.running[port] for port in site.place.given}
    site.place.stop = stop  # type: ignore[method-assign]
    assert site.engine().resume().is_live
    site.check_consistent()


@pytest.mark.parametrize("calls", [3, 8, 14])
def test_after_the_machine_was_started_again_a_cut_deployment_goes_on(tmp_path: Path, calls: int) -> None:
    site = Site(tmp_path, rollout())
    assert cut(site, calls)
    site.place.running.clear()
    assert site.engine().resume().is_live
    site.check_consistent()


def test_what_should_serve_is_brought_back(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(servers=2))
    site.place.running.clear()
    site.place.given.clear()
    site.engine().restore()
    site.check_consistent()
    assert 256 == sum(site.place.given.values())


def test_a_server_that_hangs_after_its_start_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOOK_S", 0.02)
    site = Site(tmp_path, rollout("blue_green", bake_s=1))
    mark = tmp_path / "hangs"
    mark.touch()
    site.wish = replace(site.wish, health=replace(HEALTH, command=("test", "-e", str(mark)), interval_s=0.01))
    engine = site.engine()
    engine._tell = lambda event, _: mark.unlink() if event == "step" else None
    assert engine.deploy(V2).reason.startswith("v2 is not healthy any more: test exited with 1")
    assert "v1" == site.live


def test_a_bad_release_is_pinned_and_one_that_was_stopped_is_not(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    engine = site.engine()
    engine._tell = lambda event, _: answer(site, "ann", is_approved=False) if event == "step" else None
    engine.deploy(V2)
    assert {} == site.papers.load().pinned
    site.place.error_share["v2"] = 0.5
    assert Cause.BAD is site.engine().deploy(V2).cause
    with pytest.raises(UsageError, match=r"v2 was taken back before: .* errors in"):
        site.engine().deploy(V2)
    site.place.error_share["v2"] = 0.0
    assert site.engine().deploy(V2, is_forced=True).is_live
    assert {} == site.papers.load().pinned


def test_a_release_that_was_left_by_hand_is_pinned(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    site.engine().deploy(V2)
    site.engine().deploy(V1, by_hand=True)
    assert {"v2": "somebody returned to v1"} == site.papers.load().pinned


def test_every_verdict_is_in_the_record_with_its_evidence(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(steps=[10, 50]))
    verdicts = site.engine().deploy(V2).verdicts
    assert ["pass"] * 3 == [verdict["verdict"] for verdict in verdicts]
    site.place.error_share["v3"] = 0.5
    (verdict,) = site.engine().deploy(Release("v3", ("serve",))).verdicts
    evidence = verdict["evidence"]
    assert isinstance(evidence, dict)
    assert ("fail", "baseline") == (verdict["verdict"], evidence["against"])
    canary = evidence["canary"]
    assert 0.45 < canary["errors"] / canary["requests"] < 0.55
    assert isinstance(verdict["p_value"], float) and isinstance(verdict["allowed"], float)
    assert verdict["p_value"] < verdict["allowed"]


@pytest.mark.parametrize("limit", [0.4, 0.6])
def test_a_metric_of_the_project_can_fail_a_release(
    tmp_path: Path, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOOK_S", 0.02)
    metric = {"name": "load", "command": ["echo", "0.5"], "limit": limit, "interval_s": 0, "in_a_row": 2}
    site = Site(tmp_path, rollout("blue_green", bake_s=0.4, metrics=[metric]))
    ended = site.engine().deploy(V2)
    reason = "" if limit > 0.5 else "load is 0.5, at most 0.4 is allowed (2 values in a row)"
    assert (limit > 0.5, reason) == (ended.is_live, ended.reason)


def test_a_metric_without_a_value_is_inconclusive(tmp_path: Path) -> None:
    metric = {"name": "load", "command": ["false"], "limit": 1, "interval_s": 0}
    site = Site(tmp_path, rollout("blue_green", bake_s=0.4, metrics=[metric]))
    ended = site.engine().deploy(V2)
    assert (Cause.INCONCLUSIVE, "inconclusive: load: false exited with 1") == (ended.cause, ended.reason)


def test_whoever_only_looks_keeps_nobody_from_deploying(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    assert not papers.is_locked()
    with papers.lock():
        assert papers.is_locked()
        child = subprocess.Popen(["sleep", "30"], close_fds=False)
    try:
        assert not papers.is_locked()
    finally:
        child.kill()
        child.wait()


def test_damaged_papers_are_one_line(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout())
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        site.engine().deploy(V2)


def test_a_return_by_hand_is_not_judged_and_needs_no_approval(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout(approval=True, approval_s=0))
    site.place.error_share["v2"] = 0.5
    assert site.engine().deploy(V2, by_hand=True).is_live
