"""`shard` from options to plan: read, divide, fall back to an even split where knowledge is missing, show."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.inputs import candidates_of, read_candidates, read_forecast, read_lines
from cipredict.cli.outputs import remember, strict_error, tell, warn
from cipredict.decide.division import RUN_SPREAD_SHARE, ShardOptions
from cipredict.decide.grouping import Grouping, GroupOf, group_by
from cipredict.decide.shard import make_pool, plan_even_split, plan_for_target, plan_shards, plan_worthwhile
from cipredict.errors import CipredictError, InputError, UsageError
from cipredict.forecast.durations import DurationTable
from cipredict.plans.document import MadeFrom, canonical_json, compact_json, write_plan
from cipredict.plans.gpu_tests import GPU_MARKER, GpuShards
from cipredict.plans.selection_document import read_selection_plan
from cipredict.plans.shard_plan import ShardPlan, Strategy
from cipredict.quantities import parse_seconds, parse_share

if TYPE_CHECKING:
    from cipredict.act.collect import Collection
    from cipredict.decide.gpu_shards import Planner
    from cipredict.forecast.interface import DurationForecast
    from cipredict.settings import Settings

FORMATS = ("lines", "json", "github", "gitlab")
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
    gpu_shards: int = 0
    no_gpu: bool = False
    gpu_runner: str = "self-hosted,gpu"
    runner: str = "ubuntu-latest"

    @property
    def minds_gpus(self) -> bool:
        """Tell whether cases that need a GPU are to be told apart."""
        return self.no_gpu or self.gpu_shards > 0


def divide(options: ShardingOptions, settings: Settings) -> ShardPlan:
    """Plan by predicted time, or evenly where no forecast can be used."""
    _check(options)
    suite = _collect(options)
    candidates = _candidates(options, suite)
    shard_options = ShardOptions(
        strategy=Strategy.parse(options.strategy),
        group_of=_grouping(options, suite),
        together=tuple(tuple(read_lines(str(path), what="list")) for path in options.together),
        tail_share=parse_share(options.tail, option="--tail") if options.tail else 0.0,
    )
    gpus = _gpu_shards(options, suite)
    try:
        plan = _by_forecast(options, settings, candidates, shard_options, gpus)
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

        def split(cases: Sequence[str], shards: int = count) -> ShardPlan:
            return plan_even_split(cases, shards, reason=reason, made_from=made_from, options=shard_options)

        plan = _by_machines(candidates, gpus, split, lambda cases: split(cases, options.gpu_shards), shard_options)
    return _note_gpus(plan, options, suite)


def _by_machines(
    cases: Sequence[str], gpus: GpuShards | None, plain: Planner, gpu: Planner, shard_options: ShardOptions, /
) -> ShardPlan:
    """Plan for machines that are alike, or apart for those with a GPU."""
    if gpus is None:
        return plain(cases)
    from cipredict.decide.gpu_shards import plan_with_gpus  # noqa: PLC0415  # for suites that have such cases

    return plan_with_gpus(cases, gpus, plain=plain, gpu=gpu, options=shard_options)


def _gpu_shards(options: ShardingOptions, suite: Collection | None) -> GpuShards | None:
    if suite is None or not options.minds_gpus:
        return None
    labels = [tuple(filter(None, text.replace(" ", "").split(","))) for text in (options.gpu_runner, options.runner)]
    return GpuShards(_marked(suite), options.gpu_shards, *labels)


def _marked(suite: Collection) -> frozenset[str]:
    return frozenset(case for case, markers in suite.markers.items() if GPU_MARKER in markers)


def _note_gpus(plan: ShardPlan, options: ShardingOptions, suite: Collection | None) -> ShardPlan:
    """Say that cases need what nobody asked for."""
    planned = _marked(suite) & plan.basis.keys() if suite else frozenset()
    if options.minds_gpus or not planned:
        return plan
    note = f"{len(planned)} cases are marked gpu and go anywhere: give --gpu-shards, or --no-gpu if that is meant."
    return replace(plan, reasons=(note, *plan.reasons))


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
    if options.no_gpu and options.gpu_shards:
        raise UsageError("Give one of --gpu-shards and --no-gpu.", slug="gpu-shards")
    count += options.gpu_shards
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


def _collect(options: ShardingOptions) -> Collection | None:
    """Ask pytest, once, where its cases or their markers matter."""
    if not (options.collect or options.minds_gpus or options.group_by == Grouping.MARKER):
        return None
    from cipredict.act.collect import collect_cases  # noqa: PLC0415  # starts a process, only when asked

    return collect_cases(cwd=Path.cwd())


def _candidates(options: ShardingOptions, suite: Collection | None) -> list[str] | None:
    if options.selection is None:
        if options.collect and suite and options.candidates is None and not options.known:
            return candidates_of(suite)
        return read_candidates(options.candidates, collect=options.collect, known=options.known)
    if options.candidates is not None or options.collect or options.known:
        raise UsageError("Give one of --selection, --candidates, --collect and --known.", slug="candidates")
    return read_selection_plan(options.selection).to_run


def _grouping(options: ShardingOptions, suite: Collection | None) -> GroupOf | None:
    grouping = Grouping.parse(options.group_by)
    if grouping is not Grouping.MARKER or suite is None:
        return group_by(grouping)
    markers = suite.markers
    return group_by(grouping, {case_id: min(names) for case_id, names in markers.items() if names})


def _by_forecast(
    options: ShardingOptions,
    settings: Settings,
    candidates: list[str] | None,
    shard_options: ShardOptions,
    gpus: GpuShards | None,
    /,
) -> ShardPlan:
    bundle = read_forecast(settings)
    table = DurationTable.for_plans(bundle, flavour=options.flavour)
    case_ids = table.known() if candidates is None else candidates
    made_from = MadeFrom(
        __version__, forecast=bundle.forecast_id, model=bundle.manifest.model_version, settings=settings.source
    )
    spread = bundle.manifest.conformal.get("run", {}).get("spread_share", RUN_SPREAD_SHARE)
    shard_options = replace(
        shard_options,
        overhead_s=bundle.manifest.overhead_s,
        run_spread_share=float(spread),  # type: ignore[arg-type]  # a number by the schema
    )

    def plain(wanted: Sequence[str]) -> ShardPlan:
        return _by_count(map(table.expected, wanted), options, made_from, shard_options)

    def gpu(wanted: Sequence[str]) -> ShardPlan:
        return plan_shards(map(table.expected, wanted), options.gpu_shards, made_from=made_from, options=shard_options)

    return _by_machines(case_ids, gpus, plain, gpu, shard_options)


def _by_count(
    cases: Iterable[DurationForecast], options: ShardingOptions, made_from: MadeFrom, shard_options: ShardOptions, /
) -> ShardPlan:
    """Divide by the number of shards asked for, or find it."""
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
    if options.output_format == "gitlab":
        from cipredict.render.shards_gitlab import render_gitlab_shards  # noqa: PLC0415

        return render_gitlab_shards(plan)
    if options.output_format == "github":
        from cipredict.render.shards import render_github_matrix  # noqa: PLC0415

        return render_github_matrix(plan).output_lines()
    return "".join(f"{shard.shard_id}\t{case_id}\n" for shard in plan.shards for case_id in shard.tests)
