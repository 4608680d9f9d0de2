"""What would each rule have cost this project? Replays them over its own jobs of unchanged code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import expm1

import numpy as np

from cipredict.perf.align import JobPair
from cipredict.perf.replay import Replay, ShiftTable, paired_table, replay, unpaired_table
from cipredict.perf.scores import Flags, Floats, Rule, own_noise
from cipredict.plans.noise_profile import Noise, NoiseProfile, RuleRate

FEWEST_SAME_CODE = 20
"""Fewer jobs of provably unchanged code: all jobs are taken for unchanged, and the answer says so."""
_TRIED_Z = (3.0, 3.5, 4.0, 5.0, 6.0)


@dataclass(frozen=True, slots=True)
class RuleCost:
    """A rule on the past: runs that it alarmed on, and the change that it finds, as a share, in 80 % of the cases.

    `detectable` is the median over the series, `worst` the largest.
    """

    name: str
    alarm_z: float
    alarms: int
    runs: int
    detectable: float
    worst: float

    def per_month(self, runs_per_month: float) -> float:
        """Give the false alarms to expect."""
        return self.alarms / self.runs * runs_per_month if self.runs else float("nan")


@dataclass(frozen=True, slots=True)
class Calibration:
    """The noise of every series, the cost of every rule, and the smallest change that one and two jobs can see."""

    profile: NoiseProfile
    costs: tuple[RuleCost, ...]
    detectable: dict[str, tuple[float, float]]
    same_code: bool
    runs_per_month: float

    def suggest(self, most_per_month: float) -> RuleCost | None:
        """Give the rule that finds most among those within the bearable number of false alarms."""
        cheap = [cost for cost in self.costs if cost.runs and cost.per_month(self.runs_per_month) <= most_per_month]
        return min(cheap, key=lambda cost: (cost.detectable, cost.name), default=None)


def calibrate(pairs: Sequence[JobPair], *, runs_per_month: float | None = None, rule: Rule = Rule()) -> Calibration:  # noqa: B008  # immutable
    """Judge every job by the jobs before it, in order of time."""
    same = [k for k, pair in enumerate(pairs) if pair.same_job and pair.base.sha and pair.base.sha == pair.head.sha]
    is_same_code = len(same) >= FEWEST_SAME_CODE
    both = [pair for pair in pairs if pair.same_job]
    paired = paired_table([pairs[k] for k in same] if is_same_code else both)
    unpaired = unpaired_table(pairs)
    costs = [
        *(_cost("paired", paired, replace(rule, alarm_z=z), count=_alone) for z in _TRIED_Z),
        *(_cost("paired, confirmed", paired, replace(rule, alarm_z=z), count=_twice) for z in _TRIED_Z),
        *(_cost("unpaired", unpaired, replace(rule, alarm_z=z), count=_alone) for z in _TRIED_Z),
        _fixed("fixed +5 %, paired", paired, rule),
        _fixed("fixed +5 %, unpaired", unpaired, rule),
    ]
    profile = NoiseProfile(_noise(paired, rule), _noise(unpaired, rule), _rates(costs, rule))
    month = runs_per_month or _runs_per_month(pairs)
    return Calibration(profile, tuple(costs), _detectable(paired, rule), is_same_code, month)


def _cost(name: str, table: ShiftTable, rule: Rule, *, count: Callable[[Replay], tuple[Flags, Flags]]) -> RuleCost:
    one = replay(table.shifts, rule)
    flags, judged = count(one)
    seen = one.detectable_confirmed() if count is _twice else one.detectable()
    return _summed(name, flags & judged, judged, seen=seen, alarm_z=rule.alarm_z)


def _summed(name: str, alarms: Flags, judged: Flags, *, seen: Floats, alarm_z: float) -> RuleCost:
    known = np.expm1(seen[~np.isnan(seen)])
    middle, worst = (float(np.median(known)), float(known.max())) if len(known) else (float("nan"), float("nan"))
    runs = judged.any(axis=1)
    return RuleCost(name, alarm_z, int(alarms.any(axis=1).sum()), int(runs.sum()), middle, worst)


def _alone(one: Replay) -> tuple[Flags, Flags]:
    return one.alarms(), one.is_judged


def _twice(one: Replay) -> tuple[Flags, Flags]:
    """Let each job be confirmed by the next, which measured other commits or the same: chance does not care."""
    first = range(len(one.shifts) - 1)
    second = range(1, len(one.shifts))
    judged = one.is_judged[:-1] & one.is_judged[1:] if len(one.shifts) > 1 else one.is_judged[:0]
    return one.confirmed(first, second), judged


def _fixed(name: str, table: ShiftTable, rule: Rule) -> RuleCost:
    judged = ~np.isnan(table.shifts)
    needed = rule.floor - table.shifts
    seen = np.array([np.quantile(c[~np.isnan(c)], 0.8) if (~np.isnan(c)).any() else np.nan for c in needed.T])
    return _summed(name, (table.shifts > rule.floor) & judged, judged, seen=seen, alarm_z=0.0)


def _noise(table: ShiftTable, rule: Rule) -> dict[str, Noise]:
    own = own_noise(table.shifts, rule)
    jobs = (~np.isnan(table.shifts)).sum(axis=0)
    return {
        series: Noise(None if np.isnan(sigma) else float(sigma), int(count))
        for series, sigma, count in zip(table.series, own, jobs, strict=True)
    }


def _rates(costs: Sequence[RuleCost], rule: Rule) -> dict[str, RuleRate]:
    return {cost.name: RuleRate(cost.alarms, cost.runs) for cost in costs if cost.alarm_z in {rule.alarm_z, 0.0}}


def _detectable(table: ShiftTable, rule: Rule) -> dict[str, tuple[float, float]]:
    one = replay(table.shifts, rule)
    if len(one.shifts) < 2:
        return {}
    seen = zip(table.series, one.detectable(), one.detectable_confirmed(), strict=True)
    return {series: (expm1(single), expm1(twice)) for series, single, twice in seen if not np.isnan(single)}


def _runs_per_month(pairs: Sequence[JobPair]) -> float:
    moments = [pair.head.measured_at for pair in pairs if pair.head.measured_at is not None]
    if len(moments) < 2:
        return float(len(pairs))
    days = (max(moments) - min(moments)).total_seconds() / 86_400
    return len(pairs) / max(1.0, days) * 30
