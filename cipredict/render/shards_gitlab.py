"""A shard plan as jobs of a GitLab child pipeline. Pure: a plan in, text out.

::

    {"shards":     {"extends": ".cipredict-shard", "parallel": {"matrix": [{"SHARD": ["1", "2"], "SHARDS": ["3"]}]}},
     "gpu-shards": {"extends": ".cipredict-shard", "parallel": {"matrix": [{"SHARD": ["3"], "SHARDS": ["3"]}]},
                    "tags": ["gpu"]}}

JSON is YAML. The hidden job `.cipredict-shard`, with what a shard runs, is the project's own, included beside this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cipredict.errors import UsageError
from cipredict.plans.shard_plan import Shard, ShardPlan

TEMPLATE = ".cipredict-shard"
MAX_JOBS = 200
"""GitLab takes no larger `parallel:matrix`."""
_GITHUB_ONLY = frozenset({"self-hosted", "ubuntu-latest"})
"""Labels that GitHub gives to runners, and GitLab to none."""


def render_gitlab_shards(plan: ShardPlan) -> str:
    """Give the jobs, with one that has nothing to do where no case is planned: a child pipeline may not be empty.

    Raises
    ------
    UsageError
        More shards than a matrix may have.
    """
    running = [shard for shard in plan.shards if shard.tests] or plan.shards[:1]
    jobs = {
        name: _job([shard for shard in running if shard.needs_gpu is needs_gpu], of=len(plan.shards))
        for name, needs_gpu in (("shards", False), ("gpu-shards", True))
    }
    return json.dumps({name: job for name, job in jobs.items() if job}, indent=2, sort_keys=True) + "\n"


def _job(shards: Sequence[Shard], *, of: int) -> dict[str, object]:
    if not shards:
        return {}
    if len(shards) > MAX_JOBS:
        raise UsageError(f"{len(shards)} shards: GitLab runs at most {MAX_JOBS} of a matrix.", slug="shard-count")
    matrix = {"SHARD": [str(shard.shard_id + 1) for shard in shards], "SHARDS": [str(of)]}
    job: dict[str, object] = {"extends": TEMPLATE, "parallel": {"matrix": [matrix]}}
    tags = [label for label in shards[0].runner if label not in _GITHUB_ONLY]
    return job | ({"tags": tags} if tags else {})
