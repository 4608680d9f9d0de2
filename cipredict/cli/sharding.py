"""`shard` from options to plan: read, divide, fall back to an even split where knowledge is missing, show."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.inputs import read_candidates, read_forecast, read_lines
from cipredict.cli.outputs import remember, strict_error, tell, warn
from cipredict.decide.division import RUN_SPREAD_SHARE, ShardOptions
from cipredict.decide.grouping import Grouping, GroupOf, group_by
from cipredict.decide.shard import make_pool, plan_even_split, plan_for_target, plan_shards, plan_worthwhile
from cipredict.errors import CipredictError, InputError, UsageError
from cipredict.forecast.durations import DurationTable
from cipredict.plans.document import MadeFrom, canonical_json, compact_json, write_plan
from cipredict.plans.selection_document import read_selection_plan
from cipredict.plans.shard_plan import ShardPlan, Strategy
from cipredict.quantities import parse_seconds, parse_share

if TYPE_CHECKING:
    from cipredict.settings import Settings

FORMATS = ("lines", "json", "github")
AUTO = "auto"
"""As a number of shards: as many as are worth their fixed cost."""


@dataclass(frozen=True, slots=True)
class ShardingOptions:
    """The command's options, as typed."""

    shards: str | None
    target_time: str | None
    max_shards: int
    strategy: str
    group_by: str
    together: tuple[Path, ...]
    tail: str | None
    selection: Path | None
    candidates: str | None
    collect: bool
    known: bool
    index: int | None
    strict: bool
    output_format: str
    flavour: str = ""


def divide(options: ShardingOptions, settings: Settings) -> ShardPlan:
    """Plan by predicted time, or evenly where no forecast can be used."""
    _check(options)
    candidates = _candidates(options)
    shard_options = ShardOptions(
        strategy=Strategy.parse(options.strategy),
        group_of=_grouping(options),
        together=tuple(tuple(read_lines(str(path), what="list")) for path in options.together),
        tail_share=parse_share(options.tail, option="--tail") if options.tail else 0.0,
    )
    try:
        return _by_forecast(options, settings, candidates, shard_options)
    except UsageError:
        raise
    except Exception as error:  # a CI job must not break on our account
        reason = str(error) if isinstance(error, CipredictError) else f"A bug in cipredict: {error!r}."
        if options.strict:
            raise strict_error(error) from error
        warn(f"{reason} Cases are split evenly.")
        if candidates is None:
            candidates = _collected(reason)
        count = _asked_count(options) or options.max_shards
        made_from = MadeFrom(__version__, settings=settings.source)
        return plan_even_split(candidates, count, reason=reason, made_from=made_from, options=shard_options)


def _collected(reason: str) -> list[str]:
    """Give what pytest collects, where the forecast's known cases were asked for and there is no forecast."""
    found = read_candidates(None, collect=True, known=False)
    if not found:
        raise InputError(f"{reason} pytest collects nothing here either.", slug="candidates-empty")
    return found


def _check(options: ShardingOptions) -> None:
    if (options.shards is None) == (options.target_time is None):
        raise UsageError("Give one of --shards and --target-time.", slug="shard-count")
    if options.output_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"Unknown format '{options.output_format}': choose from {known}.", slug="unknown-format")
    asked = _asked_count(options)
    count = options.max_shards if asked is None else asked
    make_pool(count)
    if options.index is not None and not 0 <= options.index < count:
        raise UsageError(f"--index {options.index}: shards count from 0 to {count - 1}.", slug="shard-index")
    if options.target_time is not None:
        parse_seconds(options.target_time, option="--target-time")


def _asked_count(options: ShardingOptions) -> int | None:
    """Give the number of shards that was typed, None where the plan shall find it."""
    if options.shards in {None, AUTO}:
        return None
    try:
        return int(options.shards or "")
    except ValueError:
        message = f"--shards: '{options.shards}' is not a valid integer, nor {AUTO}."
        raise UsageError(message, slug="shard-count") from None


def _candidates(options: ShardingOptions) -> list[str] | None:
    if options.selection is None:
        return read_candidates(options.candidates, collect=options.collect, known=options.known)
    if options.candidates is not None or options.collect or options.known:
        raise UsageError("Give one of --selection, --candidates, --collect and --known.", slug="candidates")
    return read_selection_plan(options.selection).to_run


def _grouping(options: ShardingOptions) -> GroupOf | None:
    grouping = Grouping.parse(options.group_by)
    if grouping is not Grouping.MARKER:
        return group_by(grouping)
    from cipredict.act.collect import collect_cases  # noqa: PLC0415  # starts a process, only when asked

    markers = collect_cases(cwd=Path.cwd()).markers
    return group_by(grouping, {case_id: min(names) for case_id, names in markers.items() if names})


def _by_forecast(
    options: ShardingOptions, settings: Settings, candidates: list[str] | None, shard_options: ShardOptions, /
) -> ShardPlan:
    bundle = read_forecast(settings)
    table = DurationTable.for_plans(bundle, flavour=options.flavour)
    cases = [table.expected(case_id) for case_id in (table.known() if candidates is None else candidates)]
    made_from = MadeFrom(
        __version__, forecast=bundle.forecast_id, model=bundle.manifest.model_version, settings=settings.source
    )
    spread = bundle.manifest.conformal.get("run", {}).get("spread_share", RUN_SPREAD_SHARE)
    shard_options = replace(
        shard_options,
        overhead_s=bundle.manifest.overhead_s,
        run_spread_share=float(spread),  # type: ignore[arg-type]  # a number by the schema
    )
    asked = _asked_count(options)
    if asked is not None:
        return plan_shards(cases, asked, made_from=made_from, options=shard_options)
    if options.shards == AUTO:
        return plan_worthwhile(cases, max_shards=options.max_shards, made_from=made_from, options=shard_options)
    return plan_for_target(
        cases,
        target_s=parse_seconds(options.target_time or "", option="--target-time"),
        max_shards=options.max_shards,
        made_from=made_from,
        options=shard_options,
    )


def show_shards(plan: ShardPlan, options: ShardingOptions, settings: Settings, *, output: Path | None) -> None:
    """Write one shard's cases, all shards or the matrix to stdout, the table to stderr, the plan to its file."""
    if options.index is not None:  # one of many jobs, all of which make the same plan: one of them shows it
        sys.stdout.write("".join(f"{case_id}\n" for case_id in _tests_of(plan, options.index)))
        if output is not None:
            write_plan(output, plan.to_document())
        return
    from cipredict.render.shards import render_count_curve, render_shard_summary, render_shards  # noqa: PLC0415

    document = plan.to_document()
    if output is not None:
        write_plan(output, document)
    remember(compact_json(document), settings.events)
    sys.stdout.write(_machine(plan, document, options))
    if plan.curve:
        tell(lambda: f"{render_count_curve(plan)}\n\n")
    tell(lambda: f"{render_shards(plan)}\n\n{render_shard_summary(plan)}\n")


def _tests_of(plan: ShardPlan, index: int) -> tuple[str, ...]:
    """Give a shard's cases; with a target time there may be fewer shards than jobs."""
    return plan.shards[index].tests if index < len(plan.shards) else ()


def _machine(plan: ShardPlan, document: dict[str, object], options: ShardingOptions) -> str:
    if options.output_format == "json":
        return canonical_json(document)
    if options.output_format == "github":
        from cipredict.render.shards import render_github_matrix  # noqa: PLC0415

        return render_github_matrix(plan).output_lines()
    return "".join(f"{shard.shard_id}\t{case_id}\n" for shard in plan.shards for case_id in shard.tests)
