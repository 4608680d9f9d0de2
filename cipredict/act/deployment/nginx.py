"""nginx, driven by its configuration and reloads, each of which resets some idle connections (docs/deployment.md).

Its open version has no runtime interface, so weights are lines of an upstream. What servers answer is read from the
access log, which nginx sends to a local port while somebody listens.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cipredict.act.deployment.answer_times import free_port
from cipredict.act.deployment.interface import DeployFailed, Server, Traffic
from cipredict.act.deployment.servers import LocalServers
from cipredict.act.deployment.supervisor import is_process
from cipredict.plans.rollout import Rollout

_START_S = 5.0
_PAUSE_S = 0.05
_MOST_LINES = 20_000
_LINE = re.compile(rb"cipredict: (?P<answers>.*)$")
_CONFIGURATION = """\
# Written by cipredict for the environment {environment}; changes are lost.
daemon on;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log crit;  # lower levels fill it while nobody listens to the access log
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    log_format answers escape=none "$upstream_addr|$upstream_status|$upstream_header_time";
    upstream app {{
        keepalive 64;
{servers}
    }}
    server {{
        listen {listen};
        access_log syslog:server=127.0.0.1:{log},nohostname,tag=cipredict answers;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            # Only where no server has seen the request: never twice.
            proxy_next_upstream error;
            proxy_connect_timeout 2s;
        }}
    }}
}}
"""


class Nginx:
    """A `Target`: servers on this machine behind an nginx that this class starts and reloads."""

    def __init__(self, rollout: Rollout, folder: Path) -> None:
        self._rollout = rollout
        self._folder = folder.absolute()
        self._servers = LocalServers(self._folder / "servers")
        self._log: socket.socket | None = None
        self._traffic: dict[int, Traffic] = defaultdict(lambda: Traffic(0, 0))
        self._seconds: dict[int, list[float]] = defaultdict(list)

    def prepare(self) -> None:
        """Start nginx where it does not run."""
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            self._write(self.weights()).replace(self._path)
        if self._pid() is None:
            done = _run("-c", str(self._path))
            if done.returncode:
                raise DeployFailed(f"nginx does not start: {_last(done.stderr)}", slug="deploy-balancer")
            self._wait()

    def start(self, server: Server) -> None:
        """Start a server; nginx does not know it yet."""
        self._servers.start(server)

    def is_running(self, server: Server) -> bool:
        """Tell whether its process lives."""
        return self._servers.is_running(server.port)

    def has_crashed(self, server: Server) -> bool:
        """Tell whether it has ended by itself."""
        return self._servers.has_crashed(server.port)

    def stop(self, server: Server) -> None:
        """End a server."""
        self._servers.stop(server.port)

    def set_weights(self, weights: Mapping[int, int]) -> None:
        """Write the upstream, have nginx check it, and reload."""
        unfinished = self._write(weights)
        done = _run("-t", "-q", "-c", str(unfinished))
        if done.returncode:
            raise DeployFailed(f"nginx refuses its configuration: {_last(done.stderr)}", slug="deploy-balancer")
        pid = self._pid()
        if pid is None:
            raise DeployFailed(
                "nginx does not run.", hint="`cipredict deploy resume` starts it.", slug="deploy-balancer"
            )
        before_workers = self._workers()
        unfinished.replace(self._path)  # and no later than that: `weights` reads it
        os.kill(pid, signal.SIGHUP)
        deadline = time.monotonic() + _START_S
        while before_workers & self._workers() and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)  # they still take connections

    def weights(self) -> Mapping[int, int]:
        """Read the weights from the configuration that nginx was last told to read."""
        if not self._path.exists():
            return {}
        lines = re.findall(r"server 127\.0\.0\.1:(\d+) weight=(\d+);", self._path.read_text(encoding="utf-8"))
        return {int(port): int(weight) for port, weight in lines}

    def drain(self, ports: Iterable[int], *, within_s: float) -> bool:
        """Take servers out, and wait until the workers that knew them have ended."""
        ports = set(ports)
        if ports & self.weights().keys():
            self.set_weights({port: weight for port, weight in self.weights().items() if port not in ports})
        deadline = time.monotonic() + within_s
        while self._workers(are_leaving=True):
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_S)
        return True

    def traffic(self) -> Mapping[int, Traffic]:
        """Count what was logged while somebody listened; a full buffer drops lines of all servers alike."""
        self._listen()
        return {
            port: counts._replace(memory_bytes=self._servers.memory_bytes(port))
            for port, counts in self._traffic.items()
        }

    def answers_s(self) -> Mapping[int, Sequence[float]]:
        """Give the seconds that were logged since the last call."""
        self._listen()
        taken, self._seconds = self._seconds, defaultdict(list)
        return taken

    def shut_down(self) -> None:
        """End nginx and all servers: for tests, and for those who leave."""
        for port in self._rollout.ports:
            self._servers.stop(port)
        if self._log:
            self._log.close()
        pid = self._pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)

    @property
    def _path(self) -> Path:
        return self._folder / "nginx.conf"

    def _write(self, weights: Mapping[int, int]) -> Path:
        """Write a configuration beside the one that nginx has read."""
        servers = "\n".join(
            f"        server 127.0.0.1:{port} weight={weight};" for port, weight in sorted(weights.items()) if weight
        )
        content = _CONFIGURATION.format(
            environment=self._rollout.environment,
            folder=self._folder,
            listen=self._rollout.listen,
            log=self._log_port(),
            servers=servers or "        server 127.0.0.1:1 down;  # nobody serves",
        )
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(content, encoding="utf-8")
        return unfinished

    def _log_port(self) -> int:
        path = self._folder / "log.port"
        if not path.exists():
            path.write_text(str(free_port()), encoding="utf-8")
        return int(path.read_text(encoding="utf-8"))

    def _listen(self) -> None:
        if self._log is None:
            self._log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._log.setblocking(False)  # noqa: FBT003  # the standard library's own signature
            with suppress(OSError):  # somebody else listens: then nothing is known
                self._log.bind(("127.0.0.1", self._log_port()))
        for _ in range(_MOST_LINES):
            try:
                match = _LINE.search(self._log.recv(4096))
            except BlockingIOError:
                return
            if match:
                self._take(match["answers"].decode("ascii", "replace"))

    def _take(self, line: str) -> None:
        """Read `address, address|status, status|seconds, seconds`: one of each per server that was tried."""
        columns = [column.split(", ") for column in line.split("|")]
        for address, status, seconds in zip(*columns, strict=False):
            port = address.rpartition(":")[2]
            if not port.isdigit() or not status.isdigit():
                continue
            before = self._traffic[int(port)]
            is_error = int(status) >= 500
            self._traffic[int(port)] = Traffic(before.requests + 1, before.errors + is_error)
            if not is_error and seconds != "-":
                self._seconds[int(port)].append(float(seconds))

    def _pid(self) -> int | None:
        with suppress(OSError, ValueError):
            pid = int((self._folder / "nginx.pid").read_text(encoding="utf-8"))
            return pid if is_process(pid, str(self._path)) else None
        return None

    def _workers(self, *, are_leaving: bool = False) -> set[str]:
        """Give the worker processes; those that are leaving end once their connections do."""
        pid = self._pid()
        found = set()
        with suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
                with suppress(OSError):  # it has ended meanwhile
                    if (b"shutting down" in Path(f"/proc/{child}/cmdline").read_bytes()) is are_leaving:
                        found.add(child)
        return found

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while self._pid() is None and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([_program(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603  # nginx itself


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it says nothing"


def _program() -> str:
    program = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        hint = "Install the package `nginx-light`, or choose another `target`."
        raise DeployFailed("There is no nginx on this machine.", hint=hint, slug="deploy-program")
    return program
