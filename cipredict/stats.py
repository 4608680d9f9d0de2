"""Small statistics of the standard library, for rooms that must not wait for scipy."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, exp, lgamma, log

_NEGLIGIBLE = 1e-18
"""A term this small beside its sum changes no digit of it."""
_HALVINGS = 60
"""An interval of length 1 is then narrower than the spacing of floats near 1."""
_MOST_TERMS = 10_000
"""Of a continued fraction; it needs about √(a + b)."""


def binomial_cdf(successes: int, trials: int, p: float) -> float:
    """Give P(X ≤ successes) for X ~ Binomial(trials, p).

    Sums the tail that does not hold the mode, from its largest term outwards, so that about √trials terms matter.

    >>> round(binomial_cdf(1, 2, 0.5), 12)
    0.75
    """
    if successes >= trials or p <= 0:
        return 1.0
    if successes < 0 or p >= 1:
        return 0.0
    if successes < trials * p:
        return min(1.0, _falling_sum(successes, trials, p))
    return max(0.0, 1.0 - _falling_sum(trials - successes - 1, trials, 1 - p))


def _falling_sum(highest: int, trials: int, p: float) -> float:
    """Give P(X ≤ highest) where the terms fall from `highest` down to 0."""
    log_term = lgamma(trials + 1) - lgamma(highest + 1) - lgamma(trials - highest + 1)
    term = exp(log_term + highest * log(p) + (trials - highest) * log(1 - p))
    total = term
    for k in range(highest, 0, -1):
        term *= k * (1 - p) / ((trials - k + 1) * p)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return total


def clopper_pearson(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Give the exact confidence interval of a share: (low, high), (0, 1) without trials.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26, 1934. Its coverage is at least `level`.

    >>> low, high = clopper_pearson(19, 20)
    >>> round(low, 3), round(high, 3)
    (0.751, 0.999)
    """
    if not trials:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if not successes else _bisect(lambda p: 1 - binomial_cdf(successes - 1, trials, p), tail)
    high = 1.0 if successes == trials else _bisect(lambda p: -binomial_cdf(successes, trials, p), -tail)
    return low, high


def fewest_trials(share: float, *, level: float = 0.95) -> int:
    """Give how many trials can show a share below 1 at all: fewer leave it out of the interval even without a miss.

    The lower Clopper-Pearson bound of n successes in n trials is `tail ** (1 / n)`.

    >>> fewest_trials(0.95), fewest_trials(0.9)
    (72, 36)
    """
    return max(1, ceil(log((1 - level) / 2) / log(share)))


@lru_cache(maxsize=4096)  # thousands of cases share a few hundred counts
def jeffreys(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float, float]:
    """Give the posterior of a share under Jeffreys' prior Beta(½, ½): (mean, low, high), low and high equal-tailed.

    Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16, 2001, recommend it
    for few trials; as they do, low is 0 without a success and high is 1 without a failure. Like every posterior it
    holds however it was decided when to stop trying.

    >>> mean, low, high = jeffreys(3, 20)
    >>> round(mean, 3), round(low, 3), round(high, 3)
    (0.167, 0.044, 0.349)
    """
    a, b, tail = successes + 0.5, trials - successes + 0.5, (1 - level) / 2
    low = 0.0 if not successes else _bisect(lambda p: beta_cdf(p, a, b), tail)
    high = 1.0 if successes == trials else _bisect(lambda p: beta_cdf(p, a, b), 1 - tail)
    return a / (a + b), low, high


def beta_cdf(x: float, a: float, b: float) -> float:
    """Give P(X ≤ x) for X ~ Beta(a, b), the regularised incomplete beta function.

    By Lentz's method on the continued fraction 26.5.8 of Abramowitz and Stegun, on the side where it converges fast.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for numerator in (even, odd):
            d = 1 / (1 + numerator * d)
            c = 1 + numerator / c
            fraction *= c * d
        if abs(fraction - before) < before * 1e-15:
            break
    return front * fraction


def _bisect(rising: Callable[[float], float], wanted: float) -> float:
    """Give where a function that rises on 0…1 reaches `wanted`."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
