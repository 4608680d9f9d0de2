"""Scores of all files as the metrics that a gate reads, `cipredict.metrics/1`, and the files with them."""

from __future__ import annotations

from collections.abc import Sequence

from cipredict.audio.interface import LOUDNESS, METRICS, FileScore
from cipredict.measures import METRICS_SCHEMA

SCORE = "audio_quality_score"


def summarise(scores: Sequence[FileScore], *, score: str, allowed_unscored: int) -> dict[str, object]:
    """Give the document; `score` is the metric that `audio_quality_score` stands for.

    Where more files than allowed have no score, every mean is inconclusive: what could not be scored may be what is
    bad.
    """
    unscored = [one for one in scores if one.problems or score not in one.scores]
    doubt = ""
    if len(unscored) > allowed_unscored:
        doubt = f"{len(unscored)} of {len(scores)} files not wholly scored, such as {unscored[0].name}"
    metrics = [entry for name in (*METRICS, *LOUDNESS) for entry in _metric(name, scores, doubt=doubt)]
    metrics.append({"name": "audio_files_unscored", "value": len(unscored)})
    metrics.append({"name": "audio_files", "value": len(scores)})
    return {
        "schema": METRICS_SCHEMA,
        "metrics": [*_score(score, scores, doubt=doubt), *metrics],
        "score": score,
        "files": [_file(one) for one in scores],
    }


def _score(score: str, scores: Sequence[FileScore], *, doubt: str) -> list[dict[str, object]]:
    """Give the named metric under its general name, with what the number means."""
    found = _metric(score, scores, doubt=doubt)
    if not found:
        reason = f"no file has a {score}" + (f"; {doubt}" if doubt else "")
        return [{"name": SCORE, "value": None, "reason": reason}]
    return [{**found[0], "name": SCORE}]


def _metric(name: str, scores: Sequence[FileScore], *, doubt: str) -> list[dict[str, object]]:
    values = [one.scores[name] for one in scores if name in one.scores]
    if not values:
        return []
    facts = METRICS.get(name)
    title = facts.title if facts else "LUFS" if name == "loudness" else "LU against the reference"
    reason = f"{title}, mean of {len(values)} files" + (f"; {doubt}" if doubt else "")
    common: dict[str, object] = {
        "unit": facts.unit if facts else "",
        "evidence": "inconclusive" if doubt else "measured",
    }
    mean = {"name": name, "value": round(sum(values) / len(values), 6), "reason": reason, **common}
    lowest = {"name": f"{name}_min", "value": round(min(values), 6), "reason": f"{title}, worst file", **common}
    return [mean, lowest]


def _file(one: FileScore) -> dict[str, object]:
    return {
        "name": one.name,
        "scores": {name: round(value, 7) for name, value in one.scores.items()},
        "problems": list(one.problems),
        "notes": list(one.notes),
    }
