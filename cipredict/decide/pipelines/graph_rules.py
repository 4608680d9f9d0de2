"""Rules about edges between stages: which are implied, and which should be there.

Keeping a gate g in front of jobs J and letting them start beside it is one decision with two signs. In front, a red g
saves the cost of J; a green one delays the end by what g adds to the path:

    keep g in front   ⇔   P(g fails) · cost(J)  >  value of latency · delay

Both sides are seconds: runner seconds that are not wasted against seconds of waiting people, weighed by
`LATENCY_WEIGHT`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cipredict.plans.pipeline_model import Stage

LATENCY_WEIGHT = 1.0
"""Seconds of runners that a second of waiting is worth."""


def implied_needs(stages: Sequence[Stage]) -> dict[str, tuple[str, ...]]:
    """Give the needs of each stage that another of its needs implies."""
    above: dict[str, frozenset[str]] = {}
    by_name = {stage.name: stage for stage in stages}

    def ancestors(name: str) -> frozenset[str]:
        if name not in above:
            needs = by_name[name].needs
            above[name] = frozenset(needs).union(*(ancestors(need) for need in needs))
        return above[name]

    found = {}
    for stage in stages:
        implied = tuple(
            need for need in stage.needs if any(need in ancestors(other) for other in stage.needs if other != need)
        )
        if implied:
            found[stage.name] = implied
    return found


def without_needs(stages: Sequence[Stage], name: str, dropped: Sequence[str]) -> tuple[Stage, ...]:
    """Give the stages where one no longer needs some others."""
    return tuple(
        replace(stage, needs=tuple(need for need in stage.needs if need not in dropped))
        if stage.name == name
        else stage
        for stage in stages
    )


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What an edge costs and what it is worth, in seconds."""

    p_fail: float
    cost_s: float
    delay_s: float

    @property
    def keeps(self) -> bool:
        """Tell whether the gate stays in front, or should be put there."""
        return self.p_fail * self.cost_s > LATENCY_WEIGHT * self.delay_s

    def __str__(self) -> str:
        sign = ">" if self.keeps else "<="
        return f"{self.p_fail:.1%} of {self.cost_s:.0f} s {sign} {self.delay_s:.0f} s of waiting"


def guarded(stages: Sequence[Stage], gate: str) -> tuple[str, ...]:
    """Name all stages that wait for a gate, directly or not."""
    found = {gate}
    for stage in _in_order(stages):
        if found.intersection(stage.needs):
            found.add(stage.name)
    return tuple(stage.name for stage in stages if stage.name in found and stage.name != gate)


def cost_of(stages: Sequence[Stage], names: Sequence[str], seconds: Mapping[str, float]) -> float:
    """Give the runner seconds of some stages, all legs of their matrices counted."""
    return sum(seconds[stage.name] * len(stage.jobs()) for stage in stages if stage.name in names)


def _in_order(stages: Sequence[Stage]) -> list[Stage]:
    by_name = {stage.name: stage for stage in stages}
    ordered: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        for need in stage.needs:
            if need not in ordered:
                visit(by_name[need])
        ordered.setdefault(stage.name, stage)

    for stage in stages:
        visit(stage)
    return list(ordered.values())
