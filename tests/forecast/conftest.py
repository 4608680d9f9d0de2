"""A small bundle to read back, whoever reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cipredict.forecast.bundle import Bundle, Manifest, Served, open_bundle, write_bundle
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES
from cipredict.forecast.state import State
from cipredict.forecast.state_codec import encode_state

CREATED = datetime(2026, 3, 1, 4, tzinfo=UTC)
INTERVAL = {"coverage": 0.9, "offset_s": 1.0, "bands_s": [10.0], "low": [0.5, 0.8], "high": [2.0, 1.2]}
MakeManifest = Callable[..., Manifest]
MakeBundle = Callable[..., Bundle]


def _served(by: str) -> Served:
    return Served(by, {"net": 0.25, "trees": 0.75}, () if by == "cipredict" else ("no gain",), {by: {"apfd": 0.5}})


@pytest.fixture
def make_manifest() -> MakeManifest:
    def make(**changed: object) -> Manifest:
        values: dict[str, object] = {
            "created_at": CREATED,
            "repository": "owner/name",
            "default_branch": "main",
            "version": "0.1.0",
            "model_version": "3",
            "history_runs": 7,
            "history_from": "2026-01-01T00:00:00+00:00",
            "history_to": "2026-03-01T00:00:00+00:00",
            "trained_to": "2026-02-01T00:00:00+00:00",
            "features": FEATURES,
            "served": {
                "failure": _served("decay10/time"),
                "case_time": _served("last"),
                "run_time": _served("median3"),
            },
            "sigmoid": (1.0, 0.0),
            "needed_shares": (0.1, 0.4),
            "coverage": 0.9,
            "observed_coverage": {"case_time": 0.91, "run_time": 0.88},
            "conformal": {"case_time": INTERVAL, "run_time": INTERVAL},
            "anchors": {"case_time": "last", "run_time": "median3"},
            "overhead_s": 12.0,
            "case_members": (),
            "series": {"ci": {"seconds": [90.0, 100.0, 110.0], "by_branch": {"main": 95.0}, "cases_s": 60.0}},
        }
        return Manifest(**{**values, **changed})  # type: ignore[arg-type]  # every field is above

    return make


@pytest.fixture
def make_bundle(tmp_path: Path, make_manifest: MakeManifest) -> MakeBundle:
    """Write the bundle of a state and open it; every case took 2 seconds."""

    def make(state: State, *, entries: Mapping[str, bytes] | None = None, **changed: object) -> Bundle:
        n = len(state.case_ids)
        columns = {"expected_s": 2.0, "low_s": 1.0, "high_s": 4.0, "runs": 3.0, "peak_memory_bytes": 0.0}
        contents = {
            "cases/ids": "\0".join(state.case_ids).encode(),
            **{f"cases/{name}.f32": np.full(n, value, "<f4").tobytes() for name, value in columns.items()},
            **encode_state(state, build_case_index(state.case_ids)),
            **(entries or {}),
        }
        path = tmp_path / "forecast.bundle"
        write_bundle(path, make_manifest(**changed), contents)
        return open_bundle(path)

    return make
