from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cipredict.ingest.benchmarks.recorded import from_body, to_body
from cipredict.records import BenchmarkRecord, BenchmarkRun

AT = datetime(2026, 1, 1, tzinfo=UTC)
RUN = BenchmarkRun(
    (BenchmarkRecord("parse", ((1.0, 2.0), (3.0,)), "rate", "1/s", higher_is_better=True),),
    job="j",
    sha="abc",
    measured_at=AT,
)


def test_what_was_recorded_comes_back() -> None:
    assert from_body(json.loads(json.dumps(to_body(RUN, side="base"))), at=AT) == ("base", RUN)


@pytest.mark.parametrize("body", [{}, {"benchmarks": 3}, {"benchmarks": [{}]}, {"benchmarks": [{"benchmark": "x"}]}])
def test_a_damaged_body_is_a_complaint(body: dict[str, object]) -> None:
    assert isinstance(from_body(body, at=AT), str)
