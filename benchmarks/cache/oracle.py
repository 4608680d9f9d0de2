"""LRU and FIFO against libCacheSim, request by request, on every trace at 0.1, 1, 10 and 30 % of its footprint.

Run: ``python -m venv /tmp/oracle && /tmp/oracle/bin/pip install libcachesim`` (GPL-3.0: no dependency of ours), then
``PYTHONPATH=. /tmp/oracle/bin/python benchmarks/cache/oracle.py [--data FOLDER]``. Exit 1 where one request differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import libcachesim

from cipredict.cache_records import CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache
from cipredict.decide.caching.eviction.recency import Fifo, Lru
from cipredict.ingest.cache_traces import CacheTrace

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "cache" / "traces"
SHARES = (0.001, 0.01, 0.1, 0.3)
PAIRS = ((Lru, libcachesim.LRU), (Fifo, libcachesim.FIFO))


def numbered(trace: CacheTrace) -> tuple[list[CacheRequest], list[int]]:
    """Give the requests, and a number per key; the first size of a key holds, as entries never change."""
    sizes: dict[object, int] = {}
    numbers: dict[object, int] = {}
    requests = []
    for request in trace:
        size_bytes = sizes.setdefault(request.key, max(1, request.size_bytes))
        numbers.setdefault(request.key, len(numbers) + 1)
        requests.append(request._replace(size_bytes=size_bytes))
    return requests, [numbers[request.key] for request in requests]


def differences(ours: Cache, theirs: object, *, requests: Sequence[CacheRequest], numbers: Sequence[int]) -> int:
    """Count the requests that one served and the other did not."""
    count = 0
    for request, number in zip(requests, numbers, strict=True):
        hit = ours.access(request) is CacheOutcome.EXACT
        asked = libcachesim.Request(obj_id=number, obj_size=request.size_bytes, clock_time=0)
        count += hit != theirs.get(asked)
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    different = compared = 0
    for path in sorted(parser.parse_args().data.glob("*.csv.gz")):
        requests, numbers = numbered(CacheTrace(path))
        footprint = sum({request.key: request.size_bytes for request in requests}.values())
        for share in SHARES:
            capacity = max(1, round(footprint * share))
            for policy, oracle in PAIRS:
                theirs = oracle(cache_size=capacity, hashpower=18)
                count = differences(policy(capacity), theirs, requests=requests, numbers=numbers)
                different, compared = different + count, compared + len(requests)
                print(f"{path.name:28} {policy.name:5} {share:6.1%}: {count} of {len(requests):,} requests differ")
    print(f"{compared:,} requests compared, {different} differ")
    return 1 if different or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
