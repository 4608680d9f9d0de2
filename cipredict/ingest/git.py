"""A repository's history and its tracked files, asked from git; nothing here fetches or writes.

What changed between a base and a head is asked in `cipredict.act.git`, where a CI job needs it.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cipredict.errors import InputError
from cipredict.records import Change, CommitRecord

TIMEOUT_S = 600.0
_CHUNK_BYTES = 256 * 1024
_COMMIT_MARK = "\x01"
_CONFIG = ("-c", "diff.renameLimit=2000", "-c", "diff.relative=false", "-c", "log.showSignature=false")
_LOG = (
    *("--first-parent", "--diff-merges=first-parent", "--raw", "--numstat", "-z", "--find-renames", "-O/dev/null"),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--format=%x01%H%x00%P%x00%ct%x00%aN"),
)
"""The settings of the user's git do not change the answer."""


def read_commits(
    folder: Path, *, repository: str, since: datetime | None = None, head: str = "HEAD", timeout_s: float = TIMEOUT_S
) -> Iterator[CommitRecord]:
    """Give the commits that led to `head` along first parents, newest first, streaming.

    A merge is one commit with all that it brought in, so no change is counted twice. In a shallow clone the
    oldest commit, whose parent is missing, seems to add every file: it is left out.

    Raises
    ------
    InputError
        No git, no repository, no such head, or no end within `timeout_s`.
    """
    boundary = _shallow_commits(folder)
    window = [f"--since={since.isoformat()}"] if since else []
    fields = _fields(folder, "log", *_LOG, *window, "--end-of-options", head, "--", timeout_s=timeout_s)
    for commit in parse_log(fields, repository=repository):
        if commit.sha not in boundary:
            yield commit


def known_files(folder: Path) -> frozenset[str]:
    """Give the tracked paths below `folder`; none where git does not know, and reported paths stay as they are."""
    try:
        return tracked_files(folder)
    except InputError:
        return frozenset()


def tracked_files(folder: Path, *, timeout_s: float = 60.0) -> frozenset[str]:
    """Give the tracked paths below `folder`, relative to it.

    Raises
    ------
    InputError
        No git or no repository.
    """
    return frozenset(_fields(folder, "ls-files", "-z", timeout_s=timeout_s))


def parse_log(fields: Iterator[str], *, repository: str) -> Iterator[CommitRecord]:
    """Read the NUL-separated fields of `git log -z --raw --numstat` in the format above.

    ::

        ^A sha NUL parents NUL seconds NUL author NUL
        LF :100644 100644 aaaa bbbb R090 NUL old NUL new NUL :… NUL path NUL      (status, in any number)
        2 TAB 1 TAB NUL old NUL new NUL 7 TAB 0 TAB path NUL                      (lines; `-` for binary files)
    """
    header = next(fields, None)
    while header is not None:
        parents, seconds, author = next(fields), next(fields), next(fields)
        changes: dict[str, Change] = {}
        field = next(fields, None)
        while field is not None and not field.startswith(_COMMIT_MARK):
            _read_change(field.removeprefix("\n"), fields, changes)
            field = next(fields, None)
        yield CommitRecord(
            repository=repository,
            sha=header.removeprefix(_COMMIT_MARK),
            parent_sha=parents.partition(" ")[0],
            committed_at=datetime.fromtimestamp(int(seconds), tz=UTC),
            author=author,
            changes=tuple(changes.values()),
        )
        header = field


def _read_change(field: str, fields: Iterator[str], changes: dict[str, Change]) -> None:
    if field.startswith(":"):
        status = field.rpartition(" ")[2][:1]
        previous = next(fields) if status in {"R", "C"} else None
        path = next(fields)
        changes[path] = Change(path, status=status, previous_path=previous)
        return
    added, deleted, path = field.split("\t", 2)
    if not path:  # a rename: both paths follow
        next(fields)
        path = next(fields)
    if path in changes and added != "-":
        known = changes[path]
        changes[path] = Change(path, int(added), int(deleted), known.status, known.previous_path)


def _shallow_commits(folder: Path) -> frozenset[str]:
    place = next(_fields(folder, "rev-parse", "--git-path", "shallow", timeout_s=60.0)).rstrip("\n")
    try:
        return frozenset((folder / place).read_text(encoding="ascii").split())
    except FileNotFoundError:
        return frozenset()


def _fields(folder: Path, command: str, *arguments: str, timeout_s: float) -> Iterator[str]:
    """Give git's NUL-separated output as it comes; the process never outlives the generator or its time."""
    try:
        process = subprocess.Popen(  # noqa: S603  # a list, no shell; what users name follows --end-of-options
            ["git", *_CONFIG, command, *arguments],  # noqa: S607  # whichever git the machine uses
            cwd=folder,
            env=os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise InputError(f"git cannot be run in {folder}: {error.strerror}.", slug="git-missing") from error
    timer = threading.Timer(timeout_s, process.kill)
    timer.start()
    try:
        yield from _split(process)
        complaint = process.communicate()[1].decode(errors="replace")
    finally:
        was_late = not timer.is_alive()
        timer.cancel()
        process.kill()
        process.communicate()
    if was_late:
        raise InputError(f"`git {command}` took more than {timeout_s:g} s.", slug="git-timeout")
    if process.returncode:
        raise _failure(folder, complaint)


def _split(process: subprocess.Popen[bytes]) -> Iterator[str]:
    if process.stdout is None:
        return
    rest = b""
    while chunk := process.stdout.read(_CHUNK_BYTES):
        *complete, rest = (rest + chunk).split(b"\0")
        for field in complete:
            yield field.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _failure(folder: Path, complaint: str) -> InputError:
    first = (complaint.strip().splitlines() or ["no reason given"])[0].removeprefix("fatal: ")
    if "not a git repository" in complaint:
        return InputError(f"{folder} is not inside a git repository.", slug="git-missing")
    if "dubious ownership" in complaint:  # a container job: the checkout belongs to another user
        hint = 'Run `git config --global --add safe.directory "$PWD"` first.'
        return InputError(f"git refuses the repository: {first}.", slug="git-ownership", hint=hint)
    return InputError(f"git failed: {first}.", slug="git-failed")
