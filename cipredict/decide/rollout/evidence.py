"""Tests of counts and latencies that may be looked at again and again.

Errors are counts with denominators and are tested as such. Judges that compare them by Mann-Whitney pass bad canaries
where errors are sparse (spinnaker/kayenta#426, #780).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from math import erfc, exp, lgamma, sqrt
from typing import NamedTuple

from cipredict.plans.rollout import Counts
from cipredict.stats import binomial_cdf

_NEGLIGIBLE = 1e-15
_CLOCK_S = 0.001
"""What load balancers measure in: a faster answer takes 0."""


def alpha_at(look: int, alpha: float) -> float:
    """Give what the `look`-th look, counted from 1, may spend of the chance of a false alarm.

    The shares alpha/(k(k+1)) add up to alpha over all looks there can ever be, so whoever looks on does not raise it.
    """
    return alpha / (look * (look + 1))


def fisher_greater(canary: Counts, baseline: Counts) -> float:
    """Give the one-sided p value of Fisher's exact test that the canary errs more often.

    Fisher, *Statistical Methods for Research Workers*, 1934, §21.02: with all margins fixed, the canary's errors are
    hypergeometric; the p value is the weight of as many or more.

    >>> round(fisher_greater(Counts(10, 3), Counts(10, 0)), 4)
    0.1053
    """
    errors = canary.errors + baseline.errors
    requests = canary.requests + baseline.requests
    most = min(errors, canary.requests)
    if canary.errors <= max(0, errors - baseline.requests):
        return 1.0
    log_term = (
        _log_choose(canary.requests, canary.errors)
        + _log_choose(baseline.requests, baseline.errors)
        - _log_choose(requests, errors)
    )
    term = exp(log_term)
    total = term
    for k in range(canary.errors, most):
        term *= (canary.requests - k) * (errors - k) / ((k + 1) * (baseline.requests - errors + k + 1))
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, total)


def binomial_greater(counts: Counts, share: float) -> float:
    """Give the probability of so many errors or more if the true share were `share`."""
    requests, errors = counts
    return binomial_cdf(requests - errors, requests, 1.0 - share) if errors else 1.0


class Shift(NamedTuple):
    """How the canary's values compare with the baseline's.

    Attributes
    ----------
    a12 : probability that a value of the canary is the larger one, ties counting half (Vargha and Delaney, 2000)
    p_value : one-sided, of Mann and Whitney's test
    median_ratio : median of the canary over that of the baseline
    """

    a12: float
    p_value: float
    median_ratio: float


def mann_whitney_greater(canary: Sequence[float], baseline: Sequence[float]) -> Shift:
    """Compare two samples of at least one value each; the p value is the normal approximation with ties corrected.

    Mann and Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other", 1947.
    """
    n, m = len(canary), len(baseline)
    below = sorted(baseline)
    wins = sum(bisect_left(below, value) + bisect_right(below, value) for value in canary) / 2
    ties = sum(count**3 - count for count in Counter([*canary, *baseline]).values())
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    excess = wins - n * m / 2 - 0.5
    p_value = 0.5 * erfc(excess / sqrt(2 * variance)) if variance > 0 else 1.0
    ratio = max(sorted(canary)[n // 2], _CLOCK_S) / max(below[m // 2], _CLOCK_S)
    return Shift(wins / (n * m), p_value, ratio)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
