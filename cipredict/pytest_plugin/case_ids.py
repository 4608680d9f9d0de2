"""The case id of a report, as plans spell it."""

from __future__ import annotations

import pytest


def reported_case_id(config: pytest.Config, nodeid: str) -> str:
    """Take off the `@group` that pytest-xdist appends with `--dist loadgroup`, by its own rule."""
    at = nodeid.rfind("@")
    is_grouped = config.getoption("dist", "no") == "loadgroup" and at > nodeid.rfind("]")
    return nodeid[:at] if is_grouped else nodeid
