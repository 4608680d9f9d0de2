"""The CI run that this process belongs to: the real environment and event file, handed to `ingest.environment`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from cipredict.ingest.environment import DetectedRun, detect_run


@cache
def ci_run() -> DetectedRun | None:
    """Give the run, None outside CI; an unreadable event file leaves its facts empty."""
    return detect_run(os.environ, read_text=lambda path: Path(path).read_text(encoding="utf-8"))
