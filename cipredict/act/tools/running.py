"""Running one tool, and keeping what it said with its exit code as `cipredict.tool-run/1`, for `ingest.metrics`."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which

from cipredict.act.tools.stages import ToolStage
from cipredict.errors import UsageError
from cipredict.measures import TOOL_RUN_SCHEMA

_MOST_CHARACTERS = 50_000_000


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What a tool said. `exit_code` is -1 where it did not end in time."""

    tool: str
    version: str
    command: tuple[str, ...]
    cwd: str
    exit_code: int
    stdout: str
    stderr: str

    def to_document(self) -> dict[str, object]:
        """Give the JSON document."""
        return {
            "schema": TOOL_RUN_SCHEMA,
            "tool": self.tool,
            "version": self.version,
            "command": list(self.command),
            "cwd": self.cwd,
            "exit_code": self.exit_code,
            "stdout": self.stdout,
            "stderr": self.stderr,
        }


def run_tool(stage: ToolStage, paths: tuple[str, ...], *, extra: tuple[str, ...] = (), cwd: Path = Path()) -> ToolRun:
    """Run it to its end, whatever it finds.

    Raises
    ------
    UsageError
        It is not installed.
    """
    command = stage.call(paths, extra)
    program = which(command[0])
    if program is None:
        message = f"{command[0]} is not installed."
        raise UsageError(message, slug="tool-missing", hint="pip install 'cipredict[tools]'")
    folder = str(cwd.resolve())
    try:
        done = subprocess.run(  # noqa: S603  # a list, no shell; the program is one of the stages'
            [program, *command[1:]],
            cwd=folder,
            env=os.environ | {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            timeout=stage.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        told = f"it did not end within {stage.timeout_s:g} s"
        return ToolRun(stage.tool, _version(stage), tuple(command), folder, -1, "", told)
    stdout, stderr = (text.decode(errors="replace")[:_MOST_CHARACTERS] for text in (done.stdout, done.stderr))
    return ToolRun(stage.tool, _version(stage), tuple(command), folder, done.returncode, stdout, stderr)


def _version(stage: ToolStage) -> str:
    """Give the version that is installed beside us; a tool of another environment keeps its own."""
    try:
        return version(stage.distribution)
    except PackageNotFoundError:
        return ""
