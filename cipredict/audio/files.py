"""Pairs of audio files, read and made comparable: same rate, same channels, same length, and something to hear."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample_poly

from cipredict.audio.interface import Pair, Unscored
from cipredict.errors import InputError

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au", ".caf"})
SCORING_RATE = 16_000
"""PESQ knows 8 and 16 kHz only, DNSMOS 16: everything above 8 kHz is scored at 16."""
LONGEST_CUT_S = 0.1
"""Enhancers that work in frames lose or add part of one; more is another recording, or a delay that nobody knows."""
LONGEST_S = 600.0
_SILENT_RMS = 1e-5
_CLIPPED_AT = 0.999
_CLIPPED_SHARE = 0.001

Samples = np.ndarray[Any, np.dtype[np.float64]]  # Any: shape, (samples, channels)


@dataclass(frozen=True, slots=True)
class Signal:
    """One file's samples, at `rate` per second."""

    samples: Samples
    rate: int


@dataclass(frozen=True, slots=True)
class Signals:
    """A comparable pair; `reference` is None where there is none."""

    enhanced: Samples
    reference: Samples | None
    rate: int
    notes: tuple[str, ...]


def find_pairs(reference: Path | None, enhanced: Path) -> list[Pair]:
    """Give every file of both folders once, by its path below them without the suffix, sorted.

    Raises
    ------
    InputError
        A folder is missing, holds no audio, or two of its files have one name.
    """
    references = _by_name(reference) if reference is not None else {}
    found = _by_name(enhanced)
    names = sorted(references.keys() | found.keys())
    return [Pair(name, references.get(name), found.get(name)) for name in names]


def _by_name(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", slug="audio-folder")
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name in found:
                raise InputError(f"{found[name]} and {path} have one name.", slug="audio-folder")
            found[name] = str(path)
    if not found:
        kinds = ", ".join(sorted(SUFFIXES))
        raise InputError(f"{folder} holds no audio file ({kinds}).", slug="audio-folder")
    return found


def read_pair(pair: Pair, *, needs_reference: bool) -> Signals:
    """Read a pair and make it comparable.

    Raises
    ------
    Unscored
        Saying what is wrong with which file.
    """
    if pair.enhanced is None:
        raise Unscored("there is no enhanced file")
    enhanced, notes = _read(pair.enhanced, "enhanced")
    if not needs_reference:
        return Signals(_at_scoring_rate(enhanced), None, _scoring_rate(enhanced.rate), (*notes, *_resampled(enhanced)))
    if pair.reference is None:
        raise Unscored("there is no reference")
    reference, more = _read(pair.reference, "reference")
    first, second, cut = _alike(reference, enhanced)
    return Signals(
        enhanced=_at_scoring_rate(second),
        reference=_at_scoring_rate(first),
        rate=_scoring_rate(first.rate),
        notes=(*notes, *more, *cut, *_resampled(first)),
    )


def _read(path: str, what: str) -> tuple[Signal, tuple[str, ...]]:
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames / file.samplerate > LONGEST_S:
                raise Unscored(f"the {what} file is longer than {LONGEST_S:g} s")
            samples = file.read(dtype="float64", always_2d=True)
            rate = file.samplerate
    except (soundfile.SoundFileError, OSError) as error:
        raise Unscored(f"the {what} file cannot be read ({_reason(error, path)})") from error
    if not len(samples):
        raise Unscored(f"the {what} file is empty")
    if not np.isfinite(samples).all():
        raise Unscored(f"the {what} file holds samples that are no numbers")
    if np.sqrt(np.mean(samples**2)) < _SILENT_RMS:
        raise Unscored(f"the {what} file is silent")
    clipped = float(np.mean(np.abs(samples) >= _CLIPPED_AT))
    notes = (f"{what} clipped: {clipped:.1%} of its samples",) if clipped > _CLIPPED_SHARE else ()
    return Signal(samples, rate), notes


def _reason(error: Exception, path: str) -> str:
    return " ".join(str(error).replace(path, "it").replace(repr(path), "it").split())[:120]


def _alike(reference: Signal, enhanced: Signal) -> tuple[Signal, Signal, tuple[str, ...]]:
    """Refuse what cannot be compared sample by sample; cut off the rest of a frame."""
    if reference.rate != enhanced.rate:
        raise Unscored(f"the rates differ: reference {reference.rate} Hz, enhanced {enhanced.rate} Hz")
    channels = (reference.samples.shape[1], enhanced.samples.shape[1])
    if channels[0] != channels[1]:
        raise Unscored(f"the channels differ: reference {channels[0]}, enhanced {channels[1]}")
    lengths = (len(reference.samples), len(enhanced.samples))
    difference_s = abs(lengths[0] - lengths[1]) / reference.rate
    if difference_s > LONGEST_CUT_S:
        told = f"reference {lengths[0] / reference.rate:.2f} s, enhanced {lengths[1] / reference.rate:.2f} s"
        raise Unscored(f"the lengths differ: {told}")
    shortest = min(lengths)
    notes = (f"cut by {difference_s * 1000:.1f} ms",) if difference_s else ()
    return (
        Signal(reference.samples[:shortest], reference.rate),
        Signal(enhanced.samples[:shortest], enhanced.rate),
        notes,
    )


def _scoring_rate(rate: int) -> int:
    return 8000 if rate == 8000 else SCORING_RATE


def _resampled(signal: Signal) -> tuple[str, ...]:
    target = _scoring_rate(signal.rate)
    return () if target == signal.rate else (f"resampled from {signal.rate} to {target} Hz",)


def _at_scoring_rate(signal: Signal) -> Samples:
    target = _scoring_rate(signal.rate)
    if target == signal.rate:
        return signal.samples
    common = gcd(target, signal.rate)
    resampled: Samples = resample_poly(signal.samples, target // common, signal.rate // common, axis=0)
    return resampled
