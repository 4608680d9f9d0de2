"""Choose the cases that a change needs: forecasts and rules in, a selection plan out. Pure, standard library only.

Cases that always run come first; then risk for time with diminishing returns, until the budget is spent. Dividing by
time raised APFDc on all eight public sets (research: selection, section 0.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import fsum
from operator import itemgetter

from cipredict.decide.goal import Budget, Confidence, Goal, budget_of, caught_at
from cipredict.decide.rules import (
    PathRules,
    always_running,
    everything_because,
    exploration,
    is_drawn,
    moves_nothing,
)
from cipredict.forecast.interface import Basis, CaseForecast, ConfidenceCurve
from cipredict.forecast.priority import MIN_SECONDS, priorities
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom
from cipredict.plans.selection_plan import (
    ChangeSummary,
    Miss,
    PlannedCase,
    Reason,
    SelectionPlan,
    verify_selection,
)

DEFAULT_GOAL = Confidence(0.95)
"""Without a wish of the user's, as little as the backtest can answer for."""
_ROUNDING_S = 1e-9
_BASIS_WORDS = {basis: basis.value for basis in Basis}  # `.value` calls Python code, per case


@dataclass(frozen=True, slots=True)
class SelectionRequest:
    """Everything a selection depends on.

    Attributes
    ----------
    forecasts : one per candidate; of a repeated id the last counts
    change : both paths of a rename belong into it
    is_mapped : tells whether anything ties a changed path to cases
    runs, min_runs : runs behind the forecast, and how many are enough to skip anything
    must_run, run_all, ignored : globs, see `Settings`
    observe, order_only : everything runs all the same
    full_run_share : share (0…1) of the commits that run in full, drawn by `change.head`
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
    full_run_share: float = 0.0


def plan_selection(request: SelectionRequest) -> SelectionPlan:
    """Decide, and verify the decision."""
    candidates = {case.case_id: case for case in request.forecasts}
    always = always_running(candidates.values(), changed=frozenset(request.change.paths), must_run=request.must_run)
    ordered = in_plan_order(list(candidates.values()), always)
    total_s = fsum(_cost_s(case) for case in ordered)
    limit = _limit(request, frozenset(map(case_file, candidates)), total_s=total_s)
    chosen = set(candidates) if limit.runs_all else choose(ordered, always, limit.budget.seconds)
    plan = SelectionPlan(
        cases=_decisions(ordered, always, chosen=chosen, limit=limit),
        made_from=request.made_from,
        goal=str(request.goal),
        everything_because=limit.budget.unmet,
        observe=request.observe,
        order_only=request.order_only,
        miss=_miss(request.curve, ordered, chosen=chosen, limit=limit, total_s=total_s),
        history_share=sum(case.runs > 0 for case in ordered) / len(ordered) if ordered else None,
        budget_s=None if limit.runs_all else limit.budget.seconds,
        change=request.change,
    )
    verify_selection(plan, candidates)
    return plan


def rank(forecasts: Sequence[CaseForecast]) -> list[CaseForecast]:
    """Order by priority, highest first; equals by id, so that every machine agrees."""
    by_id = sorted(forecasts, key=itemgetter(0))  # the id, fetched in C: people wait for 10,000 of them
    given = priorities(
        [case.p_fail for case in by_id],
        [case.expected_s for case in by_id],
        [case.failed_last for case in by_id],
        files=[case_file(case.case_id) for case in by_id],
    )
    return [by_id[position] for position in sorted(range(len(by_id)), key=given.__getitem__, reverse=True)]


def in_plan_order(forecasts: Sequence[CaseForecast], always: Mapping[str, Reason]) -> list[CaseForecast]:
    """Order as a plan does: cases that always run, then the others, both ranked."""
    ranked = rank(forecasts)
    return [c for c in ranked if c.case_id in always] + [c for c in ranked if c.case_id not in always]


def choose(ordered: Sequence[CaseForecast], always: Mapping[str, Reason], budget_s: float) -> set[str]:
    """Give the ids to run: all that always run, then in order what still fits into the budget.

    A case too long for what is left is passed over, and shorter ones behind it may still run. So what runs contains
    the longest beginning of the order that fits, which is what the backtest's curve promises, but a larger budget may
    drop a short case for a riskier long one. Cases that always run are paid from the budget too, and may overdraw it.
    """
    chosen = {case.case_id for case in ordered if case.case_id in always}
    left_s = budget_s - fsum(_cost_s(case) for case in ordered if case.case_id in always) + _ROUNDING_S
    for case in ordered:
        cost_s = _cost_s(case)
        if cost_s <= left_s and case.case_id not in chosen:
            chosen.add(case.case_id)
            left_s -= cost_s
    return chosen


def _cost_s(case: CaseForecast) -> float:
    return case.expected_s if case.expected_s > MIN_SECONDS else MIN_SECONDS


@dataclass(frozen=True, slots=True)
class _Limit:
    """What holds for all cases: the budget, and whether the change moves anything at all."""

    budget: Budget
    moves_nothing: bool = False

    @property
    def runs_all(self) -> bool:
        return bool(self.budget.unmet)


def _limit(request: SelectionRequest, files: AbstractSet[str], *, total_s: float) -> _Limit:
    paths = request.change.paths
    rules = PathRules(request.run_all, request.ignored, request.is_mapped, files)
    because = everything_because(paths, rules, runs=request.runs, min_runs=request.min_runs)
    if because:
        return _Limit(Budget(total_s, because))
    if moves_nothing(paths, rules):
        return _Limit(Budget(0.0), moves_nothing=True)
    if is_drawn(request.change.head, request.full_run_share):
        return _Limit(Budget(total_s, exploration(request.full_run_share)))
    return _Limit(budget_of(request.goal, total_s=total_s, curve=request.curve))


def _decisions(
    ordered: Sequence[CaseForecast], always: Mapping[str, Reason], *, chosen: AbstractSet[str], limit: _Limit
) -> tuple[PlannedCase, ...]:
    """Give what becomes of every case, column by column: people wait for 10,000 of them."""
    selected, skipped = _reason(limit, is_selected=True), _reason(limit, is_selected=False)
    columns = (
        [case.case_id for case in ordered],
        [case.case_id in chosen for case in ordered],
        [always.get(case.case_id, selected) if case.case_id in chosen else skipped for case in ordered],
        [case.evidence for case in ordered],
        [_BASIS_WORDS[case.basis] for case in ordered],
        [case.p_fail for case in ordered],
        [case.expected_s for case in ordered],
    )
    return tuple(map(PlannedCase._make, zip(*columns, strict=True)))


def _reason(limit: _Limit, *, is_selected: bool) -> Reason:
    """Give why a case without a rule of its own runs or not."""
    if limit.runs_all:
        return Reason.EVERYTHING
    if limit.moves_nothing:
        return Reason.NOTHING_MOVED
    return Reason.WITHIN_BUDGET if is_selected else Reason.BEYOND_BUDGET


def _miss(
    curve: ConfidenceCurve, ordered: Sequence[CaseForecast], *, chosen: AbstractSet[str], limit: _Limit, total_s: float
) -> Miss | None:
    """Read the curve at the share of time that was allowed, or at the share that rules overdrew it to.

    None where nobody measured it: no failing run in the backtest, or a change that moves nothing, as no run of the
    curve had.
    """
    if len(chosen) == len(ordered):
        return Miss(0.0, 0.0, 0.0, len(curve.needed_shares))
    if not curve.needed_shares or limit.moves_nothing:
        return None
    selected_s = fsum(_cost_s(case) for case in ordered if case.case_id in chosen)
    caught = caught_at(curve, min(max(selected_s, limit.budget.seconds) / total_s, 1.0))
    return Miss(1 - caught.p_caught, 1 - caught.high, 1 - caught.low, caught.failing_runs)


def plan_everything(
    case_ids: Sequence[str], *, reason: str, made_from: MadeFrom, goal: str = "", change: ChangeSummary | None = None
) -> SelectionPlan:
    """Run everything because knowledge is missing: `fallback` is set, and the reason said."""
    cases = tuple(
        PlannedCase(case_id, is_selected=True, reason=Reason.EVERYTHING) for case_id in dict.fromkeys(case_ids)
    )
    return SelectionPlan(
        cases=cases,
        made_from=made_from,
        goal=goal,
        everything_because=reason,
        fallback=True,
        fallback_reason=reason,
        miss=Miss(0.0, 0.0, 0.0, 0),
        change=change or ChangeSummary(),
    )
