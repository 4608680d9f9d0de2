"""What a CI command reads before it decides: candidates, the change, the bundle. The edges; nothing is decided here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.environment import ci_run
from cipredict.errors import InputError, UsageError
from cipredict.forecast.bundle import Bundle, check_fit, open_bundle
from cipredict.plans.selection_plan import ChangeSummary
from cipredict.records import Change

if TYPE_CHECKING:
    from cipredict.act.collect import Collection
    from cipredict.settings import Settings


@dataclass(frozen=True, slots=True)
class ReadChange:
    """A change as the command was told it: summary for the plan, changes for the forecast, branch of the run."""

    summary: ChangeSummary
    changes: tuple[Change, ...]
    branch: str = ""


def read_text(path: str, *, what: str) -> str:
    """Give a file's text, or stdin's for `-`.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"Cannot read the {what} {path}: {reason}.", slug="input-unreadable") from error


def read_lines(path: str, *, what: str) -> list[str]:
    """Give the non-empty lines of a file, or of stdin for `-`."""
    return [line for line in read_text(path, what=what).splitlines() if line.strip()]


def read_candidates(
    candidates: str | None, *, collect: bool, known: bool, may_be_empty: bool = True
) -> list[str] | None:
    """Give the candidate ids without repeats, in their order; None where the forecast's known cases were asked for.

    Without an option they come from stdin, as `pytest --collect-only -q | cipredict select-tests` has it.

    Raises
    ------
    UsageError
        More than one source, or none and stdin is a terminal.
    """
    if sum((candidates is not None, collect, known)) > 1:
        raise UsageError("Give one of --candidates, --collect and --known.", slug="candidates")
    if known:
        return None
    if collect:
        return collected_cases()
    if candidates is None and sys.stdin.isatty():
        raise UsageError(
            "No candidates: pipe case ids in, or give --candidates, --collect or --known.", slug="candidates"
        )
    ids = list(dict.fromkeys(read_lines(candidates or "-", what="candidates")))
    if not ids and not may_be_empty and candidates in {None, "-"}:
        raise InputError(
            "stdin holds no case: the command before the pipe failed, or found nothing.", slug="candidates-empty"
        )
    return ids


def collected_cases() -> list[str]:
    """Give what pytest collects in the working directory."""
    from cipredict.act.collect import collect_cases  # noqa: PLC0415  # starts a process, only when asked

    return candidates_of(collect_cases(cwd=Path.cwd()))


def candidates_of(collection: Collection) -> list[str]:
    """Give the candidates of a collection, and say which are files that cannot be collected."""
    for broken in collection.broken:
        sys.stderr.write(f"cipredict: {broken.case_id} cannot be collected and will run: {broken.message}\n")
    return list(collection.candidates)


def read_change(*, base: str | None, changed: Sequence[str], diff: str | None) -> ReadChange:
    """Give what changed: named paths, a diff, or git's answer between `base` and the head.

    Raises
    ------
    ChangeUnknown
        git cannot tell; run everything.
    """
    if sum((bool(changed), base is not None, diff is not None)) > 1:
        raise UsageError("Give one of --base, --changed and --diff.", slug="change")
    if changed:
        return _change(tuple(Change(path) for path in changed))
    if diff is not None:
        from cipredict.act.diff import parse_diff  # noqa: PLC0415

        return _change(parse_diff(read_text(diff, what="diff")))
    from cipredict.act.git import changed_paths  # noqa: PLC0415

    run = ci_run()
    found = changed_paths(base or (run.base_sha or run.base_branch if run else None), cwd=Path.cwd())
    branch = (run.branch if run else "") or found.branch
    return _change(found.in_folder(), base=found.base_sha, head=found.head_sha, branch=branch)


def _change(changes: tuple[Change, ...], *, base: str = "", head: str = "", branch: str = "") -> ReadChange:
    paths = {path for change in changes for path in (change.path, change.previous_path) if path}
    return ReadChange(ChangeSummary(base, head, tuple(sorted(paths))), changes, branch)


def read_forecast(settings: Settings) -> Bundle:
    """Open the bundle and refuse a foreign or stale one.

    Raises
    ------
    ForecastUnusable
        Saying why.
    """
    bundle = open_bundle(settings.forecast)
    run = ci_run()
    repository = settings.repository or (run.repository if run else "")
    check_fit(bundle, repository=repository, now=datetime.now(UTC), max_age_days=settings.max_forecast_age_days)
    return bundle
