"""HAProxy, driven through its runtime socket: the one engine that loses no request when weights change.

Measured (docs/deployment.md): reloads of HAProxy, nginx and Caddy reset idle keep-alive connections; the socket does
not. So the configuration names every port once, disabled, and a deployment only ever talks to the socket. A reload for
another reason keeps the weights, because the server state is dumped before and loaded after it.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from cipredict.act.deployment.answer_times import AnswerTimes, free_port
from cipredict.act.deployment.interface import DeployFailed, Server, Traffic
from cipredict.act.deployment.servers import LocalServers
from cipredict.act.deployment.supervisor import is_process, spawn
from cipredict.plans.rollout import Rollout

_BACKEND = "app"
_MARK = "MARK"
_START_S = 5.0
_PAUSE_S = 0.02
_CONFIGURATION = """\
# Written by cipredict for the environment {environment}; changes are lost.
global
    stats socket {runtime} mode 600 level admin expose-fd listeners
    server-state-file {state}
    pidfile {pid}
    log 127.0.0.1:{log} len 512 format raw local0 info
    # Two of them on one address would share its users out, each by weights of its own.
    noreuseport
    description {mark}
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout queue 5s
    # A request is sent again only where no server has seen it: never twice, whatever breaks.
    retries 3
    option redispatch
    retry-on conn-failure
    http-reuse safe
frontend users
    bind {listen}
    log global
    log-format "%s %ST %Tr"
    default_backend {backend}
backend {backend}
    balance roundrobin
    load-server-state-from-file global
    http-request disable-l7-retry if !{{ method GET HEAD OPTIONS PUT DELETE }}
{servers}
"""


class HAProxy:
    """A `Target`: servers on this machine behind a HAProxy that this class starts and reloads."""

    def __init__(self, rollout: Rollout, folder: Path) -> None:
        self._rollout = rollout
        self._folder = folder.absolute()
        self._servers = LocalServers(self._folder / "servers")
        self._sockets = _short_folder(self._folder)
        self._runtime = self._sockets / "runtime"
        self._times: AnswerTimes | None = None

    # Target

    def prepare(self) -> None:
        """Start HAProxy where it does not run, and reload it where it has read another configuration than this."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._sockets.stat().st_uid != os.getuid():
            raise DeployFailed(f"{self._sockets} belongs to somebody else.", slug="deploy-balancer")
        content = self._configuration()
        if not self._path.exists() or self._path.read_text(encoding="utf-8") != content:
            unfinished = self._path.with_suffix(".new")
            unfinished.write_text(content, encoding="utf-8")
            _check(unfinished)
            unfinished.replace(self._path)
        if not self._answers():
            self._launch()
        elif f"description: {_mark(content)}" not in self._command("show info"):  # it has read another one
            self.reload()

    def start(self, server: Server) -> None:
        """Start a server; HAProxy does not send it anything yet."""
        self._servers.start(server)

    def is_running(self, server: Server) -> bool:
        """Tell whether its process lives."""
        return self._servers.is_running(server.port)

    def has_crashed(self, server: Server) -> bool:
        """Tell whether it has ended by itself."""
        return self._servers.has_crashed(server.port)

    def stop(self, server: Server) -> None:
        """End a server, which HAProxy forgets."""
        self._command(f"set server {_name(server.port)} state maint")
        self._servers.stop(server.port)

    def set_weights(self, weights: Mapping[int, int]) -> None:
        """Change all weights by one line on the socket."""
        ready = [port for port, weight in weights.items() if weight]
        rest = [port for port in self._rollout.ports if port not in ready]
        self._command(
            *(f"set server {_name(port)} weight {weights[port]}" for port in ready),
            *(f"set server {_name(port)} state ready" for port in ready),
            *(f"set server {_name(port)} weight 0" for port in rest),
        )

    def weights(self) -> Mapping[int, int]:
        """Read the weights of those servers that are not in maintenance."""
        return {
            _port(row): int(row["weight"])
            for row in self._statistics()
            if row["status"].startswith(("UP", "no check")) and int(row["weight"])
        }

    def drain(self, ports: Iterable[int], *, within_s: float) -> bool:
        """Let sessions end, then put the servers into maintenance."""
        ports = list(ports)
        self._command(*(f"set server {_name(port)} state drain" for port in ports))
        deadline = time.monotonic() + within_s
        while any(traffic.open for port, traffic in self.traffic().items() if port in ports):
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
        is_empty = not any(traffic.open for port, traffic in self.traffic().items() if port in ports)
        self._command(*(f"set server {_name(port)} state maint" for port in ports))
        return is_empty

    def traffic(self) -> Mapping[int, Traffic]:
        """Read the counters of all servers; a connection that could not be made counts as a request with an error."""
        traffic = {}
        for row in self._statistics():
            answers = {kind: int(row[f"hrsp_{kind}"] or 0) for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other")}
            broken = int(row["econ"] or 0) + int(row["eresp"] or 0)
            port = _port(row)
            traffic[port] = Traffic(
                sum(answers.values()) + broken,
                answers["5xx"] + broken,
                int(row["scur"] or 0),
                self._servers.memory_bytes(port),
            )
        return traffic

    def answers_s(self) -> Mapping[int, Sequence[float]]:
        """Give what HAProxy has logged since the last call: seconds until the server answered."""
        with suppress(OSError):  # somebody else listens: then nothing is known
            self._times = self._times or AnswerTimes(self._log_port())
        return self._times.take() if self._times else {}

    # Beyond

    def reload(self) -> None:
        """Have HAProxy read its configuration again; weights stay, idle keep-alive connections are reset."""
        self._save_state()
        worker = self._worker()
        os.kill(int(self._pid_path.read_text(encoding="utf-8").split()[0]), signal.SIGUSR2)
        self._wait_for_answer(lambda: self._answers() and self._worker() != worker)

    def shut_down(self) -> None:
        """End HAProxy and all servers: for tests, and for those who leave."""
        for port in self._rollout.ports:
            self._servers.stop(port)
        if self._times:
            self._times.close()
        if self._pid_path.exists():
            for pid in map(int, self._pid_path.read_text(encoding="utf-8").split()):
                if is_process(pid, str(self._path)):
                    _end(pid)
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def _path(self) -> Path:
        return self._folder / "haproxy.cfg"

    @property
    def _pid_path(self) -> Path:
        return self._folder / "haproxy.pid"

    def _configuration(self) -> str:
        servers = "\n".join(f"    server p{port} 127.0.0.1:{port} weight 1 disabled" for port in self._rollout.ports)
        content = _CONFIGURATION.format(
            mark=_MARK,
            environment=self._rollout.environment,
            runtime=self._runtime,
            state=self._folder / "haproxy.state",
            pid=self._pid_path,
            log=self._log_port(),
            listen=self._rollout.listen,
            backend=_BACKEND,
            servers=servers,
        )
        return content.replace(f"description {_MARK}", f"description {_mark(content)}")

    def _log_port(self) -> int:
        """Give the port of the log, chosen once: another one would be another configuration."""
        path = self._folder / "log.port"
        if not path.exists():
            path.write_text(str(free_port()), encoding="utf-8")
        return int(path.read_text(encoding="utf-8"))

    def _launch(self) -> None:
        (self._folder / "haproxy.state").write_text("", encoding="utf-8")  # whoever launches it sets the weights
        pid = spawn([_program(), "-W", "-f", str(self._path)], self._folder / "haproxy.log")
        self._wait_for_answer(self._answers, has_ended=lambda: bool(os.waitpid(pid, os.WNOHANG)[0]))

    def _wait_for_answer(self, has_come: Callable[[], bool], *, has_ended: Callable[[], bool] = lambda: False) -> None:
        deadline = time.monotonic() + _START_S
        while not has_come():
            if has_ended() or time.monotonic() > deadline:
                last = (self._folder / "haproxy.log").read_text(encoding="utf-8", errors="replace").strip()
                reason = last.splitlines()[-1] if last else "it says nothing"
                raise DeployFailed(f"HAProxy does not start: {reason}", slug="deploy-balancer")
            time.sleep(_PAUSE_S)

    def _worker(self) -> str:
        """Give the process that answers; a reload starts another."""
        return next(line for line in self._command("show info").splitlines() if line.startswith("Pid:"))

    def _answers(self) -> bool:
        try:
            return bool(self._ask("show info"))
        except OSError:
            return False

    def _save_state(self) -> None:
        (self._folder / "haproxy.state").write_text(self._ask("show servers state"), encoding="utf-8")

    def _statistics(self) -> list[dict[str, str]]:
        answer = self._command("show stat").lstrip("# ")
        return [row for row in csv.DictReader(answer.splitlines()) if row["svname"].startswith("p")]

    def _command(self, *lines: str) -> str:
        """Send commands in one line; HAProxy answers nothing to those that it obeys."""
        if not lines:
            return ""
        try:
            answer = self._ask("; ".join(lines))
        except OSError as error:
            message = f"HAProxy does not answer on {self._runtime}: {error.strerror or error}."
            hint = "If it was killed, `cipredict deploy restore` starts it again; `resume` or `abort` in a deployment."
            raise DeployFailed(message, hint=hint, slug="deploy-balancer") from error
        if lines[0].startswith("set") and answer.strip():
            raise DeployFailed(f"HAProxy refuses: {' '.join(answer.split())}", slug="deploy-balancer")
        return answer

    def _ask(self, line: str) -> str:
        with closing(socket.socket(socket.AF_UNIX)) as runtime:
            runtime.settimeout(_START_S)
            runtime.connect(str(self._runtime))
            runtime.sendall(line.encode() + b"\n")
            answer = b""
            while chunk := runtime.recv(65536):
                answer += chunk
            return answer.decode()


def _mark(content: str) -> str:
    """Name a configuration, with its mark or before it has one."""
    return hashlib.sha256(re.sub(r"\n    description .*", "", content).encode()).hexdigest()[:12]


def _name(port: int) -> str:
    return f"{_BACKEND}/p{port}"


def _port(row: Mapping[str, str]) -> int:
    return int(row["svname"][1:])


def _program() -> str:
    program = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        hint = "Install the package `haproxy`, or choose another `target`."
        raise DeployFailed("There is no haproxy on this machine.", hint=hint, slug="deploy-program")
    return program


def _check(path: Path) -> None:
    done = subprocess.run([_program(), "-c", "-q", "-f", str(path)], capture_output=True, text=True, check=False)  # noqa: S603  # as above
    if done.returncode:
        problems = [line for line in done.stderr.splitlines() if "ALERT" in line] or [done.stderr.strip()]
        raise DeployFailed(f"HAProxy refuses its configuration: {problems[0]}", slug="deploy-balancer")


def _short_folder(folder: Path) -> Path:
    """Give a folder for sockets: their addresses hold 100 letters at most, and a CI workspace can be deep."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cipredict-{os.getuid()}-{name}"


def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        time.sleep(0.2)
