"""Cases that need a GPU in shards of their own: one suite, two pools of machines, one plan.

What stays together with such a case goes along with it. Nothing is dropped: without GPUs all cases are planned for the
other machines, where those that cannot run skip themselves, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cipredict.decide.division import ShardOptions
from cipredict.decide.grouping import make_groups
from cipredict.errors import UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.gpu_tests import GpuShards
from cipredict.plans.shard_plan import ShardPlan, verify_plan

Planner = Callable[[Sequence[str]], ShardPlan]
"""Divides cases among the machines of one pool."""


def plan_with_gpus(
    case_ids: Sequence[str], asked: GpuShards, *, plain: Planner, gpu: Planner, options: ShardOptions
) -> ShardPlan:
    """Plan both pools as one; `plain` divides among the machines without a GPU, `gpu` among the others.

    Raises
    ------
    UsageError
        With a queue: shards that share one take each other's cases, whatever their machines have.
    """
    if options.tail_share and asked.shards:
        message = "--tail and --gpu-shards do not go together: shards of a queue take each other's cases."
        raise UsageError(message, slug="gpu-queue")
    marked = tuple(sorted(asked.tests & set(case_ids)))
    if not asked.shards or not marked:
        plan = _labelled(plain(case_ids), asked.runner)
        note = _no_gpu_note(len(marked)) if not asked.shards else "No case is marked gpu: no shard needs one."
        plan = replace(plan, gpu_tests=marked, gpu_fallback=not asked.shards, reasons=(note, *plan.reasons))
        verify_plan(plan, case_ids)
        return plan
    along = _belonging(case_ids, asked.tests, options)
    there = _labelled(gpu([case for case in case_ids if case in along]), asked.gpu_runner)
    here = _labelled(plain([case for case in case_ids if case not in along]), asked.runner)
    plan = replace(_join(here, there), gpu_tests=marked)
    note = _gpu_note(marked=len(marked), along=len(along), shards=len(there.shards), runner=asked.gpu_runner)
    plan = replace(plan, reasons=(note, *_late_note(plan, there), *plan.reasons))
    verify_plan(plan, case_ids)
    return plan


def _belonging(case_ids: Sequence[str], marked: frozenset[str], options: ShardOptions) -> frozenset[str]:
    """Give the marked cases and all that share a group with one."""
    cases = (DurationForecast(case_id, 0.0, 0.0, 0.0, Basis.FALLBACK, 0) for case_id in case_ids)
    groups = make_groups(cases, group_of=options.group_of, together=options.together)
    chosen = {item for case, item in zip(groups.cases, groups.item_of, strict=True) if case.case_id in marked}
    return frozenset(case.case_id for case, item in zip(groups.cases, groups.item_of, strict=True) if item in chosen)


def _labelled(plan: ShardPlan, runner: tuple[str, ...]) -> ShardPlan:
    return replace(plan, shards=tuple(replace(shard, runner=runner) for shard in plan.shards))


def _join(here: ShardPlan, there: ShardPlan) -> ShardPlan:
    """Make one plan of two that run at the same time; its seconds are those of the one that ends last."""
    shards = [
        *here.shards,
        *(
            replace(shard, shard_id=len(here.shards) + shard.shard_id, worker=f"gpu {shard.worker}", needs_gpu=True)
            for shard in there.shards
        ),
    ]
    last = max(here, there, key=lambda plan: plan.makespan_s or 0.0)
    return replace(
        here,
        shards=tuple(shards),
        makespan_s=last.makespan_s,
        lower_bound_s=_latest(here.lower_bound_s, there.lower_bound_s),
        efficiency=_efficiency((here, there), last.makespan_s),
        floor=last.floor or here.floor,
        basis={**here.basis, **there.basis},
        fallback=here.fallback or there.fallback,
        fallback_reason=here.fallback_reason or there.fallback_reason,
        reasons=tuple(dict.fromkeys([*here.reasons, *(f"GPU shards: {reason}" for reason in there.reasons)])),
    )


def _latest(*seconds: float | None) -> float | None:
    known = [one for one in seconds if one is not None]
    return max(known, default=None)


def _efficiency(plans: Sequence[ShardPlan], makespan_s: float | None) -> float | None:
    """Give the share of the shards' time, until the last ends, in which cases run."""
    if not makespan_s:
        return None
    running = [sum(bool(shard.tests) for shard in plan.shards) for plan in plans]
    testing_s = sum(
        (plan.efficiency or 0.0) * count * (plan.makespan_s or 0.0) for plan, count in zip(plans, running, strict=True)
    )
    return testing_s / (sum(running) * makespan_s)


def _no_gpu_note(cases: int) -> str:
    if not cases:
        return "No case is marked gpu."
    return (
        f"{cases} cases are marked gpu and are planned without one (--no-gpu): they run on the CPU, or skip themselves."
    )


def _gpu_note(*, marked: int, along: int, shards: int, runner: tuple[str, ...]) -> str:
    others = f", and {along - marked} that stay together with them" if along > marked else ""
    return f"{marked} cases are marked gpu{others}: the last {shards} shards run them, on {', '.join(runner)}."


def _late_note(plan: ShardPlan, there: ShardPlan) -> tuple[str, ...]:
    """Say that it is the GPUs that a target is missed for."""
    if plan.target_s is None or there.makespan_s is None or there.makespan_s <= plan.target_s:
        return ()
    return (f"The GPU shards end after {there.makespan_s:.1f} s, later than the target: give more of them.",)
