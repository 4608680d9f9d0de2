"""The cache plan: the keys of one stage in one run, what they are made of, and what the run will find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from cipredict.plans.document import MadeFrom, compact_json, frame_json, frame_plan

# 1  2026-11: the first.
SCHEMA = "cipredict.cache-plan/1"


class Prediction(StrEnum):
    """What a run is expected to find."""

    EXACT = "exact"
    PREFIX = "prefix"
    MISS = "miss"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the run will find, and how that is known.

    Attributes
    ----------
    p_exact : None where nothing is known
    is_deterministic : the change is known, so the outcome follows from it and from no model
    basis : `change`, `model`, `history` or `fallback`
    """

    outcome: Prediction
    p_exact: float | None
    is_deterministic: bool
    basis: str
    reason: str


@dataclass(frozen=True, slots=True)
class CachePlan:
    """Keys by rank: `primary`, `secondary` (empty where nothing else will do), then `fallback_keys`.

    Attributes
    ----------
    files : path → content id of what the primary key is made of
    provider : whose rules hold: GitHub's fallbacks are prefixes, GitLab's whole keys
    notes : what people should know, one line each
    """

    stage: str
    design: str
    provider: str
    primary: str
    secondary: str
    fallback_keys: tuple[str, ...]
    paths: tuple[str, ...]
    files: Mapping[str, str]
    expected: Expected
    made_from: MadeFrom
    notes: tuple[str, ...] = field(default=())

    @property
    def restore_keys(self) -> tuple[str, ...]:
        """Everything that may be restored instead of the primary key, best first."""
        return (self.secondary, *self.fallback_keys) if self.secondary else ()

    def to_body(self) -> dict[str, object]:
        """Give the JSON body."""
        return {**asdict(self), "files": dict(self.files)}

    def to_document(self) -> dict[str, object]:
        """Give the framed JSON document."""
        return frame_plan(SCHEMA, self.to_body())

    def to_record(self) -> str:
        """Give the framed document on one line, for the event file."""
        return frame_json(SCHEMA, compact_json(self.to_body()))
