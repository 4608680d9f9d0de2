"""The commits between two commits, with the paths that each changed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

_TIMEOUT_S = 60.0
_MARK = "\x1e"


class RangeCommit(NamedTuple):
    """A commit between two others."""

    sha: str
    subject: str
    paths: tuple[str, ...]


def commits_between(good: str, bad: str, *, cwd: Path) -> list[RangeCommit] | None:
    """Give what `bad` has and `good` has not, the latest first; None where git does not know one of them."""
    command = ["git", "log", f"--format={_MARK}%H%x1f%s", "--name-only", "--no-renames", "--end-of-options"]
    try:
        done = subprocess.run(  # noqa: S603  # the command is fixed, the range is behind --end-of-options
            [*command, f"{good}..{bad}", "--"],
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return [_parse(entry) for entry in done.stdout.split(_MARK)[1:]]


def _parse(entry: str) -> RangeCommit:
    head, *paths = entry.splitlines()
    sha, _, subject = head.partition("\x1f")
    return RangeCommit(sha, subject, tuple(path for path in paths if path))
