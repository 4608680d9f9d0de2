"""Is the new release worse than the old one? Looked at again and again while both serve the same traffic.

The canary is compared with a baseline: the *old* release, started at the same time and given the same share, because a
fleet that has run for days is warmer than anything new. Three questions, each with its share of the chance of a false
rollback:

* errors: does the canary err more often than the baseline (Fisher's exact test on counts)?
* limit: does it err more often than `rollback_threshold` allows, whatever the baseline does (binomial)?
* latency: is it slower (Mann-Whitney), and by enough that people notice (A12 and the ratio of the medians)? Asked only
  beside a baseline: what served before was timed under another load, and by old processes

And memory, which needs no test: a server that has grown to twice the size of its twin will not stop there. Numbers
of the project's own (`metrics`) are held against their limits, several in a row, without a test either.
"""

from __future__ import annotations

from cipredict.decide.rollout.evidence import alpha_at, binomial_greater, fisher_greater, mann_whitney_greater
from cipredict.decide.rollout.metrics import beyond_limit
from cipredict.plans.rollout import Counts, Finding, Limits, Seen, Verdict


def judge(seen: Seen, limits: Limits, *, look: int) -> Finding:
    """Give the verdict of the `look`-th look, counted from 1 over the whole deployment."""
    allowed = alpha_at(look, limits.alpha / 3)
    return (
        _too_many_errors(seen, limits, allowed)
        or _more_errors(seen, allowed)
        or _slower(seen, limits, allowed)
        or _larger(seen, limits)
        or _beyond(seen)
        or _unknown(seen)
        or _so_far(seen, limits)
    )


def _too_many_errors(seen: Seen, limits: Limits, allowed: float) -> Finding | None:
    p_value = binomial_greater(seen.canary, limits.error_share)
    if p_value >= allowed:
        return None
    reason = f"{_spell(seen.canary)} are more errors than the limit of {limits.error_share:.1%}"
    return Finding(Verdict.FAIL, reason, p_value, allowed)


def _more_errors(seen: Seen, allowed: float) -> Finding | None:
    p_value = fisher_greater(seen.canary, seen.baseline)
    if p_value >= allowed:
        return None
    return Finding(
        Verdict.FAIL, f"{_spell(seen.canary)} against {_spell(seen.baseline)} of the old release", p_value, allowed
    )


def _slower(seen: Seen, limits: Limits, allowed: float) -> Finding | None:
    if not (seen.is_paired and seen.canary_s and seen.baseline_s):  # seconds of another time prove nothing
        return None
    shift = mann_whitney_greater(seen.canary_s, seen.baseline_s)
    is_slow = shift.a12 > limits.slower_a12 and shift.median_ratio > limits.slower_ratio
    if not is_slow or shift.p_value >= allowed:
        return None
    reason = f"its median answer takes {shift.median_ratio:.1f} times as long as that of the old release"
    return Finding(Verdict.FAIL, f"{reason} (A12 {shift.a12:.2f})", shift.p_value, allowed)


def _larger(seen: Seen, limits: Limits) -> Finding | None:
    allowed = max(seen.baseline_bytes * limits.memory_ratio, seen.baseline_bytes + limits.memory_bytes)
    if not seen.baseline_bytes or seen.canary_bytes <= allowed:
        return None
    sizes = f"{seen.canary_bytes / 1e6:,.0f} MB against {seen.baseline_bytes / 1e6:,.0f} MB of the old release"
    return Finding(Verdict.FAIL, f"it takes {sizes}")


def _beyond(seen: Seen) -> Finding | None:
    return next((Finding(Verdict.FAIL, reason) for reason in filter(None, map(beyond_limit, seen.readings))), None)


def _unknown(seen: Seen) -> Finding | None:
    for reading in seen.readings:
        if not reading.values:
            return Finding(Verdict.INCONCLUSIVE, f"{reading.metric.name}: {reading.problem}")
    return None


def _so_far(seen: Seen, limits: Limits) -> Finding:
    fewest = min(seen.canary.requests, seen.baseline.requests) if seen.is_paired else seen.canary.requests
    if fewest < limits.least_requests:
        reason = f"{fewest} requests are too few to tell; {limits.least_requests} are needed"
        return Finding(Verdict.INCONCLUSIVE, reason)
    return Finding(Verdict.PASS, f"{_spell(seen.canary)} against {_spell(seen.baseline)} of the old release")


def _spell(counts: Counts) -> str:
    return f"{counts.errors} errors in {counts.requests:,} requests"
