"""What `cipredict gate run` leaves behind: a tool's exit code beside what it wrote, so that silence can be told apart.

An empty answer with the exit code of success is no finding; an empty answer of a tool that crashed is no answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from cipredict.ingest.metrics.interface import Reading, Unusable
from cipredict.ingest.metrics.json_access import as_object, text_at
from cipredict.ingest.metrics.linters import read_mypy_text, read_ruff, reformat_reader
from cipredict.ingest.metrics.scanners import read_bandit, read_pip_audit


def read_tool_run(document: Mapping[str, object]) -> Reading:
    """Read a tool's own output, once its exit code says that it came to an end."""
    tool, code = text_at(document, "tool"), document.get("exit_code")
    reader = _READERS.get(tool)
    if reader is None:
        raise Unusable(f"the tool {tool!r} is unknown (known: {', '.join(_READERS)})")
    if code not in (0, 1) or isinstance(code, bool):
        last = (text_at(document, "stderr").strip().splitlines() or ["no reason given"])[-1]
        raise Unusable(f"{tool} did not come to an end (exit code {code}): {last[:200]}")
    reading = _relative(reader(document), text_at(document, "cwd"))
    if code == 1 and not reading.findings:
        raise Unusable(f"{tool} ended with exit code 1, but lists no finding")
    return reading


def _relative(reading: Reading, folder: str) -> Reading:
    """Spell paths from the folder that the tool ran in: the base may have been checked out elsewhere."""
    prefix = folder.rstrip("/") + "/"
    findings = tuple(
        one._replace(path=one.path.removeprefix(prefix), message=one.message.replace(prefix, ""))
        for one in reading.findings
    )
    return replace(reading, findings=findings)


def _json_of(document: Mapping[str, object]) -> object:
    try:
        return json.loads(text_at(document, "stdout"))
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{text_at(document, 'tool')} wrote no JSON ({error})") from error


def _with_object(
    read: Callable[[Mapping[str, object]], Reading],
) -> Callable[[Mapping[str, object]], Reading]:
    return lambda document: read(as_object(_json_of(document), "the output"))


def _ruff(document: Mapping[str, object]) -> Reading:
    entries = _json_of(document)
    if not isinstance(entries, list):
        raise Unusable("ruff's output is not a list")
    return read_ruff(entries)


def _formatter(tool: str, document: Mapping[str, object]) -> Reading:
    text = text_at(document, "stdout") + "\n" + text_at(document, "stderr")
    return reformat_reader(tool)(text, True)  # noqa: FBT003  # its exit code says that it ended


_READERS: dict[str, Callable[[Mapping[str, object]], Reading]] = {
    "ruff": _ruff,
    "mypy": lambda document: read_mypy_text(text_at(document, "stdout")),
    "bandit": _with_object(read_bandit),
    "pip-audit": _with_object(read_pip_audit),
    **{tool: partial(_formatter, tool) for tool in ("black", "isort", "ruff format")},
}
