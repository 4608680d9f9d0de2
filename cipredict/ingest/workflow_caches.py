"""Cache steps of GitHub workflows: which key templates a project has now, asked for or implied by a setup action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = ".github/workflows"
_CACHE_ACTIONS = ("actions/cache", "actions/cache/restore")
_NODE = {
    "npm": "**/package-lock.json",
    "pnpm": "**/pnpm-lock.yaml",
    "yarn": "**/yarn.lock",
}
_PYTHON = {
    "pip": "**/requirements*.txt",
    "pipenv": "**/Pipfile.lock",
    "poetry": "**/poetry.lock",
}


@dataclass(frozen=True, slots=True)
class CacheStep:
    """One step that restores a cache.

    Attributes
    ----------
    where : `ci.yml, job test`, for people
    key, restore_keys : templates with `${{ }}`; of a setup action, what it builds by itself
    """

    where: str
    key: str
    restore_keys: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


def read_workflow_caches(root: Path) -> tuple[list[CacheStep], list[str]]:
    """Give the cache steps below `root`, and a complaint per workflow that cannot be read; the others count."""
    import yaml  # noqa: PLC0415  # part of an extra

    steps: list[CacheStep] = []
    complaints: list[str] = []
    for path in sorted((root / FOLDER).glob("*.y*ml")):
        try:
            document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # a safe loader
        except (OSError, ValueError, yaml.YAMLError) as error:
            complaints.append(f"{path.name} cannot be read: {' '.join(str(error).split())[:160]}")
            continue
        steps.extend(_steps_of(document, path.name))
    return steps, complaints


def _steps_of(document: object, name: str) -> Iterator[CacheStep]:
    for job, body in _object(_object(document).get("jobs")).items():
        listed = _object(body).get("steps")
        for step in listed if isinstance(listed, list) else ():
            action = str(_object(step).get("uses", "")).partition("@")[0]
            inputs = _object(_object(step).get("with"))
            found = _asked(inputs) if action in _CACHE_ACTIONS else _implied(action, inputs)
            if found is not None:
                key, restore, paths = found
                yield CacheStep(f"{name}, job {job}", key, restore, paths)


_Found = tuple[str, tuple[str, ...], tuple[str, ...]]


def _asked(inputs: Mapping[object, object]) -> _Found | None:
    key = inputs.get("key")
    if not isinstance(key, str):
        return None
    return key, _lines(inputs.get("restore-keys")), _lines(inputs.get("path"))


def _implied(action: str, inputs: Mapping[object, object]) -> _Found | None:
    """Give what the setup actions build from their inputs (their sources, 2025); only pip's has a restore key."""
    given = _lines(inputs.get("cache-dependency-path") or inputs.get("cache-dependency-glob"))
    tool = str(inputs.get("cache", ""))
    if action == "actions/setup-node" and tool in _NODE:
        return f"node-cache-${{{{ runner.os }}}}-{tool}-{_hash_of(given or (_NODE[tool],))}", (), ()
    if action == "actions/setup-python" and tool in _PYTHON:
        head = f"setup-python-${{{{ runner.os }}}}-python-{tool}"
        return f"{head}-{_hash_of(given or (_PYTHON[tool],))}", (head,) if tool == "pip" else (), ()
    if action == "actions/setup-go" and tool.lower() != "false":
        return f"setup-go-${{{{ runner.os }}}}-{_hash_of(given or ('go.sum',))}", (), ()
    if action == "astral-sh/setup-uv" and str(inputs.get("enable-cache", "auto")).lower() != "false":
        return f"setup-uv-${{{{ runner.os }}}}-{_hash_of(given or _UV)}", (), ()
    return None


_UV = ("**/*requirements*.txt", "**/*requirements*.in", "**/*constraints*.txt", "**/*constraints*.in",
       "**/pyproject.toml", "**/uv.lock", "**/*.py.lock")  # fmt: skip


def _hash_of(patterns: tuple[str, ...]) -> str:
    return f"${{{{ hashFiles({', '.join(repr(pattern) for pattern in patterns)}) }}}}"


def _object(value: object) -> Mapping[object, object]:
    return value if isinstance(value, dict) else {}


def _lines(value: object) -> tuple[str, ...]:
    return tuple(line.strip() for line in str(value or "").splitlines() if line.strip())
