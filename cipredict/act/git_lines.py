"""The door to git's blame: which lines of which files recent commits wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cipredict.act.git import Repository
from cipredict.errors import ChangeUnknown

_BLAMED = re.compile(r"^([0-9a-f]{40,64}) \d+ (\d+)", re.MULTILINE)
"""A line of blame's porcelain that begins what it says of a line: the commit, its line then, its line now."""


def recent_lines(folder: Path, *, commits: int, timeout_s: float = 60.0) -> Mapping[str, frozenset[int]]:
    """Give, for each Python file that the last `commits` commits touched, the lines of it that are still theirs.

    Files changed last come first; paths are relative to `folder`, what lies outside is left out. Empty where git does
    not tell.
    """
    repository = Repository(folder, timeout_s)
    try:
        shas = repository.ask("rev-list", f"--max-count={commits + 1}", "HEAD").split()
        return _of_commits(repository, shas[:-1], oldest=shas[-1])
    except ChangeUnknown:
        return {}


def _of_commits(repository: Repository, shas: list[str], *, oldest: str) -> dict[str, frozenset[int]]:
    touched = repository.ask(
        *("log", "--format=", "--name-only", "--relative", "-z", "--no-renames", f"{oldest}..HEAD", "--", "*.py")
    )
    recent, found = set(shas), {}
    for path in dict.fromkeys(filter(None, touched.replace("\n", "\0").split("\0"))):
        done = repository.run("blame", "--porcelain", f"{oldest}..HEAD", "--", path)
        blamed = _BLAMED.findall(done.stdout.decode(errors="replace")) if done.returncode == 0 else []
        lines = frozenset(int(line) for sha, line in blamed if sha in recent)
        if lines:
            found[path] = lines
    return found
