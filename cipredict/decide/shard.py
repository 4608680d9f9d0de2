"""Divide a suite among machines: forecasts of its cases in, a shard plan out.

`plan_shards` for a given number of shards or named workers, `plan_for_target` for a time to meet, `plan_worthwhile` for
as many as pay, `plan_even_split` where there is no forecast. Pure and of the standard library only: 20 000 cases are
planned while people wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, isfinite

from cipredict.decide.division import Division, ShardOptions, queue_of, tests_of, write_down
from cipredict.decide.grouping import Groups, make_groups
from cipredict.decide.packing import Worker, lower_bound_s
from cipredict.decide.shard_count import WORTH_SHARE, count_curve, count_note, worthwhile_count
from cipredict.decide.shard_notes import queue_note, target_note
from cipredict.decide.strategies import pack
from cipredict.errors import ForecastUnusable, UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_plan import Shard, ShardPlan, Strategy, verify_plan

MAX_SHARDS = 10_000


Pool = int | Sequence[str | Worker]
"""A number of equal workers, or workers by name or by what they can do."""


def make_pool(pool: Pool) -> list[Worker]:
    """Give the workers, or raise UsageError: none at all, too many, two of a name, no speed."""
    if isinstance(pool, int):
        _require(1 <= pool <= MAX_SHARDS, f"Cannot divide into {pool} shards: give 1 to {MAX_SHARDS}.", "shard-count")
        return [Worker(str(number)) for number in range(1, pool + 1)]
    workers = [worker if isinstance(worker, Worker) else Worker(str(worker)) for worker in pool]
    _require(1 <= len(workers) <= MAX_SHARDS, f"Cannot divide among {len(workers)} workers.", "shard-count")
    _require(len({worker.name for worker in workers}) == len(workers), "Two workers have the same name.", "worker-pool")
    for worker in workers:
        able = isfinite(worker.speed) and worker.speed > 0 and worker.room_bytes > 0
        _require(able, f"Worker '{worker.name}' needs a speed and memory above 0.", "worker-pool")
    return workers


def plan_shards(
    cases: Iterable[DurationForecast], pool: Pool, *, made_from: MadeFrom, options: ShardOptions | None = None
) -> ShardPlan:
    """Divide the cases among the workers of a pool; more workers than cases leave some empty.

    Raises
    ------
    UsageError
        The pool or an option cannot be meant.
    ForecastUnusable
        A forecast is not a number of seconds; `plan_even_split` is the answer.
    """
    options = _checked(options)
    workers = make_pool(pool)
    groups = _group(cases, options)
    homes = pack(options.strategy, groups.items, workers, overhead_s=options.overhead_s)
    return write_down(Division(groups, workers, homes, options), made_from)


def plan_for_target(
    cases: Iterable[DurationForecast],
    *,
    target_s: float,
    max_shards: int,
    made_from: MadeFrom,
    options: ShardOptions | None = None,
) -> ShardPlan:
    """Divide into the fewest shards that end within `target_s`, overhead included.

    Where no number up to `max_shards` does, into the fewest that end within WORTH_SHARE of the earliest possible; the
    plan's first reason says so. `predictive` asks that the target be met even if cases take longer.

    Raises
    ------
    UsageError, ForecastUnusable
        As `plan_shards`.
    """
    options = _checked(options)
    _require(isfinite(target_s) and target_s > 0, f"Cannot meet a target of {target_s} seconds.", "target-time")
    most = make_pool(max_shards)
    groups = _group(cases, options)
    earliest_s = options.overhead_s + lower_bound_s(groups.items, most)
    goal_s = target_s if earliest_s <= target_s else earliest_s * (1 + WORTH_SHARE)
    division = _fewest_within(goal_s, groups, most=most, options=options)
    plan = write_down(division, made_from)
    note = target_note(plan, target_s=target_s, max_shards=max_shards, ends_s=division.ends_s())
    return replace(plan, target_s=target_s, reasons=(*note, *plan.reasons))


def plan_worthwhile(
    cases: Iterable[DurationForecast], *, max_shards: int, made_from: MadeFrom, options: ShardOptions | None = None
) -> ShardPlan:
    """Divide into as many shards as are worth their fixed cost; the plan holds the curve it was read from.

    Raises
    ------
    UsageError, ForecastUnusable
        As `plan_shards`.
    """
    options = _checked(options)
    most = make_pool(max_shards)
    groups = _group(cases, options)
    curve = count_curve(groups.items, overhead_s=options.overhead_s, max_shards=max_shards)
    chosen = worthwhile_count(curve)
    workers = most[: chosen.shards]
    homes = pack(options.strategy, groups.items, workers, overhead_s=options.overhead_s)
    plan = write_down(Division(groups, workers, homes, options), made_from)
    return replace(plan, curve=curve, reasons=(count_note(curve, chosen), *plan.reasons))


def plan_even_split(
    case_ids: Iterable[str],
    pool: Pool,
    *,
    reason: str,
    made_from: MadeFrom,
    options: ShardOptions | None = None,
) -> ShardPlan:
    """Deal out the sorted cases in turn, groups whole, where there is no forecast; no time is claimed."""
    options = _checked(options)
    workers = make_pool(pool)
    unknown = (DurationForecast(case_id, 0.0, 0.0, 0.0, Basis.FALLBACK, 0) for case_id in case_ids)
    groups = make_groups(unknown, group_of=options.group_of, together=options.together)
    homes = pack(Strategy.ROUND_ROBIN, groups.items, workers)
    tests = tests_of(groups, homes, len(workers))
    plan = ShardPlan(
        strategy=Strategy.ROUND_ROBIN,
        shards=tuple(Shard(at, tuple(tests[at]), worker.name) for at, worker in enumerate(workers)),
        made_from=made_from,
        overhead_s=options.overhead_s,
        queue=queue_of(Division(groups, workers, homes, options), is_known=False),
        basis={case.case_id: Basis.FALLBACK.value for case in groups.cases},
        fallback=True,
        fallback_reason=reason,
        reasons=(f"No forecast: {reason} Cases are dealt out evenly by number.",),
    )
    verify_plan(plan, plan.basis, together=groups.members())
    return replace(plan, reasons=(*plan.reasons, *queue_note(plan)))


def _require(fine: bool, message: str, slug: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not fine:
        raise UsageError(message, slug=slug)


def _checked(options: ShardOptions | None) -> ShardOptions:
    options = options or ShardOptions()
    fine = isfinite(options.overhead_s) and options.overhead_s >= 0
    _require(fine, f"A job cannot cost {options.overhead_s} seconds before its first case.", "shard-overhead")
    return options


def _group(cases: Iterable[DurationForecast], options: ShardOptions) -> Groups:
    groups = make_groups(cases, group_of=options.group_of, together=options.together)
    items = groups.items
    if not isfinite(sum(items.seconds) + sum(items.late_s)) or min(items.seconds, default=0.0) < 0:
        raise ForecastUnusable("The forecast holds times that are not seconds.", slug="forecast-nonsense")
    return groups


def _fewest_within(goal_s: float, groups: Groups, *, most: Sequence[Worker], options: ShardOptions) -> Division:
    """Try counts upwards from the first that the lower bound allows; the last is `most`."""
    total_s = sum(groups.items.seconds)
    testing_s = max(goal_s - options.overhead_s, total_s / len(most), 1e-9)
    first = min(len(most), max(1, ceil(total_s / testing_s * (1 - 1e-9))))
    for count in range(first, len(most) + 1):
        workers = most[:count]
        homes = pack(options.strategy, groups.items, workers, overhead_s=options.overhead_s)
        division = Division(groups, workers, homes, options)
        if division.ends_s() <= goal_s:
            break
    return division
