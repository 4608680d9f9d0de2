"""Is a server well? Asked by HTTP, by a TCP connection, or by a command."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from cipredict.act.deployment.beside import Beside
from cipredict.plans.rollout import HealthCheck

_HOST = "127.0.0.1"


def ask(check: HealthCheck, port: int) -> str:
    """Ask once; give what is wrong, empty where nothing is."""
    if check.command:
        return _ask_command(check, port)
    try:
        if not check.path:
            socket.create_connection((_HOST, port), timeout=check.timeout_s).close()
            return ""
        with closing(http.client.HTTPConnection(_HOST, port, timeout=check.timeout_s)) as connection:
            connection.request("GET", check.path, headers={"Connection": "close", "User-Agent": "cipredict"})
            status = connection.getresponse().status
            return "" if 200 <= status < 400 else f"GET {check.path} gives {status}"
    except (OSError, http.client.HTTPException) as error:
        return f"port {port}: {error or type(error).__name__}"


def _ask_command(check: HealthCheck, port: int) -> str:
    command = [word.replace("{port}", str(port)) for word in check.command]
    try:
        done = subprocess.run(command, timeout=check.timeout_s, capture_output=True, check=False)  # noqa: S603  # of the project's own settings
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {check.timeout_s:g} s"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return "" if done.returncode == 0 else f"{command[0]} exited with {done.returncode}"


def wait_healthy(check: HealthCheck, port: int, *, has_ended: Callable[[], bool]) -> str:
    """Wait until a new server is well; give why it is not, empty where it is.

    A process that keeps ending is given up before its start period is over: its keeper starts it again meanwhile.
    """
    deadline = time.monotonic() + check.start_period_s
    in_a_row, problem = 0, "was not asked"
    while time.monotonic() < deadline:
        problem = ask(check, port)
        in_a_row = 0 if problem else in_a_row + 1
        if in_a_row >= check.successes:
            return ""
        if has_ended():
            return "its process has ended"
        time.sleep(check.interval_s)
    return f"not healthy within {check.start_period_s:g} s: {problem}"


class Vigil:
    """Goes on asking servers that users reach, beside the deployment: one may hang and not end."""

    def __init__(self, check: HealthCheck) -> None:
        self._check = check
        self._in_a_row: dict[int, int] = {}
        self._ports: Sequence[int] = ()
        self._asked = Beside(self._ask_all, every_s=check.interval_s)

    def look(self, ports: Sequence[int]) -> str:
        """Give what is wrong with a server that has failed often enough in a row; empty where none has."""
        self._ports = ports
        for port, problem in (self._asked.take() or {}).items():
            self._in_a_row[port] = self._in_a_row.get(port, 0) + 1 if problem else 0
            if self._in_a_row[port] >= self._check.failures:
                return problem
        return ""

    def _ask_all(self) -> dict[int, str]:
        return {port: ask(self._check, port) for port in self._ports}


def warm_up(check: HealthCheck, port: int, requests: int) -> None:
    """Send requests that nobody waits for, so that caches are filled before users come."""
    for _ in range(requests):
        ask(check, port)
