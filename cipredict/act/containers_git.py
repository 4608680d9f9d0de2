"""The door to what a build context holds and held: files now, git's blob ids commit by commit; no checkout."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from cipredict.act.git import Repository
from cipredict.dockerfile.context import Context, ContextCommit, ContextFile, ContextHistory
from cipredict.errors import ChangeUnknown

_MOST_FILES = 100_000
_MOST_BYTES = 2_000_000
_TIMEOUT_S = 120.0
_LOG = (
    *(
        "log",
        "--first-parent",
        "--diff-merges=first-parent",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--relative",
    ),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none", "--format=%x01%H"),
)


def read_history(folder: Path, *, commits: int) -> ContextHistory:
    """Give the last commits along first parents, as far as they touch a folder; others are there too, empty.

    The tree of the commit before them is the base; in a short or shallow history that of the oldest commit is.

    Raises
    ------
    ChangeUnknown
        No git, no repository, no commit, or no answer in time.
    """
    if commits < 1:
        return ContextHistory()
    fields = iter(_ask(folder, *_LOG, f"--max-count={commits + 1}", "--end-of-options", "HEAD").split("\0"))
    found = [*_parse_log(fields)][::-1]
    if not found:
        raise ChangeUnknown("The repository has no commit yet.", slug="git-failed")
    return ContextHistory(_tree(folder, found[0].sha), tuple(found[1:]))


def _parse_log(fields: Iterator[str]) -> Iterator[ContextCommit]:
    """Read `^A sha NUL :old-mode new-mode old new status NUL path NUL …`, commits in git's order."""
    sha = ""
    changes: dict[str, str | None] = {}
    for raw in fields:
        field = raw.lstrip("\n")
        if field.startswith("\x01"):
            if sha:
                yield ContextCommit(sha, changes)
            sha, changes = field[1:].strip(), {}
        elif field.startswith(":"):
            _, mode, _, blob, status = field[1:].split(" ")
            changes[next(fields)] = None if status.startswith("D") else f"{mode} {blob}"
    if sha:
        yield ContextCommit(sha, changes)


def _tree(folder: Path, sha: str) -> dict[str, str]:
    entries = (line.partition("\t") for line in _ask(folder, "ls-tree", "-r", "-z", sha).split("\0")[:-1])
    return {path: f"{parts[0]} {parts[2]}" for head, _, path in entries if (parts := head.split(" "))}


def read_context(folder: Path) -> Context:
    """Give the files of a folder: what git tracks there, or simply all where git does not know."""
    try:
        paths = _ask(folder, "ls-files", "-z").split("\0")[:-1]
    except ChangeUnknown:
        paths = []
    files = {path: file for path in paths or _walk(folder) if (file := _stat(folder / path)) is not None}
    return Context(files, _reader(folder))


def _walk(folder: Path) -> list[str]:
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != ".git")
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in sorted(names)]
        if len(found) > _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _stat(path: Path) -> ContextFile | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return ContextFile(status.st_size, stat.S_ISLNK(status.st_mode))


def _reader(folder: Path) -> Callable[[str], str | None]:
    @lru_cache(maxsize=20_000)
    def read(path: str) -> str | None:
        place = folder / path
        try:
            if place.is_symlink() or place.stat().st_size > _MOST_BYTES:
                return None
            content = place.read_bytes()
        except (OSError, ValueError):
            return None
        return None if b"\0" in content else content.decode("utf-8", "replace")

    return read


def _ask(folder: Path, *arguments: str) -> str:
    """Give git's answer; paths that are no UTF-8 keep their bytes, since they are read again."""
    return Repository(folder, _TIMEOUT_S).ask(*arguments, errors="surrogateescape")
