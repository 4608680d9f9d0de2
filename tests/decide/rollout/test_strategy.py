from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.rollout.strategy import WHOLE, canary_shares, plan_steps, split_traffic
from cipredict.plans.rollout import Strategy


@given(st.floats(0, 1), st.booleans())
def test_the_weights_of_a_step_are_the_whole_traffic(share: float, has_baseline: bool) -> None:  # noqa: FBT001  # hypothesis passes by name
    step = split_traffic(share, 1.0, has_baseline=has_baseline)
    assert WHOLE == step.stable + step.baseline + step.canary
    assert min(step.stable, step.baseline, step.canary) >= 0
    assert abs(step.canary / WHOLE - share) <= 1 / WHOLE
    assert step.baseline <= step.canary or step.canary == 0


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("is_first", [True, False])
def test_every_strategy_ends_with_all_of_the_traffic(strategy: Strategy, is_first: bool) -> None:  # noqa: FBT001  # pytest passes by name
    steps = plan_steps(strategy, shares=canary_shares(0.1), bake_s=5, servers=3, is_first=is_first)
    assert (1.0, WHOLE, 0) == (steps[-1].share, steps[-1].canary, steps[-1].stable)
    assert [step.share for step in steps] == sorted(step.share for step in steps)


def test_a_canary_has_a_baseline_of_its_size_while_it_is_small() -> None:
    steps = plan_steps(Strategy.CANARY, shares=(0.1, 0.25, 0.5, 1.0), bake_s=5, servers=1)
    assert [(26, 26), (64, 64), (128, 128), (256, 0)] == [(step.canary, step.baseline) for step in steps]


def test_rolling_takes_one_server_after_the_other() -> None:
    steps = plan_steps(Strategy.ROLLING, shares=(), bake_s=5, servers=4)
    assert [64, 128, 192, 256] == [step.canary for step in steps]


@pytest.mark.parametrize("first", [0.01, 0.05, 0.1, 0.3, 0.6])
def test_shares_of_a_canary_rise(first: float) -> None:
    shares = canary_shares(first)
    assert (first, 1.0) == (shares[0], shares[-1])
    assert list(shares) == sorted(set(shares))
