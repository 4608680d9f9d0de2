"""Requests that fail while releases change, under load from wrk: blue-green switches, canaries, rollbacks.

Run: ``python -m benchmarks.deploy.zero_failures [--requests 200000] [--row 0 --row 5]``. Needs haproxy, nginx and wrk.
Each row deploys over and over until so many requests were sent. `repeated` counts orders (POST, each with an id of its
own) that an application executed twice. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.deploy.site import Load, Site, read_load

LOAD_S = 45
POSTS = """
counter = 0
request = function()
  counter = counter + 1
  return wrk.format("POST", "/order-" .. counter)
end
"""


ROWS = (
    ("blue-green", "haproxy", "blue_green", True, False),
    ("blue-green, a connection per request", "haproxy", "blue_green", False, False),
    ("canary 10/25/50/100 % and promotion", "haproxy", "canary", True, False),
    ("canary, every second release taken back", "haproxy", "canary", True, True),
    ("rolling", "haproxy", "rolling", True, False),
    ("nginx: blue-green", "nginx", "blue_green", True, False),
    ("nginx: canary", "nginx", "canary", True, False),
)


def measure(target: str, strategy: str, requests: int, *, keep_alive: bool, bad: bool) -> tuple[Load, int, int]:
    """Give the load, how many deployments went through meanwhile, and how many orders were executed twice."""
    with Site(target=target, strategy=strategy, bake_s=1.5, steps=[10, 25, 50]) as site:
        orders = site.folder / "orders"
        script = site.folder / "posts.lua"
        script.write_text(POSTS)
        site.deploy("r0", f"orders={orders}")
        load, deployments = Load(0, 0), 0
        while load.requests < requests:
            process = site.begin_load(600, header="" if keep_alive else "Connection: close", script=str(script))
            begin_s = time.monotonic()
            while time.monotonic() - begin_s < LOAD_S:
                deployments += 1
                name = f"r{deployments}"
                options = ["health=500"] if bad and deployments % 2 else []
                ended = site.deploy(name, f"orders={orders}", *options)
                if ended.is_live == bool(options):
                    raise SystemExit(f"{name} should {'not ' if options else ''}serve: {ended.reason}")
            process.send_signal(signal.SIGINT)
            part = read_load(process)
            load = Load(load.requests + part.requests, load.failed + part.failed)
            twice = repeated(orders)
            orders.unlink()
            if twice:
                break
    return load, deployments, twice


def repeated(orders: Path) -> int:
    """Count the ids that stand in the applications' file more than once; wrk numbers from 1 in each run."""
    return sum(count - 1 for count in Counter(orders.read_bytes().split()).values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--row", type=int, action="append", help="only these, counted from 0")
    options = parser.parse_args()
    rows = []
    print(f"{'what':<42} {'requests':>9} {'deployments':>12} {'failed':>7} {'repeated':>9}", file=sys.stderr)
    for words, target, strategy, keep_alive, bad in [ROWS[number] for number in options.row or range(len(ROWS))]:
        load, deployments, twice = measure(target, strategy, options.requests, keep_alive=keep_alive, bad=bad)
        rows.append({"what": words, **load._asdict(), "deployments": deployments, "repeated": twice})
        print(f"{words:<42} {load.requests:>9,} {deployments:>12} {load.failed:>7} {twice:>9}", file=sys.stderr)
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
