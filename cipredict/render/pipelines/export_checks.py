"""What exports share; what a provider cannot do is an error, never dropped in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import ceil

from cipredict.errors import UsageError
from cipredict.plans.pipeline_model import Kind, Pipeline, Stage
from cipredict.plans.pipeline_parts import CasePlan

_CALL = re.compile(r"(^|[;&|(]\s*)cipredict ", re.MULTILINE | re.ASCII)
DEFAULT_TIMEOUT_MINUTES = 60
"""Of a stage that sets none: nine of ten jobs in public workflows that set one set at most this."""

PLUGIN_VARIABLE = "CIPREDICT_ARGS"
"""Holds the options by which pytest follows the plan of a shard; empty where there is none."""

PLUGIN_FILE = "args"
"""Beside the plans of a stage: the options by which pytest follows them, without the shard's."""

PLANS = ".cipredict/plans"
"""Where the plan job leaves what it planned; a folder per sharded stage."""


def refuse_gaps(stages: Iterable[Stage], *, provider: str, most_retries: int) -> None:
    """Refuse retries beyond what the provider offers; raises UsageError naming every stage."""
    beyond = [stage.name for stage in stages if stage.retries > most_retries]
    if beyond:
        limit = f"at most {most_retries} retries" if most_retries else "no retries"
        message = f"{provider} offers {limit} of a job: {', '.join(beyond)}."
        raise UsageError(message, slug="export-gap", hint="cipredict's own runner retries.")


def refuse_conditions(stages: Iterable[Stage], *, provider: str, begin_with_dollar: bool) -> None:
    """Refuse conditions in the other provider's language; raises UsageError naming every stage."""
    foreign = [
        stage.name for stage in stages if stage.condition and stage.condition.startswith("$") != begin_with_dollar
    ]
    if foreign:
        message = f"'if' is no condition of {provider}: {', '.join(foreign)}."
        raise UsageError(message, slug="export-gap", hint="Use 'paths', which both providers can have.")


def timeout_minutes(stage: Stage) -> int:
    """Give whole minutes, rounded up."""
    return ceil(stage.timeout_s / 60) if stage.timeout_s else DEFAULT_TIMEOUT_MINUTES


def needs_of(stage: Stage, stages: Iterable[Stage]) -> tuple[str, ...]:
    """Let gates need every stage of work: what was skipped behind a failure looks like what was not chosen."""
    if stage.kind is Kind.GATE:
        return tuple(one.name for one in stages if one.kind is Kind.WORK)
    return stage.needs


def deploying_branches(pipeline: Pipeline) -> tuple[str, ...]:
    """Name the branches whose pushes reach environments; pull requests never do."""
    return pipeline.deployment.branches if pipeline.deployment else ("main",)


def setup_of(stage: Stage, *, setup: str, install: str) -> str:
    """Give what a job runs first: its own setup or the pipeline's, and cipredict where the stage calls it."""
    needs_us = bool(_CALL.search(stage.command))
    setup = setup if stage.setup is None else stage.setup
    return "\n".join(part for part in (setup.strip("\n"), install if needs_us else "") if part)


def case_command(stage: Stage, *, base: str) -> str:
    """Give the command that plans the cases of a stage and leaves the plans in a folder of its name."""
    plan = stage.plan or CasePlan()
    goal = f" --{plan.goal} {plan.goal_text}" if plan.goal else ""
    shards = f"--shards auto --max-shards {stage.shards}" if plan.is_fewest else f"--shards {stage.shards}"
    where = f"--cases {plan.cases} --folder {PLANS}/{stage.name}"
    return f"cipredict ci --mode {plan.mode}{goal} {shards} --base {base} {where}"


def definition_of(pipeline: Pipeline) -> str:
    """Give the argument that names the pipeline's file, with a blank before it; empty where commands find it."""
    return f" {pipeline.definition}" if pipeline.definition else ""
