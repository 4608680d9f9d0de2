"""The Python API of sharding: a pool of workers that shares out test suites.

>>> orchestrator = DistributedTestOrchestrator(["fast", "slow"])
>>> orchestrator.distribute_tests(["test_a.py::test_one", "test_a.py::test_two", "test_b.py::test_three"])
{'fast': ['test_a.py::test_one', 'test_b.py::test_three'], 'slow': ['test_a.py::test_two']}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypedDict

from cipredict import __version__
from cipredict.decide.division import ShardOptions
from cipredict.decide.grouping import Grouping, group_by
from cipredict.decide.packing import Worker
from cipredict.decide.shard import Pool, make_pool, plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_plan import ShardPlan, Strategy

__all__ = ["DistributedTestOrchestrator", "DurationSource", "ShardConfig", "Worker"]

ASSUMED_S = 1.0
"""Of every case where there is no forecast: then times count cases."""


class DurationSource(Protocol):
    """Whatever forecasts the seconds of a case: `cipredict.forecast.durations.DurationTable` does."""

    def expected(self, case_id: str) -> DurationForecast:
        """Give the forecast of any case, known or not."""


class ShardConfig(TypedDict):
    """One shard, as a dictionary.

    `shard_id` counts from 0, `estimated_time` is in seconds, `parallelism` the processes worth starting.
    """

    shard_id: int
    tests: list[str]
    estimated_time: float
    parallelism: int


class _EqualCases:
    """Knows nothing: every case takes ASSUMED_S."""

    def expected(self, case_id: str) -> DurationForecast:
        return DurationForecast(case_id, ASSUMED_S, 0.0, 2 * ASSUMED_S, Basis.FALLBACK, 0)


class DistributedTestOrchestrator:
    """Shares out test suites among workers.

    Parameters
    ----------
    worker_pool : a number of equal workers, their names, or `Worker`s that differ in speed and memory
    forecast : the seconds of each case; without one every case counts the same
    options : what stays together, the fixed cost of a job; the strategy in it serves `implement_test_sharding`

    Raises
    ------
    UsageError
        The pool is empty or names a worker twice.
    """

    def __init__(
        self, worker_pool: Pool, *, forecast: DurationSource | None = None, options: ShardOptions | None = None
    ) -> None:
        self.worker_pool = make_pool(worker_pool)
        self._forecast = forecast or _EqualCases()
        self._options = options or ShardOptions()

    def distribute_tests(self, test_suite: Iterable[str], strategy: str = "optimal") -> dict[str, list[str]]:
        """Give each worker of the pool, by name, the sorted case ids that it runs; some may have none.

        `strategy` is `optimal`, `predictive` or `round_robin`; another one raises UsageError.
        """
        options = replace(self._options, strategy=Strategy.parse(strategy))
        plan = self._plan(test_suite, self.worker_pool, options)
        return {shard.worker: list(shard.tests) for shard in plan.shards}

    def implement_test_sharding(self, test_suite: Iterable[str], shard_count: int) -> list[ShardConfig]:
        """Divide a suite into equal shards that keep files whole; another `group_of` in the options keeps others.

        Raises
        ------
        UsageError
            `shard_count` is below 1.
        """
        options = self._options
        if options.group_of is None:
            options = replace(options, group_of=group_by(Grouping.FILE))
        plan = self._plan(test_suite, make_pool(shard_count), options)
        return [
            {
                "shard_id": shard.shard_id,
                "tests": list(shard.tests),
                "estimated_time": shard.estimated_time or 0.0,
                "parallelism": shard.parallelism,
            }
            for shard in plan.shards
        ]

    def _plan(self, test_suite: Iterable[str], workers: list[Worker], options: ShardOptions) -> ShardPlan:
        cases = [self._forecast.expected(case_id) for case_id in test_suite]
        return plan_shards(cases, workers, made_from=MadeFrom(__version__), options=options)
