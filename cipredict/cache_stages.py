"""The caches of a project as `[tool.cipredict.cache.stages.NAME]` describes them, every problem listed at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from cipredict.errors import SettingsError, UsageError

DIMENSIONS = ("os", "arch", "python")
"""Facts of the runner that a key can name; `env:NAME` is the value of a variable."""
DESIGN_NAMES = ("lock", "lock+restore", "lock+sha", "manifest", "week", "week-lock", "source")


@dataclass(frozen=True, slots=True)
class CacheStage:
    """One cache.

    Attributes
    ----------
    paths : what is saved and restored
    key_files : globs of the files that pin what is in it; `!` takes out again
    manifest_files, source_files : globs for the designs that are named after them
    dimensions : `os`, `arch`, `python`, `env:NAME`
    loose : dimensions that a fallback key may leave out: right for downloads, wrong for what was built
    extra : words in the key; a new one abandons the old caches
    rebuild_s : seconds of the stage without its cache; None is unknown, as below
    restore_s, save_s : seconds that the cache itself takes
    size_bytes : of one entry
    """

    name: str
    paths: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()
    manifest_files: tuple[str, ...] = ()
    source_files: tuple[str, ...] = ()
    design: str = "lock+restore"
    dimensions: tuple[str, ...] = ("os", "arch")
    loose: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    rebuild_s: float | None = None
    restore_s: float | None = None
    save_s: float | None = None
    size_bytes: int | None = None


def read_cache_stages(folder: Path) -> dict[str, CacheStage]:
    """Read the stages of `folder`/pyproject.toml by name; none where it sets none.

    Raises
    ------
    SettingsError
        Naming the file and every bad key at once.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        table: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", slug="settings-toml") from error
    for key in ("tool", "cipredict", "cache", "stages"):
        table = table.get(key, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [tool.cipredict.cache.stages] must be a table.", slug="settings-value")
    problems: list[str] = []
    stages = {name: parse_stage(name, value, problems) for name, value in table.items()}
    if problems:
        raise SettingsError(f"{path} [tool.cipredict.cache.stages]: {'; '.join(problems)}.", slug="settings-value")
    return stages


def parse_stage(name: str, value: object, problems: list[str]) -> CacheStage:
    """Build a stage from a table; what is wrong is added to `problems` and left at its default."""
    if not isinstance(value, Mapping):
        problems.append(f"'{name}' must be a table")
        return CacheStage(name)
    known = {f.name: f.default for f in fields(CacheStage) if f.default is not MISSING}
    values: dict[str, object] = {}
    for key, given in value.items():
        field_name = str(key).replace("-", "_")
        if field_name not in known:
            problems.append(f"'{name}' has an unknown key '{key}' (known: {', '.join(known)})")
        elif (why := _complaint(given, like=known[field_name], name=field_name)) is not None:
            problems.append(f"'{name}.{key}' {why}")
        else:
            values[field_name] = tuple(given) if isinstance(given, list) else given
    stage = CacheStage(name, **values)  # type: ignore[arg-type]  # every value was checked against its field
    problems.extend(f"'{name}' {why}" for why in _contradictions(stage))
    return stage


def _complaint(value: object, *, like: object, name: str) -> str | None:
    if isinstance(like, tuple):
        is_right = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
        return None if is_right else f"must be a list of strings, not {value!r}"
    if isinstance(like, str):
        return None if isinstance(value, str) else f"must be a string, not {value!r}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if name == "size_bytes":
        return None if is_number and isinstance(value, int) else f"must be a whole number of bytes, not {value!r}"
    return None if is_number else f"must be a number of seconds, not {value!r}"


def _contradictions(stage: CacheStage) -> list[str]:
    bad = [one for one in stage.dimensions if one not in DIMENSIONS and not one.startswith("env:")]
    found = [f"knows no dimension '{one}' (known: {', '.join(DIMENSIONS)}, env:NAME)" for one in bad]
    found += [f"has '{one}' in loose, but not in dimensions" for one in stage.loose if one not in stage.dimensions]
    if stage.design not in DESIGN_NAMES:
        found.append(f"knows no design '{stage.design}' (known: {', '.join(DESIGN_NAMES)})")
    if not stage.key_files:
        found.append("needs key-files, the globs of the files that pin its content")
    return found


def choose_stage(stages: Mapping[str, CacheStage], name: str | None) -> CacheStage:
    """Give the stage of that name, or the only one there is.

    Raises
    ------
    UsageError
        There is no such stage, none at all, or more than one to choose from.
    """
    if name is None and len(stages) == 1:
        return next(iter(stages.values()))
    if name is not None and name in stages:
        return stages[name]
    known = ", ".join(sorted(stages)) or "none"
    wanted = f"There is no stage '{name}'" if name else "Name one with --stage"
    hint = "Describe it in pyproject.toml: [tool.cipredict.cache.stages.deps] with key-files and paths."
    raise UsageError(f"{wanted}: known are {known}.", slug="cache-stage", hint="" if stages else hint)
