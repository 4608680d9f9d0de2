"""`report run` and `report pr`: from the store to Markdown within GitHub's limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cipredict.errors import UsageError
from cipredict.render.github import MAX_COMMENT_BYTES, clip_summary
from cipredict.render.run_page import render_branch, render_run

if TYPE_CHECKING:
    from cipredict.settings import Settings

_BEFORE = 50
"""Runs that a run is held against."""
_LISTED = 20
_TICK = timedelta(microseconds=1)


def run_markdown(settings: Settings, run: str, *, repository: str, attempt: int | None) -> str:
    """Give one run, held against those of the same workflow before it.

    Raises
    ------
    UsageError
        No run or several are called so.
    """
    from cipredict.cli.export import check_one_run  # noqa: PLC0415  # not for --help
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.queries import find_runs  # noqa: PLC0415
    from cipredict.store.report import load_listed_runs, load_run_failures  # noqa: PLC0415
    from cipredict.store.traces import load_traced_runs  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as door:
        found = find_runs(door, run, attempt=attempt, repository=repository).to_pylist()
        check_one_run(run, found)
        run_seq, now = found[0]["run_seq"], datetime.now(UTC)
        listed = load_listed_runs(door, now, last_runs=1, run_seq=run_seq).to_pylist()
        if not listed:
            raise UsageError(f"Nothing but reports is known of run {run}: no time.", slug="run-unknown")
        ended = listed[0]["ended"]
        before = load_listed_runs(door, ended - _TICK, last_runs=_BEFORE).to_pylist()
        failures = load_run_failures(door, run_seq).to_pylist()
        window = load_traced_runs(door, since=ended, until=ended + _TICK)
        jobs = [job for traced, jobs in window if traced.key.run_id == run for job in jobs]
    before = [one for one in before if one["workflow"] == listed[0]["workflow"]]
    return clip_summary(render_run(listed[0], failures, jobs, before=before), see="`cipredict report html`")


def branch_markdown(settings: Settings, ref: str) -> str:
    """Give the runs of a branch or commit.

    Raises
    ------
    UsageError
        None is known.
    """
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.report import load_listed_runs, load_run_failures  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as door:
        now = datetime.now(UTC)
        runs = load_listed_runs(door, now, last_runs=_LISTED, ref=ref).to_pylist()
        if not runs:
            raise UsageError(f"The history holds no run of {ref}.", slug="run-unknown", hint="Ingest it first.")
        failures = load_run_failures(door, runs[0]["run_seq"]).to_pylist()
        before = load_listed_runs(door, runs[-1]["ended"] - _TICK, last_runs=_BEFORE).to_pylist()
    markdown = render_branch(ref, runs, failures, before=before)
    return clip_summary(markdown, max_bytes=MAX_COMMENT_BYTES, see="`cipredict report html`")
