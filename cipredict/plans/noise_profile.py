"""How much a project's benchmarks vary when nothing changes: written at night by `perf calibrate`, read by CI jobs.

`paired` is the noise of head against base in one job, `unpaired` that of one job against another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cipredict.errors import InputError
from cipredict.plans.document import MadeFrom, frame_plan, read_plan

SCHEMA = "cipredict.noise-profile/1"
"""/1: series with paired and unpaired sigma (log units) and the jobs behind each; the rates of rules."""


class Noise(NamedTuple):
    """Standard deviation of a log ratio of unchanged code, and the jobs that tell it; None where too few do."""

    sigma: float | None
    jobs: int


class RuleRate(NamedTuple):
    """What a rule did on the project's own unchanged code: runs that it alarmed on, of how many."""

    alarms: int
    runs: int


@dataclass(frozen=True, slots=True)
class NoiseProfile:
    """The noise of every series, and how often each rule alarmed without cause."""

    paired: Mapping[str, Noise]
    unpaired: Mapping[str, Noise]
    rates: Mapping[str, RuleRate]
    made_from: MadeFrom | None = None

    def to_document(self) -> dict[str, object]:
        """Give the JSON document."""
        sides = {"paired": self.paired, "unpaired": self.unpaired}
        body: dict[str, object] = {
            name: {series: _rounded(noise) for series, noise in side.items()} for name, side in sides.items()
        }
        body["rates"] = {rule: rate._asdict() for rule, rate in self.rates.items()}
        if self.made_from is not None:
            body["made_from"] = {"version": self.made_from.version}
        return frame_plan(SCHEMA, body)


NO_PROFILE = NoiseProfile({}, {}, {})


def _rounded(noise: Noise) -> dict[str, object]:
    return {"sigma": None if noise.sigma is None else round(noise.sigma, 6), "jobs": noise.jobs}


def read_noise_profile(path: Path) -> NoiseProfile:
    """Read what `perf calibrate --output` wrote.

    Raises
    ------
    InputError
        Missing, not JSON, another schema, or damaged.
    """
    document: dict[str, Any] = read_plan(path, schemas=(SCHEMA,))  # JSON: a wrong type is a TypeError below
    try:
        paired, unpaired = (
            {str(series): _noise(entry) for series, entry in document[name].items()} for name in ("paired", "unpaired")
        )
        rates = {
            str(rule): RuleRate(int(rate["alarms"]), int(rate["runs"])) for rule, rate in document["rates"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is a damaged noise profile: {error!r}.", slug="noise-profile") from error
    return NoiseProfile(paired, unpaired, rates)


def _noise(entry: Mapping[str, float | None]) -> Noise:
    sigma = entry["sigma"]
    return Noise(None if sigma is None else float(sigma), int(entry["jobs"] or 0))
