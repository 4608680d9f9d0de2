"""`cache advise` from options to table: stages, their present keys, their history, the verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cipredict.act.git import ask_git, describe_clone
from cipredict.cache_history import StageHistory, read_histories
from cipredict.cache_stages import CacheStage, choose_stage, read_cache_stages
from cipredict.cli.cache_seconds import with_measured_seconds
from cipredict.cli.outputs import warn
from cipredict.decide.caching.advice import Advice, Option, advise
from cipredict.decide.caching.designs import DESIGNS, KeyDesign
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.guess import guess_stages
from cipredict.decide.caching.provider import Outcome
from cipredict.decide.caching.templates import TemplateDesign, hashed_patterns, unknown_parts
from cipredict.errors import UsageError
from cipredict.ingest.workflow_caches import CacheStep, read_workflow_caches
from cipredict.plans.document import canonical_json
from cipredict.quantities import spell_bytes
from cipredict.render.caching import FORMATS, AdviceRow, OptionRow, advice_document, render_advice

_DEEPEN = "Deepen it first: `git fetch --unshallow` (actions/checkout: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`)."


def advise_stages(folder: Path, *, stage: str | None, commits: int, quota_bytes: int, store: Path) -> list[Advice]:
    """Advise on the stages that the settings describe, or on one per lock file where they describe none."""
    root = Path(ask_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    tracked = ask_git(root, "ls-files", "-z").split("\0")[:-1]
    stages = _stages(folder, tracked, stage)
    steps, complaints = read_workflow_caches(root)
    for complaint in complaints:
        warn(f"{complaint}: its cache steps are not compared.")
    present = {one.name: step for one in stages if (step := _step_of(one, steps, tracked))}
    patterns = {name: hashed_patterns((step.key, *step.restore_keys)) for name, step in present.items()}
    notes = _clone_notes(root, commits)
    histories = read_histories(root, stages, commits=commits, patterns=patterns)
    return [_advise(history, present, quota_bytes=quota_bytes, notes=notes, store=store) for history in histories]


def _stages(folder: Path, tracked: Sequence[str], name: str | None) -> list[CacheStage]:
    stages = read_cache_stages(folder) or guess_stages(tracked)
    if not stages:
        hint = "Describe one in pyproject.toml: [tool.cipredict.cache.stages.deps] with key-files and paths."
        raise UsageError("No lock file is tracked, and no stage is described.", slug="cache-stage", hint=hint)
    return [choose_stage(stages, name)] if name else list(stages.values())


def _step_of(stage: CacheStage, steps: Sequence[CacheStep], tracked: Sequence[str]) -> CacheStep | None:
    """Give the step that caches the stage: of the same paths, else keyed by its key files, else by its manifests."""
    by_path = (step for step in steps if set(step.paths) & set(stage.paths))
    by_files = (
        step
        for globs in (stage.key_files, stage.manifest_files)
        for step in steps
        if _is_keyed_by(step, [path for path in tracked if key_files_matcher(globs)(path)])
    )
    return next(by_path, None) or next(by_files, None)


def _is_keyed_by(step: CacheStep, files: Sequence[str]) -> bool:
    return any(any(map(key_files_matcher(patterns), files)) for patterns in hashed_patterns((step.key,)))


def _clone_notes(root: Path, commits: int) -> list[str]:
    clone = describe_clone(cwd=root)
    if not clone.is_shallow or clone.commits >= commits:
        return []
    warn(f"This shallow clone holds {clone.commits} of the {commits} commits. {_DEEPEN}")
    return [f"a shallow clone of {clone.commits} commits"]


def _advise(
    history: StageHistory, present: Mapping[str, CacheStep], *, quota_bytes: int, notes: Sequence[str], store: Path
) -> Advice:
    for complaint in history.complaints:
        warn(f"{complaint} Its commits count without packages.")
    step = present.get(history.stage.name)
    designs: list[KeyDesign] = list(DESIGNS.values())
    said = list(notes)
    if step is not None:
        designs.append(TemplateDesign(step.key, step.restore_keys))
        said.extend(_step_notes(step, history))
    stage, measured = with_measured_seconds(history.stage, store)
    said.extend(measured)
    if stage.size_bytes is None and history.locked_bytes:
        stage = replace(stage, size_bytes=history.locked_bytes)
        said.append(
            f"one entry is taken for {spell_bytes(history.locked_bytes)}: the wheels of the lock file for Linux"
        )
    return advise(stage, history.snapshots, designs, quota_bytes=quota_bytes, notes=said)


def _step_notes(step: CacheStep, history: StageHistory) -> Iterator[str]:
    yield f"present: {step.where}: {step.key}"
    for part in unknown_parts((step.key, *step.restore_keys)):
        yield f"present: {part} is taken for a constant"
    for patterns in hashed_patterns((step.key,)):
        empty = sum(not at.globs[patterns] for at in history.snapshots)
        if empty:
            share = f"{empty} of {len(history.snapshots)} commits"
            yield f"present: hashFiles({', '.join(patterns)}) matches nothing in {share}, where the key is constant"


def show_advice(advice: Sequence[Advice], *, quota_bytes: int, output_format: str) -> None:
    """Write tables and verdicts to stderr, and the document to stdout where it was asked for."""
    if output_format not in FORMATS:
        raise UsageError(f"Unknown format '{output_format}': choose from {', '.join(FORMATS)}.", slug="unknown-format")
    rows = [_advice_row(one, quota_bytes) for one in advice]
    for row in rows:
        for part in render_advice(row):
            sys.stderr.write(f"{part}\n")
    if output_format == "json":
        sys.stdout.write(canonical_json({"stages": [advice_document(row) for row in rows]}))


def _advice_row(advice: Advice, quota_bytes: int) -> AdviceRow:
    return AdviceRow(
        stage=advice.stage.name,
        key_files=advice.stage.key_files,
        runs=len(advice.options[0].replay.runs),
        options=[_option_row(option, advice.stage) for option in advice.options],
        recommendation=advice.recommendation,
        design=advice.design,
        reason=advice.reason,
        notes=advice.notes,
        quota_bytes=quota_bytes,
    )


def _option_row(option: Option, stage: CacheStage) -> OptionRow:
    found = option.replay
    return OptionRow(
        design=found.design,
        exact=found.share(Outcome.EXACT),
        prefix=found.share(Outcome.PREFIX),
        miss=found.share(Outcome.MISS),
        coverage=found.coverage,
        stale=found.stale,
        bloat=found.bloat,
        saves=found.saves,
        alive=found.alive,
        peak_bytes=found.peak_bytes if stage.size_bytes else None,
        saved_s=option.saved_s,
    )
