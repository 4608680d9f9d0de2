"""Choose the cases that a change needs: forecasts and rules in, a selection plan out. Pure, standard library only.

Cases that always run come first; then risk for time, `p_fail / expected_s`, until the budget is spent. Dividing by
time raised APFDc on all eight public sets (research: selection, section 0.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cipredict.decide.goal import Budget, Confidence, Goal, budget_of, caught_at
from cipredict.decide.rules import always_runs, everything_because
from cipredict.forecast.interface import CaseForecast, ConfidenceCurve
from cipredict.plans.document import MadeFrom
from cipredict.plans.selection_plan import (
    ChangeSummary,
    Miss,
    PlannedCase,
    Reason,
    SelectionPlan,
    verify_selection,
)

MIN_SECONDS = 1e-3
"""Below the clock of the reports, a shorter case is not a cheaper one."""
DEFAULT_GOAL = Confidence(0.95)


@dataclass(frozen=True, slots=True)
class SelectionRequest:
    """Everything a selection depends on.

    Attributes
    ----------
    forecasts : one per candidate
    is_mapped : tells whether anything ties a changed path to cases
    runs, min_runs : runs behind the forecast, and how many are enough to skip anything
    must_run, run_all, ignored : globs, see `Settings`
    observe, order_only : everything runs all the same
    """

    forecasts: Sequence[CaseForecast]
    change: ChangeSummary
    goal: Goal
    curve: ConfidenceCurve
    made_from: MadeFrom
    is_mapped: Callable[[str], bool]
    runs: int
    min_runs: int
    must_run: Sequence[str] = ()
    run_all: Sequence[str] = ()
    ignored: Sequence[str] = ()
    observe: bool = False
    order_only: bool = False
    changed: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "changed", frozenset(self.change.paths))


def rank(forecasts: Sequence[CaseForecast]) -> list[CaseForecast]:
    """Order by risk for time, highest first; equal risks by id, so that every machine agrees."""
    return sorted(forecasts, key=lambda case: (-case.p_fail / (case.expected_s + MIN_SECONDS), case.case_id))


def choose(ranked: Sequence[CaseForecast], always: dict[str, Reason], budget_s: float) -> set[str]:
    """Give the ids to run: all that always run, then in rank order what still fits into the budget.

    A case too long for what is left is passed over, and shorter ones behind it may still run. Cases that always run
    are paid from the budget too, and may overdraw it.
    """
    chosen = {case.case_id for case in ranked if case.case_id in always}
    left = budget_s - sum(case.expected_s for case in ranked if case.case_id in always)
    for case in ranked:
        if case.case_id not in chosen and case.expected_s <= left:
            chosen.add(case.case_id)
            left -= case.expected_s
    return chosen


def plan_selection(request: SelectionRequest) -> SelectionPlan:
    """Decide, and verify the decision."""
    because = everything_because(
        request.change.paths,
        run_all=request.run_all,
        ignored=request.ignored,
        is_mapped=request.is_mapped,
        runs=request.runs,
        min_runs=request.min_runs,
    )
    rules = {case.case_id: always_runs(case, changed=request.changed, must_run=request.must_run) for case in request.forecasts}
    always = {case_id: reason for case_id, reason in rules.items() if reason is not None}
    ranked = rank(request.forecasts)
    ranked = [case for case in ranked if case.case_id in always] + [case for case in ranked if case.case_id not in always]
    total_s = sum(case.expected_s for case in ranked)
    budget = Budget(total_s, because) if because else budget_of(request.goal, total_s=total_s, curve=request.curve)
    chosen = {case.case_id for case in ranked} if budget.unmet else choose(ranked, always, budget.seconds)
    plan = SelectionPlan(
        cases=tuple(_planned(case, chosen, always, everything=bool(budget.unmet)) for case in ranked),
        made_from=request.made_from,
        goal=str(request.goal),
        everything_because=budget.unmet,
        observe=request.observe,
        order_only=request.order_only,
        miss=_miss(request.curve, ranked, chosen, total_s=total_s),
        history_share=sum(case.runs > 0 for case in ranked) / len(ranked) if ranked else 0.0,
        budget_s=None if budget.unmet else budget.seconds,
        change=request.change,
    )
    verify_selection(plan, rules)
    return plan


def _planned(case: CaseForecast, chosen: set[str], always: dict[str, Reason], *, everything: bool) -> PlannedCase:
    is_selected = case.case_id in chosen
    by_budget = Reason.WITHIN_BUDGET if is_selected else Reason.BEYOND_BUDGET
    reason = always.get(case.case_id, Reason.EVERYTHING if everything else by_budget)
    return PlannedCase(case.case_id, is_selected, reason, case.evidence, case.basis.value, case.p_fail, case.expected_s)


def _miss(curve: ConfidenceCurve, ranked: Sequence[CaseForecast], chosen: set[str], *, total_s: float) -> Miss | None:
    """Read the curve at the share of time selected; None where the backtest had no failing run."""
    if not curve.needed_shares:
        return None
    selected_s = sum(case.expected_s for case in ranked if case.case_id in chosen)
    share = 1.0 if len(chosen) == len(ranked) else selected_s / total_s if total_s > 0 else 0.0
    caught = caught_at(curve, share)
    if share >= 1.0:
        return Miss(0.0, 0.0, 0.0, caught.failing_runs)
    return Miss(1 - caught.p_caught, 1 - caught.high, 1 - caught.low, caught.failing_runs)


def plan_everything(
    case_ids: Sequence[str], *, reason: str, made_from: MadeFrom, goal: str = "", change: ChangeSummary | None = None
) -> SelectionPlan:
    """Run everything because knowledge is missing: `fallback` is set, and the reason said."""
    cases = tuple(PlannedCase(case_id, is_selected=True, reason=Reason.EVERYTHING) for case_id in dict.fromkeys(case_ids))
    return SelectionPlan(
        cases=cases,
        made_from=made_from,
        goal=goal,
        everything_because=reason,
        fallback=True,
        fallback_reason=reason,
        change=change or ChangeSummary(),
    )
