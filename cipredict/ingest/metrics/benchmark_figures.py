"""Result files of benchmark tools as metrics: `benchmark:NAME`, its median, and `benchmark:NAME.p99` and so on.

The readers are those of `ingest/benchmarks`; a gate compares a figure with a threshold, `cipredict perf` with a base.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ingest.benchmarks import generic
from cipredict.ingest.benchmarks.interface import Json
from cipredict.ingest.benchmarks.reading import DECODERS, read_benchmarks
from cipredict.ingest.metrics.interface import Reading, Unusable
from cipredict.ingest.metrics.plain import PERCENTILES, TAKES, Pick, take
from cipredict.measures import Dimension, Measurement, Quantity
from cipredict.records import BenchmarkRecord

FIGURES = ("mean", "min", "max", *PERCENTILES)
_DIMENSIONS = {"s": Dimension.SECONDS, "B": Dimension.BYTES}
"""Of the units that the readers store; a rate is a plain number, per second."""


def is_of_a_tool(document: Json) -> bool:
    """Tell whether a known tool wrote it; any object could be somebody's own format, which has to be named."""
    return any(decoder.looks_like(document) for decoder in DECODERS if decoder is not generic)


def read_benchmark_figures(path: Path) -> Reading:
    """Read a result file or folder; of several runs in a folder all samples count."""
    try:
        read = read_benchmarks(path)
    except InputError as error:
        raise Unusable(error.message) from error
    samples: dict[str, list[BenchmarkRecord]] = {}
    for record in (record for one in read for record in one.run.records):
        samples.setdefault(record.series, []).append(record)
    measurements = tuple(one for name, records in samples.items() for one in _figures(name, records))
    notes = tuple(problem for one in read for problem in one.problems)
    return Reading(f"benchmarks ({read[0].dialect})", measurements=measurements, notes=notes)


def _figures(name: str, records: list[BenchmarkRecord]) -> Iterator[Measurement]:
    """Give the median under the benchmark's own name, and every figure; numbers that are none are said."""
    values = _values(records)
    odd = next((value for value in values if not isfinite(value)), None)
    if odd is not None or not values:
        yield Measurement(f"benchmark:{name}", None, reason=f"{name} holds {odd}" if values else f"{name} is empty")
        return
    dimension = _DIMENSIONS.get(records[0].unit, Dimension.NUMBER)
    count = "1 sample" if len(values) == 1 else f"{len(values)} samples"
    unit = f" in {records[0].unit}" if dimension is Dimension.NUMBER and records[0].unit else ""
    yield Measurement(f"benchmark:{name}", Quantity(TAKES["p50"](values), dimension), reason=f"median of {count}{unit}")
    for figure in FIGURES:
        yield Measurement(
            f"benchmark:{name}.{figure}", Quantity(TAKES[figure](values), dimension), reason=f"{count}{unit}"
        )


def _values(records: list[BenchmarkRecord]) -> list[float]:
    return [value for record in records for process in record.processes for value in process]


def pick_benchmark(pick: Pick) -> Measurement:
    """Take one figure of one benchmark, under the name that a gate asks for."""
    try:
        runs = [one.run for one in read_benchmarks(Path(pick.file))]
    except InputError as error:
        return Measurement(pick.name, None, pick.file, reason=error.message)
    found = [record for run in runs for record in run.records if record.series == pick.benchmark]
    if not found:
        names = sorted({record.series for run in runs for record in run.records})
        known = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        return Measurement(pick.name, None, pick.file, reason=f"{pick.benchmark} is none of its benchmarks ({known})")
    unit = found[0].unit if found[0].unit in _DIMENSIONS else ""
    return take(pick, [f"{value:.17g}{unit}" for value in _values(found)], where=pick.benchmark)
