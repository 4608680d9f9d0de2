"""Better orders within a budget: forward-backward improvement, and a genetic search around it.

Each order is placed, shifted to the right against its end, and to the left again (forward-backward improvement,
Tormos and Lova 2001), which never makes it longer. Parents are crossed at two points (Hartmann 1998; the combination is
the hybrid of Valls, Ballestin and Quintanilla 2008): the child keeps the mother's head and tail, and the father's order
in between, so it respects needs when both do.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from cipredict.decide.scheduling.critical_path import latest_starts
from cipredict.decide.scheduling.generation import Starts, makespan_of, serial_order, serial_schedule
from cipredict.decide.scheduling.project import Project
from cipredict.decide.scheduling.ticks import TickProject

_WORK_US = 200_000
"""Of a search without limits of its own: microseconds as counted by TickProject, the same on every machine."""

_FEWEST = 12
"""Schedules that are made in any case."""

_POPULATION_TASKS = 6_000
"""Of all orders of the first population together: 200 orders of 30 tasks, 100 of 60. Fewer become alike too soon."""

_FINALISTS = 5
_PATIENCE = 5
"""Children per member without a better one, after which as many random members join as there were at first."""

_MUTATION = 0.05


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to search; the first limit that is reached ends it. Without one: about 0.2 s, counted, not measured.

    Attributes
    ----------
    seconds : with this limit the schedule depends on the machine's speed
    seed : of the random choices
    """

    schedules: int | None = None
    seconds: float | None = None
    seed: int = 0

    def most_schedules(self, schedule_us: float) -> float:
        """Give how many schedules may be made, each of which takes so many counted microseconds."""
        if self.schedules is None and self.seconds is None:
            return max(_WORK_US / schedule_us, _FEWEST)
        return inf if self.schedules is None else self.schedules


@dataclass(slots=True)
class _Member:
    order: list[int]
    makespan: int


class _Search:
    """One run of the genetic search."""

    def __init__(
        self, project: Project, ticks: TickProject, *, target: int, is_over: Callable[[int], bool], seed: int
    ) -> None:
        self._project, self.ticks, self._target = project, ticks, target
        self._is_over = is_over
        self._random = random.Random(seed)  # noqa: S311  # no secret: a seeded search
        self._placed = 0
        self._known: set[int] = set()
        self.members: list[_Member] = []
        self.best = _Member([], sys.maxsize)
        self._population = max(_POPULATION_TASKS // max(len(project), 1), 30)

    def run(self, seeds: Sequence[Sequence[int]], urgency: Sequence[int]) -> None:
        """Fill the population from given orders and random ones, then cross until the budget is spent."""
        for order in seeds:
            self._admit(list(order))
        self._grow(urgency)
        if not self.members:
            return  # ticks round too much: so many short tasks beside a long one that no order fits
        best, stale = self.best.makespan, 0
        while not self._is_done():
            self._replace(self._improved(self._child(self._pick().order, self._pick().order)))
            stale = stale + 1 if self.best.makespan == best else 0
            best = self.best.makespan
            if stale > _PATIENCE * len(self.members):
                self._grow(urgency)
                stale = 0

    def _grow(self, urgency: Sequence[int]) -> None:
        """Let random orders join: at the beginning, and where all members have become alike."""
        for _ in range(self._population):
            if self._is_done():
                return
            self._admit(self._random_order(urgency))

    def _is_done(self) -> bool:
        return self.best.makespan <= self._target or self._is_over(self._placed)

    def _admit(self, order: list[int]) -> None:
        member = self._improved(order)
        if member is not None:
            self._note(member)
            self.members.append(member)

    def _note(self, member: _Member) -> None:
        self._known.add(hash(tuple(member.order)))
        if member.makespan < self.best.makespan:
            self.best = member

    def _improved(self, order: list[int]) -> _Member | None:
        """Place an order, shift it right, shift it left; ties go by position, so needs stay respected."""
        ticks, count = self.ticks, len(order)
        self._placed += 3
        finish = ticks.place_all(order, ticks.before)
        if finish is None:
            return None
        back = ticks.place_all(sorted(range(count - 1, -1, -1), key=finish.__getitem__, reverse=True), ticks.after)
        if back is None:
            return None
        finish = ticks.place_all(sorted(range(count), key=back.__getitem__, reverse=True), ticks.before)
        if finish is None:
            return None
        starts = [end - duration for end, duration in zip(finish, ticks.durations, strict=True)]
        return _Member(sorted(range(count), key=starts.__getitem__), max(finish, default=0))

    def _random_order(self, urgency: Sequence[int]) -> list[int]:
        """Draw an order in which urgent tasks tend to come first."""
        spread = max(urgency, default=0) * 0.3 + 1
        drawn = [late + self._random.uniform(0, spread) for late in urgency]
        return serial_order(self._project, drawn)

    def _pick(self) -> _Member:
        one, other = self._random.choice(self.members), self._random.choice(self.members)
        return one if one.makespan <= other.makespan else other

    def _child(self, mother: Sequence[int], father: Sequence[int]) -> list[int]:
        count = len(mother)
        first, second = sorted((self._random.randint(0, count), self._random.randint(0, count)))
        head = mother[:first]
        taken = set(head)
        middle = [at for at in father if at not in taken][: second - first]
        taken.update(middle)
        child = [*head, *middle, *(at for at in mother if at not in taken)]
        for at in range(count - 1):
            if self._random.random() < _MUTATION and child[at] not in self.ticks.before[child[at + 1]]:
                child[at], child[at + 1] = child[at + 1], child[at]
        return child

    def _replace(self, child: _Member | None) -> None:
        """Put a child in place of the longest, unless it is longer still, or was there before."""
        if child is None or hash(tuple(child.order)) in self._known:
            return
        worst = max(range(len(self.members)), key=lambda at: self.members[at].makespan)
        if child.makespan <= self.members[worst].makespan:
            self._note(child)
            self.members[worst] = child


def improve(
    project: Project, starts: Starts, *, budget: Budget, clock: Callable[[], float], lower_bound_ms: int
) -> Starts:
    """Give a schedule no longer than `starts`; it ends early where the lower bound is reached.

    `clock` gives seconds, and is asked only where the budget has a limit in seconds.
    """
    makespan = makespan_of(project, starts)
    if makespan <= lower_bound_ms:
        return starts
    ticks = TickProject(project, makespan)
    ends_at = None if budget.seconds is None else clock() + budget.seconds
    most = budget.most_schedules(ticks.schedule_us)

    def is_over(placed: int) -> bool:
        return placed >= most or (ends_at is not None and clock() >= ends_at)

    target = lower_bound_ms // ticks.tick_ms if ticks.is_exact else 0
    search = _Search(project, ticks, target=target, is_over=is_over, seed=budget.seed)
    order = sorted(range(len(project)), key=starts.__getitem__)
    urgency = latest_starts(project, makespan)
    search.run([order, serial_order(project, urgency)], urgency)
    return min([starts, *_exact(project, search)], key=lambda one: makespan_of(project, one))


def _exact(project: Project, search: _Search) -> list[Starts]:
    """Place the best orders in milliseconds: where ticks round, the best in ticks need not be the best."""
    finalists = sorted(search.members, key=lambda member: member.makespan)[: 1 if search.ticks.is_exact else _FINALISTS]
    return [serial_schedule(project, member.order) for member in finalists]
