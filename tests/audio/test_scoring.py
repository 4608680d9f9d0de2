"""Scores of speech: published figures to the last digit, known noise, and a reason for every file that has no score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cipredict.cli.app import main

soundfile = pytest.importorskip("soundfile", reason="needs the audio extra (pip install 'cipredict[audio]')")
for module in ("pesq", "pystoi", "pyloudnorm", "scipy"):
    pytest.importorskip(module, reason="needs the audio extra (pip install 'cipredict[audio]')")

from cipredict.audio.files import find_pairs, read_pair  # noqa: E402  # after the check for the extra
from cipredict.audio.interface import FileScore, Pair, Unscored  # noqa: E402
from cipredict.audio.metrics import SI_SDR_LIMIT_DB, score_si_sdr  # noqa: E402
from cipredict.audio.scoring import score_all, score_pair  # noqa: E402
from cipredict.audio.summary import summarise  # noqa: E402
from tests.audio.dying import die  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
SPEECH = REPOSITORY / "data" / "samples" / "audio" / "speech.flac"
RATE = 16_000
Samples = np.ndarray[Any, np.dtype[np.float64]]  # Any: shape


@pytest.fixture(name="speech", scope="session")
def _speech() -> Samples:
    """Speech of a synthesiser, 16 kHz."""
    samples: Samples = soundfile.read(SPEECH)[0]
    return samples


@pytest.fixture(name="folders")
def _folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("reference", "enhanced"):
        (tmp_path / name).mkdir()
    return tmp_path / "reference", tmp_path / "enhanced"


def noisy(speech: Samples, snr_db: float) -> Samples:
    """Add white noise of exactly that ratio."""
    noise = np.random.default_rng(7).normal(size=len(speech))
    noise -= speech * (noise @ speech) / (speech @ speech)  # nothing of it lies along the speech
    return speech + noise * np.sqrt((speech @ speech) / (noise @ noise)) * 10 ** (-snr_db / 20)


def score(
    reference: Samples, enhanced: Samples, folders: tuple[Path, Path], rates: tuple[int, int] = (RATE, RATE)
) -> FileScore:
    soundfile.write(folders[0] / "a.wav", reference, rates[0], subtype="FLOAT")
    soundfile.write(folders[1] / "a.wav", enhanced, rates[1], subtype="FLOAT")
    [pair] = find_pairs(*folders)
    return score_pair(pair, has_reference=True, with_dnsmos=False)


@pytest.mark.shared_data
def test_the_published_figures_are_met() -> None:
    folder = REPOSITORY.parent / "shared" / "data" / "audio"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: others' recordings are not part of this repository")
    pair = Pair("speech", str(folder / "speech.wav"), str(folder / "speech_bab_0dB.wav"))
    scores = score_pair(pair, has_reference=True, with_dnsmos=False).scores
    assert {"pesq_wb": 1.0832337, "pesq_nb": 1.6072081} == pytest.approx(
        {name: scores[name] for name in ("pesq_wb", "pesq_nb")}, abs=1e-4
    )
    measured = {"stoi": 0.6739, "estoi": 0.3904, "si_sdr": 0.1396, "loudness": -24.6326}
    assert measured == pytest.approx({name: scores[name] for name in measured}, abs=1e-4)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
def test_known_noise_has_its_ratio(speech: Samples, folders: tuple[Path, Path], snr_db: float) -> None:
    scored = score(speech, noisy(speech, snr_db), folders)
    assert scored.scores["si_sdr"] == pytest.approx(snr_db, abs=1e-3)
    assert ((), ()) == (scored.problems, scored.notes)


def test_every_metric_falls_as_noise_rises(speech: Samples, folders: tuple[Path, Path]) -> None:
    rows = [score(speech, noisy(speech, snr_db), folders).scores for snr_db in (30.0, 15.0, 0.0)]
    for name in ("pesq_nb", "pesq_wb", "stoi", "estoi", "si_sdr"):
        values = [row[name] for row in rows]
        assert values == sorted(values, reverse=True), name


def test_the_same_speech_is_perfect_and_finite(speech: Samples, folders: tuple[Path, Path]) -> None:
    scores = score(speech, speech, folders).scores
    assert {
        "pesq_nb": 4.5486,
        "pesq_wb": 4.6439,
        "stoi": 1.0,
        "estoi": 1.0,
        "si_sdr": SI_SDR_LIMIT_DB,
    } == pytest.approx({name: scores[name] for name in ("pesq_nb", "pesq_wb", "stoi", "estoi", "si_sdr")}, abs=1e-3)


@pytest.mark.parametrize("gain", [0.1, 2.0])
def test_loudness_changes_by_its_decibels_and_the_ratio_not_at_all(
    speech: Samples, folders: tuple[Path, Path], gain: float
) -> None:
    plain, louder = score(speech, noisy(speech, 10), folders), score(speech, gain * noisy(speech, 10), folders)
    assert louder.scores["si_sdr"] == pytest.approx(plain.scores["si_sdr"], abs=1e-4)
    difference = louder.scores["loudness"] - plain.scores["loudness"]
    assert difference == pytest.approx(20 * np.log10(gain), abs=0.2)


Change = Callable[[Samples], tuple[Samples, Samples, tuple[int, int]]]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(lambda x: (x * 0, x, (RATE, RATE)), "the reference file is silent", id="silent reference"),
        pytest.param(lambda x: (x, x * 0, (RATE, RATE)), "the enhanced file is silent", id="silent enhanced"),
        pytest.param(lambda x: (x, x[::2], (RATE, 8000)), "the rates differ: reference 16000 Hz", id="rates"),
        pytest.param(lambda x: (x, x[:-8000], (RATE, RATE)), "the lengths differ: reference", id="lengths"),
        pytest.param(
            lambda x: (np.stack([x, x], 1), x, (RATE, RATE)), "the channels differ: reference 2", id="channels"
        ),
        pytest.param(lambda x: (x, np.append(x[1:], np.nan), (RATE, RATE)), "that are no numbers", id="NaN"),
        pytest.param(lambda x: (x, np.append(x[1:], np.inf), (RATE, RATE)), "that are no numbers", id="infinite"),
        pytest.param(lambda x: (x[:0], x[:0], (RATE, RATE)), "is empty", id="empty"),
        pytest.param(lambda x: (x[8000:10_000], x[8000:10_000], (RATE, RATE)), "at least 1/4 of a second", id="short"),
    ],
)
def test_what_cannot_be_scored_has_a_reason(
    speech: Samples, folders: tuple[Path, Path], change: Change, problem: str
) -> None:
    reference, enhanced, rates = change(speech)
    scored = score(reference, enhanced, folders, rates)
    assert problem in "; ".join(scored.problems)
    assert all(np.isfinite(value) for value in scored.scores.values())


@pytest.mark.parametrize("content", [b"", b"RIFFxxxx", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"\x00" * 100])
def test_damaged_files_have_a_reason(speech: Samples, folders: tuple[Path, Path], content: bytes) -> None:
    soundfile.write(folders[0] / "a.wav", speech, RATE)
    (folders[1] / "a.wav").write_bytes(content)
    [pair] = find_pairs(*folders)
    with pytest.raises(Unscored, match=r"the enhanced file (cannot be read|is empty)"):
        read_pair(pair, needs_reference=True)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param(
            lambda x: (np.repeat(x, 3), np.repeat(x, 3), (48_000, 48_000)), "resampled from 48000", id="48 kHz"
        ),
        pytest.param(lambda x: (x, x[:-160], (RATE, RATE)), "cut by 10.0 ms", id="a frame less"),
        pytest.param(lambda x: (x, np.clip(x * 40, -1, 1), (RATE, RATE)), "enhanced clipped", id="clipped"),
        pytest.param(lambda x: (x[::2], x[::2], (8000, 8000)), "8 kHz: no wideband PESQ", id="8 kHz"),
    ],
)
def test_what_was_done_to_a_file_is_said(
    speech: Samples, folders: tuple[Path, Path], change: Change, note: str
) -> None:
    reference, enhanced, rates = change(speech)
    scored = score(reference, enhanced, folders, rates)
    assert (note in "; ".join(scored.notes), ()) == (True, scored.problems)
    assert "pesq_nb" in scored.scores


def test_channels_are_scored_one_by_one(speech: Samples, folders: tuple[Path, Path]) -> None:
    left, right = noisy(speech, 20), noisy(speech, 5)
    single = [score(speech, side, folders).scores["si_sdr"] for side in (left, right)]
    both = score(np.stack([speech, speech], 1), np.stack([left, right], 1), folders).scores["si_sdr"]
    assert both == pytest.approx(sum(single) / 2, abs=1e-4)


def test_unrelated_signals_have_a_finite_ratio() -> None:
    wave = np.array([1.0, 0.0, -1.0, 0.0])
    assert -SI_SDR_LIMIT_DB == score_si_sdr(wave, np.array([0.0, 1.0, 0.0, -1.0]), RATE)


def test_a_file_that_kills_its_process_is_lost_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipredict.audio.scoring.score_pair", die)
    pairs = [Pair(name, None, None) for name in "abc"]
    advanced: list[int] = []
    scores = score_all(pairs, jobs=2, has_reference=True, with_dnsmos=False, advance=lambda: advanced.append(1))
    assert ["a", "b", "c"] == [one.name for one in scores]
    assert [(), ("the process that scored it died",), ()] == [one.problems for one in scores]
    assert 3 == len(advanced)


def test_the_command_feeds_the_gate(
    speech: Samples, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folders[0].parent)
    for name, snr_db in (("good", 30), ("sub/bad", 0)):
        for folder, samples in zip(folders, (speech, noisy(speech, snr_db)), strict=True):
            (folder / name).parent.mkdir(exist_ok=True)
            soundfile.write(folder / f"{name}.wav", samples, RATE)
    soundfile.write(folders[0] / "alone.wav", speech, RATE)
    arguments = ["audio", "score", "--reference", "reference", "--enhanced", "enhanced", "--jobs", "1"]
    assert main([*arguments, "--output", "m.json", "--json", "--allow-unscored", "1"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(Path("m.json").read_text())
    assert captured.err.index("sub/bad") < captured.err.index("good")
    assert "alone: there is no enhanced file" in captured.err

    Path("pyproject.toml").write_text("[tool.cipredict.gates]\naudio_quality_score = 3.0\naudio_files_unscored = 1\n")
    assert main(["gate", "--metrics", "m.json"]) == 1
    assert "PESQ narrowband MOS-LQO" in capsys.readouterr().err
    document = summarise(
        [FileScore("a", {"pesq_nb": 4.0}), FileScore("b", problems=("silent",))], score="pesq_nb", allowed_unscored=0
    )
    Path("m.json").write_text(json.dumps(document))
    assert main(["gate", "--metrics", "m.json"]) == 4


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        (["--enhanced", "enhanced"], "audio-reference"),
        (["--enhanced", "nowhere", "--reference", "reference"], "audio-folder"),
        (["--enhanced", "enhanced", "--reference", "reference"], "audio-folder"),
        (["--enhanced", "enhanced", "--reference", "reference", "--score", "mos"], "audio-score"),
        (["--enhanced", "enhanced", "--reference", "reference", "--score", "dnsmos_ovrl"], "audio-score"),
    ],
)
def test_options_that_cannot_be_meant(
    folders: tuple[Path, Path],
    arguments: list[str],
    slug: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folders[0].parent)
    assert main(["audio", "score", *arguments]) == 2
    assert f"[{slug}]" in capsys.readouterr().err


def test_two_files_of_one_name_are_refused(
    speech: Samples, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in ("wav", "flac"):
        soundfile.write(folders[0] / f"a.{suffix}", speech, RATE)
    assert main(["audio", "score", "--reference", str(folders[0]), "--enhanced", str(folders[0])]) == 2
    assert "have one name" in capsys.readouterr().err
