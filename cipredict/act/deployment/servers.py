"""The processes of releases on this machine: a keeper for each port."""

from __future__ import annotations

import resource
import socket
from contextlib import closing
from pathlib import Path

from cipredict.act.deployment import supervisor
from cipredict.act.deployment.interface import DeployFailed, Server


class LocalServers:
    """Starts and ends servers; what runs is read from the keepers' status files, so a new deployer knows it too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, server: Server) -> None:
        """Start a server, unless it is kept running.

        Raises
        ------
        DeployFailed
            Somebody else listens on its port.
        """
        if supervisor.read_status(self.folder(server.port)) is not None:
            return
        if _is_taken(server.port):
            message = f"Port {server.port} is in use by another program."
            raise DeployFailed(message, hint="Free it, or choose others with `ports`.", slug="deploy-port")
        supervisor.launch(self.folder(server.port), server.command, dict(server.release.environment))

    def is_running(self, port: int) -> bool:
        """Tell whether the server of a port lives, or is being started for the first time."""
        status = supervisor.read_status(self.folder(port))
        return status is not None and (status.server is not None or status.last_exit is None)

    def has_crashed(self, port: int) -> bool:
        """Tell whether it has ended by itself since it was started; its keeper starts it again."""
        status = supervisor.read_status(self.folder(port))
        return status is None or bool(status.restarts) or status.last_exit is not None

    def memory_bytes(self, port: int) -> int:
        """Give what the server of a port holds in memory; 0 where that is unknown."""
        status = supervisor.read_status(self.folder(port))
        try:
            pages = Path(f"/proc/{status.server}/statm").read_text(encoding="ascii").split()[1] if status else "0"
        except OSError:
            return 0
        return int(pages) * resource.getpagesize()

    def stop(self, port: int) -> None:
        """End the server of a port."""
        supervisor.end(self.folder(port))

    def folder(self, port: int) -> Path:
        """Give where the keeper of a port has its papers."""
        return self._folder / str(port)


def _is_taken(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
