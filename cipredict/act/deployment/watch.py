"""Looks at what the servers of a deployment answer: counters and seconds of each role, since the deployment began."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median

from cipredict.act.deployment.interface import Role, Server, Target, Traffic
from cipredict.plans.rollout import Counts, Seen

_KEPT = 400
"""Seconds of a role: enough for a test, few enough to compare ten times a second."""
_PER_LOOK = 10
_LEAST_LOOKS = 20


class Sample:
    """The latest seconds of a role, few of each look, and none before there were some looks.

    So half a second in which the machine was busy with something else does not fill it.
    """

    def __init__(self) -> None:
        self._looks: deque[Sequence[float]] = deque()
        self._count = 0

    def add(self, seconds: Sequence[float]) -> None:
        """Take some of one look, spread evenly over it."""
        stride = max(1, len(seconds) // _PER_LOOK)
        self._looks.append(seconds[::stride][:_PER_LOOK])
        self._count += 1
        while sum(map(len, self._looks)) > _KEPT:
            self._looks.popleft()

    def values(self) -> list[float]:
        """Give them, the latest last."""
        return [value for look in self._looks for value in look] if self._count >= _LEAST_LOOKS else []


class Watch:
    """Adds up what happens. A counter that falls was set back with its balancer, and counts from there."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last: Mapping[int, Traffic] = target.traffic()
        self._counts = dict.fromkeys(Role, Counts(0, 0))
        self._samples = {role: Sample() for role in Role}
        self._bytes = dict.fromkeys(Role, 0)
        target.answers_s()

    def look(self, servers: Sequence[Server], *, with_seconds: bool) -> None:
        """Take what came since the last look."""
        now = self._target.traffic()
        answers_s = self._target.answers_s() if with_seconds else {}
        for server in servers:
            added = _added(self._last.get(server.port), now.get(server.port, Traffic(0, 0)))
            before = self._counts[server.role]
            self._counts[server.role] = Counts(before.requests + added.requests, before.errors + added.errors)
        self._last = now
        self._bytes = {
            role: max(
                (now[one.port].memory_bytes for one in servers if one.role is role and one.port in now), default=0
            )
            for role in Role
        }
        for role, sample in self._samples.items():
            ports = [server.port for server in servers if server.role is role]
            sample.add([value for port in ports for value in answers_s.get(port, ())])

    def seen(self, *, against: Role) -> Seen:
        """Give what is to be judged: the canary against another role."""
        return Seen(
            self._counts[Role.CANARY],
            self._counts[against],
            self._samples[Role.CANARY].values(),
            self._samples[against].values(),
            canary_bytes=self._bytes[Role.CANARY],
            baseline_bytes=self._bytes[against],
            is_paired=against is Role.BASELINE,
        )


def spell_evidence(seen: Seen, *, look: int, against: Role) -> dict[str, object]:
    """Give what a verdict was made from, for the record."""
    return {
        "look": look,
        "against": against.value,
        "canary": _spell_side(seen.canary, seen.canary_s, seen.canary_bytes),
        "baseline": _spell_side(seen.baseline, seen.baseline_s, seen.baseline_bytes),
        "metrics": [
            {
                "name": reading.metric.name,
                "values": list(reading.values),
                "baseline": reading.baseline,
                "limit": reading.metric.limit,
                "ratio": reading.metric.ratio,
                "problem": reading.problem,
            }
            for reading in seen.readings
        ],
    }


def _spell_side(counts: Counts, seconds: Sequence[float], memory_bytes: int) -> dict[str, object]:
    return {
        **counts._asdict(),
        "median_s": median(seconds) if seconds else None,
        "timed": len(seconds),
        "memory_bytes": memory_bytes or None,
    }


def _added(before: Traffic | None, now: Traffic) -> Counts:
    if before is None or now.requests < before.requests or now.errors < before.errors:
        return Counts(now.requests, now.errors)
    return Counts(now.requests - before.requests, now.errors - before.errors)
