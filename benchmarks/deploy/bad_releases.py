"""How long a bad release is with users, and how many errors they see: every way of being bad, under load from wrk.

Run: ``python -m benchmarks.deploy.bad_releases``. Needs haproxy and wrk. `seconds` run from the step that gave the
release its first request to the restored weights; `errors` are what wrk saw. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import json
import signal
import sys
import time

from benchmarks.deploy.site import Site, read_load

BAD = {
    "does not start": ["start_s=60"],
    "starts slowly (fine)": ["start_s=3"],
    "10 % errors": ["errors=0.1"],
    "2 % errors": ["errors=0.02"],
    "3 x slower": ["delay_s=0.015"],
    "crashes after 10 s": ["crash_after_s=10"],
    "leaks 40 MB a second": ["leak_mb=40"],
    "health check fails": ["health=500"],
    "as good as before": [],
}


def main() -> None:
    rows = []
    print(f"{'release':<22} {'live':>5} {'seconds':>8} {'errors':>7} {'requests':>9}  why", file=sys.stderr)
    for words, options in BAD.items():
        with Site(strategy="canary", bake_s=6, steps=[10, 25]) as site:
            site.deploy("old", "delay_s=0.005")
            process = site.begin_load(600, connections=32)
            time.sleep(1)
            fast = [] if any(option.startswith("delay_s") for option in options) else ["delay_s=0.005"]
            site.events.clear()
            ended = site.deploy("new", *options, *fast)
            process.send_signal(signal.SIGINT)
            load = read_load(process)
            at = {event: moment for moment, event, _ in reversed(site.events)}
            seconds = at["rolled-back"] - at["step"] if "step" in at and "rolled-back" in at else None
        rows.append(
            {"release": words, "is_live": ended.is_live, "seconds": seconds, **load._asdict(), "reason": ended.reason}
        )
        live, shown = "yes" if ended.is_live else "no", "" if seconds is None else f"{seconds:.2f}"
        line = f"{words:<22} {live:>5} {shown:>8} {load.failed:>7} {load.requests:>9,}  {ended.reason}"
        print(line, file=sys.stderr)
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
