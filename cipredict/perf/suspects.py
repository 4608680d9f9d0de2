"""Which commit was it? Ranks what lies between the last good and the first bad measurement. A hint, not a proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_EMPTY = frozenset({"py", "test", "tests", "benchmark", "benchmarks", "bench", "time", "src", "lib", "init"})


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commit, with the words that its paths share with the benchmark's name."""

    sha: str
    subject: str
    paths: tuple[str, ...]
    shared: tuple[str, ...] = ()


def rank_suspects(commits: Sequence[Suspect], series: str) -> list[Suspect]:
    """Put first what touches files that are named like the benchmark; commits without a path do nothing.

    >>> commits = [Suspect("1", "docs", ("README.md",)), Suspect("2", "speed", ("shop/json_parser.py",))]
    >>> [commit.sha for commit in rank_suspects(commits, "test_parser.py::test_json")]
    ['2', '1']
    """
    words = _words(series)
    found = [
        Suspect(one.sha, one.subject, one.paths, tuple(sorted(words & _words(" ".join(one.paths)))))
        for one in commits
        if one.paths
    ]
    return sorted(found, key=lambda one: -len(one.shared))


def _words(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return {word for word in words if word not in _EMPTY and len(word) > 1}
