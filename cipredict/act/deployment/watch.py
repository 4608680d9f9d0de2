"""Looks at what the servers of a deployment answer: counters and seconds of each role, since the deployment began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from cipredict.act.deployment.interface import Role, Server, Target, Traffic
from cipredict.plans.rollout import Counts, Seen

_KEPT_S = 400
"""Seconds of a role: enough for a test, few enough to compare ten times a second."""


class Watch:
    """Adds up what happens. A counter that falls was set back with its balancer, and counts from there."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last: Mapping[int, Traffic] = target.traffic()
        self._counts = dict.fromkeys(Role, Counts(0, 0))
        self._seconds: dict[Role, list[float]] = {role: [] for role in Role}
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
            self._seconds[server.role] += answers_s.get(server.port, ())
        self._last = now
        self._bytes = {
            role: max(
                (now[one.port].memory_bytes for one in servers if one.role is role and one.port in now), default=0
            )
            for role in Role
        }
        for role, seconds in self._seconds.items():
            self._seconds[role] = seconds[-_KEPT_S:]

    def seen(self, *, against: Role) -> Seen:
        """Give what is to be judged: the canary against another role."""
        return Seen(
            self._counts[Role.CANARY],
            self._counts[against],
            self._seconds[Role.CANARY],
            self._seconds[against],
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
