"""Ready-made stages: real tools where they are installed, and tools that crash, hang or are not there."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from cipredict.act.tools.running import run_tool
from cipredict.act.tools.stages import STAGES, ToolStage
from cipredict.cli.app import main
from cipredict.errors import UsageError

ADVISORIES = Path(__file__).parents[3] / "data" / "samples" / "advisories"
ORDERS = Path(__file__).parents[3] / "data" / "samples" / "gates" / "orders.py.txt"
FINDINGS = {"ruff": 2, "ruff-format": 1, "black": 1, "isort": 1, "mypy": 1, "bandit": 6}


@pytest.fixture(name="project", autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "orders.py").write_bytes(ORDERS.read_bytes())
    (tmp_path / "src" / "clean.py").write_text('"""Nothing to find."""\n')
    (tmp_path / "ruff.toml").write_text("")  # no settings from above
    (tmp_path / "mypy.ini").write_text("[mypy]\ncache_dir = /dev/null\n")
    return tmp_path


def require(name: str) -> None:
    if which(STAGES[name].command[0]) is None:
        pytest.skip(f"{name} is not installed (pip install 'cipredict[tools]')")


def stage_of(script: str, **more: Any) -> ToolStage:  # noqa: ANN401  # fields of a ToolStage
    return replace(ToolStage("ruff", (sys.executable, "-c", script), "ruff", "lint_findings", **more))


@pytest.mark.parametrize(("name", "findings"), FINDINGS.items())
def test_a_real_tool_finds_what_is_there_and_nothing_else(
    name: str, findings: int, capsys: pytest.CaptureFixture[str]
) -> None:
    require(name)
    assert main(["gate", "run", name, "--path", "src/orders.py", "--output-dir", "out"]) == 0
    captured = capsys.readouterr()
    assert (f"out/{name}.json\n", f"{name}: {findings} findings") == (captured.out, captured.err.partition(" (")[0])
    assert main(["gate", "run", name, "--path", "src/clean.py", "--output-dir", "out"]) == 0
    assert f"{name}: 0 findings" in capsys.readouterr().err


def test_reports_of_real_tools_feed_the_gates(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ruff", "bandit"):
        require(name)
    (project / "pyproject.toml").write_text("[tool.cipredict.gates]\nlint_findings = 0\nsecurity_vulnerabilities = 6\n")
    assert main(["gate", "run", "ruff", "bandit", "--path", "src"]) == 0
    files = capsys.readouterr().out.split()
    assert main(["gate", "--metrics", *files]) == 1
    table = capsys.readouterr().err
    assert "2 is not <= 0" in table
    assert "security_vulnerabilities     pass         6" in table


def test_a_file_that_does_not_parse_is_never_green(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("bandit")
    (project / "src" / "broken.py").write_text("def broken(:\n")
    (project / "pyproject.toml").write_text("[tool.cipredict.gates]\nsecurity_vulnerabilities = 99\n")
    assert main(["gate", "run", "bandit", "--path", "src"]) == 0
    assert main(["gate", "--metrics", ".cipredict/gates/bandit.json"]) == 4
    assert "bandit did not scan src/broken.py" in capsys.readouterr().err


def test_a_tool_that_crashes_is_said_and_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("ruff")
    (project / "pyproject.toml").write_text("[tool.cipredict.gates]\nlint_findings = 0\n")
    assert main(["gate", "run", "ruff", "--path", "src", "--option=--no-such-option"]) == 2
    assert "did not come to an end (exit code 2)" in capsys.readouterr().err
    assert main(["gate", "--metrics", ".cipredict/gates/ruff.json"]) == 1


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [(["sonar"], "tool-unknown"), (["ruff", "mypy", "--option=-x"], "tool-options")],
)
def test_what_cannot_be_run_is_refused(arguments: list[str], slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", "run", *arguments]) == 2
    assert f"[{slug}]" in capsys.readouterr().err


def test_a_tool_that_is_not_installed_is_named() -> None:
    with pytest.raises(UsageError, match=r"no-such-tool is not installed.*tools"):
        run_tool(ToolStage("x", ("no-such-tool",), "x", "m"), ("src",))


def test_a_tool_that_hangs_is_ended() -> None:
    run = run_tool(stage_of("import time; time.sleep(60)", timeout_s=0.3), ())
    assert (-1, "it did not end within 0.3 s") == (run.exit_code, run.stderr)


def test_odd_bytes_of_a_tool_are_kept_readable() -> None:
    run = run_tool(stage_of(r"import sys; sys.stdout.buffer.write(b'\xff[]')"), ())
    assert json.loads(json.dumps(run.to_document()))["stdout"] == "\ufffd[]"


def test_every_stage_describes_itself_for_a_pipeline() -> None:
    for name, stage in STAGES.items():
        described = stage.to_stage(("src", "tests"), "out")
        assert f"cipredict gate run {name} --path src --path tests --output-dir out" == described["script"]
        assert [f"out/{name}.json"] == described["outputs"]


@contextmanager
def advisories() -> Iterator[str]:
    """Answer as an advisory service does, from recorded answers; nothing leaves this machine."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the base class's name
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = f"osv_{asked['package']['name']}_{asked['version']}.json"
            body = (ADVISORIES / name).read_bytes() if (ADVISORIES / name).is_file() else b"{}"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audit(address: str, requirements: str) -> list[str]:
    options = ["-sosv", f"--osv-url={address}", "--no-deps", "--disable-pip", f"-r{requirements}", "--cache-dir=cache"]
    return ["gate", "run", "pip-audit", *(f"--option={option}" for option in options)]


def test_dependencies_are_audited_against_a_local_service(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("pip-audit")
    (project / "pyproject.toml").write_text("[tool.cipredict.gates]\nsecurity_vulnerabilities = 0\n")
    (project / "old.txt").write_text("requests==2.19.0\nidna==3.10\n")
    (project / "new.txt").write_text("requests==2.32.5\n")
    with advisories() as address:
        assert main(audit(address, "old.txt")) == 0
        assert "pip-audit: 1 findings" in capsys.readouterr().err
        assert main(["gate", "--metrics", ".cipredict/gates/pip-audit.json"]) == 1
        assert main(audit(address, "new.txt")) == 0
        assert main(["gate", "--metrics", ".cipredict/gates/pip-audit.json"]) == 0


def test_an_audit_that_reaches_nobody_is_never_green(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("pip-audit")
    (project / "pyproject.toml").write_text("[tool.cipredict.gates]\nsecurity_vulnerabilities = 0\n")
    (project / "old.txt").write_text("requests==2.19.0\n")
    assert main(audit("http://127.0.0.1:9/v1/query", "old.txt")) == 2
    assert "wrote no JSON" in capsys.readouterr().err
    assert main(["gate", "--metrics", ".cipredict/gates/pip-audit.json"]) == 1
