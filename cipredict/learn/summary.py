"""A backtest as plain JSON values: what `backtest --json` prints and its tables show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isnan

import numpy as np

from cipredict.learn.backtest import HEADLINE_BUDGET, PolicyResult, keep_promises
from cipredict.learn.calibration import expected_error
from cipredict.learn.failure import FALLBACK, MODEL, FailureStudy
from cipredict.learn.history import History
from cipredict.learn.metrics import BUDGETS


def summarise(study: FailureStudy, history: History) -> dict[str, object]:
    """Give every figure of a study, NaN left out, sorted for stable output."""
    best = study.results.get(MODEL) or study.results[FALLBACK]
    holdout = history.runs[study.holdout_start :]
    suite_s = float(sum(np.nansum(run.seconds) for run in holdout))
    return {
        "runs": len(history.runs),
        "holdout": {
            "runs": len(holdout),
            "failing_runs": best.runs,
            "newly_failing_runs": best.new_runs,
            "only_permanently_red_runs": study.only_red_runs,
            "from": holdout[0].started_at.isoformat() if holdout else "",
            "suite_minutes": round(suite_s / 60, 3),
        },
        "weights": study.model.ensemble.weights if study.model else {},
        "served_by": MODEL if not study.reasons else FALLBACK,
        "reasons": list(study.reasons),
        "policies": {name: result.headline() for name, result in study.results.items()},
        "minutes_saved": {f"{budget:.0%}": round(suite_s / 60 * (1 - budget), 3) for budget in BUDGETS},
        "confidence": _confidence(study),
        **checks_of(study),
        "expected_calibration_error": round(expected_error(study.calibration), 6),
        "missed": _missed(best),
    }


def checks_of(study: FailureStudy) -> dict[str, object]:
    """Give what was forecast against what came: probabilities by band, promised confidences by level."""
    return {
        "calibration": [
            [row.low, row.high, row.cases, round(row.mean_forecast, 6), round(row.observed, 6)]
            for row in study.calibration
        ],
        "promises": promises_of(_served_shares(study)),
    }


def promises_of(shares: Sequence[float]) -> list[dict[str, object]]:
    """Give every level that the runs can show; `shares` in the order of the runs, see `keep_promises`."""
    return [asdict(promise) | {"kept": promise.is_kept} for promise in keep_promises(shares)]


def _served_shares(study: FailureStudy) -> tuple[float, ...]:
    return study.baseline_shares if study.reasons else study.needed_shares


def _confidence(study: FailureStudy) -> dict[str, float]:
    """Give the share of expected time at which a share of failing runs was caught under the plan's own rules."""
    shares = _served_shares(study)
    if not shares:
        return {}
    quantiles = {
        level: float(np.quantile(shares, level, method="inverted_cdf")) for level in (0.5, 0.8, 0.9, 0.95, 0.99)
    }
    return {f"{level:.0%}": round(value, 4) for level, value in quantiles.items() if not isnan(value)}


def _missed(result: PolicyResult) -> dict[str, object]:
    """Name the failing cases of each run that the headline budget would have missed; at most ten per run."""
    return {
        "budget": HEADLINE_BUDGET,
        "runs": {run_id: {"failing": len(names), "cases": list(names[:10])} for run_id, names in result.missed},
    }
