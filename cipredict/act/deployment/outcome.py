"""How a deployment ends, and how it turns back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cipredict.act.deployment.papers import Cause


@dataclass(frozen=True, slots=True)
class Ended:
    """How a deployment ended.

    Attributes
    ----------
    is_live : the release serves
    rolled_back_s : from the verdict to the old weights; None where it was not rolled back
    cause : why the release does not serve
    verdicts : every one with its evidence, also from before a kill
    """

    deployment: str
    release: str
    is_live: bool
    reason: str
    duration_s: float
    rolled_back_s: float | None = None
    cause: Cause = Cause.NONE
    verdicts: tuple[Mapping[str, object], ...] = ()


class Bad(Exception):  # how a deployment turns back, no error
    """The release is taken back."""

    def __init__(self, reason: str, cause: Cause = Cause.BAD) -> None:
        super().__init__(reason)
        self.cause = cause
