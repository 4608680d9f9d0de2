"""`cache key` from options to plan: the files, the keys, what the run will find; light, and it fails open."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.act.git import ask_git, changed_paths
from cipredict.act.key_files import KeyFiles, key_files_at, read_key_files
from cipredict.cache_stages import CacheStage, choose_stage, read_cache_stages
from cipredict.cli.environment import ci_run
from cipredict.cli.outputs import remember, strict_error, tell, warn
from cipredict.decide.caching.designs import DESIGNS
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.keys import Provider, StageFiles, build_keys, clean, gitlab_keys, idle_globs, snapshot_of
from cipredict.decide.caching.provider import Keys
from cipredict.errors import ChangeUnknown, CipredictError, UsageError
from cipredict.plans.cache_plan import CachePlan, Expected, Prediction
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.render.cache_plan import FORMATS, render_keys, say_keys

if TYPE_CHECKING:
    from cipredict.settings import Settings

_EARLIER_COMMITS = 6
"""So many last changes of the key files are looked at for GitLab's fallbacks."""


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
    root = repository_root()
    files, whole = _working_files(root, stage)
    sha = _head(root)
    dimensions, notes = runner_dimensions(stage)
    keys = build_keys(stage, snapshot_of(files, sha=sha, at_s=time.time()), dimensions)
    if not whole.is_whole:
        keys = Keys(f"{keys.primary}-{time.time_ns():x}", keys.restore)
    base = _BaseKeys(root, stage, dimensions)
    if options.output_format == Provider.GITLAB:
        keys = gitlab_keys(keys.primary, base.earlier(options.base))
    return _to_plan(
        stage,
        options,
        settings,
        keys=keys,
        expected=_expect(stage, keys, base, ref=options.base),
        files=files.lock,
        sha=sha,
        notes=(*notes, *whole.complaints, *_idle_notes(stage, whole)),
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


def repository_root() -> Path:
    """Give the top of the checkout; the working directory where git does not know one."""
    try:
        return Path(ask_git(Path.cwd(), "rev-parse", "--show-toplevel").rstrip("\n"))
    except ChangeUnknown:
        return Path.cwd()


def _head(root: Path) -> str:
    try:
        return ask_git(root, "rev-parse", "HEAD").strip()
    except ChangeUnknown:
        return ""


def runner_dimensions(stage: CacheStage) -> tuple[dict[str, str], list[str]]:
    """Give the values of a stage's dimensions on this machine, and a note per variable that is not set."""
    known = {
        "os": os.environ.get("RUNNER_OS") or platform.system(),
        "arch": os.environ.get("RUNNER_ARCH") or platform.machine(),
        "python": f"py{sys.version_info.major}.{sys.version_info.minor}",
    }
    values, notes = {}, []
    for name in stage.dimensions:
        variable = name.removeprefix("env:")
        values[name] = known.get(name) or os.environ.get(variable, "")
        if not values[name]:
            values[name] = "unset"
            notes.append(f"The variable {variable} is not set: it is 'unset' in the key.")
    return values, notes


def _working_files(root: Path, stage: CacheStage) -> tuple[StageFiles, KeyFiles]:
    """Give the files of every role that the design needs, and those of the lock role as they were read."""
    needs = DESIGNS[stage.design].needs
    lock = read_key_files(root, key_files_matcher(stage.key_files), patterns=stage.key_files)
    manifest, source = (
        read_key_files(root, key_files_matcher(globs), patterns=globs).ids if role in needs else {}
        for role, globs in (("manifest", stage.manifest_files), ("source", stage.source_files))
    )
    return StageFiles(lock.ids, manifest, source), lock


def _idle_notes(stage: CacheStage, whole: KeyFiles) -> list[str]:
    matched = {glob: [path for path in whole.ids if key_files_matcher([glob])(path)] for glob in stage.key_files}
    notes = [f"No file matches {glob}." for glob in idle_globs(stage.key_files, matched)]
    if not whole.has_git:
        notes.append("This is no git repository: every file was read.")
    return notes


@dataclass(frozen=True, slots=True)
class _BaseKeys:
    """The keys that other commits had on this machine."""

    root: Path
    stage: CacheStage
    dimensions: Mapping[str, str]

    def at(self, ref: str) -> Keys:
        """Give the keys of a commit; raises ChangeUnknown where git does not know it, UsageError without key files."""
        snapshot = snapshot_of(
            StageFiles(
                *(
                    key_files_at(self.root, ref, key_files_matcher(globs)) if globs else {}
                    for globs in (self.stage.key_files, self.stage.manifest_files, self.stage.source_files)
                )
            ),
            sha=ref,
            at_s=time.time(),
        )
        return build_keys(self.stage, snapshot, self.dimensions)

    def earlier(self, base: str | None) -> list[str]:
        """Give the keys that were saved before, the base's first: of the commits that changed the key files last."""
        specs = [f":(top,glob){glob}" for glob in self.stage.key_files if not glob.startswith("!")]
        found = []
        try:
            command = (
                "log",
                f"--max-count={_EARLIER_COMMITS}",
                "--format=%H",
                "--end-of-options",
                base or "HEAD",
                "--",
            )
            for commit in ask_git(self.root, *command, *specs).split():
                found.append(self.at(commit).primary)
        except (ChangeUnknown, UsageError) as error:
            warn(f"{error.message} Fewer fallback keys are given.")
        return found


def _expect(stage: CacheStage, keys: Keys, base: _BaseKeys, *, ref: str | None) -> Expected:
    """Say what a run finds: certain where the base is known, for its runs saved what they had."""
    run = ci_run()
    wanted = ref or (run.base_sha or run.base_branch if run else None)
    try:
        found = changed_paths(wanted, cwd=base.root)
        before = base.at(found.base_sha)
    except ChangeUnknown as error:
        return Expected(Prediction.UNKNOWN, None, is_deterministic=False, basis="fallback", reason=str(error))
    except UsageError:  # the base has no key files: a new stage
        return _certain(Prediction.MISS, f"{wanted} has no such files, so nothing was saved")
    if before.primary == keys.primary:
        return _certain(Prediction.EXACT, "no key file differs from the base")
    outcome = Prediction.PREFIX if keys.restore else Prediction.MISS
    return _certain(outcome, f"files of the {' or '.join(DESIGNS[stage.design].needs)} role differ from the base")


def _certain(outcome: Prediction, reason: str) -> Expected:
    return Expected(outcome, float(outcome is Prediction.EXACT), is_deterministic=True, basis="change", reason=reason)


def show_keys(plan: CachePlan, options: KeyOptions, settings: Settings, *, output: Path | None) -> None:
    """Write what the workflow reads to stdout, the summary to stderr, the plan to its file and to the events."""
    if output is not None:
        write_plan(output, plan.to_document())
    remember(plan.to_record(), settings.events, kind="cache-key")
    sys.stdout.write(render_keys(plan, output_format=options.output_format))
    tell(lambda: say_keys(plan))
