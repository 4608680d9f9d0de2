"""What is known of one instruction of a container build: decided from the history, shown to people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """An instruction that takes part in the cache.

    Attributes
    ----------
    reads : paths of the context after `.dockerignore`, stages, arguments that differ in every build
    input_changes, rebuilds : per 100 commits; None without history. The first counts its own inputs only
    size_bytes : what it copies from the context now
    basis : of `seconds`: measured by a build's log, estimated from the steps of many builds, assumed for its kind, or
        that scaled to what builds took
    """

    line: int
    stage: str
    keyword: str
    text: str
    reads: tuple[str, ...]
    files: int
    size_bytes: int
    seconds: float
    basis: str
    input_changes: float | None
    rebuilds: float | None

    @property
    def lost_s(self) -> float | None:
        """Give the seconds per 100 commits that go into rebuilds which its own inputs do not call for."""
        if self.rebuilds is None or self.input_changes is None:
            return None
        return max(0.0, self.rebuilds - self.input_changes) * self.seconds
