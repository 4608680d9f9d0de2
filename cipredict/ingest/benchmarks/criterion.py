"""criterion.rs: the messages of `cargo criterion --message-format=json`, and `target/criterion/**/new/sample.json`.

A measured value is the time of so many iterations; a sample is one by the other.
"""

from __future__ import annotations

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record

NAME = "criterion"
_REASONS = ("benchmark-complete", "group-complete")


def looks_like(document: Json) -> bool:
    """Tell by the reason of a message, or by what `sample.json` holds beside `benchmark.json`."""
    messages = document if isinstance(document, list) else [document]
    return any(isinstance(one, dict) and (one.get("reason") in _REASONS or "sampling_mode" in one) for one in messages)


def decode(document: Json) -> Decoded:
    """Give every completed benchmark."""
    for message in document if isinstance(document, list) else [document]:
        if message.get("reason") == "benchmark-complete":
            pair = message.get("measured_values"), message.get("iteration_count")
            yield make_record(str(message.get("id")), [_divided(*pair)], unit=str(message.get("unit", "ns")))
        elif "sampling_mode" in message:
            pair = message.get("times"), message.get("iters")
            yield make_record(str(message.get("full_id", "criterion")), [_divided(*pair)], unit="ns")


def _divided(values: object, counts: object) -> list[float] | None:
    if not isinstance(values, list) or not isinstance(counts, list) or len(values) != len(counts):
        return None
    try:
        return [value / count for value, count in zip(values, counts, strict=True)]
    except (TypeError, ZeroDivisionError):
        return None
