"""A target of the project's own scripts: whatever starts servers and moves traffic there.

======== ==================================== =======================================================
script   replaced                             environment, output
======== ==================================== =======================================================
switch   -                                    `CIPREDICT_WEIGHTS` is `9101=230 9102=26`: all that serve
start    `{port}`, `{release}`                without it, `command` is started and kept running here
stop     `{port}`, `{release}`                as for `start`
drain    -                                    `CIPREDICT_PORTS`; exit code 1: requests were left
traffic  -                                    prints `{"9101": {"requests": 10, "errors": 0}, …}`
weights  -                                    prints `{"9101": 230, …}`; without it, what was switched last
======== ==================================== =======================================================

Without `traffic` nothing can be judged but health, and every verdict is inconclusive.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cipredict.act.deployment.interface import DeployFailed, Server, Traffic
from cipredict.act.deployment.servers import LocalServers
from cipredict.plans.rollout import Rollout

Value = TypeVar("Value")
_TIMEOUT_S = 300.0


class CommandTarget:
    """A `Target` that runs scripts."""

    def __init__(self, rollout: Rollout, folder: Path) -> None:
        self._scripts = rollout.scripts
        self._folder = folder
        self._servers = LocalServers(folder / "servers")

    def prepare(self) -> None:
        """Check that there is a script that moves traffic."""
        if "switch" not in self._scripts:
            hint = "Name one in `scripts`, such as { switch = ['./switch.sh'] }."
            raise DeployFailed("The target 'command' has no script `switch`.", hint=hint, slug="deploy-script")
        self._folder.mkdir(parents=True, exist_ok=True)

    def start(self, server: Server) -> None:
        """Run `start`, or keep the command of the release running."""
        if "start" in self._scripts:
            self._run("start", server=server)
        else:
            self._servers.start(server)

    def is_running(self, server: Server) -> bool:
        """Tell whether a server that was started here lives; of others that is up to the health check."""
        return "start" in self._scripts or self._servers.is_running(server.port)

    def has_crashed(self, server: Server) -> bool:
        """Tell whether a server that was started here has ended by itself."""
        return "start" not in self._scripts and self._servers.has_crashed(server.port)

    def stop(self, server: Server) -> None:
        """Run `stop`, or end what was started here."""
        if "stop" in self._scripts:
            self._run("stop", server=server)
        self._servers.stop(server.port)

    def set_weights(self, weights: Mapping[int, int]) -> None:
        """Run `switch`; what it was told is remembered once it has succeeded."""
        serving = {port: weight for port, weight in weights.items() if weight}
        told = " ".join(f"{port}={weight}" for port, weight in sorted(serving.items()))
        self._run("switch", environment={"CIPREDICT_WEIGHTS": told})
        self._remembered.write_text(json.dumps(serving), encoding="utf-8")

    def weights(self) -> Mapping[int, int]:
        """Ask `weights`, or give what was switched last."""
        if "weights" in self._scripts:
            return self._ask("weights", int)
        if not self._remembered.exists():
            return {}
        return {int(port): weight for port, weight in json.loads(self._remembered.read_text("utf-8")).items()}

    def drain(self, ports: Iterable[int], *, within_s: float) -> bool:
        """Run `drain`; without it there is nothing to wait for."""
        if "drain" not in self._scripts:
            return True
        environment = {"CIPREDICT_PORTS": " ".join(map(str, sorted(ports)))}
        return self._call("drain", environment=environment, timeout_s=within_s + _TIMEOUT_S).returncode == 0

    def traffic(self) -> Mapping[int, Traffic]:
        """Ask `traffic`; without it nothing is known."""
        if "traffic" not in self._scripts:
            return {}
        return self._ask("traffic", lambda counts: Traffic(**counts))

    def answers_s(self) -> Mapping[int, Sequence[float]]:
        """Know nothing."""
        return {}

    @property
    def _remembered(self) -> Path:
        return self._folder / "weights.json"

    def _ask(self, script: str, read: Callable[[Any], Value]) -> dict[int, Value]:  # Any: JSON
        answer = self._run(script)
        try:
            return {int(port): read(value) for port, value in dict(json.loads(answer)).items()}
        except (ValueError, TypeError) as error:
            message = f"The script `{script}` does not print a JSON object as it should: {error}."
            raise DeployFailed(message, slug="deploy-script") from error

    def _run(self, script: str, *, server: Server | None = None, environment: Mapping[str, str] | None = None) -> str:
        done = self._call(script, server=server, environment=environment)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise DeployFailed(f"The script `{script}` exited with {done.returncode}: {last}", slug="deploy-script")
        return done.stdout

    def _call(
        self,
        script: str,
        *,
        server: Server | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        command = self._scripts[script]
        try:
            return subprocess.run(  # noqa: S603  # of the project's own settings
                server.fill(command) if server else command,
                env={**os.environ, **(environment or {})},
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DeployFailed(
                f"The script `{script}` took more than {timeout_s:g} s.", slug="deploy-script"
            ) from error
        except OSError as error:
            raise DeployFailed(
                f"The script `{script}` cannot be started: {error.strerror}.", slug="deploy-script"
            ) from error
