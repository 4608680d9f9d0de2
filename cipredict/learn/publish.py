"""Everything learned into one bundle: the state of today, the champion's graphs, who serves and how sure.

Training ends in `Learned`, which survives as a bundle; `publish` gives the same `Learned` a newer history. A graph
that does not answer as its learner did (within 1e-5) is never published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cipredict import __version__
from cipredict.errors import CipredictError
from cipredict.forecast.bundle import CHECKS, Bundle, Manifest, Served, write_bundle
from cipredict.forecast.case_index import CaseIndex, build_case_index
from cipredict.forecast.durations import FLAVOURS
from cipredict.forecast.features import FEATURES
from cipredict.forecast.graphs import score_graph
from cipredict.forecast.state import Floats
from cipredict.forecast.state_codec import encode_state
from cipredict.learn.case_time import final_clock
from cipredict.learn.clock import OFFSET_S, Clock
from cipredict.learn.conformal import LogConformal
from cipredict.learn.ensemble import Ensemble, combine
from cipredict.learn.history import History
from cipredict.learn.needs import places_of
from cipredict.learn.plan_time import PLAN_DEFAULT
from cipredict.learn.replay import final_state
from cipredict.learn.run_time import TimedRun, final_memories, fixed_overhead_s
from cipredict.learn.seconds import from_log_ratio

PARITY = 1e-5
_PARITY_ROWS = 256
Columns = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a training leaves, independent of any history. Fields as in `Manifest`.

    Attributes
    ----------
    graphs : `failure/xgboost` and so on → ONNX bytes
    features : that the failure graphs read; an older version's may differ from what this one computes
    new_case : scope of neighbours → interval factors on their median
    checks : what the backtest promised and kept, see `summary.checks_of`; empty in versions of before
    """

    graphs: Mapping[str, bytes]
    served: Mapping[str, Served]
    sigmoid: tuple[float, float]
    needed_shares: tuple[float, ...]
    conformal: Mapping[str, LogConformal]
    anchors: Mapping[str, str]
    observed_coverage: Mapping[str, float | None]
    trained_to: str
    model_version: str | None = None
    features: tuple[str, ...] = FEATURES
    new_case: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    checks: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> Learned:
        """Take the learned part out of a bundle."""
        manifest = bundle.manifest
        conformal = dict(manifest.conformal)
        new_case = conformal.pop("new_case", {}).get("scopes", {})
        conformal.pop("run", None)  # of the history, not of the learners
        return cls(
            graphs={f"{p}/{name}": graph for p in manifest.served for name, graph in bundle.graphs(p).items()},
            served=manifest.served,
            sigmoid=manifest.sigmoid,
            needed_shares=manifest.needed_shares,
            conformal={name: LogConformal.from_json(factors) for name, factors in conformal.items()},
            anchors=manifest.anchors,
            observed_coverage=manifest.observed_coverage,
            trained_to=manifest.trained_to,
            model_version=manifest.model_version,
            features=manifest.features,
            new_case={scope: (low, high) for scope, (low, high) in new_case.items()},  # type: ignore[attr-defined]  # by the schema
            checks=json.loads(bundle.read(CHECKS)) if bundle.has(CHECKS) else {},
        )

    def registered_as(self, version: str) -> Learned:
        """Give the same under its registered version."""
        return replace(self, model_version=version)


def to_graphs(predictor: str, ensemble: Ensemble, rows: Floats) -> dict[str, bytes]:
    """Turn members into graphs and compare both on `rows`.

    Raises
    ------
    CipredictError
        A graph differs from its member by more than `PARITY`.
    """
    graphs = {}
    sample = np.ascontiguousarray(rows[:_PARITY_ROWS], np.float32)
    for name, member in ensemble.members.items():
        graph = member.to_onnx()
        difference = float(np.max(np.abs(score_graph(graph, sample) - member.predict(sample)), initial=0.0))
        if difference > PARITY:
            raise CipredictError(f"The graph of {predictor}/{name} differs by {difference:.1e}.", slug="graph-parity")
        graphs[f"{predictor}/{name}"] = graph
    return graphs


def publish(learned: Learned, history: History, timed: Sequence[TimedRun], *, path: Path, now: datetime) -> str:
    """Write the bundle of `learned` under the state that `history` ends in; give its id."""
    index = build_case_index(history.case_ids)
    columns = case_columns(learned, history, index)
    members = tuple(name.partition("/")[2] for name in columns if name.startswith("members/"))
    entries = {
        "cases/ids": "\0".join(history.case_ids).encode(),
        **{f"cases/{name}.f32": values.astype("<f4").tobytes() for name, values in columns.items()},
        **{f"{FLAVOURS}{name}.f32": values.astype("<f4").tobytes() for name, values in history.flavours.items()},
        **encode_state(final_state(history), index),
        **{f"graphs/{name}.onnx": graph for name, graph in learned.graphs.items()},
        **({CHECKS: json.dumps(learned.checks, sort_keys=True).encode()} if learned.checks else {}),
    }
    manifest = _manifest(learned, history, timed, case_members=members, now=now)
    return write_bundle(path, manifest, entries)


def _manifest(
    learned: Learned,
    history: History,
    timed: Sequence[TimedRun],
    *,
    case_members: tuple[str, ...],
    now: datetime,
) -> Manifest:
    memories, places = final_memories(timed), places_of(timed)
    run_spread = final_clock(history).run_spread()
    return Manifest(
        created_at=now,
        repository=history.repository,
        default_branch=history.default_branch,
        version=__version__,
        model_version=learned.model_version,
        history_runs=len(history.runs),
        history_from=history.runs[0].started_at.isoformat(),
        history_to=history.as_of.isoformat(),
        trained_to=learned.trained_to,
        features=learned.features,
        served=learned.served,
        sigmoid=learned.sigmoid,
        needed_shares=learned.needed_shares,
        coverage=learned.conformal["run_time"].coverage,
        observed_coverage=learned.observed_coverage,
        conformal={
            **{name: asdict(factors) for name, factors in learned.conformal.items()},
            "new_case": {"scopes": dict(learned.new_case)},
            **({"run": {"spread_share": run_spread}} if isfinite(run_spread) else {}),
        },
        anchors=learned.anchors,
        overhead_s=fixed_overhead_s(timed),
        case_members=case_members,
        series={
            name: memory.to_json() | (places[name].to_json() if name in places else {})
            for name, memory in memories.items()
            if memory.seconds
        },
    )


def case_columns(learned: Learned, history: History, index: CaseIndex) -> Columns:
    """Forecast the seconds and memory of every case, shape (n_cases,) each; runs is 0 where nothing was measured.

    Each learner's own forecast is in `members/<name>`, whoever serves.
    """
    clock = final_clock(history)
    slots = np.flatnonzero(clock.runs > 0)
    forecasts = _forecast_cases(learned, clock, index=index, slots=slots)
    forecasts["planned_s"] = clock.experts(slots)[learned.anchors.get("plan", PLAN_DEFAULT)]
    low, high = learned.conformal["case_time"].interval(forecasts["expected_s"], clock.doubt(slots))
    columns = {"runs": clock.runs, "peak_memory_bytes": clock.peak_memory_bytes}
    for name, values in {**forecasts, "low_s": low, "high_s": high}.items():
        columns[name] = np.zeros(len(history.case_ids), np.float32)
        columns[name][slots] = values
    return columns


def _forecast_cases(
    learned: Learned, clock: Clock, *, index: CaseIndex, slots: NDArray[np.intp]
) -> dict[str, NDArray[np.float64]]:
    """Give `expected_s` and `members/<name>` of the measured slots."""
    served, baselines = learned.served["case_time"], clock.baselines(slots)
    anchor = baselines[learned.anchors["case_time"]]
    names = _case_members(learned) if len(slots) else []
    rows = clock.features(slots, index, None) if names else np.zeros((0, 0), np.float32)
    ratios = {name: score_graph(learned.graphs[f"case_time/{name}"], rows) for name in names}
    members = {f"members/{name}": from_log_ratio(ratio, anchor, OFFSET_S) for name, ratio in ratios.items()}
    if served.is_model and ratios:
        return {"expected_s": from_log_ratio(combine(ratios, served.weights), anchor, OFFSET_S), **members}
    return {"expected_s": anchor if served.is_model else baselines[served.by], **members}


def _case_members(learned: Learned) -> list[str]:
    return [name.partition("/")[2] for name in sorted(learned.graphs) if name.startswith("case_time/")]
