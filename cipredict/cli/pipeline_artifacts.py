"""`pipeline artifacts` and `pipeline prune`: what runs on this machine made, and what of it goes. JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from cipredict.act.stages.retention import DAY_S, Blob, Holdings, delete, judge, read_holdings
from cipredict.cli.outputs import warn
from cipredict.errors import EXIT_VERDICT_NO
from cipredict.local_runner import RUNS
from cipredict.quantities import parse_bytes, parse_days, spell_bytes


def list_artifacts() -> None:
    """Say what is kept, for how long, and which runs made it."""
    holdings, now_s = _read(), datetime.now(UTC).timestamp()
    verdict = judge(holdings, now_s=now_s)
    blobs = sorted((*verdict.going, *verdict.staying), key=lambda blob: -blob.size_bytes)
    _write({"bytes": _bytes(blobs), "artifacts": _documents(blobs, now_s)})


def prune_artifacts(*, days: str | None, max_bytes: str | None, dry_run: bool) -> int:
    """Delete what is due; exit 1 where something could not be deleted."""
    holdings, now_s = _read(), datetime.now(UTC).timestamp()
    limit = parse_bytes(max_bytes, option="--max-bytes") if max_bytes else None
    verdict = judge(holdings, now_s=now_s, days=parse_days(days, option="--days") if days else None, max_bytes=limit)
    failures = {} if dry_run else {blob.path: why for blob in verdict.going if (why := delete(blob))}
    gone = [blob for blob in verdict.going if blob.path not in failures]
    refused = [blob for blob in verdict.going if blob.path in failures]
    left_bytes = _bytes((*verdict.staying, *refused))
    _write(
        {
            "dry_run": dry_run,
            "freed_bytes": _bytes(gone),
            "left_bytes": left_bytes,
            "deleted": _documents(gone, now_s),
            "refused": [{**one, "reason": failures[blob.path]} for one, blob in _paired(refused, now_s)],
            "kept": _documents(verdict.staying, now_s),
        }
    )
    for blob in refused:
        warn(f"{blob.path} stays: {failures[blob.path]}.")
    if limit is not None and left_bytes > limit:
        warn(f"{spell_bytes(left_bytes)} are left, more than {spell_bytes(limit)}: `kept` says what needs them.")
    would = "would be " if dry_run else ""
    warn(f"{len(gone)} of {len(holdings.blobs)} artifacts {would}deleted, {spell_bytes(_bytes(gone))}.")
    return EXIT_VERDICT_NO if refused else 0


def _read() -> Holdings:
    holdings = read_holdings(RUNS)
    for run, lines in holdings.damaged.items():
        warn(f"The journal of run {run} has {lines} unreadable lines: what they mention counts as made by nobody.")
    return holdings


def _bytes(blobs: Iterable[Blob]) -> int:
    return sum(blob.size_bytes for blob in blobs)


def _documents(blobs: Iterable[Blob], now_s: float) -> list[dict[str, object]]:
    return [one for one, _ in _paired(blobs, now_s)]


def _paired(blobs: Iterable[Blob], now_s: float) -> list[tuple[dict[str, object], Blob]]:
    return [
        (
            {
                "sha256": blob.path.name,
                "size_bytes": blob.size_bytes,
                "age_days": round((now_s - blob.used_s) / DAY_S, 2),
                "reason": blob.reason,
                "made_by": [use._asdict() for use in blob.uses],
            },
            blob,
        )
        for blob in blobs
    ]


def _write(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
