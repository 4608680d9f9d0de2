"""False alarms and detection of the rules on real jobs of hosted runners (django-asv), beside simple rules.

    python benchmarks/gates/regressions.py

A run is a job; it alarms falsely if any of its benchmarks does. Detection: every benchmark of every job in turn is made
slower by 5, 10 and 20 %, in one job or in both that measured the same commits. The constants of the rule (z 2.5 and 4,
half of the job's scatter, the better half of the samples, the lower quartile of the suite's noise) were chosen on this
very data; `unrelated` pairs of jobs, which share no commit, tell how often chance alone confirms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from django_asv import RUNS, Environment, load_environments

from cipredict.perf.align import JobPair
from cipredict.perf.compare import CompareOptions, compare
from cipredict.perf.replay import Replay, paired_table, replay, unpaired_table
from cipredict.perf.scores import Flags, Rule
from cipredict.plans.comparison import Standing
from cipredict.plans.noise_profile import Noise, NoiseProfile
from cipredict.records import BenchmarkRecord, BenchmarkRun

STEPS = (1.05, 1.10, 1.20)
FEWEST_JUDGED = 20
Alarm = Callable[[Replay, float], Flags]


@dataclass(slots=True)
class Tally:
    """Runs that alarmed of runs, and injected steps found of injected."""

    alarmed: int = 0
    runs: int = 0
    found: dict[float, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    injected: int = 0

    def add(self, quiet: Flags, judged: Flags, injected: dict[float, Flags]) -> None:
        """Count the rows of a replay; `judged` tells which series count."""
        self.alarmed += int((quiet & judged).any(axis=1).sum())
        self.runs += len(quiet)
        self.injected += int(judged.sum())
        for step, flags in injected.items():
            self.found[step] += int((flags & judged).sum())

    def row(self, name: str) -> str:
        """Spell the row of the table."""
        share = self.alarmed / max(1, self.runs)
        steps = "  ".join(f"{count / max(1, self.injected):.3f}" for count in self.found.values())
        return f"{name:44} {self.alarmed:4}/{self.runs:<5} {100 * share:6.2f} %   {steps}"


def main() -> None:
    rule = Rule()
    environments = load_environments(Path(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
    print(f"{sum(len(one.pairs) for one in environments)} jobs, {len(environments)} Python versions")
    print(f"{'rule':44} {'runs that alarm':>20}   found at +5 %, +10 %, +20 %")
    paired = [(one, replay(paired_table(one.pairs).shifts, rule)) for one in environments]
    plain = {
        "paired, > 5 %": lambda r, added: r.shifts + added > rule.floor,
        "paired, > 10 %": lambda r, added: r.shifts + added > log(1.1),
        "paired, own noise only: z > 4 and > 5 %": lambda r, added: (
            (r.shifts + added > rule.floor) & (r.shifts + added > 4 * r.own)
        ),
    }
    for name, flags in plain.items():
        print(single(paired, flags).row(f"{name}: one job"))
        print(both(paired, flags, Environment.remeasured).row(f"{name}: in both jobs"))
    print(single(paired, alone).row("paired rule: one job (warn)"))
    print(confirmed(paired, Environment.remeasured).row("paired rule: confirmed (block)"))
    print(confirmed(paired, Environment.unrelated).row("paired rule: confirmed, unrelated jobs"))
    asking = sum(int(one.asks()[rows(env.unchanged(), one)].any(axis=1).sum()) for env, one in paired)
    runs = sum(len(rows(env.unchanged(), one)) for env, one in paired)
    print(f"jobs that ask for a second one: {asking}/{runs} = {100 * asking / runs:.1f} %")
    unpaired = [(one, replay(unpaired_table(one.pairs).shifts, rule)) for one in environments]
    print(single(unpaired, lambda r, added: r.shifts + added > rule.floor).row("unpaired, > 5 %: one job"))
    print(single(unpaired, alone).row("unpaired rule: one job (warn)"))
    check_against_compare(paired, rule)
    show_speed()


def show_speed() -> None:
    """Compare 10,000 benchmarks of 30 runs per side, one of them slower by 10 %, without history."""
    random = np.random.default_rng(0)
    values = random.lognormal(0, 0.02, (2, 10_000, 30))
    values[1, 7] *= 1.1
    base, head = (
        BenchmarkRun(tuple(BenchmarkRecord(f"b{k}", tuple((x,) for x in row)) for k, row in enumerate(side.tolist())))
        for side in values
    )
    begun = time.process_time()
    comparison = compare([JobPair(base, head, same_job=True)])
    took = time.process_time() - begun
    print(f"10,000 benchmarks x 30 runs per side: {took:.2f} s CPU, {comparison.summary}")


def rows(chosen: Sequence[int], one: Replay) -> list[int]:
    enough = one.is_judged.sum(axis=1) >= FEWEST_JUDGED
    return [k for k in chosen if enough[k]]


def pairs_of(chosen: Sequence[int], one: Replay) -> tuple[list[int], list[int]]:
    enough = one.is_judged.sum(axis=1) >= FEWEST_JUDGED
    second = [k for k in chosen if enough[k] and enough[k - 1]]
    return [k - 1 for k in second], second


def alone(one: Replay, added: float) -> Flags:
    return one.alarms(added=added)


def single(replays: Sequence[tuple[Environment, Replay]], flags: Alarm) -> Tally:
    tally = Tally()
    for environment, one in replays:
        chosen = rows(environment.unchanged(), one)
        injected = {step: flags(one, log(step))[chosen] for step in STEPS}
        tally.add(flags(one, 0.0)[chosen], one.is_judged[chosen], injected)
    return tally


def both(
    replays: Sequence[tuple[Environment, Replay]], flags: Alarm, which: Callable[[Environment], list[int]]
) -> Tally:
    tally = Tally()
    for environment, one in replays:
        first, second = pairs_of(which(environment), one)
        judged = one.is_judged[first] & one.is_judged[second]
        found = {step: flags(one, log(step)) for step in (1.0, *STEPS)}
        twice = {step: flag[first] & flag[second] for step, flag in found.items()}
        tally.add(twice.pop(1.0), judged, twice)
    return tally


def confirmed(replays: Sequence[tuple[Environment, Replay]], which: Callable[[Environment], list[int]]) -> Tally:
    tally = Tally()
    for environment, one in replays:
        first, second = pairs_of(which(environment), one)
        judged = one.is_judged[first] & one.is_judged[second]
        injected = {step: one.confirmed(first, second, added=log(step)) for step in STEPS}
        tally.add(one.confirmed(first, second), judged, injected)
    return tally


def check_against_compare(replays: Sequence[tuple[Environment, Replay]], rule: Rule) -> None:
    """Judge 60 jobs with `compare` itself, one benchmark slower by 10 %, and hold its verdicts against the replay's."""
    agreed = asked = 0
    begun = time.process_time()
    for environment, one in replays:
        series = paired_table(environment.pairs).series
        for k in rows(environment.remeasured(), one)[:20]:
            profile = NoiseProfile({s: Noise(float(v), 30) for s, v in zip(series, one.own[k], strict=True)}, {}, {})
            column = int(np.flatnonzero(one.is_judged[k])[k % int(one.is_judged[k].sum())])
            pair = slowed(environment.pairs[k], series[column], 1.10)
            comparison = compare([pair], CompareOptions(rule=rule, profile=profile))
            got = {f.series for f in comparison.findings if f.standing is Standing.CANDIDATE}
            quiet = {series[c] for c in np.flatnonzero(one.alarms()[k]) if c != column}
            hit = {series[column]} if one.alarms(added=log(1.1))[k, column] else set()
            asked += 1
            agreed += got == quiet | hit
    took = time.process_time() - begun
    print(f"`compare` itself says the same in {agreed} of {asked} jobs ({took:.1f} s CPU)")


def slowed(pair: JobPair, series: str, factor: float) -> JobPair:
    records = tuple(
        record._replace(processes=tuple(tuple(factor * x for x in process) for process in record.processes))
        if record.series == series
        else record
        for record in pair.head.records
    )
    return pair._replace(head=BenchmarkRun(records, job=pair.head.job, sha=pair.head.sha))


if __name__ == "__main__":
    main()
