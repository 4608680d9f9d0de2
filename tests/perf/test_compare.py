from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the perf extra is not installed")

from cipredict.perf.align import JobPair  # after the skip
from cipredict.perf.compare import CompareOptions, compare
from cipredict.plans.comparison import Basis, Comparison, ComparisonVerdict, Standing, worse_percent
from cipredict.plans.noise_profile import Noise, NoiseProfile, RuleRate
from cipredict.records import BenchmarkRecord, BenchmarkRun

pytestmark = pytest.mark.learn
NAMES = [f"b{k}" for k in range(20)]
QUIET = {name: Noise(0.01, 30) for name in NAMES}
PROFILE = NoiseProfile(QUIET, QUIET, {})
Pair = Callable[..., JobPair]


@pytest.fixture
def pair() -> Pair:
    """Give a maker of pairs of 20 benchmarks with 1 % noise; `slower` holds factors by name."""

    def make(*, job: str = "a", runs: int = 1, machine: float = 1.0, seed: int = 0, **slower: float) -> JobPair:
        random = np.random.default_rng(seed)

        def side(factor: float, slower: dict[str, float]) -> BenchmarkRun:
            noise = {name: random.normal(0, 0.01, runs) for name in NAMES}
            records = [
                BenchmarkRecord(name, tuple((float(factor * slower.get(name, 1.0) * np.exp(x)),) for x in values))
                for name, values in noise.items()
            ]
            return BenchmarkRun(tuple(records), job=job)

        return JobPair(side(1.0, {}), side(machine, slower), same_job=True)

    return make


def standing(comparison: Comparison, series: str = "b3") -> Standing:
    return next(one.standing for one in comparison.findings if one.series == series)


def test_history_makes_a_candidate_and_a_second_job_confirms_it(pair: Pair) -> None:
    first = compare([pair(b3=1.2)], CompareOptions(profile=PROFILE))
    second = compare([pair(job="b", seed=1, b3=1.2)], CompareOptions(profile=PROFILE, earlier=first.jobs))

    assert (first.verdict, standing(first)) == (ComparisonVerdict.WARN, Standing.CANDIDATE)
    assert (second.verdict, standing(second)) == (ComparisonVerdict.BLOCK, Standing.REGRESSION)
    assert first.needs_confirmation == ("b3",)
    assert worse_percent(second.findings[0]) == pytest.approx(20, abs=3)


def test_a_second_job_that_sees_nothing_clears_it(pair: Pair) -> None:
    first = compare([pair(b3=1.2)], CompareOptions(profile=PROFILE))
    second = compare([pair(job="b", seed=1)], CompareOptions(profile=PROFILE, earlier=first.jobs))

    assert (second.verdict, standing(second)) == (ComparisonVerdict.PASS, Standing.UNCHANGED)
    assert "not in another" in second.findings[[one.series for one in second.findings].index("b3")].reason


def test_the_same_machine_confirms_nothing(pair: Pair) -> None:
    first = compare([pair(b3=1.2)], CompareOptions(profile=PROFILE))
    again = compare([pair(b3=1.2)], CompareOptions(profile=PROFILE, earlier=first.jobs))

    assert standing(again) is Standing.CANDIDATE
    assert any("confirms nothing" in note for note in again.notes)


def test_two_jobs_at_once_confirm_too(pair: Pair) -> None:
    comparison = compare([pair(b3=1.2), pair(job="b", seed=1, b3=1.2)], CompareOptions(profile=PROFILE))

    assert standing(comparison) is Standing.REGRESSION


def test_a_slow_machine_is_removed_and_said(pair: Pair) -> None:
    comparison = compare([pair(machine=1.3, b3=1.2)], CompareOptions(profile=PROFILE))

    assert [one.series for one in comparison.findings if one.standing is Standing.CANDIDATE] == ["b3"]
    assert any("slower in head: taken for the machine" in note for note in comparison.notes)
    assert any("slows all of them" in note for note in comparison.notes)


def test_an_improvement_is_no_alarm(pair: Pair) -> None:
    comparison = compare([pair(b3=0.7)], CompareOptions(profile=PROFILE))

    assert (comparison.verdict, standing(comparison)) == (ComparisonVerdict.PASS, Standing.IMPROVEMENT)


def test_one_run_per_side_without_history_is_inconclusive_and_says_what_it_needs(pair: Pair) -> None:
    comparison = compare([pair()])

    assert comparison.verdict is ComparisonVerdict.INCONCLUSIVE
    assert "6 runs per side could tell, or 20 past jobs" in comparison.findings[0].reason


@pytest.mark.parametrize(
    ("runs", "verdict"), [(5, ComparisonVerdict.INCONCLUSIVE), (7, ComparisonVerdict.WARN)], ids=["too few", "enough"]
)
def test_runs_decide_without_history(pair: Pair, runs: int, verdict: ComparisonVerdict) -> None:
    comparison = compare([pair(runs=runs, b3=1.15)])

    assert comparison.verdict is verdict
    assert (standing(comparison) is Standing.CANDIDATE) == (runs == 7)


def test_runs_of_two_machines_block_without_history(pair: Pair) -> None:
    first = compare([pair(runs=7, b3=1.15)])
    second = compare([pair(job="b", runs=7, seed=1, b3=1.15)], CompareOptions(earlier=first.jobs))

    assert (second.verdict, second.findings[0].basis) == (ComparisonVerdict.BLOCK, Basis.RUNS)


def test_a_huge_change_is_a_candidate_even_from_one_run(pair: Pair) -> None:
    comparison = compare([pair(b3=1.5)])

    assert (standing(comparison), comparison.findings[0].basis) == (Standing.CANDIDATE, Basis.SIZE)


def test_runs_too_noisy_to_rule_anything_out_are_inconclusive() -> None:
    random = np.random.default_rng(1)
    noisy = [tuple((float(x),) for x in random.lognormal(0, 0.8, 8)) for _ in range(2)]
    sides = [BenchmarkRun((BenchmarkRecord("x", processes),)) for processes in noisy]
    [finding] = compare([JobPair(sides[0], sides[1], same_job=True)]).findings

    assert finding.standing is Standing.INCONCLUSIVE
    assert "too noisy to rule out" in finding.reason


def test_only_what_may_block_blocks(pair: Pair) -> None:
    options = CompareOptions(profile=PROFILE, may_block=lambda series: series == "b1")
    comparison = compare([pair(b3=1.2), pair(job="b", b3=1.2)], options)

    assert (standing(comparison), comparison.verdict) == (Standing.REGRESSION, ComparisonVerdict.WARN)


def test_more_of_a_rate_is_better() -> None:
    def side(value: float) -> BenchmarkRun:
        return BenchmarkRun((BenchmarkRecord("b1", ((value,),), unit="1/s", higher_is_better=True),))

    [finding] = compare([JobPair(side(100.0), side(80.0), same_job=True)], CompareOptions(profile=PROFILE)).findings

    assert finding.standing is Standing.CANDIDATE
    assert worse_percent(finding) == pytest.approx(20)


def test_constant_measurements_do_not_break_it() -> None:
    side = BenchmarkRun(tuple(BenchmarkRecord(name, ((1.0,),) * 8) for name in NAMES))

    assert compare([JobPair(side, side, same_job=True)]).verdict is ComparisonVerdict.PASS


def test_nothing_in_common_is_inconclusive(pair: Pair) -> None:
    one = pair()
    assert compare([JobPair(one.base, BenchmarkRun(()), same_job=True)]).verdict is ComparisonVerdict.INCONCLUSIVE


@pytest.mark.parametrize(("paired", "told"), [(True, "1 of 50"), (False, "3.7 %")])
def test_the_rate_of_false_alarms_is_said(pair: Pair, *, paired: bool, told: str) -> None:
    profile = NoiseProfile(QUIET, QUIET, {"paired": RuleRate(1, 50)})
    comparison = compare([pair()._replace(same_job=paired)], CompareOptions(profile=profile))

    assert any(told in note for note in comparison.notes)


def test_false_alarms_of_runs_stay_within_the_rate_of_discovery(pair: Pair) -> None:
    alarms = [compare([pair(runs=8, seed=seed)]).counts[Standing.CANDIDATE] > 0 for seed in range(30)]

    assert np.mean(alarms) < 0.1


def test_intervals_hold_the_true_change(pair: Pair) -> None:
    comparisons = [compare([pair(runs=8, seed=seed, b3=1.1)]) for seed in range(20)]
    found = [next(one for one in c.findings if one.series == "b3") for c in comparisons]

    assert np.mean([one.low <= log(1.1) <= one.high for one in found if one.low and one.high]) > 0.85
