"""The settings of gates, from `[tool.cipredict]` of pyproject.toml or from a TOML file of their own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from cipredict.act.git import file_at
from cipredict.decide.gating.approving import Roles, parse_roles
from cipredict.decide.gating.definition import Gate
from cipredict.decide.gating.parsing import parse_gates
from cipredict.errors import ChangeUnknown, InputError, SettingsError, cannot_read
from cipredict.ingest.metrics.plain import TAKES, Pick
from cipredict.measures import UNITS


@dataclass(frozen=True, slots=True)
class GateConfig:
    """What a project says about its gates.

    Attributes
    ----------
    picks : values to take out of reports, `[tool.cipredict.metrics.<name>]`
    roles : `[tool.cipredict.approvers]`
    """

    gates: tuple[Gate, ...]
    roles: Roles
    picks: tuple[Pick, ...]
    source: str


def read_gate_config(path: Path, *, commit: str | None = None) -> GateConfig:
    """Read a file: `[tool.cipredict]`, or, in a file without `[tool]`, its top level.

    `commit` names a branch, tag or commit whose file counts instead: a change cannot loosen the gates it is judged by.

    Raises
    ------
    SettingsError
        Not TOML, without gates, or with a gate that cannot be meant. No gate at all would pass everything.
    InputError
        The file cannot be read, or the commit does not have it.
    """
    source = f"{path} of {commit}" if commit else str(path)
    table = _table(path, commit, source=source)
    gates = parse_gates(_gates(table, source=source), source=source)
    if not gates:
        hint = "Define one, such as test_coverage = 85 under [tool.cipredict.gates]."
        raise SettingsError(f"{source} defines no gate, so that nothing would be checked.", slug="gate-none", hint=hint)
    return GateConfig(
        gates=gates,
        roles=parse_roles(_inner(table, "approvers", source=source), source=source),
        picks=_picks(_inner(table, "metrics", source=source), source=source),
        source=source,
    )


def _table(path: Path, commit: str | None, *, source: str) -> Mapping[str, object]:
    try:
        text = path.read_text(encoding="utf-8") if commit is None else file_at(commit, path.as_posix(), cwd=Path.cwd())
        document = tomllib.loads(text)
    except OSError as error:
        raise cannot_read(path, error) from error
    except ChangeUnknown as error:
        raise InputError(error.message, slug=error.slug, hint=error.hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source} is not valid TOML: {error}.", slug="settings-toml") from error
    tool = document.get("tool")
    if tool is None and path.name != "pyproject.toml":
        return document
    return _inner(tool, "cipredict", source=source) if isinstance(tool, dict) else {}


def _gates(table: Mapping[str, object], *, source: str) -> Mapping[str, object]:
    """Give the table of gates; a project without one may have it in its pipeline."""
    own = _inner(table, "gates", source=source)
    return own or _inner(_inner(table, "pipeline", source=source), "gates", source=source)


def _inner(table: Mapping[str, object], key: str, *, source: str) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(f"{source}: [tool.cipredict.{key}] must be a table.", slug="settings-value")
    return value


def _picks(table: Mapping[str, object], *, source: str) -> tuple[Pick, ...]:
    problems: list[str] = []
    picks = tuple(_pick(name, value, problems) for name, value in table.items())
    if problems:
        raise SettingsError(f"{source} [tool.cipredict.metrics]: {'; '.join(problems)}.", slug="gate-definition")
    return picks


def _pick(name: str, value: object, problems: list[str]) -> Pick:
    known = {field.name for field in fields(Pick)} - {"name"}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        problems.append(f"'{name}' must be a table of texts")
        return Pick(name, "")
    if unknown := value.keys() - known:
        problems.append(f"'{name}' has the unknown key '{sorted(unknown)[0]}' (known: {', '.join(sorted(known))})")
        return Pick(name, "")
    pick = Pick(name=name, **{"file": "", **value})
    if not pick.file or sum(map(bool, (pick.path, pick.column, pick.benchmark))) != 1:
        problems.append(f"'{name}' needs 'file', and 'path' (JSON), 'column' (CSV) or 'benchmark'")
    if pick.take not in TAKES:
        problems.append(f"'{name}' takes '{pick.take}', which is none of {', '.join(TAKES)}")
    if pick.unit not in UNITS:
        problems.append(f"'{name}' has the unknown unit '{pick.unit}'")
    return pick
