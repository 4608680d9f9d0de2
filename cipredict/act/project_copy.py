"""Copies of a project in a temporary folder: whatever happens to a copy, the user's files are only ever read."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cipredict.errors import InputError

_NOT_OURS = frozenset(
    {".git", ".hg", ".tox", ".nox", ".venv", "venv", "env", "build", "dist", "node_modules", "site-packages"}
    | {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".cipredict", ".hypothesis", ".eggs"}
)
_GENERATED = (".py", ".so", ".pyd")
"""Ignored by git, and yet imported: versions that a build wrote, compiled extensions."""


@dataclass(frozen=True, slots=True)
class Project:
    """What is copied.

    Attributes
    ----------
    root : of the repository, or the folder itself where there is none
    prefix : of the folder in which tests are run, inside the root; `.` for the root itself
    files : relative to the root, sorted
    """

    root: Path
    prefix: Path
    files: tuple[Path, ...]

    def own_sources(self) -> list[str]:
        """Give the Python files at or below the prefix as POSIX paths relative to it, sorted."""
        inside = (path.relative_to(self.prefix) for path in self.files if path.is_relative_to(self.prefix))
        return sorted(path.as_posix() for path in inside if path.suffix == ".py")


def look_at_project(folder: Path) -> Project:
    """Find the files of the project around `folder`: tracked and untracked ones, of the ignored what gets imported.

    Raises
    ------
    InputError
        There is nothing to copy.
    """
    folder = folder.resolve()
    top = _git(folder, "rev-parse", "--show-toplevel")
    root = Path(top[0].rstrip("\n")) if top else folder
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z") if top else None
    if listed is None:
        paths = {path.relative_to(root) for path in _walk(root)}
    else:
        ignored = (_git(root, "ls-files", "--others", "--ignored", "--exclude-standard", "-z") or [""])[0]
        paths = {Path(name) for name in listed[0].split("\0") if name}
        paths |= {path for path in map(Path, filter(None, ignored.split("\0"))) if _is_generated(path)}
    files = tuple(sorted(path for path in paths if (root / path).is_symlink() or (root / path).is_file()))
    if not files:
        raise InputError(f"{folder} holds no files.", slug="bootstrap-empty", hint="Run inside a project.")
    return Project(root, folder.relative_to(root), files)


def _is_generated(path: Path) -> bool:
    return path.suffix in _GENERATED and not _NOT_OURS.intersection(path.parts)


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _NOT_OURS]
        yield from (Path(folder) / file for file in files)


def _git(folder: Path, *arguments: str) -> list[str] | None:
    """Give the output of a git command, None where there is no git or no repository."""
    try:
        done = subprocess.run(  # noqa: S603  # a list, no shell, no user input
            ["git", *arguments],  # noqa: S607  # whichever git the user has
            cwd=folder,
            env=os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return [os.fsdecode(done.stdout)] if done.returncode == 0 else None


@contextmanager
def project_copies(project: Project, count: int) -> Iterator[list[Path]]:
    """Give `count` copies for the length of the block: the folder in each that stands for the one tests are run in."""
    with tempfile.TemporaryDirectory(prefix="cipredict-bootstrap-", ignore_cleanup_errors=True) as name:
        copies = [Path(name) / str(number) / "project" for number in range(count)]
        for copy in copies:
            _copy(project, copy)
        yield [copy / project.prefix for copy in copies]


def _copy(project: Project, target: Path) -> None:
    for path in project.files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project.root / path, target / path, follow_symlinks=False)
