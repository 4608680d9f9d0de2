"""What a decoder of this room is: it knows its files, and gives records, or a line about what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from cipredict.ingest.benchmarks.units import Unit, parse_unit
from cipredict.records import BenchmarkRecord, BenchmarkRun

Json: TypeAlias = Any
"""What json.loads gives: decoders ask for its shape as they go."""

Decoded: TypeAlias = Iterator[BenchmarkRecord | str]
"""Records, and lines that say what was left out and why."""


class Decoder(Protocol):
    """A module per tool."""

    NAME: str

    def looks_like(self, document: Json) -> bool:
        """Tell whether the document is of this tool."""

    def decode(self, document: Json) -> Decoded:
        """Give its benchmarks."""


@dataclass(frozen=True, slots=True)
class ReadBenchmarks:
    """One file: what it measured, which tool wrote it, and what was left out."""

    run: BenchmarkRun
    dialect: str
    problems: tuple[str, ...] = ()


def numbers(values: object, *, unit: Unit) -> tuple[float, ...] | None:
    """Give a list of numbers in the stored unit, None where it is no such list. NaN passes: comparing says so."""
    if not isinstance(values, list) or not values:
        return None
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return None
    return tuple(value * unit.factor for value in values)


def make_record(
    benchmark: str, processes: Iterable[object], *, unit: str, metric: str = "time", higher: bool | None = None
) -> BenchmarkRecord | str:
    """Give a record in stored units, or a line why there is none. `higher` overrides what the unit says."""
    parsed = parse_unit(unit)
    read = [numbers(process, unit=parsed) for process in processes]
    if not read or any(process is None for process in read):
        return f"{benchmark}: holds no list of numbers, left out"
    is_higher = parsed.higher_is_better if higher is None else higher
    known = tuple(process for process in read if process is not None)
    return BenchmarkRecord(benchmark, known, metric, parsed.name, higher_is_better=is_higher)


def with_parameters(name: str, parameters: object) -> str:
    """Give a benchmark's name with its parameters."""
    if not isinstance(parameters, dict) or not parameters:
        return name
    return f"{name}[{','.join(f'{key}={value}' for key, value in parameters.items())}]"
