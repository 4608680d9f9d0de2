"""Which key a cache should have, from replays of the project's history, and why.

A design that ever hit exactly with out-of-date content is not recommended, whatever its hit rate. Among the others the
most seconds saved win, or the highest coverage where seconds are unknown; what is as good but saves and keeps less wins
over what saves more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import PRESENT, KeyDesign, Snapshot
from cipredict.decide.caching.provider import GITHUB, Outcome
from cipredict.decide.caching.replay import Replay, ReplayedRun, replay

_AS_GOOD = 0.005
"""So much of the coverage, or of the stage's seconds, is no difference."""
_FEW_RUNS = 30
"""Fewer, and the first run, which finds nothing, weighs too much to advise against a cache."""
_BLOATED = 3.0


class Recommendation(StrEnum):
    """What to do with a cache."""

    CACHE = "cache"
    NO_CACHE = "no_cache"
    CHANGE_KEY = "change_key"


@dataclass(frozen=True, slots=True)
class Option:
    """A design and what its replay gave; `saved_s` is the mean per run, None where the stage's seconds are unknown."""

    replay: Replay
    saved_s: float | None

    @property
    def name(self) -> str:
        """Give the design's name."""
        return self.replay.design

    def worth(self, rebuild_s: float | None) -> float:
        """Give what is compared, as a share of the stage: seconds saved, else coverage, else exact hits."""
        if self.saved_s is not None and rebuild_s:
            return self.saved_s / rebuild_s
        coverage = self.replay.coverage
        return self.replay.share(Outcome.EXACT) if coverage is None else coverage


@dataclass(frozen=True, slots=True)
class Advice:
    """The options of one stage and the verdict on them; `design` is None where nothing should be cached."""

    stage: CacheStage
    options: tuple[Option, ...]
    recommendation: Recommendation
    design: str | None
    reason: str
    notes: tuple[str, ...]


def advise(
    stage: CacheStage,
    history: Sequence[Snapshot],
    designs: Sequence[KeyDesign],
    *,
    quota_bytes: int,
    notes: Sequence[str] = (),
) -> Advice:
    """Replay every design and recommend one; `history` is oldest first, and may be empty."""
    rules = replace(GITHUB, quota_bytes=quota_bytes)
    options = []
    for design in designs:
        found = replay(design, history, rules=rules, size_bytes=stage.size_bytes or 0)
        options.append(Option(found, _saved_s(found, stage)))
    recommendation, name, reason = _judge(options, stage)
    said = [*notes, *_notes(options, stage, chosen=name, quota_bytes=quota_bytes)]
    return Advice(stage, tuple(options), recommendation, name, reason, tuple(said))


def _saved_s(found: Replay, stage: CacheStage) -> float | None:
    """Give the mean seconds that a run saves; restoring a bloated entry takes as much longer."""
    rebuild_s = stage.rebuild_s
    if rebuild_s is None or not found.runs:
        return None
    restore_s, save_s = stage.restore_s or 0.0, stage.save_s or 0.0

    def saved(run: ReplayedRun) -> float:
        coverage = run.coverage if run.coverage is not None else float(run.outcome is Outcome.EXACT)
        restoring = 0.0 if run.outcome is Outcome.MISS else restore_s * (run.bloat or 1.0)
        return coverage * rebuild_s - restoring - save_s * run.is_saved

    return fmean(map(saved, found.runs))


def _judge(options: Sequence[Option], stage: CacheStage) -> tuple[Recommendation, str | None, str]:
    present = next((option for option in options if option.name == PRESENT), None)
    fresh = [option for option in options if option.replay.runs and not option.replay.stale]
    if not fresh:
        return Recommendation.NO_CACHE, None, "no commit has the key files, so there is nothing to key a cache by"
    best = _best(fresh, stage.rebuild_s)
    if best.saved_s is not None and best.saved_s <= 0 and len(best.replay.runs) >= _FEW_RUNS:
        why = f"even {best.name} loses {-best.saved_s:.1f} s per run: restoring and saving cost more than they spare"
        return Recommendation.NO_CACHE, None, why
    if present is None:
        return Recommendation.CACHE, best.name, _measure(best)
    if present.replay.stale:
        why = f"the present key restores out-of-date content in {present.replay.stale:.1%} of the runs"
        return Recommendation.CHANGE_KEY, best.name, f"{why}; {best.name}: {_measure(best)}"
    gain = best.worth(stage.rebuild_s) - present.worth(stage.rebuild_s)
    if gain > _AS_GOOD or present.replay.saves > best.replay.saves + 0.1:
        return Recommendation.CHANGE_KEY, best.name, f"{_measure(best)}; the present key: {_measure(present)}"
    return Recommendation.CACHE, PRESENT, f"the present key is as good as any: {_measure(present)}"


def _best(fresh: Sequence[Option], rebuild_s: float | None) -> Option:
    top = max(option.worth(rebuild_s) for option in fresh)
    as_good = [
        option for option in fresh if option.worth(rebuild_s) >= top - _AS_GOOD and option.name != PRESENT
    ] or fresh
    return min(
        as_good, key=lambda option: (round(option.replay.saves, 3), option.replay.alive, option.replay.bloat or 1.0)
    )


def _measure(option: Option) -> str:
    found = option.replay
    coverage = "" if found.coverage is None else f"{found.coverage:.1%} of the packages restored, "
    seconds = "" if option.saved_s is None else f"{option.saved_s:.1f} s saved per run, "
    return f"{seconds}{coverage}{100 * found.saves:.0f} saves per 100 runs, nothing out of date"


def _notes(options: Sequence[Option], stage: CacheStage, *, chosen: str | None, quota_bytes: int) -> list[str]:
    notes = []
    option = next((one for one in options if one.name == chosen), None)
    runs = len(options[0].replay.runs) if options else 0
    if 0 < runs < _FEW_RUNS:
        notes.append(f"only {runs} commits have the key files: this is a first guess")
    if stage.rebuild_s is None:
        notes.append("seconds are unknown: set rebuild-s, restore-s and save-s, and the advice weighs them")
    if option is None:
        return notes
    if option.replay.coverage is None:
        notes.append("no lock file could be read: a prefix hit counts as nothing, and other content as out of date")
    if (option.replay.bloat or 0.0) > _BLOATED:
        notes.append(
            f"entries hold {option.replay.bloat:.1f} times what is needed: prune before saving, or use week-lock"
        )
    if stage.size_bytes and stage.size_bytes > quota_bytes:
        notes.append("one entry does not fit into the quota: cache fewer paths or platforms")
    elif option.replay.evicted_bytes:
        notes.append(f"the quota pushed out {option.replay.evicted_bytes / 1e9:.1f} GB in the replay")
    return notes
