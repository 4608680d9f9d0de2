"""What a RUN is for, by the slowest command that is known, and the seconds that such steps are assumed to take."""

from __future__ import annotations

import re
from enum import StrEnum


class RunKind(StrEnum):
    """What a RUN is for."""

    SYSTEM_INSTALL = "system install"
    TOOL_INSTALL = "tool install"
    DEPENDENCY_INSTALL = "dependency install"
    BUILD = "build"
    OTHER = "other"


ASSUMED_S = {"apt": 30.0, "npm": 45.0, "pip": 40.0, "web build": 60.0, "cargo": 180.0, "go": 60.0, "jvm": 90.0}
"""Seconds that nobody measured: assumptions per kind of step."""
ASSUMED_RUN_S = 5.0
ASSUMED_COPY_S = 1.0

_KINDS: tuple[tuple[str, RunKind, float], ...] = (
    (r"\bcargo\s+(?:build|install|rustc|chef)\b", RunKind.BUILD, ASSUMED_S["cargo"]),
    (r"\b(?:mvnw?|gradlew?)\b", RunKind.BUILD, ASSUMED_S["jvm"]),
    (r"\bgo\s+(?:build|install)\b|\bmake\b", RunKind.BUILD, ASSUMED_S["go"]),
    (r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:build|compile|generate)\S*", RunKind.BUILD, ASSUMED_S["web build"]),
    (
        r"\b(?:npm|pnpm|yarn|bun)\s+(?:ci|i|install|add)\b(?!.*\s(?:-g|--global)\b)",
        RunKind.DEPENDENCY_INSTALL,
        ASSUMED_S["npm"],
    ),
    (
        r"\bpip3?\s+(?:install|wheel)\b.*(?:\s-r|\s--requirement|\s\.)|\buv\s+(?:sync|pip)\b|\bpoetry\s+install\b|\bpipenv\b",
        RunKind.DEPENDENCY_INSTALL,
        ASSUMED_S["pip"],
    ),
    (
        r"\bgo\s+mod\s+download\b|\bbundle\s+install\b|\bcomposer\s+install\b",
        RunKind.DEPENDENCY_INSTALL,
        ASSUMED_S["pip"],
    ),
    (r"\b(?:apt|apt-get|yum|dnf|microdnf)\b.*\binstall\b|\bapk\b.*\badd\b", RunKind.SYSTEM_INSTALL, ASSUMED_S["apt"]),
    (r"\bpip3?\s+(?:install|wheel)\b", RunKind.TOOL_INSTALL, ASSUMED_S["pip"]),
    (r"\b(?:npm|pnpm|yarn)\s+(?:i|install|add|global)\b|\bcorepack\b", RunKind.TOOL_INSTALL, 5.0),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), kind, seconds) for pattern, kind, seconds in _KINDS)


def kind_of(script: str) -> tuple[RunKind, float]:
    """Classify by the slowest command that is known."""
    found = [(seconds, kind) for pattern, kind, seconds in _COMPILED if pattern.search(script)]
    if not found:
        return RunKind.OTHER, ASSUMED_RUN_S
    seconds, kind = max(found, key=lambda one: one[0])
    return kind, seconds
