"""What else a file may be that is no test report, and which command takes it in: a hint, and never a reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from cipredict.ingest.github import GitHubPayloads
from cipredict.ingest.gitlab import GitLabPayloads

_COVERAGE_HEADS = (b"SQLite format 3\0", b"TN:", b"SF:")
"""coverage.py's data file, and lcov."""


class _Counting(Protocol):
    def add(self, document: object, repository: str = "") -> int: ...


_SYSTEMS: dict[str, Callable[[], _Counting]] = {"github": GitHubPayloads, "gitlab": GitLabPayloads}


def document_remedy(document: object) -> str:
    """Give what to do with a JSON document, to follow a complaint; empty where nothing takes it in."""
    if _are_durations(document):
        return _take_with("durations")
    if isinstance(document, Mapping) and {"files", "totals"} <= document.keys():
        return _take_with("coverage")
    return _take_with(whose(document))


def root_remedy(root: str) -> str:
    """Do the same for XML, by its root element."""
    return _take_with("coverage" if root == "coverage" else "")


def head_remedy(head: bytes) -> str:
    """Do the same for other bytes."""
    return _take_with("coverage" if head.startswith(_COVERAGE_HEADS) else "")


def whose(document: object) -> str:
    """Give the CI system whose runs or jobs a document holds; empty for anything else."""
    return next((system for system, start in _SYSTEMS.items() if start().add(document)), "")


def _are_durations(document: object) -> bool:
    pairs = document.items() if isinstance(document, Mapping) else document if isinstance(document, list) else []
    first = next(iter(pairs), None)
    if not isinstance(first, tuple | list) or len(first) != 2:
        return False
    return isinstance(first[0], str) and "::" in first[0] and isinstance(first[1], int | float)


def _take_with(command: str) -> str:
    return f"; `cipredict ingest {command}` takes it in" if command else ""
