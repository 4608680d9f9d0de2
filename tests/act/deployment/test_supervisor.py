from __future__ import annotations

import time
from pathlib import Path

import pytest

from cipredict.act.deployment import supervisor

REAL = """#!/bin/sh
# As systemd-run does with --scope: note the scope, become the command.
while [ "$1" != "--" ]; do shift; done
shift
echo "$*" >> {log}
exec "$@"
"""


@pytest.fixture
def _systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(supervisor, "_SYSTEMD", tmp_path)
    return programs / "systemd-run"


def install(program: Path, script: str) -> None:
    program.write_text(script)
    program.chmod(0o755)


def serve(folder: Path) -> bool:
    """Keep a server running for a moment, and tell whether it came up."""
    supervisor.launch(folder, ("sleep", "60"), {})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status = supervisor.read_status(folder)
        if status is not None and status.server is not None:
            break
        time.sleep(0.02)
    supervisor.end(folder)
    return status is not None and status.server is not None and supervisor.read_status(folder) is None


def test_where_systemd_runs_a_server_has_a_scope_of_its_own(tmp_path: Path, _systemd: Path) -> None:
    install(_systemd, REAL.format(log=tmp_path / "scopes"))
    assert serve(tmp_path / "9001")
    assert str(tmp_path / "9001") in (tmp_path / "scopes").read_text()


def test_a_systemd_that_refuses_is_done_without(tmp_path: Path, _systemd: Path) -> None:
    install(_systemd, "#!/bin/sh\nexit 1\n")
    assert [] == supervisor.scope()
    assert serve(tmp_path / "9001")


def test_without_systemd_a_server_runs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_SYSTEMD", tmp_path / "missing")
    assert [] == supervisor.scope()
    assert serve(tmp_path / "9001")
