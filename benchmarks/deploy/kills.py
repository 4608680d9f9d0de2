"""A deployer that is killed at random points, with users asking all the time: what is lost, and how it ends.

Run: ``python -m benchmarks.deploy.kills [--kills 20]``. Needs haproxy and wrk. Each round starts `cipredict deploy run`
as a process of its own (every third release fails its health check), kills it with SIGKILL a random moment after a
random one of the changes of its state file, so that every phase has its turn, reads
`cipredict deploy status`, and then resumes or aborts in turn. `truthful` compares what status says with what HAProxy's
socket and the process table say; `consistent` means that in the end exactly one release serves, with no other process
left. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.deploy.site import LISTEN, PORTS, SHOP, Site, read_load

RUN = "from cipredict.cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"
LONGEST_S = 0.3


def cipredict(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command of `cipredict deploy`."""
    command = [sys.executable, "-c", RUN, "deploy", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, Any, str]:  # Any: JSON
    """Wait for it; give exit code, output and the last line said."""
    output, said = process.communicate(timeout=120)
    return process.returncode, json.loads(output) if output else {}, (said.strip().splitlines() or [""])[-1]


def running(folder: Path) -> dict[int, str]:
    """Read the process table: which release serves on which port, without asking cipredict."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if (
            str(SHOP) in words
            and "deploy" not in words
            and "cipredict.act.deployment.supervisor" not in words
            and str(folder) in words[-2]
        ):
            found[int(words[words.index(str(SHOP)) + 1])] = words[words.index(str(SHOP)) + 2]
    return found


def is_truthful(status: Mapping[str, Any], folder: Path, weights: Mapping[int, int]) -> bool:  # Any: JSON
    """Compare status with the process table and the balancer."""
    said = {one["port"]: one["release"] for one in status["servers"] if one["is_running"]}
    given = {one["port"]: one["weight"] for one in status["servers"] if one["weight"]}
    return said == running(folder) and given == dict(weights)


def wait_for_changes(path: Path, changes: int, deployer: subprocess.Popen[str]) -> None:
    """Wait until a file was replaced so often, or the deployer has ended."""
    last = path.stat().st_mtime_ns
    while changes and deployer.poll() is None:
        time.sleep(0.003)
        now = path.stat().st_mtime_ns
        changes -= now != last
        last = now


def play(site: Site, number: int, draw: random.Random) -> dict[str, object]:
    """Kill one deployer and finish what it began."""
    folder, name = site.folder, f"r{number}"
    options = ["health=500"] if number % 3 == 0 else []
    deployer = cipredict(
        folder, "run", name, "--", sys.executable, str(SHOP), "{port}", "{release}", *options, f"mark={folder}"
    )
    changes = draw.randint(1, 5 if options else 10)
    wait_for_changes(folder / ".cipredict" / "deploy" / "production" / "state.json", changes, deployer)
    time.sleep(draw.uniform(0, LONGEST_S))
    os.kill(deployer.pid, signal.SIGKILL)
    was_killed = deployer.wait() == -signal.SIGKILL
    deployer.communicate()
    time.sleep(1)  # until a server that was being started is there
    _, status, _ = finish(cipredict(folder, "status"))
    truthful = is_truthful(status, folder, site.target.weights())
    going_on = status["going_on"] or {}
    act = "resume" if number % 2 else "abort"
    if going_on:
        code, _, said = finish(cipredict(folder, act))
        if code == 2 and "resume" in said:  # everybody has it: it can only be finished
            act = "abort, then resume"
            code, _, said = finish(cipredict(folder, "resume"))
    else:
        act = "-"
    _, after, _ = finish(cipredict(folder, "status"))
    serving = {one["port"]: after["live"] for one in after["servers"]}
    consistent = after["is_consistent"] and not after["going_on"] and running(folder) == serving
    return {
        "changes": changes,
        "was_killed": was_killed,
        "phase": going_on.get("phase", "over"),
        "step": going_on.get("step"),
        "is_bad": bool(options),
        "act": act,
        "live": after["live"],
        "is_truthful": truthful,
        "is_consistent": consistent and set(site.target.weights()) == set(serving),
        "bad_serves": bool(options) and after["live"] == name,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311  # a simulation
    settings = {"strategy": "canary", "bake_s": 1, "steps": [10, 50], "drain_s": 5, "start_period_s": 15}
    with Site(".cipredict/deploy/production", **settings) as site:
        table = {**settings, "ports": PORTS, "listen": f"127.0.0.1:{LISTEN}", "health_check": "/health"}
        rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        (site.folder / "pyproject.toml").write_text(f"[tool.cipredict.deploy.production]\n{rows}")
        first = cipredict(
            site.folder, "run", "r0", "--", sys.executable, str(SHOP), "{port}", "{release}", f"mark={site.folder}"
        )
        code, _, said = finish(first)
        if code:
            raise SystemExit(said)
        process = site.begin_load(3600, connections=16)
        results = []
        killed = 0
        while killed < options.kills:
            row = play(site, len(results) + 1, draw)
            results.append(row)
            killed += bool(row["was_killed"])
            print(" ".join(f"{key}={value}" for key, value in row.items()), file=sys.stderr)
        process.send_signal(signal.SIGINT)
        load = read_load(process)
    good = {
        key: sum(bool(row[key]) for row in results)
        for key in ("was_killed", "is_truthful", "is_consistent", "bad_serves")
    }
    summary = {"rounds": len(results), **good, **load._asdict()}
    print(summary, file=sys.stderr)
    print(json.dumps({"summary": summary, "rounds": results}, indent=2))


if __name__ == "__main__":
    main()
