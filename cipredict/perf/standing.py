"""From scores and tests to a standing: by a series' own history where there is one, by its runs otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, log
from typing import NamedTuple

import numpy as np

from cipredict.perf.align import Comparable
from cipredict.perf.evidence import Groups, Shift, fewest_runs
from cipredict.perf.scores import Rule, alarms
from cipredict.plans.comparison import Basis, JobFacts, Score, SeriesFinding, Standing

_Z95 = 1.96
COLD_SHIFT = log(1.2)
"""Without history: only so large a change is worth a second look by its size, and any smaller can be ruled out."""


class Evidence(NamedTuple):
    """What the runs of a series say, worse upwards; p-values are None for one run per side."""

    groups: Groups
    shift: Shift
    delta: float
    p: float | None
    p_adjusted: float | None

    def is_significant(self, rule: Rule, *, worse: bool) -> bool:
        """Tell whether the runs alone show a change that matters, for the worse or the better."""
        if self.p_adjusted is None or self.p_adjusted > rule.false_discovery:
            return False
        sign = 1 if worse else -1
        return sign * self.shift.middle > rule.floor and sign * self.delta >= rule.min_delta


@dataclass(frozen=True, slots=True)
class Trial:
    """What every series is judged in: the jobs that scored it, earlier ones first, and how many series there are."""

    jobs: tuple[JobFacts, ...]
    rule: Rule
    series: int

    def scores(self, series: str) -> list[Score]:
        """Give the scores of a series, a job each."""
        return [job.scores[series] for job in self.jobs if series in job.scores]


def find(one: Comparable, evidence: Evidence, *, sigma: float, trial: Trial) -> SeriesFinding:
    """Judge a series; `sigma` is NaN without history."""
    scores = trial.scores(one.series)
    base, head = (
        float(np.exp(np.median(np.concatenate([getattr(values, side) for values in one.jobs if values]))))
        for side in ("base", "head")
    )
    finding = SeriesFinding(
        one.series,
        Standing.UNCHANGED,
        "",
        unit=one.unit,
        higher_is_better=one.higher_is_better,
        base=base,
        head=head,
        change=head / base - 1,
        shift=float(np.mean([score.shift for score in scores])),
        low=evidence.shift.low if evidence.p is not None else None,
        high=evidence.shift.high if evidence.p is not None else None,
        p_value=evidence.p,
        p_adjusted=evidence.p_adjusted,
        cliffs_delta=evidence.delta,
    )
    if np.isnan(sigma):
        return _stand_by_runs(finding, evidence, scores, trial=trial)
    return _stand_by_history(finding, scores, sigma=sigma, rule=trial.rule)


def _stand_by_history(finding: SeriesFinding, scores: Sequence[Score], *, sigma: float, rule: Rule) -> SeriesFinding:
    shifts = np.array([score.shift for score in scores])
    z = np.array([0.0 if score.z is None else score.z for score in scores])
    half = _Z95 * sigma / np.sqrt(len(scores))
    finding = finding._replace(
        basis=Basis.HISTORY,
        z=float(z.mean()),
        sigma=sigma,
        low=float(shifts.mean() - half),
        high=float(shifts.mean() + half),
    )
    noise = f"z {z.mean():.1f} by its own noise of {100 * expm1(sigma):.2g} %"
    if alarms(shifts[:, None], z[:, None], rule)[0]:
        return _confirmed_or_not(finding, noise, jobs=len(scores))
    if alarms(-shifts[:, None], -z[:, None], rule)[0]:
        return finding._replace(standing=Standing.IMPROVEMENT, reason=noise)
    if len(scores) > 1 and any(score.is_seen for score in scores):
        return finding._replace(reason=f"seen in one job, not in another: {noise}")
    if scores[-1].is_seen:
        return finding._replace(standing=Standing.SUSPECT, reason=f"{noise}: a second job would tell")
    return finding._replace(reason=noise)


def _confirmed_or_not(finding: SeriesFinding, told: str, *, jobs: int) -> SeriesFinding:
    if jobs > 1:
        return finding._replace(standing=Standing.REGRESSION, reason=f"{told}, seen in {jobs} jobs")
    return finding._replace(standing=Standing.CANDIDATE, reason=f"{told}, in one job: not confirmed yet")


def _stand_by_runs(
    finding: SeriesFinding, evidence: Evidence, scores: Sequence[Score], *, trial: Trial
) -> SeriesFinding:
    rule, runs = trial.rule, min(len(evidence.groups.base), len(evidence.groups.head))
    told = f"{runs} runs per side, no history" if runs > 1 else "one run per side, no history"
    if all(score.is_seen for score in scores):
        basis = Basis.RUNS if evidence.is_significant(rule, worse=True) else Basis.SIZE
        return _confirmed_or_not(finding._replace(basis=basis), told, jobs=len(scores))
    needed = fewest_runs(trial.series, rule.false_discovery, paired=evidence.groups.paired)
    if runs < needed:
        reason = f"{told}: {needed} runs per side could tell, or {rule.min_history} past jobs"
        return finding._replace(standing=Standing.INCONCLUSIVE, reason=reason)
    if evidence.shift.high > COLD_SHIFT:
        reason = f"{told}: too noisy to rule out {100 * expm1(evidence.shift.high):+.0f} %"
        return finding._replace(standing=Standing.INCONCLUSIVE, basis=Basis.RUNS, reason=reason)
    if evidence.is_significant(rule, worse=False):
        return finding._replace(standing=Standing.IMPROVEMENT, basis=Basis.RUNS, reason=told)
    return finding._replace(basis=Basis.RUNS, reason=told)
