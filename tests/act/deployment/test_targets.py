"""What every target must do, shown on real programs where they are installed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cipredict.act.deployment import supervisor
from cipredict.act.deployment.command import CommandTarget
from cipredict.act.deployment.haproxy import HAProxy
from cipredict.act.deployment.health import wait_healthy
from cipredict.act.deployment.interface import DeployFailed, Release, Role, Server, Target
from cipredict.act.deployment.nginx import Nginx
from cipredict.act.deployment.servers import LocalServers
from cipredict.decide.rollout.wish import parse_wish
from cipredict.plans.rollout import Rollout

SHOP = Path(__file__).with_name("shop.py")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


def needs(program: str) -> pytest.MarkDecorator:
    reason = f"{program} is not installed (Debian package)"
    return pytest.mark.skipif(shutil.which(program, path=PATH) is None, reason=reason)


TARGETS = [
    pytest.param("haproxy", marks=needs("haproxy")),
    pytest.param("nginx", marks=needs("nginx")),
    "command",
]
KINDS: dict[str, Callable[[Rollout, Path], Target]] = {"haproxy": HAProxy, "nginx": Nginx, "command": CommandTarget}
PROXY = """
import os, sys
from pathlib import Path
Path(sys.argv[1]).write_text(os.environ["CIPREDICT_WEIGHTS"])
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Place:
    """A target with two releases of the shop."""

    def __init__(self, kind: str, folder: Path) -> None:
        first = 10_000 + free_port() % 20_000  # below those that the system gives out
        self.listen = free_port()
        self.told = folder / "told"
        scripts = {"switch": [sys.executable, "-c", PROXY, str(self.told)]}
        table = {
            "target": kind,
            "ports": f"{first}-{first + 3}",
            "listen": f"127.0.0.1:{self.listen}",
            "health_check": "health",
            "health_interval_s": 0.05,
            **({"scripts": scripts} if kind == "command" else {}),
        }
        self.kind = kind
        self.folder = folder / "papers"
        self.rollout: Rollout = parse_wish(table, where="test").rollout
        self.target: Target = self.again()
        self.old = self.server(0, "old")
        self.new = self.server(1, "new")

    def again(self) -> Target:
        """Give the target as another process has it."""
        return KINDS[self.kind](self.rollout, self.folder)

    def server(self, number: int, name: str, *options: str) -> Server:
        command = (sys.executable, str(SHOP), "{port}", "{release}", *options)
        return Server(self.rollout.ports[number], Release(name, command), Role.STABLE)

    def start(self, *servers: Server) -> None:
        for server in servers:
            self.target.start(server)
        for server in servers:
            assert "" == wait_healthy(self.rollout.health, server.port, has_ended=lambda: False)

    def ask(self, times: int) -> Counter[str]:
        """Count who answers users; a target of scripts has no door of its own."""
        answers: Counter[str] = Counter()
        for _ in range(times):
            with closing(http.client.HTTPConnection("127.0.0.1", self.listen, timeout=5)) as connection:
                connection.request("GET", "/")
                answers[connection.getresponse().read().decode()] += 1
        return answers

    @property
    def old_server(self) -> int | None:
        status = supervisor.read_status(self.folder / "servers" / str(self.old.port))
        return status.server if status else None

    def close(self) -> None:
        if isinstance(self.target, HAProxy | Nginx):
            self.target.shut_down()
        for server in (self.old, self.new):
            LocalServers(self.folder / "servers").stop(server.port)


@pytest.fixture(params=TARGETS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = Place(request.param, tmp_path)
    try:
        place.target.prepare()
        yield place
    finally:
        place.close()


def test_traffic_goes_where_the_weights_say(place: Place) -> None:
    place.start(place.old, place.new)
    place.target.traffic()
    place.target.set_weights({place.old.port: 192, place.new.port: 64})
    assert {place.old.port: 192, place.new.port: 64} == dict(place.target.weights())
    if place.kind == "command":
        assert f"{place.old.port}=192 {place.new.port}=64" == place.told.read_text()
        return
    assert {"old": 30, "new": 10} == place.ask(40)


def test_what_servers_answer_is_counted(place: Place) -> None:
    if place.kind == "command":
        assert {} == place.target.traffic()
        return
    bad = place.server(1, "bad", "errors=1")
    place.start(place.old, bad)
    place.target.set_weights({place.old.port: 128, bad.port: 128})
    place.target.traffic()
    place.ask(20)
    time.sleep(0.1)
    after = place.target.traffic()
    assert [(10, 0), (10, 10)] == [after[server.port][:2] for server in (place.old, bad)]
    assert after[place.old.port].memory_bytes > 5_000_000


def test_a_drained_server_gets_nothing_and_can_be_stopped(place: Place) -> None:
    place.start(place.old, place.new)
    place.target.set_weights({place.old.port: 128, place.new.port: 128})
    place.target.set_weights({place.new.port: 256})
    assert place.target.drain([place.old.port], within_s=5)
    place.target.stop(place.old)
    assert (False, True) == (place.target.is_running(place.old), place.target.is_running(place.new))
    assert {place.new.port: 256} == dict(place.target.weights())
    if place.kind != "command":
        assert {"new": 5} == place.ask(5)


def test_another_process_sees_the_same(place: Place) -> None:
    place.start(place.old)
    place.target.set_weights({place.old.port: 256})
    other = place.again()
    other.prepare()
    assert ({place.old.port: 256}, True) == (dict(other.weights()), other.is_running(place.old))


def test_everything_may_be_repeated(place: Place) -> None:
    for _ in range(2):
        place.target.prepare()
        place.start(place.old)
        place.target.set_weights({place.old.port: 256})
    for _ in range(2):
        place.target.drain([place.old.port], within_s=1)
        place.target.stop(place.old)
    assert not place.target.is_running(place.old)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_ended_by_itself_is_started_again_and_not_forgotten(place: Place) -> None:
    server = place.server(0, "short", "crash_after_s=0.5")
    place.start(server)
    assert not place.target.has_crashed(server)
    wait_until(lambda: place.target.has_crashed(server))
    wait_until(lambda: place.target.is_running(server))
    assert place.target.has_crashed(server)
    place.target.start(server)  # once crashed is no reason to start a second one on its port
    place.target.stop(server)
    assert not place.target.is_running(server)


def test_a_server_whose_keeper_was_killed_serves_on_and_can_be_stopped(place: Place) -> None:
    place.start(place.old)
    folder = place.folder / "servers" / str(place.old.port)
    wait_until(lambda: place.old_server is not None)
    status = supervisor.read_status(folder)
    assert status is not None
    os.kill(status.keeper, signal.SIGKILL)
    wait_until(lambda: not supervisor.is_process(status.keeper, "supervisor"))
    assert place.target.is_running(place.old)
    place.target.start(place.old)
    place.target.stop(place.old)
    assert not place.target.is_running(place.old)


def test_a_process_that_inherited_the_number_of_a_balancer_is_left_alone(place: Place) -> None:
    if place.kind == "command":
        return
    with subprocess.Popen(["sleep", "30"]) as stranger:
        try:
            pid = place.folder / f"{place.kind}.pid"
            first = pid.read_text()
            pid.write_text(f"{stranger.pid}\n")
            if isinstance(place.target, Nginx):
                with pytest.raises(DeployFailed, match="nginx does not run"):
                    place.target.set_weights({place.old.port: 1})
            else:
                assert isinstance(place.target, HAProxy)
                place.target.shut_down()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            pid.write_text(first)
            place.target = place.again()


def scripted(folder: Path, **scripts: str) -> CommandTarget:
    table = {name: [sys.executable, "-c", script] for name, script in scripts.items()}
    rollout = parse_wish({"target": "command", "ports": "9001-9004", "scripts": table}, where="test").rollout
    return CommandTarget(rollout, folder)


def test_scripts_say_what_they_know(tmp_path: Path) -> None:
    counts = {"9001": {"requests": 10, "errors": 1}}
    target = scripted(
        tmp_path,
        switch="",
        traffic=f"print('{json.dumps(counts)}')",
        weights="print('{\"9001\": 256}')",
        drain="import os, sys; sys.exit(os.environ['CIPREDICT_PORTS'] != '9001 9002')",
    )
    assert (10, 1) == target.traffic()[9001][:2]
    assert {9001: 256} == target.weights()
    assert (True, False) == (target.drain([9002, 9001], within_s=1), target.drain([9003], within_s=1))


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({}, "has no script `switch`"),
        ({"switch": "import sys; sys.exit('no such pool')"}, "The script `switch` exited with 1: no such pool"),
        ({"switch": "", "weights": "print('?')"}, "does not print a JSON object"),
        ({"switch": "", "weights": 'print(\'{"9001": "many"}\')'}, "does not print a JSON object"),
        ({"switch": "", "traffic": 'print(\'{"9001": {"hits": 1}}\')'}, "does not print a JSON object"),
    ],
)
def test_a_script_that_fails_is_one_line(tmp_path: Path, scripts: dict[str, str], words: str) -> None:
    target = scripted(tmp_path, **scripts)
    with pytest.raises(DeployFailed, match=words):
        for act in (target.prepare, lambda: target.set_weights({9001: 1}), target.weights, target.traffic):
            act()
