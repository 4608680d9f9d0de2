"""The five optimisations of a pipeline of our own: each gives new stages and says what it did.

Deployments, approvals, gates, smoke stages and stages with side effects keep their place and their edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from cipredict.decide.pipelines.estimates import StageHistory, estimate_stages, no_history
from cipredict.decide.pipelines.graph_rules import GateDecision, cost_of, guarded, implied_needs, without_needs
from cipredict.decide.pipelines.improvement import CacheAdvice, Improvement
from cipredict.decide.pipelines.workflow_graph import Gains
from cipredict.plans.pipeline_model import Pipeline, Stage

Stages = tuple[Stage, ...]
_NO_GAIN_S = 1e-3


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What predictors say.

    Attributes
    ----------
    p_fail : probability 0…1 that a stage fails, by name; edges of others are left as they are
    caches : from the cache advisor, by stage
    """

    history: StageHistory = no_history
    p_fail: Mapping[str, float] = field(default_factory=dict)
    caches: Mapping[str, CacheAdvice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Optimised:
    """Stages after all rules, what each rule did, and both ways of counting the end, before and after."""

    stages: Stages
    improvements: tuple[Improvement, ...]
    applied: tuple[str, ...]
    before_s: tuple[float, float]
    after_s: tuple[float, float]


class _Rules:
    def __init__(self, pipeline: Pipeline, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self.gains = Gains(pipeline.name, knowledge.history, max_parallel=pipeline.max_parallel_jobs)
        self._name = pipeline.name
        self.improvements: list[Improvement] = []

    def eliminate_redundant_stages(self, stages: Stages) -> Stages:
        """Drop stages that do what another does, and needs that others imply."""
        for one, other in combinations(stages, 2):
            if not one.is_fixed and replace(one, name="", needs=()) == replace(other, name="", needs=()):
                kept = tuple(_repoint(stage, other.name, one.name) for stage in stages if stage.name != other.name)
                if set(one.needs) == set(other.needs):
                    self._note("eliminate", other.name, f"does what '{one.name}' does", stages=stages, after=kept)
                    return self.eliminate_redundant_stages(kept)
        by_name = {stage.name: stage for stage in stages}
        for name, implied in implied_needs(stages).items():
            if by_name[name].is_fixed:
                continue
            idle = [need for need in implied if not by_name[need].artifacts]
            if idle:
                after = without_needs(stages, name, idle)
                what = f"needs {', '.join(idle)}, which its other needs imply"
                self._note("implied-need", name, what, stages=stages, after=after)
                stages = after
        return stages

    def merge_compatible_stages(self, stages: Stages) -> Stages:
        """Join stages into one job where no run ends later: each job less is a machine less to start."""
        for one, other in combinations(stages, 2):
            if not _can_merge(one, other):
                continue
            joined = replace(
                one,
                name=f"{one.name}-{other.name}",
                run=f"{one.command}\n{other.command}",
                script="",
                timeout_s=_sum(one.timeout_s, other.timeout_s),
                expected_s=self._joined_s(one, other),
            )
            after = tuple(
                joined if stage is one else _repoint(_repoint(stage, one.name, joined.name), other.name, joined.name)
                for stage in stages
                if stage is not other
            )
            if self.gains.gain(stages, after)[0] >= -_NO_GAIN_S:
                self._note(
                    "merge", joined.name, f"'{one.name}' and '{other.name}' in one job", stages=stages, after=after
                )
                return self.merge_compatible_stages(after)
        return stages

    def _joined_s(self, one: Stage, other: Stage) -> float:
        estimates = estimate_stages(self._name, [one, other], self._knowledge.history)
        return sum(estimate.expected_s for estimate in estimates.values())

    def parallelize_independent_stages(self, stages: Stages) -> Stages:
        """Drop edges that carry nothing but an order, where waiting costs more than it saves."""
        for stage in stages:
            for need in stage.needs:
                gate = next(one for one in stages if one.name == need)
                if stage.is_fixed or gate.is_fixed or gate.artifacts or need not in self._knowledge.p_fail:
                    continue
                after = without_needs(stages, stage.name, [need])
                decision = self._decide(stages, stage.name, need, delay_s=self.gains.gain(stages, after)[0])
                if not decision.keeps and decision.delay_s > _NO_GAIN_S:
                    what = f"no longer waits for '{need}': {decision}"
                    self._note("parallelise", stage.name, what, stages=stages, after=after)
                    return self.parallelize_independent_stages(after)
        return stages

    def implement_early_termination(self, stages: Stages) -> Stages:
        """Put a stage that often fails in front of others, where that saves more than waiting costs."""
        for gate in stages:
            if gate.is_fixed or gate.needs or gate.name not in self._knowledge.p_fail:
                continue
            behind = [stage for stage in stages if not stage.needs and stage is not gate and not stage.is_fixed]
            for stage in behind:
                after = tuple(replace(one, needs=(gate.name,)) if one is stage else one for one in stages)
                delay_s = -self.gains.gain(stages, after)[0]
                decision = self._decide(stages, stage.name, gate.name, delay_s=delay_s)
                if decision.keeps and len(guarded(after, gate.name)) > len(guarded(stages, gate.name)):
                    what = f"waits for '{gate.name}': {decision}"
                    self._note("early-termination", stage.name, what, stages=stages, after=after)
                    return self.implement_early_termination(after)
        return stages

    def _decide(self, stages: Stages, name: str, gate: str, *, delay_s: float) -> GateDecision:
        estimates = estimate_stages(self._name, stages, self._knowledge.history)
        seconds = {one: estimate.expected_s for one, estimate in estimates.items()}
        cost_s = cost_of(stages, [name, *guarded(stages, name)], seconds)
        return GateDecision(self._knowledge.p_fail[gate], cost_s, delay_s)

    def add_intelligent_caching(self, stages: Stages) -> Stages:
        """Cache what the advisor found to pay."""
        cached = []
        for stage in stages:
            advice = self._knowledge.caches.get(stage.name)
            if advice is None or stage.cache:
                cached.append(stage)
                continue
            cached.append(replace(stage, cache=advice.paths, cache_key=advice.key_files))
            self.improvements.append(
                Improvement(
                    "cache",
                    stage.name,
                    f"caches {', '.join(advice.paths)} by {', '.join(advice.key_files)}",
                    why_safe="a key is the content of those files",
                    saves=advice.gain,
                )
            )
        return tuple(cached)

    def _note(self, rule: str, where: str, what: str, *, stages: Stages, after: Stages) -> None:
        gain, unlimited = self.gains.gain(stages, after)
        self.improvements.append(
            Improvement(rule, where, what, why_safe=_WHY_SAFE[rule], gain_s=gain, unlimited_gain_s=unlimited)
        )


_WHY_SAFE = {
    "eliminate": "the same command on the same inputs after the same stages",
    "implied-need": "it waits for the same stages, and no artifact comes along that edge",
    "merge": "the same runner, needs, condition and environment, and no run ends later",
    "parallelise": "nothing but an order passes along that edge",
    "early-termination": "it only starts later",
}


def optimise_stages(pipeline: Pipeline, knowledge: Knowledge | None = None) -> Optimised:
    """Apply the rules one after the other; `applied` names those that changed something."""
    rules = _Rules(pipeline, knowledge or Knowledge())
    steps: Sequence[Callable[[Stages], Stages]] = (
        rules.eliminate_redundant_stages,
        rules.parallelize_independent_stages,
        rules.implement_early_termination,
        rules.merge_compatible_stages,
        rules.add_intelligent_caching,
    )
    stages, applied = pipeline.stages, []
    before = rules.gains.seconds(stages)
    for step in steps:
        after = step(stages)
        if after != stages:
            applied.append(step.__name__)
        stages = after
    return Optimised(stages, tuple(rules.improvements), tuple(applied), before, rules.gains.seconds(stages))


def _repoint(stage: Stage, old: str, new: str) -> Stage:
    if old not in stage.needs:
        return stage
    return replace(stage, needs=tuple(dict.fromkeys(new if need == old else need for need in stage.needs)))


def _can_merge(one: Stage, other: Stage) -> bool:
    """Tell whether two stages differ in nothing but their commands and seconds."""
    same = {"name": "", "run": "", "script": "", "timeout_s": None, "expected_s": None, "series": ""}
    free = not (one.is_fixed or other.is_fixed or one.matrix or one.artifacts or one.resources or one.shards > 1)
    return free and replace(one, **same) == replace(other, **same)  # type: ignore[arg-type]  # a table of field values


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
