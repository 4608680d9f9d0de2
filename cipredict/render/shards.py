"""A shard plan for people and for workflows. Pure: a plan in, text out.

Tables are plain text: importing rich would take an eighth of the 300 ms in which 20 000 cases are to be divided.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from cipredict.plans.shard_plan import CountPoint, Shard, ShardPlan
from cipredict.render.plain import plain_table

MAX_ROWS = 64
"""More shards than this are summed up by their extremes: nobody reads two hundred rows in a log."""


def render_shards(plan: ShardPlan) -> str:
    """Lay out the shards: cases, expected seconds with their interval, processes worth starting."""
    shown = plan.shards
    title = f"{len(plan.shards)} shards, {plan.cases} cases, strategy {plan.strategy.value}"
    if len(shown) > MAX_ROWS:
        shown = tuple(sorted(shown, key=lambda shard: (-(shard.estimated_time or 0.0), shard.shard_id))[:MAX_ROWS])
        title = f"{title}; the longest {MAX_ROWS}"
    return plain_table(title, ("shard", "cases", "expected", "interval", "processes"), map(_row, shown))


def render_count_curve(plan: ShardPlan) -> str:
    """Lay out what each number of shards would mean; the arrow marks the chosen one."""
    rows = [_count_row(point, is_chosen=point.shards == len(plan.shards)) for point in plan.curve[:MAX_ROWS]]
    return plain_table("How many shards", ("shards", "wall", "billed minutes", ""), rows)


def _count_row(point: CountPoint, *, is_chosen: bool) -> tuple[str, ...]:
    return str(point.shards), duration(point.wall_s), f"{point.billed_s / 60:.0f}", "<-" if is_chosen else ""


def _row(shard: Shard) -> tuple[str, ...]:
    processes = str(shard.parallelism) if shard.estimated_time is not None else "-"
    interval = (
        "-" if shard.low_s is None or shard.high_s is None else f"{duration(shard.low_s)} to {duration(shard.high_s)}"
    )
    number = str(shard.shard_id + 1)
    name = number if shard.worker == number else f"{number} ({shard.worker})"
    return name, str(len(shard.tests)), duration(shard.estimated_time), interval, processes


def duration(seconds: float | None) -> str:
    """Write seconds as people say them.

    >>> duration(0.3), duration(75.4), duration(7384), duration(None)
    ('0.3 s', '1 min 15 s', '2 h 3 min', '-')
    """
    if seconds is None:
        return "-"
    if round(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def render_shard_summary(plan: ShardPlan) -> str:
    """Say in a few lines when the plan ends, how good that is, and on what it rests; ends with the plan's reasons."""
    return "\n".join([*_time_lines(plan), *_history_line(plan), *plan.reasons])


def _time_lines(plan: ShardPlan) -> list[str]:
    if plan.makespan_s is None or plan.lower_bound_s is None or plan.efficiency is None or plan.floor is None:
        return []
    over_share = plan.makespan_s / plan.lower_bound_s - 1 if plan.lower_bound_s else 0.0
    overhead = f", {duration(plan.overhead_s)} of it to start a job" if plan.overhead_s else ""
    return [
        f"Expected to end after {duration(plan.makespan_s)}{overhead}; no plan ends before "
        f"{duration(plan.lower_bound_s)} ({over_share:.2%} above that bound). Efficiency {plan.efficiency:.0%}.",
        f"Longest undivided: {plan.floor.name} takes {duration(plan.floor.seconds)}.",
    ]


def _history_line(plan: ShardPlan) -> list[str]:
    if plan.fallback or not plan.basis:
        return []
    counts = plan.basis_counts()
    assumed = counts.get("fallback", 0)
    share = 1 - assumed / len(plan.basis)
    of_neighbours = f", {assumed} assumed to take their neighbours' median" if assumed else ""
    return [f"{share:.0%} of the cases have history{of_neighbours}."]


class GithubMatrix(NamedTuple):
    """Workflow outputs of a plan.

    Attributes
    ----------
    matrix : JSON for `strategy.matrix`, `{"include": [{"shard": 1, "index": 0, ...}]}`
    jobs : its entries, at least 1; the output `count`
    has_tests : false where no case is planned; the one entry of the matrix is then empty, and its job has nothing to do
    """

    matrix: str
    jobs: int
    has_tests: bool

    def output_lines(self) -> str:
        """Give the lines to append to `$GITHUB_OUTPUT`."""
        return f"matrix={self.matrix}\ncount={self.jobs}\nhas_tests={str(self.has_tests).lower()}\n"


def render_github_matrix(plan: ShardPlan) -> GithubMatrix:
    """Give one entry per shard that has cases, and one entry where none has: GitHub refuses an empty matrix.

    `shard` counts from 1, for names; `index` from 0, for `cipredict shard --index`; `of` is the number of shards in the
    plan, empty ones included. Case ids stay out: an output holds at most 1 MB.
    """
    running = [shard for shard in plan.shards if shard.tests]
    include = [_entry(shard, of=len(plan.shards)) for shard in running or plan.shards[:1]]
    matrix = json.dumps({"include": include}, sort_keys=True, separators=(",", ":"))
    return GithubMatrix(matrix, len(include), bool(running))


def _entry(shard: Shard, *, of: int) -> dict[str, object]:
    """Give one entry; `runner` and `needs_gpu` where machines differ, for `runs-on: ${{ matrix.runner }}`."""
    is_told = bool(shard.runner) or shard.needs_gpu
    machine: dict[str, object] = {"runner": list(shard.runner), "needs_gpu": shard.needs_gpu} if is_told else {}
    return machine | {
        "shard": shard.shard_id + 1,
        "index": shard.shard_id,
        "of": of,
        "tests": len(shard.tests),
        "estimated_time": None if shard.estimated_time is None else round(shard.estimated_time, 1),
        "parallelism": shard.parallelism,
        "worker": shard.worker,
    }
