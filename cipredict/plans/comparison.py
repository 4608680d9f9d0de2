"""What `perf compare` found, as JSON: per series the change, how sure it is, what follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import expm1
from pathlib import Path
from typing import NamedTuple

from cipredict.errors import InputError
from cipredict.plans.document import MadeFrom, frame_plan, read_plan

SCHEMA = "cipredict.comparison/1"
"""/1: findings, jobs with their common mode and shifts (log ratios, worse above 0), verdict."""


class Standing(StrEnum):
    """What became of a series, worst first."""

    REGRESSION = "regression"
    CANDIDATE = "candidate"
    SUSPECT = "suspect"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    MISSING = "missing"
    NEW = "new"
    IMPROVEMENT = "improvement"
    UNCHANGED = "unchanged"


class ComparisonVerdict(StrEnum):
    """What the comparison says as a whole."""

    BLOCK = "block"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    PASS = "pass"  # noqa: S105  # a verdict, no password


class Basis(StrEnum):
    """On what a standing rests."""

    HISTORY = "history"
    RUNS = "runs"
    SIZE = "size"
    NONE = "none"


class SeriesFinding(NamedTuple):
    """One series.

    Attributes
    ----------
    base, head : what was measured, in `unit`; None where it could not be compared
    change : head / base - 1 as measured, machine included
    shift : log ratio without the common mode, above 0 where head is worse; `low` and `high` its 95 % interval
    z : shift over the series' noise, mean over the jobs; None without history
    p_value, p_adjusted : rank test over runs, and corrected for the number of series; None for one run per side
    is_blocking : the series is on the allow-list
    """

    series: str
    standing: Standing
    reason: str
    basis: Basis = Basis.NONE
    unit: str = ""
    higher_is_better: bool = False
    base: float | None = None
    head: float | None = None
    change: float | None = None
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    z: float | None = None
    sigma: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    cliffs_delta: float | None = None
    is_blocking: bool = True


class Score(NamedTuple):
    """What one job says of a series. `is_seen`: it deserves a second look."""

    shift: float
    z: float | None
    is_seen: bool


class JobFacts(NamedTuple):
    """One job: how much slower everything was (log), and its score per series. `job` names the machine."""

    job: str
    common_mode: float
    scores: dict[str, Score]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole comparison. `paired`: base and head were measured in the same jobs."""

    findings: tuple[SeriesFinding, ...]
    jobs: tuple[JobFacts, ...]
    paired: bool
    notes: tuple[str, ...] = ()
    made_from: MadeFrom | None = None

    @property
    def verdict(self) -> ComparisonVerdict:
        """Block on a confirmed regression that may block; inconclusive where fewer than half could be judged."""
        counts = self.counts
        if any(one.standing is Standing.REGRESSION and one.is_blocking for one in self.findings):
            return ComparisonVerdict.BLOCK
        if counts[Standing.REGRESSION] or counts[Standing.CANDIDATE]:
            return ComparisonVerdict.WARN
        judged = counts[Standing.UNCHANGED] + counts[Standing.IMPROVEMENT] + counts[Standing.SUSPECT]
        unjudged = counts[Standing.INCONCLUSIVE] + counts[Standing.INVALID] + counts[Standing.MISSING]
        return ComparisonVerdict.INCONCLUSIVE if judged <= unjudged else ComparisonVerdict.PASS

    @property
    def counts(self) -> Counter[Standing]:
        """Series per standing."""
        return Counter(one.standing for one in self.findings)

    @property
    def needs_confirmation(self) -> tuple[str, ...]:
        """Series that a second job on a fresh machine should measure again."""
        return tuple(one.series for one in self.findings if one.standing in {Standing.CANDIDATE, Standing.SUSPECT})

    def metrics_document(self) -> dict[str, object]:
        """Give what `cipredict gate` reads: the worst confirmed change, or what is not confirmed as a candidate.

        What may not block is a candidate for ever. Without a conclusion the number is marked as proving nothing: a gate
        must not be green by it.
        """
        worst = max(self.findings, key=_how_bad, default=None)
        is_confirmed = worst is not None and worst.standing is Standing.REGRESSION and worst.is_blocking
        value = worse_percent(worst) if worst is not None and _how_bad(worst)[0] else 0.0
        evidence = "confirmed" if is_confirmed else "candidate" if value else "measured"
        if self.verdict is ComparisonVerdict.INCONCLUSIVE:
            evidence = "inconclusive"
        reason = f"{worst.series}: {worst.reason}" if worst is not None and value else self.summary
        main = {
            "name": "performance_regression",
            "value": round(value, 3),
            "unit": "%",
            "evidence": evidence,
            "reason": reason,
        }
        counts = [
            {"name": f"performance_{standing.value}s", "value": self.counts[standing], "unit": "", "reason": ""}
            for standing in (Standing.REGRESSION, Standing.CANDIDATE)
        ]
        return {"schema": "cipredict.metrics/1", "metrics": [main, *counts]}

    @property
    def summary(self) -> str:
        """Count the series by standing."""
        return ", ".join(f"{count} {standing.value}" for standing in Standing if (count := self.counts[standing]))

    def to_document(self) -> dict[str, object]:
        """Give the JSON document."""
        body: dict[str, object] = {
            "verdict": self.verdict.value,
            "paired": self.paired,
            "summary": self.summary,
            "needs_confirmation": list(self.needs_confirmation),
            "findings": [_compact(one) for one in self.findings],
            "jobs": [
                {"job": job.job, "common_mode": _digits(job.common_mode), "scores": _scores(job)} for job in self.jobs
            ],
            "notes": list(self.notes),
        }
        if self.made_from is not None:
            body["made_from"] = {"version": self.made_from.version, "commit": self.made_from.commit}
        return frame_plan(SCHEMA, body)


def _how_bad(finding: SeriesFinding) -> tuple[int, float]:
    rank = {Standing.REGRESSION: 2, Standing.CANDIDATE: 1}.get(finding.standing, 0)
    return (rank if finding.is_blocking else min(rank, 1)), worse_percent(finding)


def worse_percent(finding: SeriesFinding) -> float:
    """Give how much worse a series became, in percent of base, without what the machine did; of a rate, its loss."""
    shift = finding.shift or 0.0
    return -100 * expm1(-shift) if finding.higher_is_better else 100 * expm1(shift)


def _compact(finding: SeriesFinding) -> dict[str, object]:
    return {name: _digits(value) for name, value in finding._asdict().items() if value is not None}


def _digits(value: object) -> object:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _scores(job: JobFacts) -> dict[str, object]:
    return {series: [_digits(score.shift), _digits(score.z), score.is_seen] for series, score in job.scores.items()}


def read_jobs(path: Path) -> tuple[JobFacts, ...]:
    """Read the jobs of an earlier comparison, to be confirmed or not.

    Raises
    ------
    InputError
        Missing, not JSON, another schema, or damaged.
    """
    document = read_plan(path, schemas=(SCHEMA,))
    try:
        return tuple(
            JobFacts(
                str(job["job"]),
                float(job["common_mode"]),
                {
                    str(name): Score(float(shift), None if z is None else float(z), bool(seen))
                    for name, (shift, z, seen) in job["scores"].items()
                },
            )
            for job in list(document["jobs"])  # type: ignore[call-overload]  # a wrong type is the TypeError below
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is a damaged comparison: {error!r}.", slug="comparison-damaged") from error
