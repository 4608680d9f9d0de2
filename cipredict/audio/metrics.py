"""The metrics themselves, on one channel each. What cannot be computed raises `Unscored`; a number is always finite.

PESQ: ITU-T P.862.1 and P.862.2 (`pesq`). STOI: Taal et al. 2011, extended: Jensen and Taal 2016 (`pystoi`). SI-SDR: Le
Roux et al. 2019. Loudness: ITU-R BS.1770 (`pyloudnorm`). DNSMOS: Reddy et al. 2022 (`speechmos`, not installed by us).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pyloudnorm
from pesq import NoUtterancesError, PesqError, pesq
from pystoi import stoi

from cipredict.audio.interface import Unscored

Channel = np.ndarray[Any, np.dtype[np.float64]]  # Any: shape, (samples,)
SI_SDR_LIMIT_DB = 100.0
"""Identical signals have an infinite ratio, unrelated ones minus infinity: both are cut here."""


def score_pesq_nb(reference: Channel, enhanced: Channel, rate: int) -> float:
    """Give narrowband MOS-LQO."""
    return _pesq(reference, enhanced, rate, mode="nb")


def score_pesq_wb(reference: Channel, enhanced: Channel, rate: int) -> float:
    """Give wideband MOS-LQO, which 8 kHz audio has not."""
    if rate != 16_000:
        raise Unscored("wideband PESQ needs 16 kHz")
    return _pesq(reference, enhanced, rate, mode="wb")


def _pesq(reference: Channel, enhanced: Channel, rate: int, *, mode: str) -> float:
    try:
        return _finite(float(pesq(rate, reference, enhanced, mode)), "PESQ")
    except NoUtterancesError as error:
        raise Unscored("PESQ finds no speech in it") from error
    except (PesqError, ValueError) as error:
        told = error.args[0] if error.args else type(error).__name__
        reason = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
        raise Unscored(f"PESQ: {reason.strip().lower()}") from error


def score_stoi(reference: Channel, enhanced: Channel, rate: int) -> float:
    """Give STOI."""
    return _stoi(reference, enhanced, rate, extended=False)


def score_estoi(reference: Channel, enhanced: Channel, rate: int) -> float:
    """Give extended STOI."""
    return _stoi(reference, enhanced, rate, extended=True)


def _stoi(reference: Channel, enhanced: Channel, rate: int, *, extended: bool) -> float:
    """Compute it; where too little speech is left pystoi warns and gives 1e-5, which is no score."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = float(stoi(reference, enhanced, rate, extended=extended))
    if any("Not enough STFT frames" in str(one.message) for one in caught):
        raise Unscored("STOI finds less than 0.4 s of speech in it")
    return _finite(value, "STOI")


def score_si_sdr(reference: Channel, enhanced: Channel, rate: int) -> float:
    """Give it in dB, between minus and plus `SI_SDR_LIMIT_DB`."""
    del rate  # the signature of a metric
    energy = float(reference @ reference)
    target = reference * (float(enhanced @ reference) / energy)
    noise = enhanced - target
    signal_energy, noise_energy = float(target @ target), float(noise @ noise)
    if noise_energy <= 0.0:
        return SI_SDR_LIMIT_DB
    if signal_energy <= 0.0:
        return -SI_SDR_LIMIT_DB
    ratio_db = 10 * math.log10(signal_energy / noise_energy)
    return max(-SI_SDR_LIMIT_DB, min(SI_SDR_LIMIT_DB, ratio_db))


WITH_REFERENCE: dict[str, Callable[[Channel, Channel, int], float]] = {
    "pesq_nb": score_pesq_nb,
    "pesq_wb": score_pesq_wb,
    "stoi": score_stoi,
    "estoi": score_estoi,
    "si_sdr": score_si_sdr,
}


def measure_loudness(samples: Channel, rate: int) -> float:
    """Give integrated loudness in LUFS of one channel or several, (samples, channels)."""
    try:
        value = float(pyloudnorm.Meter(rate).integrated_loudness(samples))
    except ValueError as error:
        raise Unscored("loudness needs 0.4 s") from error
    return _finite(value, "loudness")


def score_dnsmos(enhanced: Channel, rate: int) -> dict[str, float]:
    """Give the four MOS of DNSMOS. The model comes with `speechmos`, which states no licence: install it yourself."""
    from speechmos import dnsmos  # noqa: PLC0415  # optional, and loads its models

    peak = float(np.max(np.abs(enhanced)))
    scores = dnsmos.run(enhanced / peak if peak > 1 else enhanced, sr=rate)
    names = {"ovrl": "ovrl_mos", "sig": "sig_mos", "bak": "bak_mos", "p808": "p808_mos"}
    return {f"dnsmos_{name}": _finite(float(scores[key]), "DNSMOS") for name, key in names.items()}


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise Unscored(f"{what} gives no number for it")
    return value
