"""The door to pytest's collection: which cases exist, told by our own plugin instead of by pytest's printout.

A file that cannot be collected is given as a candidate itself: it counts as a case nobody knows, so it is selected, and
pytest's own red result reports it. When there is no collection at all, nothing can be decided: pytest could not run
either, and an empty answer would look like "no tests needed". That is the one place where the command must fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ids import CaseId

COLLECTION_SCHEMA = "cipredict.collection/1"
_REASON = re.compile(r"(?:^ERROR: |: error: )(?!usage)(.+)")
_HINT = "Run `pytest --collect-only` to see why, or give the ids on stdin."


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file, class or folder that pytest could not collect, and the last line of its traceback."""

    case_id: CaseId
    message: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What pytest found.

    Attributes
    ----------
    cases : ids in collection order, each once
    markers : names of the markers on a case, its class and its module, sorted, without those that pytest defines
    broken : what could not be collected
    """

    cases: tuple[CaseId, ...]
    markers: Mapping[CaseId, tuple[str, ...]]
    broken: tuple[BrokenFile, ...] = ()

    @property
    def candidates(self) -> tuple[CaseId, ...]:
        """The cases, then the broken files: handing these to pytest runs everything and shows every error."""
        return (*self.cases, *(broken.case_id for broken in self.broken))


def collect_cases(
    arguments: Sequence[str] = (),
    *,
    cwd: Path = Path(),
    python: str = sys.executable,
    timeout_s: float = 600.0,
) -> Collection:
    """Run pytest's collection with the project's own settings and the given extra arguments.

    Parameters
    ----------
    arguments
        For pytest, such as folders or `-k`.
    cwd
        The folder that pytest starts in.
    python
        The interpreter of the project, in which cipredict is installed too.
    timeout_s
        For the whole collection.

    Raises
    ------
    InputError
        pytest is missing, stopped before it collected, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="cipredict-") as folder:
        target = Path(folder) / "collection.json"
        options = ["-p", "cipredict", "--collect-only", "-q", "--cipredict-collect", str(target)]
        done = _run([python, "-m", "pytest", *options, *arguments], cwd=cwd, timeout_s=timeout_s)
        return _read(target, done)


def _run(command: Sequence[str], *, cwd: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # a list, no shell; the user's own pytest arguments
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"pytest's collection took more than {timeout_s:g} s."
        raise InputError(message, slug="collect-timeout", hint=_HINT) from error
    except OSError as error:
        message = f"{command[0]} cannot be run in {cwd}: {error.strerror}."
        raise InputError(message, slug="collect-failed", hint=_HINT) from error


def _read(path: Path, done: subprocess.CompletedProcess[str]) -> Collection:
    """Read what the plugin wrote.

    pytest stops with 2 after collection errors (then the list is partial and says so) and with 5 when nothing was
    found (then the list is empty and right). Any other exit code than these and 0 makes the list worthless.
    """
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    is_partial = done.returncode in (1, 2) and document is not None and document["errors"]
    if document is None or document["schema"] != COLLECTION_SCHEMA or not (done.returncode in (0, 5) or is_partial):
        message = f"pytest could not collect (exit code {done.returncode}): {_last_words(done)}."
        raise InputError(message, slug="collect-failed", hint=_HINT)
    markers = {CaseId(case["id"]): tuple(case["markers"]) for case in document["cases"]}
    broken = tuple(BrokenFile(CaseId(error["id"]), error["message"]) for error in document["errors"])
    return Collection(tuple(markers), markers, broken)


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Give the line that most likely says why: the first error that is not the usage, else the last line printed."""
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    reasons = [match[1] for line in lines if (match := _REASON.search(line))]
    return (reasons or lines[-1:] or ["it printed nothing"])[0].rstrip(".")
