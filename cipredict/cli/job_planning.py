"""`cipredict ci` from options to jobs: select, divide, leave the plans in a folder; in doubt everything runs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.outputs import append_step_summary, remember, tell, warn
from cipredict.cli.selecting import SelectionOptions, parse_goal, select
from cipredict.cli.sharding import AUTO, ShardingOptions, divide
from cipredict.errors import CipredictError, InputError, UsageError
from cipredict.plans.document import compact_json, write_plan
from cipredict.render.github import render_outputs
from cipredict.render.job_plan import JobPlan, job_outputs, render_job_summary
from cipredict.render.selection import render_selection, say_selection
from cipredict.render.shards import render_shard_summary, render_shards

if TYPE_CHECKING:
    from cipredict.decide.goal import Goal
    from cipredict.settings import Settings

MOST_JOBS = 256
"""GitHub's limit for a matrix."""

_NONE_KNOWN = "The forecast knows no case."
_CASES = ("collect", "known")
_NO_OPTIONS = SelectionOptions(
    base=None,
    changed=(),
    diff=None,
    candidates=None,
    collect=False,
    known=False,
    goal=parse_goal(target=None, time=None, confidence=None),
    must_run=(),
    observe=False,
    order_only=False,
    strict=False,
    output_format="lines",
)


class Mode(StrEnum):
    """What is planned: which cases run, in which job each runs, both, or both with a selection that only watches."""

    SELECT = "select"
    SHARD = "shard"
    SELECT_SHARD = "select-shard"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class JobOptions:
    """The command's options, as typed."""

    mode: str
    target: str | None
    confidence: str | None
    shards: str
    max_shards: int
    base: str | None
    cases: str
    folder: Path


def plan_jobs(options: JobOptions, settings: Settings) -> JobPlan:
    """Plan the jobs of a suite; whatever goes wrong makes everything run, in equal shares.

    Raises
    ------
    UsageError
        An option cannot be meant.
    """
    mode, goal = _check(options)
    try:
        return _planned(options, settings, mode, goal)
    except Exception as error:  # a CI job must not break on our account
        if isinstance(error, UsageError) and not isinstance(error, InputError):
            raise
        reason = str(error) if isinstance(error, CipredictError) else f"A bug in cipredict: {error!r}."
        warn(f"{reason} Everything runs, in equal shares.")
        return JobPlan(equal_jobs=_equal_jobs(options, mode), fallback_reason=reason)


def _check(options: JobOptions) -> tuple[Mode, Goal]:
    if options.mode not in tuple(Mode):
        raise UsageError(f"--mode: unknown '{options.mode}': choose from {', '.join(Mode)}.", slug="ci-mode")
    if options.cases not in _CASES:
        raise UsageError(f"--cases: unknown '{options.cases}': choose from {', '.join(_CASES)}.", slug="ci-mode")
    if str(options.folder).split() != [str(options.folder)]:
        raise UsageError(
            f"--folder: '{options.folder}' has blanks, which no option of pytest survives.", slug="ci-mode"
        )
    if options.shards != AUTO and not (options.shards.isdecimal() and 1 <= int(options.shards) <= MOST_JOBS):
        message = f"--shards: '{options.shards}' is not {AUTO}, nor a number from 1 to {MOST_JOBS}."
        raise UsageError(message, slug="shard-count")
    if not 1 <= options.max_shards <= MOST_JOBS:
        raise UsageError(f"--max-shards: {options.max_shards} is not from 1 to {MOST_JOBS}.", slug="shard-count")
    is_share = options.target is not None and options.target.strip().endswith("%")
    return Mode(options.mode), parse_goal(
        target=options.target if is_share else None,
        time=None if is_share else options.target,
        confidence=options.confidence,
    )


def _equal_jobs(options: JobOptions, mode: Mode) -> int:
    return 1 if mode is Mode.SELECT or options.shards == AUTO else int(options.shards)


def _planned(options: JobOptions, settings: Settings, mode: Mode, goal: Goal) -> JobPlan:
    is_known, files = options.cases == "known", []
    plan = JobPlan()
    path: Path | None = None
    if mode is not Mode.SHARD:
        wish = replace(
            _NO_OPTIONS,
            base=options.base,
            collect=not is_known,
            known=is_known,
            goal=goal,
            observe=mode is Mode.OBSERVE,
        )
        selection = select(wish, settings)
        if not selection.cases and (is_known or selection.fallback):
            raise InputError(selection.fallback_reason or _NONE_KNOWN, slug="candidates-empty")
        path = options.folder / "selection.json"
        write_plan(path, selection.to_document())
        remember(selection.to_record(), settings.events)
        plan = JobPlan(selection=selection, fallback_reason=selection.fallback_reason)
        files.append(path)
    if mode is not Mode.SELECT:
        shards = divide(_sharding(options, selection=path, is_known=is_known), settings)
        if not shards.cases and mode is Mode.SHARD and is_known:
            raise InputError(_NONE_KNOWN, slug="candidates-empty")
        where = options.folder / "shards.json"
        write_plan(where, shards.to_document())
        remember(compact_json(shards.to_document()), settings.events)
        plan = replace(plan, shards=shards, fallback_reason=plan.fallback_reason or shards.fallback_reason)
        files.append(where)
    plan = replace(plan, plan_options=" ".join(f"--cipredict-plan {file.as_posix()}" for file in files))
    (options.folder / "args").write_text(f"{plan.plan_options}\n", encoding="utf-8")
    return plan


def _sharding(options: JobOptions, *, selection: Path | None, is_known: bool) -> ShardingOptions:
    return ShardingOptions(
        shards=options.shards,
        target_time=None,
        max_shards=options.max_shards,
        strategy="optimal",
        group_by="case",
        together=(),
        tail=None,
        selection=selection,
        candidates=None,
        collect=selection is None and not is_known,
        known=selection is None and is_known,
        index=None,
        strict=False,
        output_format="github",
    )


def show_jobs(plan: JobPlan) -> None:
    """Set the step's outputs, on stdout where there is no place for them, and show people what was decided."""
    lines = render_outputs(job_outputs(plan))
    place = os.environ.get("GITHUB_OUTPUT")
    if place:
        try:
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise InputError(f"Cannot write {place}: {error.strerror}.", slug="output-unwritable") from error
    else:
        sys.stdout.write(lines)
    if plan.selection is not None:
        found = plan.selection
        tell(lambda: "\n".join([render_selection(found), "", *say_selection(found), ""]))
    if plan.shards is not None:
        shards = plan.shards
        tell(lambda: f"{render_shards(shards)}\n\n{render_shard_summary(shards)}\n")
    append_step_summary(partial(render_job_summary, plan))
