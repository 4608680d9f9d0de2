"""What scoring gives: per file its scores and whatever keeps it from having them; never a NaN, never an infinity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Unscored(Exception):
    """A file, or one metric of it, that cannot be scored; the message says why."""


class MetricFacts(NamedTuple):
    """What a metric is called and in which unit it comes; for all of them higher is better."""

    title: str
    unit: str = ""


METRICS: Mapping[str, MetricFacts] = {
    "pesq_nb": MetricFacts("PESQ narrowband MOS-LQO (ITU-T P.862.1), 1.02 to 4.55"),
    "pesq_wb": MetricFacts("PESQ wideband MOS-LQO (ITU-T P.862.2), 1.04 to 4.64"),
    "stoi": MetricFacts("STOI, 0 to 1"),
    "estoi": MetricFacts("extended STOI, 0 to 1"),
    "si_sdr": MetricFacts("scale-invariant signal-to-distortion ratio", "dB"),
    "dnsmos_ovrl": MetricFacts("DNSMOS P.835 overall MOS, without reference"),
    "dnsmos_sig": MetricFacts("DNSMOS P.835 speech MOS, without reference"),
    "dnsmos_bak": MetricFacts("DNSMOS P.835 background MOS, without reference"),
    "dnsmos_p808": MetricFacts("DNSMOS P.808 MOS, without reference"),
}
LOUDNESS = ("loudness", "loudness_change")
"""In LUFS and LU (ITU-R BS.1770): shown, but neither better nor worse."""
DEFAULT_SCORE = "pesq_nb"


@dataclass(frozen=True, slots=True)
class Pair:
    """One enhanced file and its reference, by the name that they share below their folders; None where it is absent."""

    name: str
    reference: str | None
    enhanced: str | None


@dataclass(frozen=True, slots=True)
class FileScore:
    """What one file got.

    Attributes
    ----------
    scores : metric → value
    problems : why scores are missing; a file with any of these is not wholly scored
    notes : what was done to it (resampled, cut) or is odd about it (clipped), though it was scored
    """

    name: str
    scores: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
