"""Expected seconds of any case: its own forecast, else its file's, its folder's, the suite's median. Stdlib only.

The nightly job has forecast every known case; a CI job looks up. On new cases the median of the nearest scope beats
every mean (research: sharding, section 2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress, repeat

from cipredict.forecast.bundle import Bundle
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_class, case_file, case_folder, case_function

DEFAULT_S = 1.0
"""Of a case in a suite that nobody has measured."""


def _class_or_file(case_id: str) -> str:
    return case_class(case_id) or case_file(case_id)  # a case that is a whole file has no class


_SCOPES: tuple[Callable[[str], str], ...] = (case_function, _class_or_file, case_file, case_folder, lambda _: "")
_FALLBACK_SPREAD = 4.0
"""A neighbour's median is good to a factor of about four either way; stated, not measured per case."""


class DurationTable:
    """Looks up `DurationForecast`s by case id; they are read when the first one is asked for."""

    def __init__(self, forecasts: Iterable[DurationForecast]) -> None:
        self._forecasts = forecasts

    @cached_property
    def _known(self) -> dict[str, DurationForecast]:
        return {forecast.case_id: forecast for forecast in self._forecasts}

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> DurationTable:
        """Take the case columns of a bundle."""
        return cls(_read(bundle))

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
        for scope, medians in zip(_SCOPES, self._medians, strict=True):
            expected = medians.get(scope(case_id))
            if expected is not None:
                low, high = expected / _FALLBACK_SPREAD, expected * _FALLBACK_SPREAD
                return DurationForecast(case_id, expected, low, high, Basis.FALLBACK, 0)
        return DurationForecast(case_id, DEFAULT_S, 0.0, DEFAULT_S * _FALLBACK_SPREAD, Basis.FALLBACK, 0)

    @cached_property
    def _medians(self) -> list[dict[str, float]]:
        """Median seconds per scope, nearest first; built when the first unknown case asks."""
        from statistics import median  # noqa: PLC0415  # 3 ms that only an unknown case is worth

        tables = []
        for scope in _SCOPES:
            groups: defaultdict[str, list[float]] = defaultdict(list)
            for forecast in self._known.values():
                groups[scope(forecast.case_id)].append(forecast.expected_s)
            tables.append({key: median(values) for key, values in groups.items()})
        return tables


def _read(bundle: Bundle) -> Iterator[DurationForecast]:
    basis = Basis.MODEL if bundle.manifest.served["case_time"].is_model else Basis.HISTORY
    seconds = [bundle.floats(f"cases/{name}.f32") for name in ("expected_s", "low_s", "high_s")]
    runs = [int(measured) for measured in bundle.floats("cases/runs.f32")]
    memory = [int(peak) or None for peak in bundle.floats("cases/peak_memory_bytes.f32")]
    rows = zip(bundle.case_ids(), *seconds, repeat(basis), runs, memory, strict=False)
    yield from compress(map(DurationForecast._make, rows), runs)
