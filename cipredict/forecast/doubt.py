"""Groups of forecasts that deserve equal doubt, by how much what they rest on has varied."""

from __future__ import annotations

from bisect import bisect_right

DOUBTS = 6
"""Five groups by spread, and the last for what was measured less than twice."""
SPREADS = (0.03, 0.1, 0.25, 0.6)
"""Upper ends of the groups: standard deviation of the logarithm of past seconds."""
FEW = 2


def doubt_of(spread: float, runs: float) -> int:
    """Give the group, 0…DOUBTS - 1."""
    return DOUBTS - 1 if runs < FEW else bisect_right(SPREADS, spread)
