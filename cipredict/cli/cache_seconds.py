"""What restoring and saving a cache took, from the history, where the settings do not say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from cipredict.cache_stages import CacheStage
from cipredict.quantities import spell_seconds


def with_measured_seconds(stage: CacheStage, store: Path) -> tuple[CacheStage, list[str]]:
    """Fill in the seconds of a stage by medians, and give a note for each.

    Cache events count whose key is `cipredict cache key`'s, `<stage>-…`; without any, steps of jobs that name the
    stage. A miss restores nothing. Without a history the stage stays as it is.
    """
    if (stage.restore_s is not None and stage.save_s is not None) or not store.exists():
        return stage, []
    from cipredict.store.caches import load_cache_events, load_cache_steps  # noqa: PLC0415  # duckdb, for a store only
    from cipredict.store.database import open_store  # noqa: PLC0415

    now = datetime.now(UTC)
    with open_store(store, read_only=True) as door:
        events = [row for row in load_cache_events(door, now).to_pylist() if row["key"].startswith(f"{stage.name}-")]
        steps = load_cache_steps(door, now).to_pylist() if not events else []
    rows = events or [row for row in steps if stage.name.lower() in row["step"].lower()]
    source = "cache events" if events else "steps"
    restoring = [row["restore_s"] for row in rows if row.get("outcome") != "miss"]
    restore_s, told = _typical("restore", stage.restore_s, restoring, source)
    save_s, said = _typical("save", stage.save_s, [row["save_s"] for row in rows], source)
    return replace(stage, restore_s=restore_s, save_s=save_s), told + said


def _typical(
    what: str, given_s: float | None, measured_s: Sequence[float | None], source: str
) -> tuple[float | None, list[str]]:
    known = [seconds for seconds in measured_s if seconds is not None]
    if given_s is not None or not known:
        return given_s, []
    typical_s = median(known)
    return typical_s, [f"{what} takes {spell_seconds(typical_s)}, the median of {len(known)} {source}"]
