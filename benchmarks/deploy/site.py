"""A site for the benchmarks of this folder: releases of the shop, load from wrk, the engine in this process."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cipredict.act.deployment.engine import Engine
from cipredict.act.deployment.haproxy import HAProxy
from cipredict.act.deployment.interface import Release
from cipredict.act.deployment.nginx import Nginx
from cipredict.act.deployment.outcome import Ended
from cipredict.act.deployment.papers import Papers
from cipredict.decide.rollout.judge import judge
from cipredict.decide.rollout.wish import parse_wish
from cipredict.plans.rollout import Finding, Seen

SHOP = Path(__file__).parents[2] / "tests" / "act" / "deployment" / "shop.py"
PORTS, LISTEN = "9201-9212", 9200


class Load(NamedTuple):
    """What wrk saw; `failed` are answers from 400 on and broken connections."""

    requests: int
    failed: int


class Site:
    """One environment, empty; a context manager that leaves nothing running. `within` is where its papers lie."""

    def __init__(self, within: str = "", **settings: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cipredict-deploy-"))
        table = {
            "ports": PORTS,
            "listen": f"127.0.0.1:{LISTEN}",
            "health_check": "/health",
            "start_period_s": 8,
            "drain_s": 10,
            **settings,
        }
        self.rollout = parse_wish(table, where="benchmark").rollout
        self.target = (Nginx if self.rollout.target == "nginx" else HAProxy)(self.rollout, self.folder / within)
        self.loads: list[subprocess.Popen[str]] = []
        self.events: list[tuple[float, str, Mapping[str, object]]] = []

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        for load in self.loads:
            load.kill()
            load.wait()
        self.target.shut_down()

    def engine(self) -> Engine:
        """Give a deployer as a new process would have it."""

        def look_at(seen: Seen, *, look: int) -> Finding:
            return judge(seen, self.rollout.limits, look=look)

        return Engine(
            self.rollout,
            self.target,
            Papers(self.folder),
            judge=look_at,
            tell=lambda event, facts: self.events.append((time.monotonic(), event, facts)),
        )

    def deploy(self, name: str, *options: str) -> Ended:
        """Deploy the shop with options of its own."""
        return self.engine().deploy(Release(name, (sys.executable, str(SHOP), "{port}", "{release}", *options)))

    def begin_load(
        self, seconds: float, *, connections: int = 32, header: str = "", script: str = ""
    ) -> subprocess.Popen[str]:
        """Have wrk ask for so long, or until it is interrupted."""
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}", f"http://127.0.0.1:{LISTEN}/"]
        command += ["-H", header] if header else []
        command += ["-s", script] if script else []
        self.loads.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return self.loads[-1]


def read_load(process: subprocess.Popen[str]) -> Load:
    """Read what wrk prints at its end."""
    text = process.communicate()[0]
    (requests,) = re.findall(r"(\d+) requests in", text)
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    for errors in re.findall(r"Socket errors: (.*)", text):
        failed += sum(map(int, re.findall(r"\d+", errors)))
    return Load(int(requests), failed)
