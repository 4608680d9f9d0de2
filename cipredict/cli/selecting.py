"""`select-tests` from options to plan: read, decide, fall back where knowledge is missing, show."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.inputs import ReadChange, read_candidates, read_change, read_forecast
from cipredict.cli.outputs import append_step_summary, remember, strict_error, tell, warn
from cipredict.decide.goal import Confidence, Goal, Target, Time
from cipredict.decide.select import DEFAULT_GOAL, SelectionRequest, plan_everything, plan_selection
from cipredict.errors import CipredictError, InputError, UsageError
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.plans.selection_plan import SelectionPlan
from cipredict.quantities import parse_seconds, parse_share
from cipredict.render.selection import (
    FORMATS,
    left_out,
    render_explanation,
    render_output,
    render_selection,
    render_step_summary,
    say_selection,
)

if TYPE_CHECKING:
    from cipredict.settings import Settings


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """The command's options, as typed."""

    base: str | None
    changed: tuple[str, ...]
    diff: str | None
    candidates: str | None
    collect: bool
    known: bool
    goal: Goal
    must_run: tuple[str, ...]
    observe: bool
    order_only: bool
    strict: bool
    output_format: str


def parse_goal(*, target: str | None, time: str | None, confidence: str | None) -> Goal:
    """Give the one goal that was asked for, `DEFAULT_GOAL` without one."""
    if sum(option is not None for option in (target, time, confidence)) > 1:
        raise UsageError("Give one of --target, --time and --confidence.", slug="goal")
    if target is not None:
        return Target(parse_share(target, option="--target"))
    if time is not None:
        return Time(parse_seconds(time, option="--time"))
    return DEFAULT_GOAL if confidence is None else Confidence(parse_share(confidence, option="--confidence"))


def select(options: SelectionOptions, settings: Settings) -> SelectionPlan:
    """Plan, or plan everything where something is unknown: the change, the bundle, or what a bug of ours hid."""
    if options.output_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"Unknown format '{options.output_format}': choose from {known}.", slug="unknown-format")
    candidates = read_candidates(options.candidates, collect=options.collect, known=options.known, may_be_empty=False)
    change: ReadChange | None = None
    try:
        change = read_change(base=options.base, changed=options.changed, diff=options.diff)
        return _decide(options, settings, candidates, change)
    except UsageError:
        raise
    except Exception as error:  # a CI job must not break on our account
        reason = str(error) if isinstance(error, CipredictError) else f"A bug in cipredict: {error!r}"
        if options.strict:
            raise strict_error(error) from error
        warn(f"{reason} Everything runs.")
        made_from = MadeFrom(__version__, settings=settings.source)
        return plan_everything(
            _all_cases(candidates),
            reason=reason,
            made_from=made_from,
            goal=str(options.goal),
            change=change.summary if change else None,
        )


def _all_cases(candidates: list[str] | None) -> list[str]:
    """Give the full list of a fallback; without a forecast `--known` means what pytest collects."""
    if candidates is not None:
        return candidates
    try:
        return read_candidates(None, collect=True, known=False) or []
    except CipredictError as error:
        warn(f"{error} The plan names no case.")
        return []


def _decide(
    options: SelectionOptions, settings: Settings, candidates: list[str] | None, change: ReadChange, /
) -> SelectionPlan:
    from cipredict.forecast.durations import DurationTable  # noqa: PLC0415  # numpy, once a forecast is needed
    from cipredict.forecast.failures import FailureForecaster  # noqa: PLC0415
    from cipredict.forecast.features import ChangeFacts  # noqa: PLC0415
    from cipredict.forecast.renames import former_paths, other_names  # noqa: PLC0415

    bundle = read_forecast(settings)
    manifest = bundle.manifest
    forecaster = FailureForecaster(bundle, DurationTable.from_bundle(bundle))
    asked = forecaster.state.living() if candidates is None else candidates
    default_branch = settings.default_branch or manifest.default_branch
    facts = ChangeFacts(change.changes, change.branch, bool(change.branch) and change.branch == default_branch)
    case_files = {case_file(case_id) for case_id in asked}
    renamed = other_names(former_paths(change.changes))

    def is_known(path: str) -> bool:
        return path in case_files or forecaster.state.knows(path)

    request = SelectionRequest(
        forecasts=forecaster.forecast(asked, facts),
        change=change.summary,
        goal=options.goal,
        curve=forecaster.curve,
        made_from=MadeFrom(
            __version__,
            forecast=bundle.forecast_id,
            model=manifest.model_version if manifest.served["failure"].is_model else None,
            commit=change.summary.head,
            settings=settings.source,
        ),
        is_mapped=lambda path: is_known(path) or is_known(renamed.get(path, path)),
        runs=manifest.history_runs,
        min_runs=settings.min_history_runs,
        must_run=(*settings.must_run, *options.must_run),
        run_all=settings.run_all,
        ignored=settings.ignored,
        observe=options.observe,
        order_only=options.order_only,
        full_run_share=settings.full_run_share,
    )
    return plan_selection(request)


def show_selection(
    plan: SelectionPlan,
    options: SelectionOptions,
    settings: Settings,
    *,
    exclude: bool,
    explain: bool,
    rest: Path | None,
    output: Path | None,
) -> None:
    """Write the list to stdout, tables to stderr, the plan to its file and to the events."""
    if output is not None:
        write_plan(output, plan.to_document())
    if rest is not None:
        _write_rest(plan, rest)
    remember(plan.to_record(), settings.events)
    sys.stdout.write(render_output(plan, output_format=options.output_format, exclude=exclude))
    tell(lambda: "\n".join([render_selection(plan), "", *say_selection(plan), ""]))
    if explain:
        tell(lambda: f"\n{render_explanation(plan)}\n")
    append_step_summary(partial(render_step_summary, plan))


def _write_rest(plan: SelectionPlan, path: Path) -> None:
    try:
        path.write_text("".join(f"{case_id}\n" for case_id in left_out(plan)), encoding="utf-8")
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.", slug="output-unwritable") from error
