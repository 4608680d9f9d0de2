"""Expected seconds of any case: its own forecast, else its file's, its folder's, the suite's median. Stdlib only.

The nightly job has forecast every known case; a CI job looks up, and asks the neighbours of a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress, repeat

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.forecast.neighbours import Neighbours

DEFAULT_S = 1.0
"""Of a case in a suite that nobody has measured."""


FLAVOURS = "cases/flavours/"
FALLBACK_SPREAD = 4.0
"""Where nobody has measured it: a neighbour's median is good to a factor of about four either way."""


class DurationTable:
    """Looks up `DurationForecast`s by case id; they are read when the first one is asked for.

    Parameters
    ----------
    spreads : scope of neighbours → interval factors on their middle
    adds_up : neighbours answer with their mean, see `Neighbours`
    """

    def __init__(
        self,
        forecasts: Iterable[DurationForecast],
        spreads: Mapping[str, tuple[float, float]] | None = None,
        *,
        adds_up: bool = False,
    ) -> None:
        self._forecasts = forecasts
        self._spreads = spreads or {}
        self._adds_up = adds_up

    @cached_property
    def _known(self) -> dict[str, DurationForecast]:
        return {forecast.case_id: forecast for forecast in self._forecasts}

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, flavour: str = "") -> DurationTable:
        """Take the case columns of a bundle, for one flavour if named; InputError where the bundle does not know it."""
        return cls(_scaled(_read(bundle, "expected_s"), bundle, flavour), _spreads(bundle))

    @classmethod
    def for_plans(cls, bundle: Bundle, *, flavour: str = "") -> DurationTable:
        """Take the seconds that made the best shard plans lately; `learn.plan_time` says why they differ.

        New cases keep the stated spread: the measured one, up to a factor of a hundred, would rule every plan.
        """
        column = "planned_s" if bundle.has("cases/planned_s.f32") else "expected_s"
        return cls(_scaled(_read(bundle, column), bundle, flavour), adds_up=True)

    def __contains__(self, case_id: str) -> bool:
        return case_id in self._known

    def expected(self, case_id: str) -> DurationForecast:
        """Give the forecast of a case; the basis is `fallback` where a neighbour speaks for it."""
        known = self._known.get(case_id)
        return known if known is not None else self._from_neighbours(case_id)

    def known(self) -> list[str]:
        """Give the ids with a history of their own, in slot order."""
        return list(self._known)

    def known_share(self, case_ids: Sequence[str]) -> float:
        """Give the share of the cases that have a history of their own, 0…1; 0 for none."""
        return sum(case_id in self._known for case_id in case_ids) / len(case_ids) if case_ids else 0.0

    def individual(self, bundle: Bundle, case_ids: Iterable[str]) -> dict[str, dict[str, float]]:
        """Give each learner's own seconds per case; empty for a case that none of them has forecast."""
        slot_of = {case_id: slot for slot, case_id in enumerate(bundle.case_ids())}
        members = {name: bundle.floats(f"cases/members/{name}.f32") for name in bundle.manifest.case_members}
        return {
            case_id: {name: values[slot_of[case_id]] for name, values in members.items()}
            if case_id in self._known
            else {}
            for case_id in case_ids
        }

    def _from_neighbours(self, case_id: str) -> DurationForecast:
        guess = self._neighbours.guess(case_id)
        if guess is None:
            return DurationForecast(case_id, DEFAULT_S, 0.0, DEFAULT_S * FALLBACK_SPREAD, Basis.FALLBACK, 0)
        low, high = self._spreads.get(guess.scope, (1 / FALLBACK_SPREAD, FALLBACK_SPREAD))
        return DurationForecast(case_id, guess.seconds, guess.seconds * low, guess.seconds * high, Basis.FALLBACK, 0)

    @cached_property
    def _neighbours(self) -> Neighbours:
        known = {forecast.case_id: forecast.expected_s for forecast in self._known.values()}
        return Neighbours(known, adds_up=self._adds_up)


def _scaled(forecasts: Iterator[DurationForecast], bundle: Bundle, flavour: str) -> Iterator[DurationForecast]:
    """Multiply by the factors of a flavour, all at once so that an unknown one is refused now."""
    if not flavour:
        return forecasts
    name = f"{FLAVOURS}{flavour}.f32"
    if not bundle.has(name):
        known = ", ".join(repr(other.removeprefix(FLAVOURS).removesuffix(".f32")) for other in bundle.names(FLAVOURS))
        raise InputError(f"No flavour {flavour!r} in {bundle.path}; known: {known or 'none'}.", slug="flavour-unknown")
    factors = compress(bundle.floats(name), bundle.floats("cases/runs.f32"))
    return iter([_times(forecast, factor) for forecast, factor in zip(forecasts, factors, strict=True)])


def _times(forecast: DurationForecast, factor: float) -> DurationForecast:
    return forecast._replace(
        expected_s=forecast.expected_s * factor, low_s=forecast.low_s * factor, high_s=forecast.high_s * factor
    )


def _spreads(bundle: Bundle) -> dict[str, tuple[float, float]]:
    """Give the measured factors of each scope of `neighbours`, those of a bundle that has them."""
    factors = bundle.manifest.conformal.get("new_case", {})
    return {scope: (low, high) for scope, (low, high) in factors.get("scopes", {}).items()}  # type: ignore[attr-defined]  # by the schema


def _read(bundle: Bundle, column: str) -> Iterator[DurationForecast]:
    basis = Basis.MODEL if bundle.manifest.served["case_time"].is_model else Basis.HISTORY
    expected, low, high = (bundle.floats(f"cases/{name}.f32") for name in (column, "low_s", "high_s"))
    seconds = (expected, map(min, low, expected), map(max, high, expected))
    runs = [int(measured) for measured in bundle.floats("cases/runs.f32")]
    memory = [int(peak) or None for peak in bundle.floats("cases/peak_memory_bytes.f32")]
    rows = zip(bundle.case_ids(), *seconds, repeat(basis), runs, memory, strict=False)
    yield from compress(map(DurationForecast._make, rows), runs)
