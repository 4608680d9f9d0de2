"""What gates compare: quantities with a dimension, as people write them (`10ms`, `2GB`, `85%`), and measurements.

A quantity without its unit is no quantity: `10` against `10ms` is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

METRICS_SCHEMA = "cipredict.metrics/1"
"""Schema of a file of measurements."""

TOOL_RUN_SCHEMA = "cipredict.tool-run/1"
"""Schema of what a tool said, with its exit code."""


class Dimension(StrEnum):
    """What a quantity measures; its value is kept in the base unit of the dimension."""

    NUMBER = "number"
    SHARE = "share"  # 0…1, written in percent
    SECONDS = "seconds"
    BYTES = "bytes"
    DECIBELS = "decibels"


UNITS: dict[str, tuple[Dimension, float]] = {
    "": (Dimension.NUMBER, 1.0),
    "%": (Dimension.SHARE, 0.01),
    "ns": (Dimension.SECONDS, 1e-9),
    "us": (Dimension.SECONDS, 1e-6),
    "µs": (Dimension.SECONDS, 1e-6),
    "ms": (Dimension.SECONDS, 1e-3),
    "s": (Dimension.SECONDS, 1.0),
    "min": (Dimension.SECONDS, 60.0),
    "h": (Dimension.SECONDS, 3600.0),
    "B": (Dimension.BYTES, 1.0),
    **{f"{prefix}B": (Dimension.BYTES, 1000.0**power) for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": (Dimension.BYTES, 1024.0**power) for power, prefix in enumerate("KMGT", start=1)},
    "dB": (Dimension.DECIBELS, 1.0),
}
"""Unit → (dimension, base units in one); `2GB` is 2e9 bytes, `2GiB` is 2 * 1024³. Case counts: `Mb` would be bits."""

_QUANTITY = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([^\d\s]*)\s*", re.ASCII)
_SPELLED = {
    Dimension.NUMBER: ("",),
    Dimension.SHARE: ("%",),
    Dimension.SECONDS: ("ns", "us", "ms", "s"),
    Dimension.BYTES: ("B", "kB", "MB", "GB", "TB"),
    Dimension.DECIBELS: ("dB",),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number of base units: a share of 0.85, 0.01 seconds, 2e9 bytes."""

    value: float
    dimension: Dimension = Dimension.NUMBER

    def __str__(self) -> str:
        """Spell it in the largest unit that leaves at least 1.

        >>> [str(Quantity(0.0104, Dimension.SECONDS)), str(Quantity(0.85, Dimension.SHARE)), str(Quantity(3.0))]
        ['10.4ms', '85%', '3']
        """
        units = [unit for unit in _SPELLED[self.dimension] if abs(self.value) >= UNITS[unit][1]]
        unit = units[-1] if units else _SPELLED[self.dimension][0]
        if self.value == 0 and self.dimension is Dimension.SECONDS:
            unit = "s"
        return f"{self.value / UNITS[unit][1]:.6g}{unit}"


def parse_quantity(value: object, *, bare_unit: str = "") -> Quantity:
    """Read a number, or text such as `10ms`; a number without a unit is in `bare_unit`.

    Raises
    ------
    ValueError
        Neither, of an unknown unit, or not finite; the message says which.

    >>> [parse_quantity(text).value for text in ("10ms", "2GB", "85%")], parse_quantity(5, bare_unit="%").value
    ([0.01, 2000000000.0, 0.85], 0.05)
    """
    number, unit = _split(value)
    if unit not in UNITS:
        known = ", ".join(unit for unit in UNITS if unit)
        raise ValueError(f"{value!r} has an unknown unit (known: {known})")
    dimension, factor = UNITS[unit or bare_unit]
    total = number / 100 if dimension is Dimension.SHARE else number * factor
    if not isfinite(total):
        raise ValueError(f"{value!r} is not a finite number")
    return Quantity(float(f"{total:.15g}"), dimension)  # 8.4 ms are 0.0084 s, not 0.008400000000000001


def _split(value: object) -> tuple[float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value), ""
        except OverflowError:
            return float("inf"), ""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a quantity such as 85%, 10ms, 2GB or 1000")
    return float(match[1]), match[2]


class Evidence(StrEnum):
    """How sure a measurement is."""

    MEASURED = "measured"
    CONFIRMED = "confirmed"  # a regression that a second, fresh runner showed too
    CANDIDATE = "candidate"  # a regression that one job showed: worth a warning, not a block
    INCONCLUSIVE = "inconclusive"  # too little data; the value, if any, proves nothing


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric of the change under judgement.

    Attributes
    ----------
    quantity : None where it could not be measured, for `reason`
    source : the file that it was read from
    reason : why it is inconclusive or unusable, or what the number means (`PESQ narrowband MOS`)
    """

    metric: str
    quantity: Quantity | None
    source: str = ""
    evidence: Evidence = Evidence.MEASURED
    reason: str = ""
