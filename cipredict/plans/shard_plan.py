"""The shard plan: which case runs in which shard, how long that will take, and how good the division is.

::

    ShardPlan
    ├── shards      one per worker, empty ones included: tests, estimated time and interval, parallelism, memory
    ├── makespan_s  the last shard's end;  lower_bound_s  what no plan beats;  floor  the longest that cannot be divided
    ├── queue       batches in which shards that share a queue take the same cases
    ├── basis       case → history | model | fallback
    └── fallback    the whole run's: True means that no forecast was used, and no time is known

Seconds of a shard include `overhead_s`, the fixed cost of a job, unless the shard is empty. How to read a plan in a
workflow: docs/sharding.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import NamedTuple

from cipredict.errors import CipredictError, UsageError
from cipredict.plans.document import MadeFrom, frame_plan
from cipredict.plans.shard_queue import Batch, tail_of

# 1  2026-11: the first; later `gpu_tests`, `gpu_fallback`, and of a shard `needs_gpu`, `runner`, which may be absent.
SCHEMA = "cipredict.shard-plan/1"


class Strategy(StrEnum):
    """How cases are divided; docs/sharding.md says when to use which."""

    OPTIMAL = "optimal"
    PREDICTIVE = "predictive"
    ROUND_ROBIN = "round_robin"

    @classmethod
    def parse(cls, text: str) -> Strategy:
        """Read a name, raising UsageError with the names that exist."""
        try:
            return cls(text.replace("-", "_"))
        except ValueError:
            known = ", ".join(cls)
            raise UsageError(f"Unknown strategy '{text}': choose from {known}.", slug="unknown-strategy") from None


@dataclass(frozen=True, slots=True)
class Shard:
    """What one job runs.

    Attributes
    ----------
    shard_id : counts from 0
    tests : case ids, sorted
    estimated_time : seconds until the job is done, None where nothing is known
    low_s, high_s : its interval
    parallelism : processes worth starting inside the job
    worker : name of the machine it was made for
    peak_memory_bytes : of its hungriest case, None where unknown
    needs_gpu : it holds cases that are marked so
    runner : labels of the machine that it is for; empty where all are alike
    """

    shard_id: int
    tests: tuple[str, ...]
    worker: str
    estimated_time: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    parallelism: int = 1
    peak_memory_bytes: int | None = None
    needs_gpu: bool = False
    runner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Floor:
    """The longest that cannot be divided: a case, or cases that stay together.

    Attributes
    ----------
    name : case id, or the name of the group
    seconds : on the fastest worker that holds it
    is_binding : the whole plan ends no earlier because of it
    split_end_s : when so many shards could end if it were divided: a group into its cases, a case into short pieces
    """

    name: str
    cases: int
    seconds: float
    is_binding: bool
    split_end_s: float


class CountPoint(NamedTuple):
    """What a number of shards would mean.

    Attributes
    ----------
    wall_s : until the last ends
    billed_s : of all machines, each job rounded up to a whole minute
    """

    shards: int
    wall_s: float
    billed_s: float


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A whole division of a suite.

    Attributes
    ----------
    efficiency : test seconds / (shards · makespan), 0…1; shards weighted by speed
    target_s : the time asked for, where that decided the number of shards
    curve : every number that was weighed, where the plan chose it by gain and price
    queue : each case once more, in batches; empty where the plan was made without a tail
    gpu_tests : cases that are marked `gpu`, sorted; empty where nobody asked for them to be told apart
    gpu_fallback : they run without a GPU all the same, because somebody said so
    reasons : notes for people, most important first
    """

    strategy: Strategy
    shards: tuple[Shard, ...]
    made_from: MadeFrom
    overhead_s: float = 0.0
    makespan_s: float | None = None
    lower_bound_s: float | None = None
    efficiency: float | None = None
    floor: Floor | None = None
    target_s: float | None = None
    curve: tuple[CountPoint, ...] = ()
    queue: tuple[Batch, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    fallback: bool = False
    fallback_reason: str = ""
    gpu_tests: tuple[str, ...] = ()
    gpu_fallback: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """Count the cases."""
        return sum(len(shard.tests) for shard in self.shards)

    @property
    def tail(self) -> list[str]:
        """Give the cases that wait for whoever is free, longest first by batch."""
        return tail_of(self.queue)

    def basis_counts(self) -> dict[str, int]:
        """Count the cases by what their time rests on."""
        return dict(sorted(Counter(self.basis.values()).items()))

    def to_document(self) -> dict[str, object]:
        """Give the JSON document, with schema and id.

        `basis` names the cases whose basis is not `basis_of_others`, that of most cases: naming all would double the
        file. Shards are not copied by `asdict`, which takes 30 ms for 20 000 cases.
        """
        body: dict[str, object] = {name: getattr(self, name) for name in _PLAIN}
        body["shards"] = [{name: getattr(shard, name) for name in Shard.__slots__} for shard in self.shards]
        body["curve"] = [point._asdict() for point in self.curve]
        body["queue"] = [batch._asdict() for batch in self.queue]
        body["made_from"] = asdict(self.made_from)
        body["floor"] = asdict(self.floor) if self.floor else None
        counts = self.basis_counts()
        most = max(counts, key=counts.__getitem__, default="")
        body["basis_counts"] = counts
        body["basis_of_others"] = most
        body["basis"] = {case: basis for case, basis in self.basis.items() if basis != most}
        return frame_plan(SCHEMA, body)


_PLAIN = (
    "strategy",
    "overhead_s",
    "makespan_s",
    "lower_bound_s",
    "efficiency",
    "target_s",
    "fallback",
    "fallback_reason",
    "gpu_tests",
    "gpu_fallback",
    "reasons",
)
"""Fields that are the same in JSON."""


def verify_plan(plan: ShardPlan, case_ids: Iterable[str], *, together: Iterable[Iterable[str]] = ()) -> None:
    """Check a plan before it is written; each check has a name, which the error carries.

    Raises
    ------
    CipredictError
        Our bug: a case is lost, doubled or invented, a group is torn, or the seconds contradict each other.
    """
    verify_each_case_once(plan, case_ids)
    verify_queue_is_whole(plan)
    verify_groups_are_whole(plan, together)
    verify_gpu_cases(plan)
    verify_seconds_agree(plan)


def verify_each_case_once(plan: ShardPlan, case_ids: Iterable[str]) -> None:
    """Check that every case is in exactly one shard, that nothing else is there, and that shards count from 0."""
    planned = sorted(case for shard in plan.shards for case in shard.tests)
    if planned != sorted(case_ids):
        raise _violation("each-case-once", f"{len(planned)} cases are planned, not each of the suite's once")
    if [shard.shard_id for shard in plan.shards] != list(range(len(plan.shards))):
        raise _violation("each-case-once", "shard ids do not count from 0")


def verify_groups_are_whole(plan: ShardPlan, together: Iterable[Iterable[str]]) -> None:
    """Check that cases which belong together share a shard, and a batch where there is a queue."""
    homes = {case: shard.shard_id for shard in plan.shards for case in shard.tests}
    batches = {case: position for position, batch in enumerate(plan.queue) for case in batch.tests}
    for group in together:
        if len({(homes[case], batches.get(case)) for case in group}) > 1:
            raise _violation("groups-are-whole", f"cases kept together are in several shards: {sorted(group)[:3]}")


def verify_queue_is_whole(plan: ShardPlan) -> None:
    """Check that a queue holds every case once, and in a reserved batch only cases of that shard."""
    if not plan.queue:
        return
    homes = {case: shard.shard_id for shard in plan.shards for case in shard.tests}
    if sorted(case for batch in plan.queue for case in batch.tests) != sorted(homes):
        raise _violation("queue-is-whole", "the queue does not hold each planned case once")
    if any(batch.shard not in {None, homes[case]} for batch in plan.queue for case in batch.tests):
        raise _violation("queue-is-whole", "a case is reserved for a shard that another one runs")


def verify_gpu_cases(plan: ShardPlan) -> None:
    """Check that a case that needs a GPU is planned, and where there is one, unless the plan says that it is not."""
    homes = {case: shard for shard in plan.shards for case in shard.tests}
    for case in plan.gpu_tests:
        if case not in homes or homes[case].needs_gpu is plan.gpu_fallback:
            raise _violation("gpu-cases-have-one", f"{case} is not where the plan says")


def verify_seconds_agree(plan: ShardPlan) -> None:
    """Check that the makespan is the longest shard's and no shorter than its bound; a fallback claims neither."""
    if plan.makespan_s is None or plan.lower_bound_s is None:
        return
    longest_s = max(shard.estimated_time or 0.0 for shard in plan.shards)
    if plan.makespan_s != longest_s or plan.makespan_s < plan.lower_bound_s * (1 - 1e-9):
        seconds = f"makespan {plan.makespan_s}, longest shard {longest_s}, bound {plan.lower_bound_s}"
        raise _violation("seconds-agree", seconds)


def _violation(check: str, what: str) -> CipredictError:
    return CipredictError(f"The shard plan fails its check '{check}': {what}.", slug="plan-check")
