"""The jobs that run a suite, for a workflow: outputs of the step that planned them, and its summary. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cipredict.plans.selection_plan import SelectionPlan
from cipredict.plans.shard_plan import ShardPlan
from cipredict.render.github import clip_summary, code
from cipredict.render.selection import render_step_summary
from cipredict.render.shards import MAX_ROWS, duration, render_github_matrix, render_shard_summary


@dataclass(frozen=True, slots=True)
class JobPlan:
    """Which jobs run a suite.

    Attributes
    ----------
    plan_options : options by which pytest follows the plans, the same in every job
    equal_jobs : without a shard plan, so many jobs that share everything equally
    fallback_reason : why everything runs, empty where it was decided
    """

    selection: SelectionPlan | None = None
    shards: ShardPlan | None = None
    plan_options: str = ""
    equal_jobs: int = 1
    fallback_reason: str = ""

    @property
    def has_tests(self) -> bool:
        """Tell whether any job has something to do; where nothing is known, all have."""
        if self.selection is not None and not (self.selection.fallback and not self.selection.cases):
            return self.selection.has_tests
        return self.shards is None or self.shards.cases > 0

    @property
    def entries(self) -> list[dict[str, object]]:
        """Give the matrix, job by job; there is always one."""
        if self.shards is None:
            found: list[dict[str, object]] = [
                {"shard": at + 1, "index": at, "of": self.equal_jobs} for at in range(self.equal_jobs)
            ]
        else:
            found = json.loads(render_github_matrix(self.shards).matrix)["include"]
        return [{**entry, "args": self._options(entry)} for entry in found]

    def _options(self, entry: Mapping[str, object]) -> str:
        own = "" if entry["of"] == 1 and self.shards is None else f"--cipredict-shard {entry['shard']}/{entry['of']}"
        return " ".join(filter(None, (self.plan_options, own)))

    def seconds(self) -> tuple[float, float] | None:
        """Give the test seconds that run and that do not, None where nothing is known."""
        if self.selection is not None:
            done_s, all_s = self.selection.to_run_s, self.selection.total_s
            return (done_s, all_s - done_s) if self.selection.is_timed else None
        if self.shards is None or self.shards.makespan_s is None:
            return None
        busy = [shard.estimated_time or 0.0 for shard in self.shards.shards if shard.tests]
        return sum(busy) - len(busy) * (self.shards.overhead_s or 0.0), 0.0


def job_outputs(plan: JobPlan) -> dict[str, str]:
    """Give the step's outputs; unknown ones are empty."""
    entries, seconds = plan.entries, plan.seconds()
    wall_s = plan.shards.makespan_s if plan.shards else None
    return {
        "has_tests": str(plan.has_tests).lower(),
        "matrix": json.dumps({"include": entries}, sort_keys=True, separators=(",", ":")),
        "count": str(len(entries)),
        "est_seconds": f"{seconds[0]:.1f}" if seconds else "",
        "est_saved_seconds": f"{seconds[1]:.1f}" if seconds else "",
        "est_wall_seconds": "" if wall_s is None else f"{wall_s:.1f}",
        "fallback": str(bool(plan.fallback_reason)).lower(),
        "fallback_reason": plan.fallback_reason,
    }


def render_job_summary(plan: JobPlan) -> str:
    """Write Markdown for `$GITHUB_STEP_SUMMARY`: what was selected, and how it is divided."""
    return clip_summary("\n".join(_summary_lines(plan)) + "\n")


def _summary_lines(plan: JobPlan) -> Iterator[str]:
    if plan.selection is not None:
        yield render_step_summary(plan.selection)
    elif plan.fallback_reason:
        yield f"**Fallback, everything runs:** {code(plan.fallback_reason)}\n"
    if plan.shards is None:
        return
    yield "### Shards\n\n| shard | cases | expected |\n|---|---:|---:|"
    for shard in plan.shards.shards[:MAX_ROWS]:
        yield f"| {shard.shard_id + 1} | {len(shard.tests)} | {duration(shard.estimated_time)} |"
    yield ""
    yield from (f"{code(line)}  " for line in render_shard_summary(plan.shards).splitlines() if line)
