"""Is head slower than base? By each benchmark's own history where there is one, by rank tests over runs otherwise.

One job makes a candidate; only a second job on another machine that sees the same makes a regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import expm1, log

import numpy as np

from cipredict.perf.align import Comparable, JobPair, align
from cipredict.perf.evidence import (
    Groups,
    benjamini_hochberg,
    cliffs_delta,
    hodges_lehmann,
    p_values,
)
from cipredict.perf.scores import Floats, Rule, candidates, common_mode, doubts, scatter, z_scores
from cipredict.perf.standing import COLD_SHIFT, Evidence, Trial, find
from cipredict.plans.comparison import Comparison, JobFacts, Score, SeriesFinding, Standing
from cipredict.plans.noise_profile import NO_PROFILE, NoiseProfile

_MOST_Z = 999.0
"""A benchmark that never varied is infinitely far out; JSON knows no infinity."""
_COMMON_SHARE, _COMMON_SHIFT = 0.6, log(1.03)
_ORDER = list(Standing)
_PUBLISHED_RATES = {
    True: (
        "On 270 runs of unchanged code on hosted runners (django-asv) the paired rule alarmed falsely on 7.8 % in one "
        "job and 0.4 % when confirmed. `perf calibrate` measures your own."
    ),
    False: (
        "Unpaired: the machines differ too. On 270 runs of unchanged code on hosted runners (django-asv) this rule "
        "alarmed falsely on 3.7 %, and found 33 % of slow-downs by 10 %; paired, it finds 92 %."
    ),
}
"""With history, by whether base and head were paired: what benchmarks/gates/regressions.py measures."""
_NO_HISTORY = {
    True: "No history: rank tests over the runs decide, at most 5 % of whose alarms are false (Benjamini-Hochberg).",
    False: "No history, and the machines differ too: what the tests find may be the machine. Measure both in one job.",
}
_ALL_SLOWER = "A change that slows all of them looks like that too: measure again on another machine."
_UNUSABLE = {
    "new": Standing.NEW,
    "missing": Standing.MISSING,
    "invalid": Standing.INVALID,
    "unit": Standing.INVALID,
}


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What a comparison goes by. `earlier`: jobs of the comparison that this one confirms or not."""

    rule: Rule = field(default_factory=Rule)
    profile: NoiseProfile = NO_PROFILE
    earlier: tuple[JobFacts, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    may_block: Callable[[str], bool] = lambda _: True


def compare(pairs: Sequence[JobPair], options: CompareOptions | None = None) -> Comparison:
    """Compare head with base over one or more jobs, each of which measured both, or over two merged sides."""
    options = options or CompareOptions()
    paired = all(pair.same_job for pair in pairs)
    comparable, unusable = align(pairs, options.renames)
    own = _own_noise(comparable, options, paired=paired)
    jobs = _score_jobs(pairs, comparable, own=own, rule=options.rule)
    judged = _judge_runs(comparable, jobs)
    cold = {one.series: found for one, found, sigma in zip(comparable, judged, own, strict=True) if np.isnan(sigma)}
    jobs = tuple(_see_by_runs(job, cold, options.rule) for job in jobs)
    repeated = {job.job for job in options.earlier if job.job} & {job.job for job in jobs}
    every_job = (*(job for job in options.earlier if job.job not in repeated), *jobs)
    trial = Trial(every_job, options.rule, len(comparable))
    findings = [
        find(one, evidence, sigma=sigma, trial=trial)
        for one, evidence, sigma in zip(comparable, judged, own, strict=True)
    ]
    findings += [SeriesFinding(one.series, _UNUSABLE[one.kind], one.reason) for one in unusable]
    findings = [one._replace(is_blocking=options.may_block(one.series)) for one in findings]
    findings.sort(key=_worst_first)
    has_history = not np.isnan(own).all()
    notes = (
        *_notes(jobs),
        _rate_note(options.profile, paired=paired, has_history=has_history),
        *map(_same_machine, sorted(repeated)),
    )
    return Comparison(tuple(findings), every_job, paired=paired, notes=notes)


def _own_noise(comparable: Sequence[Comparable], options: CompareOptions, *, paired: bool) -> Floats:
    known = options.profile.paired if paired else options.profile.unpaired
    entries = [known.get(one.series) for one in comparable]
    return np.array([np.nan if entry is None or entry.sigma is None else entry.sigma for entry in entries])


def _score_jobs(
    pairs: Sequence[JobPair], comparable: Sequence[Comparable], *, own: Floats, rule: Rule
) -> tuple[JobFacts, ...]:
    """Score every series in every job by its history, without what the job's machine did to all."""
    facts = []
    for k, pair in enumerate(pairs):
        raw = np.array([_raw_shift(one, k) for one in comparable])
        shared = common_mode(raw)
        shifts = raw - shared
        z = np.clip(z_scores(shifts, doubts(own, shifts, rule)), -_MOST_Z, _MOST_Z)
        seen = candidates(shifts, z, rule)
        scores = {
            one.series: Score(float(shift), None if np.isnan(score) else float(score), bool(is_seen))
            for one, shift, score, is_seen in zip(comparable, shifts, z, seen, strict=True)
            if not np.isnan(shift)
        }
        facts.append(JobFacts(pair.head.job, shared, scores))
    return tuple(facts)


def _raw_shift(one: Comparable, job: int) -> float:
    values = one.jobs[job]
    if values is None:
        return float("nan")
    shift = float(np.median(values.head) - np.median(values.base))
    return -shift if one.higher_is_better else shift


def _judge_runs(comparable: Sequence[Comparable], jobs: Sequence[JobFacts]) -> list[Evidence]:
    """Ask the rank tests, worse upwards, after taking each job's common mode from its head."""
    groups = [_groups(one, jobs) for one in comparable]
    p = p_values(groups)
    adjusted = benjamini_hochberg(p)
    return [
        Evidence(group, hodges_lehmann(group), cliffs_delta(group), _known(raw), _known(corrected))
        for group, raw, corrected in zip(groups, p, adjusted, strict=True)
    ]


def _groups(one: Comparable, jobs: Sequence[JobFacts]) -> Groups:
    """Give the runs of all jobs; of several jobs one value each, since a job's runs share its machine."""
    sign = -1.0 if one.higher_is_better else 1.0
    measured = [(values, facts.common_mode) for values, facts in zip(one.jobs, jobs, strict=True) if values]
    if len(measured) == 1:
        [(values, shared)] = measured
        return Groups(sign * values.base, sign * values.head - shared, paired=False)
    base = np.array([sign * np.median(values.base) for values, _ in measured])
    head = np.array([sign * np.median(values.head) - shared for values, shared in measured])
    return Groups(base, head, paired=True)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _see_by_runs(job: JobFacts, cold: Mapping[str, Evidence], rule: Rule) -> JobFacts:
    """Mark what deserves a second look among series without history."""
    scores = dict(job.scores)
    least = max(COLD_SHIFT, rule.alarm_z * scatter(np.array([score.shift for score in scores.values()])))
    for series in cold.keys() & scores.keys():
        is_seen = scores[series].shift > least or cold[series].is_significant(rule, worse=True)
        scores[series] = scores[series]._replace(is_seen=is_seen)
    return job._replace(scores=scores)


def _worst_first(finding: SeriesFinding) -> tuple[int, float, str]:
    return _ORDER.index(finding.standing), -abs(finding.shift or 0.0), finding.series


def _notes(jobs: Sequence[JobFacts]) -> Iterator[str]:
    for job in jobs:
        percent = 100 * expm1(job.common_mode)
        if abs(percent) >= 1:
            word = "slower" if percent > 0 else "faster"
            yield f"Everything is {abs(percent):.1f} % {word} in head: taken for the machine and removed."
        shifts = [score.shift + job.common_mode for score in job.scores.values()]
        share = sum(shift > _COMMON_SHIFT for shift in shifts) / max(1, len(shifts))
        if job.common_mode and share > _COMMON_SHARE:
            yield f"{100 * share:.0f} % of the benchmarks are worse by more than 3 %. {_ALL_SLOWER}"


def _rate_note(profile: NoiseProfile, *, paired: bool, has_history: bool) -> str:
    rate = profile.rates.get("paired" if paired else "unpaired")
    if rate is not None and rate.runs:
        kind = "paired" if paired else "unpaired"
        return f"The {kind} rule alarmed on {rate.alarms} of {rate.runs} runs of this project's own unchanged code."
    return _PUBLISHED_RATES[paired] if has_history else _NO_HISTORY[paired]


def _same_machine(job: str) -> str:
    return f"{job} was measured before: the same machine confirms nothing, its earlier result is replaced."
