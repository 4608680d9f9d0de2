from __future__ import annotations

import random

import pytest

from cipredict.decide.rollout.judge import judge
from cipredict.plans.rollout import Counts, Limits, Seen, Verdict

LIMITS = Limits()


@pytest.mark.parametrize(
    ("canary", "baseline", "expected", "words"),
    [
        pytest.param(Counts(1000, 0), Counts(1000, 0), Verdict.PASS, "0 errors in 1,000 requests", id="clean"),
        pytest.param(Counts(1000, 12), Counts(1000, 10), Verdict.PASS, "12 errors", id="as bad as before"),
        pytest.param(Counts(20, 0), Counts(1000, 0), Verdict.INCONCLUSIVE, "20 requests are too few", id="silence"),
        pytest.param(Counts(200, 15), Counts(200, 0), Verdict.FAIL, "against 0 errors in 200", id="more errors"),
        pytest.param(Counts(60, 30), Counts(60, 30), Verdict.FAIL, "the limit of 5.0%", id="both are broken"),
        pytest.param(Counts(30, 12), Counts(30, 0), Verdict.FAIL, "12 errors in 30", id="soon enough"),
    ],
)
def test_errors_decide(canary: Counts, baseline: Counts, expected: Verdict, words: str) -> None:
    finding = judge(Seen(canary, baseline), LIMITS, look=1)
    assert expected is finding.verdict
    assert words in finding.reason


@pytest.mark.parametrize(
    ("canary_mb", "baseline_mb", "expected"),
    [
        (90, 80, Verdict.PASS),
        (150, 80, Verdict.PASS),
        (170, 80, Verdict.FAIL),
        (60, 20, Verdict.PASS),
        (90, 0, Verdict.PASS),
    ],
)
def test_a_leak_decides(canary_mb: int, baseline_mb: int, expected: Verdict) -> None:
    """Twice as much, and 64 MiB more; unknown is no evidence."""
    clean = Counts(1000, 0)
    seen = Seen(clean, clean, canary_bytes=canary_mb * 10**6, baseline_bytes=baseline_mb * 10**6)
    assert expected is judge(seen, LIMITS, look=1).verdict


def seconds(typical_s: float, *, seed: int) -> list[float]:
    draw = random.Random(seed)  # noqa: S311  # no secret
    return [draw.lognormvariate(0, 0.5) * typical_s for _ in range(200)]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(1.0, Verdict.PASS, id="as fast"),
        pytest.param(1.1, Verdict.PASS, id="a difference that nobody notices"),
        pytest.param(3.0, Verdict.FAIL, id="three times slower"),
        pytest.param(0.3, Verdict.PASS, id="faster"),
    ],
)
def test_latency_decides(times: float, expected: Verdict) -> None:
    clean = Counts(1000, 0)
    seen = Seen(clean, clean, seconds(0.02 * times, seed=1), seconds(0.02, seed=2))
    assert expected is judge(seen, LIMITS, look=100).verdict


def test_later_looks_need_more_evidence() -> None:
    seen = Seen(Counts(100, 12), Counts(100, 0))
    assert Verdict.FAIL is judge(seen, LIMITS, look=1).verdict
    assert Verdict.FAIL is not judge(seen, LIMITS, look=1000).verdict


def test_the_evidence_is_in_the_finding() -> None:
    finding = judge(Seen(Counts(200, 30), Counts(200, 0)), LIMITS, look=3)
    assert finding.p_value is not None
    assert finding.allowed is not None
    assert finding.p_value < finding.allowed == pytest.approx(0.005 / 3 / 12)


def test_seconds_of_what_served_before_prove_nothing() -> None:
    """Measured: a good release under load was three times as slow as the old one in its last idle moment."""
    seen = Seen(Counts(500, 0), Counts(50, 0), [0.003] * 200, [0.001] * 50, is_paired=False)
    assert Verdict.PASS is judge(seen, Limits(), look=1).verdict
