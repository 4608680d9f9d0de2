"""Which flaky cases are quarantined, for how long, and why the others are not. Pure.

In doubt a failure counts. A case is quarantined only if its flakiness is proven by contradictions on two states of the
code at least, often enough and lately, if it is not red now, and if it never failed in every one of several attempts on
the same code of the default branch. And only the worst few are: a suite that is flaky all over needs repair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cipredict.decide.flaky import FEWEST_FLIPS, CaseFlakiness, Contradiction, Evidence, Standing
from cipredict.plans.document import MadeFrom
from cipredict.plans.quarantine_plan import (
    EvidenceNote,
    HeldBack,
    QuarantinedCase,
    QuarantinePlan,
    Terms,
    verify_quarantine,
)

FEWEST_TREES = 2
"""One state of the code that contradicts itself may have met an outage."""
_NOTED = 5


@dataclass(frozen=True, slots=True)
class Window:
    """The history that was judged: runs known after `since` and up to `until`, and how many cases ran in them."""

    since: datetime
    until: datetime
    runs: int
    cases: int


def plan_quarantine(
    judged: Iterable[CaseFlakiness],
    window: Window,
    *,
    terms: Terms,
    made_from: MadeFrom,
    owner_of: Callable[[str], str] = lambda _: "",
) -> QuarantinePlan:
    """Plan from the judgements of all cases; equal history and terms give equal plans on the same day."""
    today = window.until.date()
    candidates = [case for case in judged if case.contradictions]
    reasons = {case.case_id: objection(case, terms=terms, today=today) for case in candidates}
    worst_first = sorted((case for case in candidates if not reasons[case.case_id]), key=lambda c: (-c.low, c.case_id))
    room = int(terms.max_share * window.cases)
    for case in worst_first[room:]:
        reasons[case.case_id] = f"beyond the cap of {terms.max_share:.2%} of {window.cases} cases"
    plan = QuarantinePlan(
        quarantined=tuple(
            _entry(case, terms, owner_of(case.case_id))
            for case in sorted(worst_first[:room], key=lambda case: case.case_id)
        ),
        held_back=tuple(HeldBack(case_id, reason) for case_id, reason in sorted(reasons.items()) if reason),
        made_from=made_from,
        since=window.since.date(),
        until=today,
        runs=window.runs,
        cases=window.cases,
        terms=terms,
    )
    verify_quarantine(plan)
    return plan


def objection(case: CaseFlakiness, *, terms: Terms, today: date) -> str:
    """Say why a case's failures count although some were contradicted; empty where they need not."""
    return next(_objections(case, terms, today), "")


def _objections(case: CaseFlakiness, terms: Terms, today: date) -> Iterator[str]:
    if case.standing is Standing.BROKEN:
        yield "broken: red on the default branch, commit after commit"
    if case.standing is Standing.NEWLY_FAILING:
        yield "red in the last run of the default branch, and nothing contradicts that yet"
    if case.failed_throughout:
        yield f"failed in every attempt on {case.failed_throughout}"
    trees = len({one.tree for one in case.contradictions})
    if all(one.kind is Evidence.FLIP for one in case.contradictions) and trees < FEWEST_FLIPS:
        yield f"{trees} unexplained flips, fewer than {FEWEST_FLIPS}, and no contradiction on the same code"
    if trees < FEWEST_TREES:
        yield "contradicted on one state of the code only"
    if case.results < terms.min_results:
        yield f"{case.results} results, fewer than {terms.min_results}"
    if case.low < terms.min_score:
        yield f"may fail as rarely as {case.low:.2%}, below {terms.min_score:.2%}"
    if _expiry(case, terms) <= today:
        yield f"no contradiction in the last {terms.expire_days} days"


def _expiry(case: CaseFlakiness, terms: Terms) -> date:
    return case.contradictions[-1].at.date() + timedelta(days=terms.expire_days)


def _entry(case: CaseFlakiness, terms: Terms, owner: str) -> QuarantinedCase:
    return QuarantinedCase(
        case.case_id,
        score=case.score,
        low=case.low,
        high=case.high,
        confidence=case.confidence.value,
        results=case.results,
        flaky_failures=case.flaky_failures,
        reasons=tuple(_reasons(case.contradictions)),
        expires_on=_expiry(case, terms),
        owner=owner,
        evidence=tuple(
            EvidenceNote(one.kind.value, one.run_id, one.tree, one.at.date())
            for one in reversed(case.contradictions[-_NOTED:])
        ),
    )


_WORDS = {
    Evidence.RERUN: "passed when run again in the same report",
    Evidence.SAME_COMMIT: "passed and failed on the same code",
    Evidence.FLIP: "failed and healed on the default branch without a change that explains it",
}


def _reasons(found: tuple[Contradiction, ...]) -> Iterator[str]:
    for kind, words in _WORDS.items():
        if count := sum(one.kind is kind for one in found):
            yield f"{words}: {count} {'time' if count == 1 else 'times'}"
