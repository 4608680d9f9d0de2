"""`cipredict gate run`: the ready-made stages, one report per tool; it fails only where a tool did not end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cipredict.act.tools.running import run_tool
from cipredict.act.tools.stages import STAGES
from cipredict.cli.outputs import warn
from cipredict.errors import EXIT_OK, EXIT_USAGE, UsageError
from cipredict.ingest.metrics.reading import Places, read_metrics
from cipredict.plans.document import write_plan
from cipredict.records import ReportStatus
from cipredict.render.inert import one_line


def run_tools(names: Sequence[str], *, paths: tuple[str, ...], extra: tuple[str, ...], folder: Path) -> int:
    """Run each tool and write its report; print the reports' paths, for `gate --metrics`. Give the exit code.

    Raises
    ------
    UsageError
        A tool that is unknown or not installed; those before it have their reports.
    """
    unknown = [name for name in names if name not in STAGES]
    if unknown or not names:
        known = ", ".join(STAGES)
        what = f"Unknown tool '{unknown[0]}'" if unknown else "No tool named"
        raise UsageError(f"{what}: choose from {known}.", slug="tool-unknown")
    if extra and len(names) > 1:
        raise UsageError("--option belongs to one tool: run it alone.", slug="tool-options")
    return max(_run(name, paths=paths, extra=extra, folder=folder) for name in names)


def _run(name: str, *, paths: tuple[str, ...], extra: tuple[str, ...], folder: Path) -> int:
    path = folder / f"{name}.json"
    write_plan(path, run_tool(STAGES[name], paths, extra=extra).to_document())
    sys.stdout.write(f"{path}\n")
    read = read_metrics(str(path), Places(Path.cwd(), datetime.now(UTC)))
    if read.status is ReportStatus.INVALID:
        warn(f"{name}: {one_line(read.problems[0])}. Its gates will not pass. [tool-failed]")
        return EXIT_USAGE
    sys.stderr.write(f"{name}: {len(read.reading.findings)} findings ({STAGES[name].metric})\n")
    return EXIT_OK
