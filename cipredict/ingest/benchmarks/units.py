"""Units of benchmark tools into seconds, bytes and rates. What is not known keeps its name and its scale."""

from __future__ import annotations

import re
from typing import NamedTuple

_TIMES = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TIME_WORDS = {
    "nanosecond": "ns",
    "nanoseconds": "ns",
    "microsecond": "us",
    "microseconds": "us",
    "usec": "us",
    "millisecond": "ms",
    "milliseconds": "ms",
    "msec": "ms",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "min": "m",
    "minute": "m",
    "minutes": "m",
}
_SIZES = {
    "b": 1.0,
    "byte": 1.0,
    "bytes": 1.0,
    **{f"{prefix}b": 1000.0**power for power, prefix in enumerate(("k", "m", "g", "t"), start=1)},
    **{f"{prefix}ib": 1024.0**power for power, prefix in enumerate(("k", "m", "g", "t"), start=1)},
}
_COUNTS = {"op", "ops", "iter", "iters", "iteration", "iterations", "item", "items", "request", "requests", "req", "1"}
_OTHER_RATES = {"hz", "rps", "qps", "tps", "op/s"}
_HIGHER_WORDS = re.compile(r"(per_second|throughput|per second|/s$|score$)", re.IGNORECASE)


class Unit(NamedTuple):
    """The unit that values are stored in, what to multiply them by, and which direction is better."""

    name: str
    factor: float
    higher_is_better: bool


def parse_unit(text: str) -> Unit:
    """Read a unit as tools spell it.

    >>> parse_unit("ms"), parse_unit("ops/ms").name, parse_unit("MiB").factor
    (Unit(name='s', factor=0.001, higher_is_better=False), '1/s', 1048576.0)
    """
    spelled = text.strip()
    word = spelled.lower()
    top, slash, bottom = word.partition("/")
    if (seconds := _seconds(top)) is not None and (not slash or bottom in _COUNTS):
        return Unit("s", seconds, higher_is_better=False)
    if slash and (per := _seconds(bottom)) is not None:
        if top in _COUNTS:
            return Unit("1/s", 1 / per, higher_is_better=True)
        if top in _SIZES:
            return Unit("B/s", _SIZES[top] / per, higher_is_better=True)
    if word in _OTHER_RATES:
        return Unit("1/s", 1.0, higher_is_better=True)
    if word in _SIZES:
        return Unit("B", _SIZES[word], higher_is_better=False)
    return Unit(spelled, 1.0, higher_is_better=bool(_HIGHER_WORDS.search(spelled)))


def _seconds(word: str) -> float | None:
    return _TIMES.get(_TIME_WORDS.get(word, word))
