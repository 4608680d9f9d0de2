from __future__ import annotations

import pytest

from cipredict.ingest.benchmarks.units import Unit, parse_unit


@pytest.mark.parametrize(
    ("text", "name", "factor", "higher"),
    [
        ("ns", "s", 1e-9, False),
        ("µs", "s", 1e-6, False),
        ("us/op", "s", 1e-6, False),
        ("ms/iter", "s", 1e-3, False),
        ("seconds", "s", 1.0, False),
        ("min", "s", 60.0, False),
        ("ops/s", "1/s", 1.0, True),
        ("ops/us", "1/s", 1e6, True),
        ("iter/sec", "1/s", 1.0, True),
        ("req/min", "1/s", 1 / 60, True),
        ("rps", "1/s", 1.0, True),
        ("bytes", "B", 1.0, False),
        ("MB", "B", 1e6, False),
        ("KiB", "B", 1024.0, False),
        ("MB/s", "B/s", 1e6, True),
        ("", "", 1.0, False),
        ("instructions", "instructions", 1.0, False),
        ("frames/s", "frames/s", 1.0, True),
    ],
)
def test_units(text: str, name: str, factor: float, *, higher: bool) -> None:
    unit = parse_unit(text)

    assert unit == Unit(name, unit.factor, higher_is_better=higher)
    assert unit.factor == pytest.approx(factor)
