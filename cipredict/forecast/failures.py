"""Risk of every candidate case under a change, from a published bundle.

The ensemble's graphs score where the ensemble earned it; else the prior serves and the basis says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from cipredict.errors import ForecastUnusable
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.durations import DurationTable
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.graphs import score_graphs
from cipredict.forecast.interface import Basis, CaseForecast, ConfidenceCurve
from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.renames import former_id, former_paths, under_new_names
from cipredict.forecast.state import Floats
from cipredict.forecast.state_codec import decode_state
from cipredict.ids import case_file

_EVIDENCE: tuple[tuple[str, float, str], ...] = (
    ("test_changed", 0.5, "its file is in the change"),
    ("base_verdict", 0.5, "fails on the default branch"),
    ("branch_failed", 0.5, "failed in this branch's last run"),
    ("is_covered", 0.5, "executes a changed file"),
    ("cofailure_max", 0.15, "newly failed {:.0%} of the times these paths changed"),
    ("mutation_rate", 0.05, "noticed {:.0%} of the faults injected into a changed file"),
    ("import_nearness", 0.2, "imports a changed file"),
    ("similar_changes", 0.15, "failed in {:.0%} of the most similar changes"),
    ("stem_match", 0.5, "is named after a changed file"),
    ("cofailure_file", 0.1, "its file newly failed when these paths changed"),
    ("word_similarity", 0.3, "shares words with the changed paths"),
    ("failure_rate_10", 0.1, "fails in {:.0%} of its recent runs"),
    ("runs", 0.0, "nothing ties it to the change"),
)
"""Feature, threshold and words, strongest first: the first that holds explains a case."""


class FailureForecaster:
    """Forecasts candidates under one bundle."""

    def __init__(self, bundle: Bundle, durations: DurationTable) -> None:
        self._bundle = bundle
        self._durations = durations
        self.state, self._index = decode_state(bundle)

    @property
    def curve(self) -> ConfidenceCurve:
        """What the backtest measured for whoever serves."""
        return ConfidenceCurve(self._bundle.manifest.needed_shares)

    @property
    def basis(self) -> Basis:
        """`model` where the ensemble serves, `history` where the baseline does."""
        return Basis.MODEL if self._bundle.manifest.served["failure"].is_model else Basis.HISTORY

    @cached_property
    def _slot_of(self) -> dict[str, int]:
        return {case_id: slot for slot, case_id in enumerate(self.state.case_ids)}

    def forecast(self, candidates: Sequence[str], facts: ChangeFacts) -> list[CaseForecast]:
        """Give a forecast per candidate, in their order.

        Raises
        ------
        ForecastUnusable
            The bundle's features are not this version's, or a graph does not score.
        """
        former = former_paths(facts.changes)
        features = failure_features(*under_new_names(self.state, self._index, former), facts)
        p_fail = self._score(features)
        evidence = explain(features)
        red = self.state.columns["base_verdict"] == 1
        recent = np.zeros(len(red), np.bool_)
        recent[self.state.branch_failures.get(facts.branch, [])] = True
        unknown_p = float(np.max(p_fail, initial=0.5))
        columns = (
            self.state.case_ids,
            np.round(p_fail, 6).tolist(),
            self._seconds(),
            repeat(self.basis),
            self.state.columns["runs"].astype(int).tolist(),
            red.tolist(),
            recent.tolist(),
            evidence,
            (self.state.columns["last_verdict"] == 1).tolist(),
        )
        known = list(map(CaseForecast._make, zip(*columns, strict=False)))
        slots = (self._slot_of.get(case_id) for case_id in candidates)
        return [
            self._unseen(case_id, unknown_p, former=former, known=known) if slot is None else known[slot]
            for case_id, slot in zip(candidates, slots, strict=True)
        ]

    def _unseen(
        self, case_id: str, p_fail: float, *, former: Mapping[str, str], known: Sequence[CaseForecast]
    ) -> CaseForecast:
        """Give what is known under the former path of a renamed file, else what its neighbours there take."""
        old_id = former_id(case_id, former)
        slot = self._slot_of.get(old_id)
        if slot is not None:
            return known[slot]._replace(case_id=case_id, evidence=f"moved from {case_file(old_id)}")
        seconds = self._durations.expected(old_id).expected_s
        return CaseForecast(case_id, p_fail, seconds, Basis.FALLBACK, 0, evidence="never seen")

    def _seconds(self) -> list[float]:
        """Give expected seconds by slot: the columns of `DurationTable`, whose entries nobody else asks for here.

        To the microsecond: a float32 has 17 digits when it is spelled as a double, twice the price in every plan.
        """
        seconds: list[float] = np.round(np.asarray(self._bundle.floats("cases/expected_s.f32"), np.float64), 6).tolist()
        for slot, measured in enumerate(self._bundle.floats("cases/runs.f32")):
            if not measured:
                seconds[slot] = self._durations.expected(self.state.case_ids[slot]).expected_s
        return seconds

    def _score(self, features: Floats) -> NDArray[np.float64]:
        manifest = self._bundle.manifest
        served = manifest.served["failure"]
        if not served.is_model or not len(features):
            return np.asarray(features[:, FEATURES.index("prior")], np.float64)
        if manifest.features != FEATURES:
            raise _other_features(self._bundle)
        weights = {name: weight for name, weight in served.weights.items() if weight}
        graphs = self._bundle.graphs("failure")
        answers = score_graphs({name: graphs[name] for name in weights}, features)
        mixed = np.sum([weights[name] * answer for name, answer in answers.items()], axis=0)
        return apply_sigmoid(mixed, manifest.sigmoid)


def _other_features(bundle: Bundle) -> ForecastUnusable:
    return ForecastUnusable(
        f"{bundle.path} was trained on other features than this version computes.",
        slug="forecast-schema",
        hint="Train with the version that CI jobs use.",
    )


def explain(features: Floats) -> list[str]:
    """Give the strongest reason per row in words."""
    words = [""] * len(features)
    open_rows = np.ones(len(features), np.bool_)
    for name, threshold, text in _EVIDENCE:
        values = features[:, FEATURES.index(name)]
        for row in np.flatnonzero(open_rows & (values > threshold)):
            words[row] = text.format(min(values[row], 1.0)) if "{" in text else text
        open_rows &= ~(values > threshold)
    return words
