"""`perf detect` and `perf explain`: change points of the history, and who may have made them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.act.commit_range import commits_between
from cipredict.cli.perf_recording import load_pairs
from cipredict.errors import InputError, UsageError
from cipredict.quantities import parse_share, parse_since
from cipredict.render.performance import render_rows

if TYPE_CHECKING:
    from cipredict.perf.change_points import Method
    from cipredict.perf.history import Turn
    from cipredict.perf.suspects import Suspect
    from cipredict.settings import Settings

_FILES_SHOWN = 4
_SUSPECTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class WatchingOptions:
    """The options of both commands, as typed.

    Attributes
    ----------
    method : whose change points; another tool's are those of the series as they were measured, with the machines
    """

    history: tuple[Path, ...]
    since: str
    min_change: str = "5%"
    p_value: float = 1e-5
    window: int = 50
    method: str = "cipredict"
    good: str | None = None
    bad: str | None = None


def find(options: WatchingOptions, settings: Settings) -> list[Turn]:
    """Give the change points of the recorded history."""
    from cipredict.perf.change_points import Detection, Method  # noqa: PLC0415  # scipy, not for --help
    from cipredict.perf.history import find_turns  # noqa: PLC0415

    method = _method(options.method)
    now = datetime.now(UTC)
    pairs = load_pairs(settings, options.history, since=parse_since(options.since, now=now), until=now)
    change = parse_share(options.min_change, option="--min-change")
    how = Detection(options.p_value, change, window=options.window, method=method)
    return find_turns([pair.head for pair in pairs], how, keep_machines=method is not Method.CIPREDICT)


def _method(word: str) -> Method:
    from cipredict.perf.change_points import Method  # noqa: PLC0415  # scipy, not for --help

    try:
        return Method(word)
    except ValueError as error:
        known = ", ".join(Method)
        raise UsageError(f"--method: unknown '{word}': choose from {known}.", slug="perf-method") from error


def show_turns(options: WatchingOptions, settings: Settings, *, show_all: bool, as_json: bool) -> None:
    """List the change points, the latest first."""
    turns = [turn for turn in find(options, settings) if turn.is_worse or show_all]
    columns = ["benchmark", "change", "p", "last good", "first bad", "since"]
    if turns:
        sys.stderr.write(render_rows("Change points", columns, map(_cells, turns)) + "\n")
    sys.stderr.write(f"{sum(turn.is_worse for turn in turns)} changes for the worse.\n")
    if as_json:
        sys.stdout.write(json.dumps([_to_json(turn) for turn in turns], indent=2) + "\n")


def _cells(turn: Turn) -> list[str]:
    since = f"{turn.since:%Y-%m-%d %H:%M}" if turn.since else "-"
    return [
        turn.series,
        f"{100 * turn.change:+.1f} %",
        f"{turn.p_value:.0e}",
        turn.last_good.sha[:10] or turn.last_good.job,
        turn.first_bad.sha[:10] or turn.first_bad.job,
        since,
    ]


def _to_json(turn: Turn) -> dict[str, object]:
    return {
        "benchmark": turn.series,
        "change": round(turn.change, 6),
        "p_value": turn.p_value,
        "is_worse": turn.is_worse,
        "last_good": turn.last_good.sha,
        "first_bad": turn.first_bad.sha,
        "since": turn.since.isoformat() if turn.since else None,
    }


def explain_turns(options: WatchingOptions, settings: Settings, *, series: str | None, as_json: bool) -> None:
    """List suspects of every change for the worse, or of a named one."""
    if (options.good is None) != (options.bad is None):
        raise UsageError("Give both --good and --bad, or neither.", slug="perf-range")
    if options.good is not None and options.bad is not None:
        found = [(series or "", options.good, options.bad)]
    else:
        turns = [turn for turn in find(options, settings) if turn.is_worse and series in {None, turn.series}]
        found = [(turn.series, turn.last_good.sha, turn.first_bad.sha) for turn in turns]
    if series is not None and not found:
        raise InputError(f"{series} did not get slower in that time.", slug="perf-series")
    answers = [_answer(name, good, bad=bad) for name, good, bad in found]
    if as_json:
        sys.stdout.write(json.dumps(answers, indent=2) + "\n")
    if not answers:
        sys.stderr.write("Nothing got slower in that time.\n")


def _answer(series: str, good: str, *, bad: str) -> dict[str, object]:
    from cipredict.perf.suspects import Suspect, rank_suspects  # noqa: PLC0415  # not for --help

    commits = commits_between(good, bad, cwd=Path.cwd()) if good and bad else None
    if commits is None:
        sys.stderr.write(f"{series}: git knows no way from '{good[:10]}' to '{bad[:10]}'. [perf-range]\n")
        return {"benchmark": series, "last_good": good, "first_bad": bad, "suspects": None}
    suspects = rank_suspects([Suspect(*commit) for commit in commits], series)
    count = "1 commit" if len(suspects) == 1 else f"{len(suspects)} commits"
    title = f"{series}: {count} between {good[:10]} and {bad[:10]}"
    rows = map(_suspect_cells, suspects[:_SUSPECTS_SHOWN])
    sys.stderr.write(render_rows(title, ["commit", "shares", "files", "subject"], rows) + "\n")
    listed = [_suspect_json(one) for one in suspects]
    return {"benchmark": series, "last_good": good, "first_bad": bad, "suspects": listed}


def _suspect_cells(one: Suspect) -> Sequence[str]:
    more = len(one.paths) - _FILES_SHOWN
    files = ", ".join(one.paths[:_FILES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return [one.sha[:10], ", ".join(one.shared) or "-", files, one.subject]


def _suspect_json(one: Suspect) -> dict[str, object]:
    return {"sha": one.sha, "subject": one.subject, "paths": list(one.paths), "shared": list(one.shared)}
