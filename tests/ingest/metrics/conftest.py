"""Reading one metrics file in a test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.ingest.metrics.interface import MetricsFile
from cipredict.ingest.metrics.reading import Places, read_metrics

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ReadMetrics = Callable[..., MetricsFile]


@pytest.fixture(name="gate_samples", scope="session")
def _gate_samples(samples: Path) -> Path:
    return samples / "gates"


@pytest.fixture(name="read_sample")
def _read_sample(gate_samples: Path, tmp_path: Path) -> ReadMetrics:
    """Read `[KIND=]NAME` of the samples, or content that is written to a file first."""

    def read(name: str, content: str | bytes | None = None, **places: object) -> MetricsFile:
        kind, _, file = name.rpartition("=")
        path = gate_samples / file
        if content is not None:
            path = tmp_path / file
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_metrics(f"{kind}={path}" if kind else str(path), Places(tmp_path, NOW, **places))  # type: ignore[arg-type]

    return read
