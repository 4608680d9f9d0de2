"""Whom to follow among simple forecasts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.learn.leader import Leader


def test_the_default_leads_until_another_is_clearly_better() -> None:
    leader = Leader("default", margin=0.1)
    assert leader.name == "default"
    leader.absorb({"other": 9.5, "default": 10.0})
    assert leader.name == "default"
    leader.absorb({"other": 1.0, "default": 10.0})
    assert leader.name == "other"


def test_old_losses_fade() -> None:
    leader = Leader("a", margin=0.0, decay=0.5)
    leader.absorb({"a": 100.0, "b": 0.0})
    assert leader.name == "b"
    for _ in range(6):
        leader.absorb({"a": 0.0, "b": 4.0})
    assert leader.name == "a"


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_without_decay_and_margin_nobody_lost_less(rounds: list[tuple[float, float]]) -> None:
    leader = Leader("a", margin=0.0, decay=1.0)
    for a, b in rounds:
        leader.absorb({"a": a, "b": b})
    totals = {"a": sum(a for a, _ in rounds), "b": sum(b for _, b in rounds)}
    assert totals[leader.name] == pytest.approx(min(totals.values()), abs=1e-6)
