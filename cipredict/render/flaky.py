"""Judgements of flakiness as a table for people and as JSON, and a quarantine in a few sentences. Pure.

The judgements come in as rows of plain values: this room does not know the one that judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cipredict.plans.quarantine_plan import QuarantinePlan
from cipredict.render.plain import percent, plain_table

_SHOWN = 50


class FlakyRow(NamedTuple):
    """A judged case. `evidence` counts contradictions by kind; score, low and high are shares 0…1."""

    case_id: str
    standing: str
    score: float
    low: float
    high: float
    confidence: str
    results: int
    flaky_failures: int
    evidence: Mapping[str, int]
    last_seen: datetime

    def to_json(self) -> dict[str, object]:
        """Give the JSON object."""
        rounded = {name: round(value, 4) for name, value in (("score", self.score), ("low", self.low))}
        return {
            **self._asdict(),
            **rounded,
            "high": round(self.high, 4),
            "evidence": dict(self.evidence),
            "last_seen": self.last_seen.isoformat(),
        }


def render_flaky(rows: Sequence[FlakyRow], *, title: str) -> Iterator[str]:
    """Give the cases, in their order, and how many there are of each standing."""
    counts = Counter(row.standing for row in rows)
    yield plain_table(
        title,
        ["case", "standing", "fails", "95% interval", "confidence", "results", "evidence", "last run"],
        map(_cells, rows[:_SHOWN]),
    )
    if len(rows) > _SHOWN:
        yield f"… and {len(rows) - _SHOWN} more: --format json has all."
    yield ", ".join(f"{count} {standing}" for standing, count in counts.items()) or "No case stands out."


def _cells(row: FlakyRow) -> list[str]:
    is_scored = bool(row.flaky_failures)
    return [
        row.case_id,
        row.standing,
        percent(row.score) if is_scored else "-",
        f"{percent(row.low)} to {percent(row.high)}" if is_scored else "-",
        row.confidence if is_scored else "-",
        str(row.results),
        ", ".join(f"{count} {kind}" for kind, count in row.evidence.items()) or "-",
        f"{row.last_seen:%Y-%m-%d}",
    ]


def say_quarantine(plan: QuarantinePlan) -> Iterator[str]:
    """Say what the plan does, until when, and what it does not."""
    count = len(plan.quarantined)
    share = percent(count / plan.cases if plan.cases else None)
    yield f"Quarantined: {count} of {plan.cases} cases ({share}). They run, and their failures are reported."
    for case in plan.quarantined[:_SHOWN]:
        owner = f", owner {case.owner}" if case.owner else ""
        yield f"  {case.case_id}: until {case.expires_on}{owner}; {'; '.join(case.reasons)}"
    if plan.held_back:
        yield f"Not quarantined although contradicted: {len(plan.held_back)}."
    for held in plan.held_back[:_SHOWN]:
        yield f"  {held.case_id}: {held.reason}"
