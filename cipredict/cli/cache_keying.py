"""`cache key` from options to plan: the files, the keys, what the run will find; light, and it fails open."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.act.git import changed_paths
from cipredict.cache_inputs import (
    BaseKeys,
    chance_of,
    head_of,
    idle_notes,
    repository_root,
    runner_dimensions,
    working_files,
)
from cipredict.cache_stages import CacheStage, choose_stage, read_cache_stages
from cipredict.cli.environment import ci_run
from cipredict.cli.outputs import remember, strict_error, tell, warn
from cipredict.decide.caching.designs import DESIGNS
from cipredict.decide.caching.keys import Provider, build_keys, clean, gitlab_keys, snapshot_of
from cipredict.decide.caching.prediction import EWMA, Chance
from cipredict.decide.caching.provider import Keys
from cipredict.errors import ChangeUnknown, CipredictError, UsageError
from cipredict.plans.cache_plan import CachePlan, Expected, Prediction
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.render.cache_plan import FORMATS, render_keys, say_keys

if TYPE_CHECKING:
    from cipredict.settings import Settings


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """The command's options, as typed."""

    stage: str | None
    base: str | None
    strict: bool
    output_format: str


def plan_keys(options: KeyOptions, settings: Settings) -> CachePlan:
    """Plan the keys of a stage; where that fails one that nothing is saved under: the run goes on without a cache."""
    if options.output_format not in FORMATS:
        raise UsageError(
            f"Unknown format '{options.output_format}': choose from {', '.join(FORMATS)}.", slug="unknown-format"
        )
    stage = choose_stage(read_cache_stages(Path.cwd()), options.stage)
    try:
        return _plan(stage, options, settings)
    except UsageError:
        raise
    except Exception as error:  # a CI job must not break on our account
        if options.strict:
            raise strict_error(error) from error
        reason = str(error) if isinstance(error, CipredictError) else f"A bug in cipredict: {error!r}"
        warn(f"{reason} The run goes on without a cache.")
        expected = Expected(Prediction.MISS, 0.0, is_deterministic=True, basis="fallback", reason=reason)
        keys = Keys(f"{clean(stage.name)}-unkeyed-{time.time_ns():x}")
        return _to_plan(stage, options, settings, keys=keys, expected=expected)


def _plan(stage: CacheStage, options: KeyOptions, settings: Settings) -> CachePlan:
    root = repository_root(Path.cwd())
    files, whole = working_files(root, stage)
    sha = head_of(root)
    dimensions, notes = runner_dimensions(stage, os.environ)
    keys = build_keys(stage, snapshot_of(files, sha=sha, at_s=time.time()), dimensions)
    if not whole.is_whole:
        keys = Keys(f"{keys.primary}-{time.time_ns():x}", keys.restore)
    base = BaseKeys(root, stage, dimensions)
    if options.output_format == Provider.GITLAB:
        earlier, complaint = base.earlier(options.base)
        notes += [complaint] if complaint else []
        keys = gitlab_keys(keys.primary, earlier)
    return _to_plan(
        stage,
        options,
        settings,
        keys=keys,
        expected=_expect(stage, keys, base, ref=options.base, forecast=settings.forecast),
        files=files.lock,
        sha=sha,
        notes=(*notes, *whole.complaints, *idle_notes(stage, whole)),
    )


def _to_plan(
    stage: CacheStage,
    options: KeyOptions,
    settings: Settings,
    /,
    *,
    keys: Keys,
    expected: Expected,
    files: Mapping[str, str] | None = None,
    sha: str = "",
    notes: tuple[str, ...] = (),
) -> CachePlan:
    secondary, *others = keys.restore or ("",)
    return CachePlan(
        stage=stage.name,
        design=stage.design,
        provider=Provider.GITLAB if options.output_format == Provider.GITLAB else Provider.GITHUB,
        primary=keys.primary,
        secondary=secondary,
        fallback_keys=tuple(others),
        paths=stage.paths,
        files=dict(files or {}),
        expected=expected,
        made_from=MadeFrom(__version__, commit=sha, settings=settings.source),
        notes=notes,
    )


def _expect(stage: CacheStage, keys: Keys, base: BaseKeys, *, ref: str | None, forecast: Path) -> Expected:
    """Say what a run finds: certain where the base is known, for its runs saved what they had; else the forecast."""
    run = ci_run()
    wanted = ref or (run.base_sha or run.base_branch if run else None)
    try:
        found = changed_paths(wanted, cwd=base.root)
        before = base.at(found.base_sha)
    except ChangeUnknown as error:
        return _forecast(keys, chance_of(forecast, base.root, stage.name), unknown=str(error))
    except UsageError:  # the base has no key files: a new stage
        return _certain(Prediction.MISS, f"{wanted} has no such files, so nothing was saved")
    if before.primary == keys.primary:
        return _certain(Prediction.EXACT, "no key file differs from the base")
    outcome = Prediction.PREFIX if keys.restore else Prediction.MISS
    if stage.design == "lock+sha":
        return _certain(outcome, "the commit is in the key, so no key is met twice")
    return _certain(outcome, f"the {' or '.join(DESIGNS[stage.design].needs)} files differ from the base's")


def _forecast(keys: Keys, chance: Chance | None, *, unknown: str) -> Expected:
    """Say what a run finds whose change is unknown, for the reason given."""
    if chance is None:
        return Expected(Prediction.UNKNOWN, None, is_deterministic=False, basis="fallback", reason=unknown)
    otherwise = Prediction.PREFIX if keys.restore else Prediction.MISS
    return Expected(
        Prediction.EXACT if chance.p_exact >= 0.5 else otherwise,
        chance.p_exact,
        is_deterministic=False,
        basis="history" if chance.served_by == EWMA else "model",
        reason=f"before the change is known, by {chance.served_by}",
    )


def _certain(outcome: Prediction, reason: str) -> Expected:
    return Expected(outcome, float(outcome is Prediction.EXACT), is_deterministic=True, basis="change", reason=reason)


def show_keys(plan: CachePlan, options: KeyOptions, settings: Settings, *, output: Path | None) -> None:
    """Write what the workflow reads to stdout, the summary to stderr, the plan to its file and to the events."""
    if output is not None:
        write_plan(output, plan.to_document())
    remember(plan.to_record(), settings.events, kind="cache-key")
    sys.stdout.write(render_keys(plan, output_format=options.output_format))
    tell(lambda: say_keys(plan))
