"""The steps by which a release takes over the traffic.

::

    blue_green   0 → 100 at once, the old release waits beside it
    canary       0 → 10 → 25 → 50 → 100, a bake and a verdict after each
    rolling      one server after the other
"""

from __future__ import annotations

from typing import assert_never

from cipredict.plans.rollout import Step, Strategy

WHOLE = 256
"""HAProxy's largest weight: all of the traffic."""


def canary_shares(first: float) -> tuple[float, ...]:
    """Give the shares from the first one to all: each about twice to three times the one before.

    >>> canary_shares(0.10), canary_shares(0.01)
    ((0.1, 0.25, 0.5, 1.0), (0.01, 0.05, 0.1, 0.25, 0.5, 1.0))
    """
    return (first, *(share for share in (0.05, 0.1, 0.25, 0.5) if share > first), 1.0)


def plan_steps(
    strategy: Strategy, *, shares: tuple[float, ...], bake_s: float, servers: int, is_first: bool = False
) -> tuple[Step, ...]:
    """Give the steps of a strategy; `shares` are those of a canary, `servers` how many a release has.

    A first release has nobody to take over from, and gets everything at once.
    """
    if is_first or strategy is Strategy.BLUE_GREEN:
        return (split_traffic(1.0, bake_s, has_baseline=False),)
    if strategy is Strategy.CANARY:
        return tuple(split_traffic(share, bake_s, has_baseline=True) for share in shares)
    if strategy is Strategy.ROLLING:
        shares = tuple(number / servers for number in range(1, servers + 1))
        return tuple(split_traffic(share, bake_s, has_baseline=False) for share in shares)
    assert_never(strategy)


def split_traffic(share: float, bake_s: float, *, has_baseline: bool) -> Step:
    """Give the step in which the new release has `share`.

    The baseline has as much as the canary, as long as there is as much.

    >>> split_traffic(0.25, 10, has_baseline=True)
    Step(share=0.25, bake_s=10, stable=128, baseline=64, canary=64)
    >>> split_traffic(0.75, 10, has_baseline=True)
    Step(share=0.75, bake_s=10, stable=0, baseline=64, canary=192)
    """
    canary = round(share * WHOLE)
    if 0 < share < 1:
        canary = min(max(canary, 1), WHOLE - 1)
    baseline = min(canary, WHOLE - canary) if has_baseline else 0
    return Step(share, bake_s, stable=WHOLE - canary - baseline, baseline=baseline, canary=canary)
