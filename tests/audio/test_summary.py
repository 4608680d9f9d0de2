"""Scores into metrics for the gate: named, counted, and inconclusive where files are missing from the mean."""

from __future__ import annotations

from typing import Any

import pytest

from cipredict.audio.interface import FileScore
from cipredict.audio.summary import summarise
from cipredict.render.audio import render_scores

GOOD = FileScore("good", {"pesq_nb": 4.0, "si_sdr": 20.0, "loudness": -20.0, "loudness_change": 0.5})
BAD = FileScore("bad", {"pesq_nb": 2.0, "si_sdr": 0.0}, notes=("cut by 10.0 ms",))
LOST = FileScore("lost\x1b[2J", problems=("the enhanced file is silent",))


def metrics(*scores: FileScore, score: str = "pesq_nb", allowed: int = 0) -> dict[str, Any]:
    document: Any = summarise(scores, score=score, allowed_unscored=allowed)
    return {one["name"]: one for one in document["metrics"]}


def test_means_and_worst_files() -> None:
    found = metrics(GOOD, BAD)
    assert (3.0, 2.0, 10.0, 0) == tuple(
        found[name]["value"] for name in ("audio_quality_score", "pesq_nb_min", "si_sdr", "audio_files_unscored")
    )
    assert ("dB", "measured") == (found["si_sdr"]["unit"], found["si_sdr"]["evidence"])


def test_the_score_says_what_it_is() -> None:
    assert "PESQ narrowband MOS-LQO" in metrics(GOOD)["audio_quality_score"]["reason"]
    assert "signal-to-distortion" in metrics(GOOD, score="si_sdr")["audio_quality_score"]["reason"]


@pytest.mark.parametrize(("allowed", "evidence"), [(0, "inconclusive"), (1, "measured")])
def test_a_mean_without_some_files_is_in_doubt(allowed: int, evidence: str) -> None:
    assert evidence == metrics(GOOD, LOST, allowed=allowed)["audio_quality_score"]["evidence"]


def test_a_file_without_the_score_in_use_counts_as_unscored() -> None:
    assert 1 == metrics(GOOD, FileScore("x", {"stoi": 0.9}))["audio_files_unscored"]["value"]


def test_no_score_at_all_is_no_number() -> None:
    found = metrics(LOST)["audio_quality_score"]
    assert (None, True) == (found["value"], found["reason"].startswith("no file has a pesq_nb"))


def test_the_worst_come_first_and_the_lost_are_named() -> None:
    text = render_scores(summarise((GOOD, BAD, LOST), score="pesq_nb", allowed_unscored=0), worst=1)
    assert "Worst 1 of 3 files by pesq_nb" in text
    assert "bad: cut by 10.0 ms" in text
    assert "lost[2J: the enhanced file is silent" in text
    assert "good" not in text
