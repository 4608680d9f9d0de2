"""What a check of `doctor` finds."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad a finding is, from best to worst."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class Finding(NamedTuple):
    """What a check found. `why` it matters and the `remedy` are empty where all is well."""

    check: str
    level: Level
    what: str
    why: str = ""
    remedy: str = ""
