"""Small statistics of the standard library, for rooms that must not wait for scipy."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log


def binomial_cdf(successes: int, trials: int, p: float) -> float:
    """Give P(X ≤ successes) for X ~ Binomial(trials, p)."""
    if successes >= trials or p <= 0:
        return 1.0
    if successes < 0 or p >= 1:
        return 0.0
    return min(1.0, sum(exp(_log_pmf(k, trials, p)) for k in range(successes + 1)))


def _log_pmf(k: int, n: int, p: float) -> float:
    if (p <= 0 and k) or (p >= 1 and k < n):
        return -inf
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p)


def clopper_pearson(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Give the exact confidence interval of a share: (low, high), (0, 1) without trials.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26, 1934. Its coverage is at least `level`.
    """
    if not trials:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if not successes else _bisect(lambda p: 1 - binomial_cdf(successes - 1, trials, p), tail)
    high = 1.0 if successes == trials else _bisect(lambda p: -binomial_cdf(successes, trials, p), -tail)
    return low, high


def _bisect(rising: Callable[[float], float], wanted: float) -> float:
    """Give where a function that rises on 0…1 reaches `wanted`."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
