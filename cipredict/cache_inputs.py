"""What a run's keys are made of on this machine: the checkout's files, the runner's facts, keys of other commits."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cipredict.act.git import ask_git
from cipredict.act.key_files import KeyFiles, key_files_at, read_key_files
from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import DESIGNS
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.keys import StageFiles, build_keys, idle_globs, snapshot_of
from cipredict.decide.caching.prediction import Chance
from cipredict.decide.caching.provider import Keys
from cipredict.errors import ChangeUnknown, ForecastUnusable, UsageError

_EARLIER_COMMITS = 6
"""So many last changes of the key files are looked at for GitLab's fallbacks."""


def repository_root(folder: Path) -> Path:
    """Give the top of the checkout that a folder is in; the folder where git does not know one."""
    try:
        return Path(ask_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    except ChangeUnknown:
        return folder


def head_of(root: Path) -> str:
    """Give the commit that is checked out; empty where git knows none."""
    try:
        return ask_git(root, "rev-parse", "HEAD").strip()
    except ChangeUnknown:
        return ""


def runner_dimensions(stage: CacheStage, environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Give the values of a stage's dimensions on this machine, and a note per variable that is not set."""
    known = {
        "os": environment.get("RUNNER_OS") or platform.system(),
        "arch": environment.get("RUNNER_ARCH") or platform.machine(),
        "python": f"py{sys.version_info.major}.{sys.version_info.minor}",
    }
    values, notes = {}, []
    for name in stage.dimensions:
        variable = name.removeprefix("env:")
        values[name] = known.get(name) or environment.get(variable, "")
        if not values[name]:
            values[name] = "unset"
            notes.append(f"The variable {variable} is not set: it is 'unset' in the key.")
    return values, notes


def working_files(root: Path, stage: CacheStage) -> tuple[StageFiles, KeyFiles]:
    """Give the files of every role that the design needs, and those of the lock role as they were read."""
    needs = DESIGNS[stage.design].needs
    lock = read_key_files(root, key_files_matcher(stage.key_files), patterns=stage.key_files)
    manifest, source = (
        read_key_files(root, key_files_matcher(globs), patterns=globs).ids if role in needs else {}
        for role, globs in (("manifest", stage.manifest_files), ("source", stage.source_files))
    )
    return StageFiles(lock.ids, manifest, source), lock


def idle_notes(stage: CacheStage, whole: KeyFiles) -> list[str]:
    """Give a line per glob that matches nothing, and one where git does not help."""
    matched = {glob: [path for path in whole.ids if key_files_matcher([glob])(path)] for glob in stage.key_files}
    notes = [f"No file matches {glob}." for glob in idle_globs(stage.key_files, matched)]
    if not whole.has_git:
        notes.append("This is no git repository: every file was read.")
    return notes


@dataclass(frozen=True, slots=True)
class BaseKeys:
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

    def earlier(self, base: str | None) -> tuple[list[str], str]:
        """Give the keys of the commits that changed the key files last, newest first, and why they are not all."""
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
            return found, f"{error.message} Fewer fallback keys are given."
        return found, ""


def chance_of(forecast: Path, root: Path, stage: str, *, now_s: float | None = None) -> Chance | None:
    """Give the bundle's forecast for a commit of the head's author now; None where it knows no such stage."""
    if not forecast.is_file():
        return None
    from cipredict.forecast.bundle import open_bundle  # noqa: PLC0415  # numpy, once a forecast is there
    from cipredict.forecast.cache_hits import Committed, forecast_hit, read_hit_model  # noqa: PLC0415

    try:
        bundle = open_bundle(forecast)
        model = read_hit_model(bundle)
        author = ask_git(root, "log", "-1", "--format=%aN").strip()
        commit = Committed(time.time() if now_s is None else now_s, author)
        found = forecast_hit(bundle, model, stage=stage, commit=commit) if model else None
    except (ForecastUnusable, ChangeUnknown):
        return None
    return Chance(found.p_exact, found.served_by) if found else None
