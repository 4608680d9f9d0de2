"""Which artifacts go: those that every run which made them has kept for long enough, then the oldest beyond a size.

Nothing goes while somebody may need it: a run that is going on keeps what it made, and what nobody mentions yet. A run
whose artifacts went can be resumed all the same; the stages that made them run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from cipredict.act.stages.journal import is_going_on, read_journal

DAY_S = 86_400.0


class Use(NamedTuple):
    """A stage of a run made this content under this path, to be kept for so many days."""

    run: str
    stage: str
    path: str
    retention_days: float


@dataclass(frozen=True, slots=True)
class Blob:
    """One content.

    Attributes
    ----------
    used_s : when a stage last made it, seconds since 1970
    reason : why it is kept or goes
    """

    path: Path
    size_bytes: int
    used_s: float
    uses: tuple[Use, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Holdings:
    """All artifacts of a folder of runs.

    Attributes
    ----------
    going_on : runs that have not ended
    damaged : run → lines of its journal that say nothing; what they mentioned counts as mentioned by nobody
    """

    blobs: tuple[Blob, ...]
    going_on: frozenset[str] = frozenset()
    damaged: Mapping[str, int] = field(default_factory=dict)


class Verdict(NamedTuple):
    """What goes, the first one first, and what stays."""

    going: tuple[Blob, ...]
    staying: tuple[Blob, ...]


def read_holdings(runs: Path) -> Holdings:
    """Read the journals and look at the artifacts."""
    going_on: set[str] = set()
    damaged: dict[str, int] = {}
    uses: dict[str, list[Use]] = {}
    for journal in sorted(runs.glob("*/journal.jsonl")):
        run = journal.parent.name
        account = read_journal(journal)
        if is_going_on(journal):
            going_on.add(run)
        if account.damaged:
            damaged[run] = account.damaged
        for result in account.finished.values():
            for made in result.artifacts:
                uses.setdefault(made.sha256, []).append(Use(run, result.stage, made.path, made.retention_days))
    return Holdings(tuple(_blobs(runs / "blobs", uses)), frozenset(going_on), damaged)


def _blobs(folder: Path, uses: Mapping[str, Sequence[Use]]) -> Iterator[Blob]:
    for path in sorted(folder.glob("??/*")):
        facts = path.stat()
        yield Blob(path, facts.st_size, facts.st_mtime, tuple(uses.get(path.name, ())))


def judge(
    holdings: Holdings,
    *,
    now_s: float,
    days: float | None = None,
    max_bytes: int | None = None,
    unused_days: float = 1.0,
) -> Verdict:
    """Say what goes at a time, in seconds since 1970.

    Where given, `days` counts instead of what the stages say, and the oldest go until the rest has `max_bytes`.
    `unused_days` are for what no journal mentions: left by a kill, or by a run whose folder is gone.
    """
    going: list[Blob] = []
    staying: list[Blob] = []
    for blob in sorted(holdings.blobs, key=lambda blob: (blob.used_s, blob.path.name)):
        reason = _needed(blob, holdings)
        age_days = (now_s - blob.used_s) / DAY_S
        limit_days = days if days is not None else max((use.retention_days for use in blob.uses), default=unused_days)
        if not reason and age_days > limit_days:
            going.append(replace(blob, reason=f"made {age_days:.1f} days ago, kept for {limit_days:g}"))
        else:
            staying.append(replace(blob, reason=reason or f"kept until {limit_days - age_days:.1f} days from now"))
    if max_bytes is None:
        return Verdict(tuple(going), tuple(staying))
    return _shrink(going, staying, holdings, max_bytes=max_bytes)


def _needed(blob: Blob, holdings: Holdings) -> str:
    """Say which run that is going on needs it."""
    runs = sorted({use.run for use in blob.uses} & holdings.going_on)
    if runs:
        return f"run {runs[0]} is going on"
    if not blob.uses and holdings.going_on:
        return f"run {min(holdings.going_on)} is going on and may be about to mention it"
    return ""


def _shrink(going: list[Blob], staying: Iterable[Blob], holdings: Holdings, *, max_bytes: int) -> Verdict:
    """Let the oldest go until the rest fits."""
    rest = list(staying)
    left_bytes = sum(blob.size_bytes for blob in rest)
    kept = []
    for blob in rest:
        if left_bytes > max_bytes and not _needed(blob, holdings):
            left_bytes -= blob.size_bytes
            going.append(replace(blob, reason=f"among the oldest beyond {max_bytes} bytes"))
        else:
            kept.append(blob)
    return Verdict(tuple(going), tuple(kept))


def delete(blob: Blob) -> str:
    """Delete one; give why it could not be, empty where it is gone."""
    try:
        if blob.path.stat().st_mtime != blob.used_s:
            return "a run has made it again"
        blob.path.unlink()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
