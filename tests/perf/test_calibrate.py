from __future__ import annotations

import pytest

from cipredict.perf.calibrate import calibrate
from tests.perf.histories import NAMES, make_history


def test_noise_is_measured_and_the_rules_are_priced() -> None:
    found = calibrate(make_history(90), runs_per_month=100)

    assert found.profile.paired["b0"].sigma == pytest.approx(0.014, rel=0.5)
    assert found.profile.paired["b0"].jobs == 90
    assert set(found.profile.rates) >= {"paired", "paired, confirmed", "unpaired", "fixed +5 %, paired"}
    assert all(cost.alarms <= cost.runs for cost in found.costs)


def test_stricter_rules_alarm_less_and_find_less() -> None:
    costs = [cost for cost in calibrate(make_history(90, noise=0.03)).costs if cost.name == "paired"]

    assert [cost.alarms for cost in costs] == sorted((cost.alarms for cost in costs), reverse=True)
    assert [cost.detectable for cost in costs] == sorted(cost.detectable for cost in costs)


def test_what_is_suggested_stays_within_what_is_bearable() -> None:
    found = calibrate(make_history(90, noise=0.03), runs_per_month=300)
    suggested = found.suggest(1.0)

    assert suggested is not None
    assert suggested.per_month(found.runs_per_month) <= 1.0
    assert found.suggest(-1.0) is None


@pytest.mark.parametrize("same_code", [True, False])
def test_it_says_whether_the_code_was_the_same(*, same_code: bool) -> None:
    assert calibrate(make_history(30, same_code=same_code)).same_code is same_code


def test_runs_a_month_are_those_of_the_history() -> None:
    assert calibrate(make_history(61)).runs_per_month == pytest.approx(30.5)


@pytest.mark.parametrize("jobs", [1, 5])
def test_too_short_a_history_tells_nothing(jobs: int) -> None:
    found = calibrate(make_history(jobs))

    assert {found.profile.paired[name].sigma for name in NAMES} == {None}
    assert found.suggest(100.0) is None or found.suggest(100.0).name.startswith("fixed")  # type: ignore[union-attr]  # not None there
