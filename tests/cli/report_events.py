"""What CI jobs remember, for the store of a report: gates, shards and caches, hostile names in all of them."""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.plans.document import MadeFrom
from cipredict.plans.gate_plan import Effect, GatePlan, JudgedGate, Outcome, Scope, Subject
from cipredict.plans.shard_plan import Shard, ShardPlan, Strategy
from cipredict.plans.shard_queue import Batch

SHARDS = 4
OVERHEAD_S = 20.0
Body = dict[str, object]


def gate_plan(number: int, names: tuple[str, ...]) -> Body:
    """Give a decision over a share, seconds and a gate whose every text is a hostile name."""
    share, latency_s = 0.80 + 0.002 * number, 0.009 if number % 7 else 0.013
    is_slow = latency_s > 0.010
    return GatePlan(
        gates=(
            _gate("coverage", Outcome.PASS, value=share, dimension="share", measured=f"{share:.1%}", demand=">= 75%"),
            _gate(
                "latency",
                Outcome.FAIL if is_slow else Outcome.PASS,
                value=latency_s,
                dimension="seconds",
                measured=f"{1000 * latency_s:.0f}ms",
                demand="< 10ms",
                reason="13ms is not < 10ms" if is_slow else "",
            ),
            _gate(names[0], Outcome.MISSING if number % 11 == 0 else Outcome.WARN, demand=names[4], reason=names[1]),
        ),
        subject=Subject(commit="", branch=names[1] if number % 9 == 4 else "main"),
        scope=Scope.MERGE,
        made_from=MadeFrom("0"),
    ).to_document()


def _gate(
    name: str,
    outcome: Outcome,
    *,
    demand: str,
    reason: str = "",
    value: float | None = None,
    dimension: str = "",
    measured: str | None = None,
) -> JudgedGate:
    effect = {Outcome.FAIL: Effect.BLOCK, Outcome.PASS: Effect.NONE}.get(outcome, Effect.WARN)
    return JudgedGate(
        name, name, outcome, effect, "block", demand, reason, value=value, dimension=dimension, measured=measured
    )


def shard_plan(number: int, shares: list[tuple[str, ...]]) -> Body:
    """Give a plan of these shares that expects every shard to take as long; of every tenth run with a queue."""
    planned_s = [OVERHEAD_S + 18.0 + (place if number % 3 else 0) for place in range(len(shares))]
    shards = tuple(
        Shard(place, tests, f"worker {place}", seconds, seconds * 0.9, seconds * 1.2)
        for place, (tests, seconds) in enumerate(zip(shares, planned_s, strict=True))
    )
    queue = tuple(Batch(None, tests, None, None) for tests in shares) if number % 10 == 0 else ()
    return ShardPlan(
        Strategy.OPTIMAL, shards, MadeFrom("0"), OVERHEAD_S, makespan_s=max(planned_s), queue=queue
    ).to_document()


def cache_bodies(number: int, names: tuple[str, ...]) -> Iterator[Body]:
    """Give the restores of two caches by one run, and what it saved after a miss."""
    for name, size_bytes in (("deps", 480_000_000), (names[2], 30_000_000)):
        key = f"{name}-{number // 5}"
        outcome = "exact" if number % 5 else ("prefix" if number % 10 else "miss")
        found = {"exact": key, "prefix": f"{name}-{number // 5 - 1}", "miss": ""}[outcome]
        about: Body = {"cache": name, "key": key, "size_bytes": size_bytes if found else 0}
        yield {**about, "operation": "restore", "matched_key": found, "outcome": outcome, "duration_s": 3.5}
        if outcome != "exact":
            saved = {"operation": "save", "outcome": "saved", "duration_s": 8.0}
            yield {**about, **saved, "size_bytes": size_bytes}
