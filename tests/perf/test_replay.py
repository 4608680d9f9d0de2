from __future__ import annotations

from math import log

import numpy as np
import pytest

from cipredict.perf.replay import paired_table, replay, unpaired_table
from cipredict.perf.scores import Floats, Rule, own_noise
from tests.perf.histories import make_history

RULE = Rule()


@pytest.fixture
def shifts() -> Floats:
    return np.random.default_rng(0).normal(0, 0.01, (80, 12))


def test_the_first_jobs_are_not_judged(shifts: Floats) -> None:
    judged = replay(shifts, RULE).is_judged

    assert not judged[:20].any()
    assert judged[20:].all()


def test_each_job_knows_only_the_jobs_before_it(shifts: Floats) -> None:
    later = shifts.copy()
    later[50:] *= 100

    np.testing.assert_allclose(replay(later, RULE).own[:51], replay(shifts, RULE).own[:51])


def test_the_noise_is_that_of_a_profile_made_the_night_before(shifts: Floats) -> None:
    np.testing.assert_allclose(replay(shifts, RULE).own[60], own_noise(shifts[:60], RULE))


def test_quiet_jobs_hardly_alarm_and_a_slow_down_is_found(shifts: Floats) -> None:
    one = replay(shifts, RULE)

    assert one.alarms().sum() == 0
    assert one.alarms(added=log(1.10))[one.is_judged].mean() > 0.95
    assert one.confirmed([30, 40], [31, 41], added=log(1.10)).mean() > 0.9


def test_the_detectable_change_is_detected_in_four_of_five_cases(shifts: Floats) -> None:
    one = replay(shifts, RULE)
    seen = one.alarms(added=float(np.median(one.detectable())))

    assert seen[one.is_judged].mean() == pytest.approx(0.8, abs=0.05)


def test_the_confirmed_detectable_change_is_confirmed_in_four_of_five_cases(shifts: Floats) -> None:
    one = replay(shifts, RULE)
    rows = range(20, 79)
    seen = one.confirmed(rows, [k + 1 for k in rows], added=float(np.median(one.detectable_confirmed())))

    assert seen.mean() == pytest.approx(0.8, abs=0.06)


def test_tables_of_pairs_and_of_jobs_in_a_row() -> None:
    pairs = make_history(3, slower={"b0": 1.5})
    paired, unpaired = paired_table(pairs), unpaired_table(pairs)

    assert paired.series == unpaired.series
    assert paired.shifts[:, 0].tolist() == pytest.approx([log(1.5)] * 3, abs=0.1)
    assert np.isnan(unpaired.shifts[0]).all()
    assert unpaired.shifts[1:, 0].tolist() == pytest.approx([0.0] * 2, abs=0.2)
