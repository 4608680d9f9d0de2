"""What a project sets in `[tool.cipredict]` of its pyproject.toml, checked once, with every problem listed.

Precedence: command-line option, environment (`CIPREDICT_STORE`, `CIPREDICT_FORECAST`), pyproject.toml, default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from cipredict.errors import SettingsError

RUN_ALL_GLOBS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "noxfile.py",
    "pytest.ini",
    "conftest.py",
    "**/conftest.py",
    "requirements*.txt",
    "requirements/**",
    "constraints*.txt",
    "*.lock",
    "**/*.lock",
    "package-lock.json",
    "pnpm-lock.yaml",
    "go.mod",
    "go.sum",
    "Dockerfile*",
    "Makefile",
    ".github/workflows/**",
    ".github/actions/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    ".buildkite/**",
    "Jenkinsfile",
)
"""A change to one of these can move any case, so everything runs."""

IGNORED_GLOBS = (
    "*.md",
    "*.rst",
    "**/*.md",
    "**/*.rst",
    "docs/**",
    "doc/**",
    "CHANGELOG*",
    "LICENSE*",
    "AUTHORS*",
    "CONTRIBUTORS*",
    ".gitignore",
)
"""A change to one of these moves no case."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one project, defaults filled in.

    Attributes
    ----------
    store : the history, one DuckDB file
    forecast : the published bundle that CI jobs read
    events : folder of the event files that CI jobs write
    repository : name stored with every run; empty means: ask the CI environment or git
    default_branch : the branch that pull requests are compared with; empty means: guessed, from pushes first
    must_run : globs of cases or files that are never skipped
    run_all : globs of changed paths that make everything run
    ignored : globs of changed paths that make nothing run
    max_forecast_age_days : an older bundle is stale
    min_history_runs : fewer runs than this and nothing is skipped
    full_run_share : share (0…1) of the commits that run in full, drawn by their id, so that labels stay unbiased
    """

    store: Path = Path(".cipredict/history.duckdb")
    forecast: Path = Path(".cipredict/forecast.bundle")
    events: Path = Path(".cipredict/events")
    repository: str = ""
    default_branch: str = ""
    must_run: tuple[str, ...] = ()
    run_all: tuple[str, ...] = RUN_ALL_GLOBS
    ignored: tuple[str, ...] = IGNORED_GLOBS
    max_forecast_age_days: float = 30.0
    min_history_runs: int = 20
    full_run_share: float = 0.05
    source: str = field(default="defaults", compare=False)


def read_settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Read `[tool.cipredict]` of `folder`/pyproject.toml and the environment; a missing file means the defaults.

    Raises
    ------
    SettingsError
        Naming the file and every bad key at once.
    """
    path = folder / "pyproject.toml"
    settings = Settings()
    if path.is_file():
        settings = _parse(read_tool_table(path), source=str(path))
    overrides = {
        name: Path(environment[variable])
        for name, variable in (("store", "CIPREDICT_STORE"), ("forecast", "CIPREDICT_FORECAST"))
        if environment.get(variable)
    }
    return replace(settings, **overrides)  # type: ignore[arg-type]  # replace() takes the field types, a dict hides them


def read_tool_table(path: Path) -> Mapping[str, object]:
    """Give `[tool.cipredict]` of a TOML file, empty where it has none.

    Raises
    ------
    SettingsError
        No TOML, or no table.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", slug="settings-toml") from error
    tool = document.get("tool", {})
    table = tool.get("cipredict", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [tool.cipredict] must be a table.", slug="settings-value")
    return table


_SUBTABLES = frozenset({"cache", "gates", "metrics", "approvers", "pipeline", "alerts", "deploy"})
"""Keys that belong to other capabilities, each with a parser of its own."""


_SHARES = frozenset({"full_run_share"})


def _parse(table: Mapping[str, object], *, source: str) -> Settings:
    known = {f.name: f.default for f in fields(Settings) if f.name != "source"}
    values: dict[str, object] = {"source": source}
    problems = []
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in _SUBTABLES:
            continue
        if name not in known:
            problems.append(f"unknown key '{key}' (known: {', '.join(sorted(known))})")
            continue
        try:
            values[name] = _share(value) if name in _SHARES else _convert(value, like=known[name])
        except TypeError as error:
            problems.append(f"'{key}' {error}")
    if problems:
        raise SettingsError(f"{source} [tool.cipredict]: {'; '.join(problems)}.", slug="settings-value")
    return Settings(**values)  # type: ignore[arg-type]  # every value was converted to its field's type above


def _share(value: object) -> float:
    """Read a number between nothing and all, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TypeError(f"must be a share between 0 and 1, not {value!r}")
    return float(value)


def _convert(value: object, *, like: object) -> object:
    """Bring a TOML value to the type of the default `like`, or say what was expected."""
    if isinstance(like, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise TypeError(f"must be a list of strings, not {value!r}")
    if isinstance(like, Path | str):
        if isinstance(value, str):
            return Path(value) if isinstance(like, Path) else value
        raise TypeError(f"must be a string, not {value!r}")
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise TypeError(f"must be a positive number, not {value!r}")
    if isinstance(like, int) and not isinstance(value, int):
        raise TypeError(f"must be a whole number, not {value!r}")
    return float(value) if isinstance(like, float) else value
