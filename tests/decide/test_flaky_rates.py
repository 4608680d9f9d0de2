"""Simulated histories with known flake rates: is the score right, does its interval hold, is nothing real quarantined?

A commit changes one of forty source files. Now and then one breaks some cases, which fail in every attempt until a
commit one to six later repairs them, nine times in ten by a change to the file that broke them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest

from cipredict.decide.flaky import CaseFlakiness, Changes, Standing, TreeChange, TreeOutcome, judge_cases
from cipredict.decide.quarantine import Window, plan_quarantine
from cipredict.plans.document import MadeFrom
from cipredict.plans.quarantine_plan import QuarantinePlan, Terms

START = datetime(2026, 1, 1, tzinfo=UTC)
COMMITS = 250
BUGS = 40
HOURS = 6
SEEDS = (1, 2, 3)
WINDOW = Window(START, START + timedelta(hours=HOURS * COMMITS), runs=COMMITS, cases=1000)
RATES = (0.02, 0.05, 0.1, 0.2)
PER_RATE = 40
FLAKES = {f"flake/{rate}/{n:03}": rate for rate in RATES for n in range(PER_RATE)}


@dataclass(frozen=True, slots=True)
class Regime:
    """How a project reacts to a failure: attempts inside a report, and runs of the same commit."""

    attempts: int = 1
    runs: int = 1


BARE = pytest.param(Regime(), id="nothing is run again")
REGIMES = [
    pytest.param(Regime(attempts=3), id="reruns in the report"),
    pytest.param(Regime(runs=2), id="failed jobs run again"),
    pytest.param(Regime(attempts=2, runs=2), id="both"),
]


def history(chance: random.Random) -> tuple[list[range], Changes]:
    """Give the commits that each bug lasts, and the changes by tree."""
    paths = [{f"src/{chance.randrange(40)}.py"} for _ in range(COMMITS)]
    bugs = []
    for broke in chance.sample(range(10, COMMITS - 10), BUGS):
        repaired = broke + chance.randint(1, 6)
        bugs.append(range(broke, repaired))
        if chance.random() < 0.9:
            paths[repaired].add(min(paths[broke]))
    trees = {f"commit o/r {n}": TreeChange(str(n), str(n - 1), tuple(found)) for n, found in enumerate(paths)}
    return bugs, Changes(trees, can_move_any=lambda _: False, is_ignored=lambda _: False)


def execute(chance: random.Random, rate: float, regime: Regime) -> tuple[int, int, int]:
    """Give passes, failures, and failures contradicted in the same report, of one commit: tried until it passes."""
    passes = failures = reruns = 0
    for _ in range(regime.runs):
        failed = next((n for n in range(regime.attempts) if chance.random() >= rate), regime.attempts)
        failures += failed
        if failed < regime.attempts:
            return passes + 1, failures, reruns + failed
    return passes, failures, reruns


def outcomes(case_id: str, rates: Sequence[float], regime: Regime, *, seed: int) -> Iterator[TreeOutcome]:
    """Give a case's outcomes on the default branch, where it fails with a rate per commit."""
    chance = random.Random(f"{seed} {case_id}")  # noqa: S311  # a simulation
    for n, rate in enumerate(rates):
        passes, failures, reruns = execute(chance, rate, regime)
        at = START + timedelta(hours=HOURS * n)
        yield TreeOutcome(case_id, "", f"commit o/r {n}", n, True, passes, failures, reruns, str(n), at)  # noqa: FBT003  # a row


def broken_by(bugs: Sequence[range]) -> list[float]:
    """Give the failure rate per commit, 0 or 1."""
    return [float(any(n in bug for bug in bugs)) for n in range(COMMITS)]


@lru_cache(maxsize=16)
def judge(seed: int, regime: Regime) -> dict[str, CaseFlakiness]:
    """Judge flakes of every rate, cases that bugs break, and broken ones of one simulated project."""
    chance = random.Random(seed)  # noqa: S311  # a simulation
    bugs, changes = history(chance)
    rates = {case_id: [rate] * COMMITS for case_id, rate in FLAKES.items()}
    rates |= {f"bug/{n:03}": broken_by(chance.sample(bugs, chance.randint(1, 5))) for n in range(150)}
    rates |= {f"broken/{n:03}": [0.0] * (COMMITS - 1 - 5 * n) + [1.0] * (5 * n + 1) for n in range(30)}
    rows = (row for name in sorted(rates) for row in outcomes(name, rates[name], regime, seed=seed))
    return {case.case_id: case for case in judge_cases(rows, changes)}


def quarantine(judged: dict[str, CaseFlakiness], *, max_share: float = 0.9) -> QuarantinePlan:
    terms = Terms(max_share=max_share)
    return plan_quarantine(judged.values(), WINDOW, terms=terms, made_from=MadeFrom("0"))


@pytest.mark.parametrize("regime", REGIMES)
def test_the_interval_holds_the_true_rate_about_as_often_as_it_says(regime: Regime) -> None:
    judged = [case for seed in SEEDS for name, case in judge(seed, regime).items() if name in FLAKES]
    held = sum(case.low <= FLAKES[case.case_id] <= case.high for case in judged)
    assert held / len(judged) == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize("regime", [*REGIMES, BARE])
def test_a_flakier_case_has_a_higher_score(regime: Regime) -> None:
    judged = judge(1, regime)
    means = [sum(judged[name].score for name, rate in FLAKES.items() if rate == wanted) / PER_RATE for wanted in RATES]
    assert means == sorted(means)


@pytest.mark.parametrize("regime", [*REGIMES, BARE])
@pytest.mark.parametrize("seed", SEEDS)
def test_neither_a_broken_nor_a_regressed_case_is_quarantined(seed: int, regime: Regime) -> None:
    plan = quarantine(judge(seed, regime))
    assert [case.case_id for case in plan.quarantined if not case.case_id.startswith("flake/")] == []


@pytest.mark.parametrize("regime", REGIMES)
def test_what_fails_in_one_of_ten_executions_is_found(regime: Regime) -> None:
    judged = judge(2, regime)
    found = [judged[name].contradictions != () for name, rate in FLAKES.items() if rate >= 0.1]
    assert all(found)


def test_broken_cases_are_called_broken_or_newly_failing() -> None:
    judged = judge(1, Regime(attempts=3))
    standings = {case.standing for name, case in judged.items() if name.startswith("broken/")}
    assert standings == {Standing.BROKEN, Standing.NEWLY_FAILING}
