"""Deployments with a real HAProxy, a real application and users who ask all the time."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cipredict.act.deployment.haproxy import HAProxy
from cipredict.act.deployment.interface import DeployFailed
from cipredict.cli.deploy import read_wish

SHOP = Path(__file__).parents[1] / "act" / "deployment" / "shop.py"
RUN = "from cipredict.cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"

needs_haproxy = pytest.mark.skipif(
    shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None,
    reason="haproxy is not installed (Debian package haproxy)",
)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Site:
    """A folder with settings, and the commands in it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        first = 10_000 + free_ports(1)[0] % 20_000  # below those that the system gives out
        (self.listen,) = free_ports(1)
        table = {
            "strategy": "blue_green",
            "ports": f"{first}-{first + 7}",
            "listen": f"127.0.0.1:{self.listen}",
            "health_check": "/health",
            "health_interval_s": 0.1,
            "bake_s": 1.0,
            "drain_s": 3,
            "start_period_s": 10,
            "least_requests": 10,
            **settings,
        }
        rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        (folder / "pyproject.toml").write_text(f"[tool.cipredict.deploy.production]\n{rows}")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RUN, "deploy", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, Any, str]:  # Any: JSON
        with self.start(*arguments) as process:
            output, said = process.communicate(timeout=60)
        return process.returncode, json.loads(output) if output else None, said

    def release(self, name: str, *options: str) -> tuple[int, Any, str]:  # Any: JSON
        return self.run("run", name, *self.command(*options))

    def command(self, *options: str) -> list[str]:
        return ["--", sys.executable, str(SHOP), "{port}", "{release}", *options]

    def ask(self) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", self.listen, timeout=5)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()


class Users(threading.Thread):
    """Ask one request after the other over kept connections, and count."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.answers, self.failures = port, 0, list[str]()
        self.stopped = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self.stopped.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.answers += 1
                if answer.status >= 500:
                    self.failures.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()

    def __enter__(self) -> Users:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    try:
        yield site
    finally:
        rollout = read_wish(tmp_path / "pyproject.toml", "production").rollout
        HAProxy(rollout, tmp_path / ".cipredict" / "deploy" / "production").shut_down()


@needs_haproxy
def test_a_release_takes_over_a_bad_one_is_taken_back_and_one_can_return(site: Site) -> None:
    """And users see no failure but those that the bad release makes in its short time."""
    code, ended, said = site.release("v1")
    assert (0, True, "v1") == (code, ended["is_live"], site.ask()), said
    with Users(site.listen) as users:
        code, ended, said = site.release("v2")
        assert (0, "v2", []) == (code, site.ask(), users.failures), said
        code, ended, said = site.release("v3", "errors=0.5")
        assert (1, False, "v2") == (code, ended["is_live"], site.ask()), said
        assert "errors in" in ended["reason"]
        seen = len(users.failures)
        code, ended, said = site.release("v4", "health=500")
        assert (1, "GET /health gives 500") == (code, ended["reason"].rpartition(": ")[2]), said
        code, ended, said = site.run("rollback", "--to", "v1")
        assert (0, "v1", seen) == (code, site.ask(), len(users.failures)), said
    assert users.answers > 200
    code, status, _ = site.run("status")
    assert (0, "v1", True, [256]) == (
        code,
        status["live"],
        status["is_consistent"],
        [server["weight"] for server in status["servers"]],
    )


@needs_haproxy
def test_a_killed_deployer_loses_no_request_and_can_be_resumed(site: Site) -> None:
    site.release("v1")
    with Users(site.listen) as users:
        deployer = site.start("run", "v2", *site.command())
        journal = site.folder / ".cipredict" / "deploy" / "production" / "journal.jsonl"
        while '"event": "step"' not in journal.read_text().partition('"release": "v2"')[2]:
            time.sleep(0.05)
        deployer.send_signal(signal.SIGKILL)
        deployer.communicate()
        code, status, _ = site.run("status")
        assert "v2" == status["going_on"]["release"]["name"]
        code, _, said = site.release("v3")
        assert (2, True) == (code, "has not ended" in said)
        code, ended, said = site.run("resume")
        assert (0, True) == (code, ended["is_live"]), said
        assert "v2" == site.ask()
    assert [] == users.failures


@needs_haproxy
def test_a_reload_keeps_the_weights(site: Site) -> None:
    site.release("v1")
    rollout = read_wish(site.folder / "pyproject.toml", "production").rollout
    haproxy = HAProxy(rollout, site.folder / ".cipredict" / "deploy" / "production")
    before = haproxy.weights()
    haproxy.set_weights(dict.fromkeys(before, 100))
    haproxy.reload()
    assert dict.fromkeys(before, 100) == haproxy.weights()
    assert "v1" == site.ask()


def haproxy_of(site: Site) -> HAProxy:
    rollout = read_wish(site.folder / "pyproject.toml", "production").rollout
    return HAProxy(rollout, site.folder / ".cipredict" / "deploy" / "production")


@needs_haproxy
def test_what_serves_is_brought_back_after_the_balancer_was_killed(site: Site) -> None:
    site.release("v1")
    haproxy = haproxy_of(site)
    pid = int(haproxy._pid_path.read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    while haproxy._answers():
        time.sleep(0.02)
    code, status, _ = site.run("status")
    assert (1, False, "v1") == (code, status["is_consistent"], status["live"])
    assert "HAProxy does not answer" in status["problems"][0]
    code, status, said = site.run("restore")
    assert (0, True, "v1") == (code, status["is_consistent"], site.ask()), said


@needs_haproxy
def test_a_configuration_that_was_written_and_not_read_is_read_later(site: Site) -> None:
    """The deployer may be killed between the two."""
    site.release("v1")
    text = (site.folder / "pyproject.toml").read_text()
    first, last = map(int, re.findall(r'ports = "(\d+)-(\d+)"', text)[0])
    (site.folder / "pyproject.toml").write_text(text.replace(f"{first}-{last}", f"{first}-{last + 1}"))
    haproxy = haproxy_of(site)
    haproxy._path.write_text(haproxy._configuration())
    haproxy.prepare()
    haproxy.set_weights({**haproxy.weights(), last + 1: 0})
    assert f"p{last + 1}" in haproxy._command("show servers state")
    worker = haproxy._worker()
    haproxy.prepare()
    assert worker == haproxy._worker(), "a reload resets connections, so that there is none without a change"


@needs_haproxy
def test_two_balancers_do_not_share_an_address(site: Site, tmp_path: Path) -> None:
    site.release("v1")
    other = HAProxy(read_wish(site.folder / "pyproject.toml", "production").rollout, tmp_path / "other")
    with pytest.raises(DeployFailed, match="HAProxy does not start"):
        other.prepare()
    other.shut_down()


def wait_for(site: Site, event: str) -> None:
    journal = site.folder / ".cipredict" / "deploy" / "production" / "journal.jsonl"
    deadline = time.monotonic() + 30
    while f'"event": "{event}"' not in journal.read_text().partition('"release": "v2"')[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_haproxy
def test_people_speak_to_a_deployment_that_goes_on(site: Site) -> None:
    """Nothing to approve yet, whoever may not, a stop that is waited for; then nobody answers; then somebody does."""
    site.release("v1")
    settings = site.folder / "pyproject.toml"
    text = settings.read_text().replace("bake_s = 1.0", "bake_s = 0.1")
    settings.write_text(text + 'approval = true\napprovers = ["ann"]\napproval_s = 30\nwhen_inconclusive = "promote"\n')
    with site.start("run", "v2", *site.command()) as deployer:
        wait_for(site, "waiting")
        code, _, said = site.run("promote", "--as", "eve")
        assert (2, True) == (code, "eve is none of the approvers ann" in said)
        code, _, said = site.run("abort", "--as", "bob")
        assert (0, "v2 was taken back\n", "v1") == (code, said, site.ask())
        assert 1 == deployer.wait()
    settings.write_text(settings.read_text().replace("approval_s = 30", "approval_s = 0.1"))
    code, ended, _ = site.release("v2")
    assert (3, "unapproved") == (code, ended["cause"])
    settings.write_text(settings.read_text().replace("approval_s = 0.1", "approval_s = 30"))
    (site.folder / ".cipredict" / "deploy" / "production" / "journal.jsonl").write_text("")
    with site.start("run", "v2", *site.command()) as deployer:
        wait_for(site, "waiting")
        code, _, said = site.run("promote", "--as", "ann", "--reason", "looks fine")
        assert (0, "ann approved v2\n") == (code, said)
        assert 0 == deployer.wait()
    (record,) = (site.folder / ".cipredict" / "events").glob("approval-*.jsonl")
    assert ["ann", "looks fine"] == [json.loads(record.read_text())["body"][key] for key in ("user", "reason")]


@needs_haproxy
def test_too_little_traffic_has_a_code_of_its_own(site: Site) -> None:
    site.release("v1")
    code, ended, _ = site.release("v2")
    assert (4, "inconclusive", "v1") == (code, ended["cause"], site.ask())
    assert "inconclusive" == ended["verdicts"][0]["verdict"]


@needs_haproxy
def test_a_port_in_use_changes_nothing(site: Site) -> None:
    site.release("v1")
    rollout = read_wish(site.folder / "pyproject.toml", "production").rollout
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", rollout.ports[1]))
        intruder.listen()
        code, ended, _ = site.release("v2")
    assert (1, "v1") == (code, site.ask())
    assert f"Port {rollout.ports[1]} is in use" in ended["reason"]


def test_the_plan_says_what_will_happen_and_does_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, strategy="canary", canary_percentage=5)
    code, plan, _ = site.run("plan")
    assert (0, "cipredict.deployment-plan/1") == (code, plan["schema"])
    assert [0.05, 0.1, 0.25, 0.5, 1.0] == [step["share"] for step in plan["rollout"]["steps"]]
    assert ["pyproject.toml"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("settings", "arguments", "words"),
    [
        ({"strategy": "yolo"}, ["plan"], "strategy = 'yolo': is none of blue_green, canary, rolling"),
        ({"canary_percentage": 150}, ["plan"], "a percentage lies between 0 and 100"),
        ({}, ["plan", "-e", "moon"], "has no [tool.cipredict.deploy.moon]; environments: production"),
        ({}, ["run", "v1"], "What starts the release?"),
        ({"freeze": ["mon-sun"]}, ["run", "v1", "--", "true"], "the freeze 'mon-sun' (UTC) holds"),
        ({}, ["rollback"], "There is no release '' to return to; kept: none"),
        ({}, ["resume"], "No deployment is going on"),
        ({"ports": "70000"}, ["plan"], "ports lie between 1 and 65535"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, settings: dict[str, object], arguments: list[str], words: str) -> None:
    site = Site(tmp_path, **settings)
    code, output, said = site.run(*arguments)
    assert (2, None, 1) == (code, output, len(said.strip().splitlines())), said
    assert words in said


# A cluster

HEALTHY: dict[str, dict[str, object]] = {
    "metadata": {"generation": 1},
    "status": {"observedGeneration": "1", "phase": "Healthy", "stableRS": "a", "currentPodHash": "a"},
}


def cluster_site(folder: Path, **phase: str) -> Site:
    site = Site(folder)
    table = 'name = "shop"\nimage = "shop:{release}"\n'
    head = '[tool.cipredict.deploy.production]\ntarget = "kubernetes"\nstrategy = "rolling"\nservers = 2\n'
    (folder / "pyproject.toml").write_text(f"{head}[tool.cipredict.deploy.production.kubernetes]\n{table}")
    kubectl = folder / "bin" / "kubectl"
    kubectl.parent.mkdir()
    document = {**HEALTHY, "status": {**HEALTHY["status"], **phase}}
    kubectl.write_text(f"#!/bin/sh\ncase \"$*\" in *get*) echo '{json.dumps(document)}';; *) cat > applied;; esac\n")
    kubectl.chmod(0o755)
    return site


def test_manifests_of_a_release_are_written(tmp_path: Path) -> None:
    site = cluster_site(tmp_path)
    with site.start("plan", "--format", "kubernetes", "--release", "v2") as process:
        output, said = process.communicate(timeout=60)
    kinds = [json.loads(part)["kind"] for part in output.split("---\n")[1:]]
    assert (0, ["Service", "Rollout"], "") == (process.returncode, kinds, said)
    assert (2, True) == ((result := site.run("plan", "--format", "kubernetes"))[0], "--release" in result[2])


@pytest.mark.parametrize(("phase", "code"), [("Healthy", 0), ("Degraded", 1)])
def test_a_release_goes_to_a_cluster(tmp_path: Path, phase: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    site = cluster_site(tmp_path, phase=phase)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    result, ended, said = site.run("run", "v2")
    assert (code, phase == "Healthy") == (result, ended["is_live"]), said
    assert "shop:v2" in (tmp_path / "applied").read_text()
    result, _, said = site.run("run", "v2")
    assert (code == 1) == ("deploy-pinned" in said)
    assert (2, True) == ((status := site.run("status"))[0], "deploy-cluster" in status[2])


def test_without_kubectl_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = cluster_site(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, said = site.run("run", "v2")
    assert (1, True, 1) == (code, "Install the package `kubernetes-client`" in said, len(said.splitlines()))


def test_without_haproxy_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    site = Site(tmp_path)
    rollout = read_wish(tmp_path / "pyproject.toml", "production").rollout
    with pytest.raises(DeployFailed, match="Install the package `haproxy`"):
        HAProxy(rollout, site.folder / "papers").prepare()
