"""`cache simulate`: a trace from a file, or what jobs recorded, through the policies, onto a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from cipredict.cache_records import CacheRequest
from cipredict.decide.caching.eviction.policies import choose_policies, make_policy, need_future
from cipredict.decide.caching.eviction.simulation import Simulated, simulate
from cipredict.errors import InputError, UsageError
from cipredict.ingest.cache_traces import CacheTrace, next_uses
from cipredict.quantities import spell_bytes
from cipredict.render.console import people, render_table

_COLUMNS = ("policy", "exact", "prefix", "miss", "bytes missed", "cost", "effective cost", "most held")


@dataclass(frozen=True, slots=True)
class RecordedTrace:
    """The restores that jobs recorded; `bad_rows` are those of entries whose size no event tells."""

    path: Path
    requests: tuple[CacheRequest, ...]
    bad_rows: int
    only: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[CacheRequest]:
        return iter(self.requests)


Trace: TypeAlias = CacheTrace | RecordedTrace


def read_trace(path: Path | None, *, prefix_share: str, where: Sequence[str], store: Path) -> Trace:
    """Give the trace that the options describe, of which nothing is read yet, or what the store has recorded.

    Raises
    ------
    UsageError
        An option cannot be read, or is not for recorded events.
    """
    shares = _prefix_shares(prefix_share)
    if path is not None:
        return CacheTrace(path, shares, dict(_conditions(where)))
    if where:
        raise UsageError("--where is for traces in files: recorded events have no columns.", slug="cache-where")
    return _recorded(store, shares.get("", 1.0))


def _recorded(store: Path, prefix_share: float) -> RecordedTrace:
    """Read the events. Nobody records what a rebuild takes, so the cost of an entry is its bytes."""
    from cipredict.store.caches import load_cache_events  # noqa: PLC0415  # duckdb, for recorded events only
    from cipredict.store.database import open_store  # noqa: PLC0415

    with open_store(store, read_only=True) as door:
        rows = load_cache_events(door, datetime.now(UTC)).to_pylist()
    sizes = {row["matched_key"] or row["key"]: row["size_bytes"] for row in rows if row["size_bytes"] is not None}
    restores = [row for row in rows if row["operation"] == "restore"]
    requests = tuple(
        CacheRequest(row["key"], sizes[row["key"]], f"stream {row['cache']}", float(sizes[row["key"]]), prefix_share)
        for row in restores
        if row["key"] in sizes
    )
    return RecordedTrace(store, requests, len(restores) - len(requests))


def _prefix_shares(text: str) -> Mapping[str, float]:
    """Read `deps=0.05,build=0.4,0.2`: by kind, and for every other kind."""
    shares: dict[str, float] = {"": 1.0}
    for part in text.split(","):
        kind, _, number = part.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            message = f"--prefix-share: '{part}' is neither a share from 0 to 1 nor KIND=SHARE."
            raise UsageError(message, slug="cache-prefix-share")
        shares[kind.strip()] = share
    return shares


def _conditions(where: Sequence[str]) -> Iterator[tuple[str, str]]:
    for condition in where:
        column, sign, value = condition.partition("=")
        if not sign:
            raise UsageError(f"--where: '{condition}' is not COLUMN=VALUE.", slug="cache-where")
        yield column.strip().lower(), value


def simulate_trace(trace: Trace, policies: str, *, capacity_bytes: int) -> list[Simulated]:
    """Serve the trace with the policies named; it is read twice where one of them must know the future."""
    names = choose_policies(policies)
    with next_uses(trace) if need_future(names) else nullcontext() as next_use:
        results = simulate(trace, [make_policy(name, capacity_bytes, next_use) for name in names])
    if not results[0].requests:
        raise InputError(f"The trace {trace.path} holds no request{_but(trace)}.", slug="cache-trace-empty")
    return results


def _but(trace: Trace) -> str:
    conditions = ", ".join(f"{column}={value}" for column, value in trace.only.items())
    where = f" with {conditions}" if conditions else ""
    return f"{where}; {trace.bad_rows:,} rows cannot be read" if trace.bad_rows else where


def show_simulated(trace: Trace, results: Sequence[Simulated], *, output_format: str) -> None:
    """Write a table for people, or JSON; say what could not be read."""
    if trace.bad_rows:
        sys.stderr.write(f"cipredict: {trace.bad_rows:,} rows of {trace.path} are no requests and were left out.\n")
    if output_format == "json":
        document = {"trace": str(trace.path), "bad_rows": trace.bad_rows, "policies": [asdict(one) for one in results]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    first = results[0]
    title = f"{first.requests:,} requests, {spell_bytes(first.capacity_bytes)}; of 1, the cheapest first"
    ordered = sorted(results, key=lambda result: result.effective_cost_share)
    people().print(render_table(title, _COLUMNS, [_row(result) for result in ordered]))
    for result in results:
        for position, policy in result.switches:
            sys.stderr.write(f"{result.policy}: {policy} from request {position:,} on.\n")


def _row(result: Simulated) -> tuple[str, ...]:
    shares = (
        result.exact_share,
        result.prefix_share,
        result.miss_share,
        result.byte_miss_share,
        result.cost_share,
        result.effective_cost_share,
    )
    return (result.policy, *(f"{share:.3f}" for share in shares), spell_bytes(result.most_used_bytes))
