"""Working trees of other commits beside the user's own, for as long as a block lasts."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cipredict.errors import UsageError

_TIMEOUT_S = 300.0


@contextmanager
def worktree(ref: str, *, cwd: Path) -> Iterator[Path]:
    """Check a branch, tag or commit out beside the repository; nothing of it is left afterwards, whatever happens.

    Raises
    ------
    UsageError
        No repository, or no such commit.
    """
    with tempfile.TemporaryDirectory(prefix="cipredict-", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "tree"
        _git("worktree", "add", "--detach", "--quiet", str(place), resolve(ref, cwd=cwd), cwd=cwd)
        try:
            yield place
        finally:
            _git("worktree", "remove", "--force", str(place), cwd=cwd)


def resolve(ref: str, *, cwd: Path) -> str:
    """Give the commit that a name means.

    Raises
    ------
    UsageError
        None, or no repository.
    """
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=cwd).strip()


def _git(*arguments: str, cwd: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # the command is fixed
            ["git", *arguments],  # noqa: S607  # git comes from PATH everywhere
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"git {arguments[0]} did not run: {error}.", slug="perf-git") from error
    if done.returncode:
        told = done.stderr.strip().splitlines()
        why = told[-1] if told else f"no commit is called '{arguments[-1].removesuffix('^{commit}')}'"
        raise UsageError(f"git {arguments[0]}: {why}.", slug="perf-git")
    return done.stdout
