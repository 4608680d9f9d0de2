"""The Python API of sharding."""

from __future__ import annotations

import pytest

from cipredict.decide.division import ShardOptions
from cipredict.errors import UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.orchestrator import DistributedTestOrchestrator, Worker

SECONDS = {"a.py::x": 60.0, "a.py::y": 20.0, "b.py::x": 30.0, "b.py::y": 10.0}


class Table:
    """Forecasts from a dictionary."""

    def expected(self, case_id: str) -> DurationForecast:
        seconds = SECONDS[case_id]
        return DurationForecast(case_id, seconds, seconds, seconds, Basis.HISTORY, 5, 2**30)


@pytest.mark.parametrize("strategy", ["optimal", "predictive", "round_robin"])
def test_every_worker_gets_a_list_and_every_case_runs_once(strategy: str) -> None:
    shares = DistributedTestOrchestrator(["one", "two", "three"], forecast=Table()).distribute_tests(SECONDS, strategy)
    assert list(shares) == ["one", "two", "three"]
    assert sorted(case for share in shares.values() for case in share) == sorted(SECONDS)


def test_time_decides_who_runs_what() -> None:
    shares = DistributedTestOrchestrator(2, forecast=Table()).distribute_tests(SECONDS)
    assert shares == {"1": ["a.py::x"], "2": ["a.py::y", "b.py::x", "b.py::y"]}


def test_without_forecast_cases_count_the_same() -> None:
    shares = DistributedTestOrchestrator(2).distribute_tests(["d", "c", "b", "a"])
    assert shares == {"1": ["a", "c"], "2": ["b", "d"]}


def test_workers_may_differ() -> None:
    pool = [Worker("large", speed=2.0, memory_bytes=2**31), Worker("small", memory_bytes=2**20)]
    shares = DistributedTestOrchestrator(pool, forecast=Table()).distribute_tests(SECONDS, "predictive")
    assert shares == {"large": sorted(SECONDS), "small": []}


def test_shards_keep_files_whole_and_have_the_four_fields() -> None:
    shards = DistributedTestOrchestrator(2, forecast=Table()).implement_test_sharding(SECONDS, 2)
    assert shards == [
        {"shard_id": 0, "tests": ["a.py::x", "a.py::y"], "estimated_time": 80.0, "parallelism": 1},
        {"shard_id": 1, "tests": ["b.py::x", "b.py::y"], "estimated_time": 40.0, "parallelism": 1},
    ]


def test_shards_can_be_made_of_single_cases() -> None:
    options = ShardOptions(group_of=lambda _: None)
    shards = DistributedTestOrchestrator(1, forecast=Table(), options=options).implement_test_sharding(SECONDS, 2)
    assert [shard["estimated_time"] for shard in shards] == [60.0, 60.0]


def test_more_shards_than_files_leave_some_empty() -> None:
    shards = DistributedTestOrchestrator(1).implement_test_sharding(["a.py::x"], 2)
    assert [shard["tests"] for shard in shards] == [["a.py::x"], []]


@pytest.mark.parametrize("count", [0, -3])
def test_no_shards_are_a_usage_error(count: int) -> None:
    with pytest.raises(UsageError):
        DistributedTestOrchestrator(1).implement_test_sharding(["a"], count)


def test_an_unknown_strategy_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="choose from"):
        DistributedTestOrchestrator(1).distribute_tests(["a"], "magic")


def test_an_empty_pool_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        DistributedTestOrchestrator([])
