"""What the cache of a stage will bring: how often it hits, how much of it is of use, whether that pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.advice import Recommendation
from cipredict.decide.caching.designs import DESIGNS, Snapshot
from cipredict.decide.caching.provider import GITHUB, Outcome
from cipredict.decide.caching.replay import Replay, replay
from cipredict.forecast.interface import Basis

EWMA = "ewma"
_DECAY = 0.05


@dataclass(frozen=True, slots=True)
class KnownChange:
    """What follows from a change that is known: whether the key stays, and how much of the base's entry is of use."""

    keeps_key: bool
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Chance:
    """A forecast from the bundle: the chance of an exact hit, and who gave it."""

    p_exact: float
    served_by: str


@dataclass(frozen=True, slots=True)
class StagePrediction:
    """The forecast of one stage.

    Attributes
    ----------
    predicted_hit_rate : chance of an exact hit in the next run, None without a history
    historical_hit_rate : share of the replayed runs that hit exactly, and `ewma` its recent mean
    expected_coverage : mean share of the needed packages that are restored, 0 on a miss; None where unknown
    cache_benefit_score : seconds saved per run: rebuild x coverage - restore - save; None where seconds are unknown
    is_deterministic : the change is known, and with it the outcome
    """

    stage: str
    runs: int
    predicted_hit_rate: float | None
    historical_hit_rate: float | None
    ewma: float | None
    expected_coverage: float | None
    cache_benefit_score: float | None
    recommendation: Recommendation
    reason: str
    is_deterministic: bool
    served_by: str
    basis: Basis


def predict_stage(
    stage: CacheStage,
    history: Sequence[Snapshot],
    *,
    quota_bytes: int | None = None,
    change: KnownChange | None = None,
    chance: Chance | None = None,
) -> StagePrediction:
    """Forecast the next run: from its change where known, else by the bundle, else by the EWMA of the replay."""
    rules = replace(GITHUB, quota_bytes=quota_bytes)
    past = replay(DESIGNS[stage.design], history, rules=rules, size_bytes=stage.size_bytes or 0)
    ewma = _ewma(past)
    p_exact, served_by, basis = ewma, EWMA, Basis.HISTORY
    if change is not None:
        p_exact, served_by, basis = float(change.keeps_key), "change", Basis.HISTORY
    elif chance is not None:
        p_exact, served_by = chance.p_exact, chance.served_by
        basis = Basis.HISTORY if chance.served_by == EWMA else Basis.MODEL
    coverage = _coverage(past, change, p_exact)
    saved_s = _saved_s(stage, p_exact=p_exact, coverage=coverage)
    recommendation, reason = _judge(stage, past, coverage=coverage, saved_s=saved_s)
    return StagePrediction(
        stage=stage.name,
        runs=len(past.runs),
        predicted_hit_rate=p_exact,
        historical_hit_rate=past.share(Outcome.EXACT) if past.runs else None,
        ewma=ewma,
        expected_coverage=coverage,
        cache_benefit_score=saved_s,
        recommendation=recommendation,
        reason=reason,
        is_deterministic=change is not None,
        served_by=served_by,
        basis=basis if past.runs or change else Basis.FALLBACK,
    )


def _ewma(past: Replay) -> float | None:
    """Give the exponentially weighted mean of exact hits, None without a run."""
    if not past.runs:
        return None
    mean = 0.8
    for run in past.runs:
        mean += _DECAY * ((run.outcome is Outcome.EXACT) - mean)
    return mean


def _coverage(past: Replay, change: KnownChange | None, p_exact: float | None) -> float | None:
    """Give the expected coverage: 1 on an exact hit of what is fresh, else the mean of the other runs."""
    if change is not None and (change.keeps_key or change.coverage is not None):
        return 1.0 if change.keeps_key else change.coverage
    if p_exact is None or past.coverage is None:
        return None
    exact, other = (
        [run.coverage for run in past.runs if run.coverage is not None and (run.outcome is Outcome.EXACT) is is_exact]
        for is_exact in (True, False)
    )
    on_exact = fmean(exact) if exact else 1.0
    return p_exact * on_exact + (1 - p_exact) * (fmean(other) if other else 0.0)


def _saved_s(stage: CacheStage, *, p_exact: float | None, coverage: float | None) -> float | None:
    if stage.rebuild_s is None or p_exact is None:
        return None
    useful = p_exact if coverage is None else coverage
    return useful * stage.rebuild_s - (stage.restore_s or 0.0) - (1 - p_exact) * (stage.save_s or 0.0)


def _judge(
    stage: CacheStage, past: Replay, *, coverage: float | None, saved_s: float | None
) -> tuple[Recommendation, str]:
    if not past.runs and saved_s is None:
        return Recommendation.NO_CACHE, "no commit has its key files"
    if past.runs and past.stale:
        return (
            Recommendation.CHANGE_KEY,
            f"design {stage.design} restores out-of-date content in {past.stale:.1%} of runs",
        )
    if saved_s is not None:
        if saved_s <= 0:
            return Recommendation.NO_CACHE, f"restoring and saving cost {-saved_s:.1f} s more per run than they spare"
        return Recommendation.CACHE, f"{saved_s:.1f} s saved per run"
    useful = "unknown" if coverage is None else f"{coverage:.1%} of the packages restored"
    return Recommendation.CACHE, f"{useful}; set rebuild-s, restore-s and save-s to weigh seconds"
