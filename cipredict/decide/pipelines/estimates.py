"""How long each stage takes: by its history, by what its author expects, else by its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple, Protocol

from cipredict.forecast.interface import Basis
from cipredict.plans.pipeline_model import Kind, Stage
from cipredict.plans.pipeline_parts import When

ASSUMED_S = 60.0
"""Of a stage where nothing is known of any."""

_DECLARED_SPREAD = 2.0
_ASSUMED_SPREAD = 4.0
"""What an author writes is good to a factor of about two, a neighbour's median to four; stated, not measured."""


class Estimate(NamedTuple):
    """Seconds of one job of a stage, and on what they rest; nine of ten runs lie in the interval."""

    expected_s: float
    low_s: float
    high_s: float
    basis: Basis
    source: str


_NONE = Estimate(0.0, 0.0, 0.0, Basis.HISTORY, "a plan is of a green run, in which it does not run")


class StageHistory(Protocol):
    """Whatever forecasts the seconds of a named series; None where it knows none."""

    def __call__(self, series: str, /) -> Estimate | None:
        """Give the forecast of `workflow / job`, or of another series."""


def no_history(_: str) -> None:
    """Know nothing of any stage."""


def estimate_stages(pipeline: str, stages: Iterable[Stage], history: StageHistory) -> dict[str, Estimate]:
    """Give an estimate per stage; shards share the work of the whole."""
    given = list(stages)
    known = {stage.name: _NONE for stage in given if stage.when is When.FAILURE}
    known |= {
        stage.name: found
        for stage in given
        if stage.name not in known and (found := _known(pipeline, stage, history)) is not None
    }
    neighbours = [
        known[stage.name].expected_s
        for stage in given
        if stage.name in known and stage.kind is Kind.WORK and stage.when is not When.FAILURE
    ]
    neighbour_s = median(neighbours) if neighbours else ASSUMED_S
    source = "the median of the other stages" if neighbours else "an assumption, since nothing is known of any stage"
    assumed = _around(neighbour_s, _ASSUMED_SPREAD, source=source)
    return {stage.name: _of_one_job(stage, known.get(stage.name, assumed)) for stage in given}


def _known(pipeline: str, stage: Stage, history: StageHistory) -> Estimate | None:
    found = history(stage.series or f"{pipeline} / {stage.name}")
    if found is None and stage.expected_s is not None:
        return _around(stage.expected_s, _DECLARED_SPREAD, source="the pipeline's definition")
    return found


def _around(expected_s: float, spread: float, *, source: str) -> Estimate:
    return Estimate(expected_s, expected_s / spread, expected_s * spread, Basis.FALLBACK, source)


def _of_one_job(stage: Stage, whole: Estimate) -> Estimate:
    """Divide by the shards; no job runs longer than its timeout."""
    most = stage.timeout_s or float("inf")
    expected, low, high = (min(s / stage.shards, most) for s in (whole.expected_s, whole.low_s, whole.high_s))
    return Estimate(expected, low, high, whole.basis, whole.source)
