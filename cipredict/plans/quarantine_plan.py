"""The quarantine plan: cases whose failure proves nothing for a while, with the proof that they are flaky.

It hides nothing. `action` is `report`, always: whoever follows the plan runs these cases and reports their failures; it
only keeps them from turning a session red. Every entry carries its evidence and ends by itself; the rest of the plan
says which flaky cases are *not* quarantined, and why.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from cipredict.errors import CipredictError
from cipredict.plans.document import MadeFrom, frame_plan

# 1  2026-11: the first.
SCHEMA = "cipredict.quarantine-plan/1"
ACTION = "report"
"""The only thing that a quarantined case's failure does."""


@dataclass(frozen=True, slots=True)
class EvidenceNote:
    """One contradiction, as far as people can look it up: `kind` is rerun, same-commit or flip."""

    kind: str
    run_id: str
    where: str
    on: date


@dataclass(frozen=True, slots=True)
class QuarantinedCase:
    """A case whose failures are reported only, until `expires_on`, the first day that this is over.

    Attributes
    ----------
    score : share of executions that fail though the code is right, with its interval `low` to `high`
    confidence : in the score, by sample size: low, medium, high
    results, flaky_failures : what the score rests on
    owner : from CODEOWNERS, empty where nobody is named
    evidence : the latest few contradictions, newest first
    """

    case_id: str
    score: float
    low: float
    high: float
    confidence: str
    results: int
    flaky_failures: int
    reasons: tuple[str, ...]
    expires_on: date
    owner: str = ""
    evidence: tuple[EvidenceNote, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A flaky case whose failures count all the same, and why."""

    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a case must show to be quarantined, as asked for.

    Attributes
    ----------
    min_results : executions
    min_score : lower end of the score's interval, 0…1
    max_share : of the suite's cases that may be quarantined, 0…1
    expire_days : after the last evidence
    """

    min_results: int = 10
    min_score: float = 0.01
    max_share: float = 0.02
    expire_days: int = 30


@dataclass(frozen=True, slots=True)
class QuarantinePlan:
    """A whole quarantine.

    Attributes
    ----------
    runs, cases : of the history that was judged; `since` to `until` is its window
    quarantined, held_back : by case id
    """

    quarantined: tuple[QuarantinedCase, ...]
    held_back: tuple[HeldBack, ...]
    made_from: MadeFrom
    since: date
    until: date
    runs: int
    cases: int
    terms: Terms = Terms()

    @property
    def expires_on(self) -> date:
        """The first day on which no entry holds; `until` where there is none."""
        return max((case.expires_on for case in self.quarantined), default=self.until)

    def to_document(self) -> dict[str, object]:
        """Give the JSON document, with schema and id."""
        body: dict[str, object] = {
            "action": ACTION,
            "made_from": asdict(self.made_from),
            "window": {
                "since": self.since.isoformat(),
                "until": self.until.isoformat(),
                "runs": self.runs,
                "cases": self.cases,
            },
            "terms": asdict(self.terms),
            "counts": {"quarantined": len(self.quarantined), "held_back": len(self.held_back)},
            "expires_on": self.expires_on.isoformat(),
            "cases": [_case_document(case) for case in self.quarantined],
            "held_back": [{"id": held.case_id, "reason": held.reason} for held in self.held_back],
        }
        return frame_plan(SCHEMA, body)


def _case_document(case: QuarantinedCase) -> dict[str, object]:
    return {
        "id": case.case_id,
        "score": round(case.score, 4),
        "low": round(case.low, 4),
        "high": round(case.high, 4),
        "confidence": case.confidence,
        "results": case.results,
        "flaky_failures": case.flaky_failures,
        "reasons": list(case.reasons),
        "expires_on": case.expires_on.isoformat(),
        "owner": case.owner,
        "evidence": [{**asdict(note), "on": note.on.isoformat()} for note in case.evidence],
    }


def verify_quarantine(plan: QuarantinePlan) -> None:
    """Check a plan before anyone follows it: each case once, few of them, every one with evidence and an end.

    Raises
    ------
    CipredictError
        A check failed: our bug.
    """
    ids = [case.case_id for case in plan.quarantined] + [held.case_id for held in plan.held_back]
    if len(ids) != len(set(ids)) or any(ids != sorted(ids) for ids in _ids(plan)):
        raise _violation("each-case-once")
    if len(plan.quarantined) > plan.terms.max_share * plan.cases:
        raise _violation("few-cases")
    if any(not case.evidence or not case.reasons for case in plan.quarantined):
        raise _violation("an-entry-says-why")
    if any(case.expires_on <= plan.until for case in plan.quarantined):
        raise _violation("an-entry-has-time-left")


def _ids(plan: QuarantinePlan) -> tuple[list[str], list[str]]:
    return [case.case_id for case in plan.quarantined], [held.case_id for held in plan.held_back]


def _violation(check: str) -> CipredictError:
    return CipredictError(f"A quarantine plan failed its check '{check}'.", slug="plan-check")
