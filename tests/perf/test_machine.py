from __future__ import annotations

import numpy as np
import pytest

from cipredict.perf.machine import common_modes, running_median, without_machines
from cipredict.perf.scores import Floats

JOBS, SERIES, STEP = 100, 30, 50


@pytest.fixture
def table() -> Floats:
    """Give log values of jobs on machines of two kinds and any speed, with a little noise."""
    random = np.random.default_rng(0)
    speed = random.normal(0, 0.2, (JOBS, 1))
    kind = random.integers(0, 2, (JOBS, 1)) * random.normal(0, 0.1, SERIES)
    return np.asarray(random.normal(0, 3, SERIES) + speed + kind + random.normal(0, 0.005, (JOBS, SERIES)))


def spread(table: Floats) -> float:
    return float(np.median(table.std(axis=0)))


def test_what_a_machine_does_to_all_is_their_median() -> None:
    values = np.zeros((3, 10))
    values[1] = 0.5

    assert common_modes(values).tolist() == [0.0, 0.5, 0.0]


def test_speed_and_kind_of_machines_are_taken_out(table: Floats) -> None:
    without_speed = table - common_modes(table)[:, None]

    assert spread(table) > 0.15
    assert spread(without_speed) > 0.03
    assert spread(without_machines(table)) < 0.025


@pytest.mark.parametrize("changed", [1, SERIES // 4], ids=["one benchmark", "a quarter of them"])
def test_a_step_of_the_code_stays(table: Floats, changed: int) -> None:
    table[STEP:, :changed] += 0.1
    clean = without_machines(table)
    steps = clean[STEP:, :changed].mean(axis=0) - clean[:STEP, :changed].mean(axis=0)

    assert steps.tolist() == pytest.approx([0.1] * changed, abs=0.03)


def test_gaps_stay_gaps_and_do_not_matter(table: Floats) -> None:
    table[3, 4] = np.nan
    table[:, 7] = np.nan
    clean = without_machines(table)

    assert np.isnan(clean).sum() == JOBS + 1
    assert np.nanmedian(np.nanstd(clean[:, :7], axis=0)) < 0.02


def test_few_jobs_or_series_lose_no_more_than_the_common_mode(table: Floats) -> None:
    assert without_machines(table[:10]).tolist() == (table[:10] - common_modes(table[:10])[:, None]).tolist()
    assert without_machines(table[:, :3]).tolist() == table[:, :3].tolist()


def test_constant_tables_stay_constant() -> None:
    assert without_machines(np.ones((40, 10))).tolist() == np.ones((40, 10)).tolist()


def test_a_short_level_is_no_part_of_the_running_median() -> None:
    values = np.zeros((40, 1))
    values[20:24] = 1.0

    assert running_median(values).max() == 0.0
