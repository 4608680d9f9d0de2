"""Replay of history: build a Dockerfile on every commit, with a cache that has seen all commits before.

The tree before the first commit warms the cache and is not counted. A file that a COPY names and an old tree lacks
counts as empty, where a real build would have failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise

from cipredict.decide.containers.layers import Link, LinkKey
from cipredict.decide.containers.paths import Selection
from cipredict.dockerfile.context import ContextHistory
from cipredict.dockerfile.ignore import IgnoreFile

_MODULUS = 1 << 128


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay rebuilt.

    Attributes
    ----------
    builds : commits that were replayed
    layers : layers of one build, RUN, COPY and ADD
    rebuilt : per link, how many builds made it anew
    run_rebuilds, layer_rebuilds : sums over RUNs, over layers
    seconds : what the rebuilt layers took in all
    cached_builds : builds that made nothing anew
    """

    builds: int
    layers: int
    rebuilt: tuple[int, ...]
    run_rebuilds: int
    layer_rebuilds: int
    seconds: float
    cached_builds: int

    @property
    def layer_hit_share(self) -> float | None:
        """Give the share of layers that came from the cache; none without builds."""
        total = self.builds * self.layers
        return 1 - self.layer_rebuilds / total if total else None

    def per_100(self, count: float) -> float:
        """Give a number per 100 commits."""
        return 100 * count / self.builds if self.builds else 0.0


@dataclass(slots=True)
class HistoryTokens:
    """The content of selections, commit by commit; what was computed for one Dockerfile serves its rewrites too."""

    history: ContextHistory
    _known: dict[tuple[Selection, IgnoreFile], tuple[int, ...]] = field(default_factory=dict)
    _hidden: dict[IgnoreFile, dict[str, bool]] = field(default_factory=dict)

    def series(self, selection: Selection, ignore: IgnoreFile) -> tuple[int, ...]:
        """Give a number for the tree before the first commit and for each commit: equal numbers, equal content."""
        key = (selection, ignore)
        if key not in self._known:
            self._known[key] = self._compute(selection, ignore)
        return self._known[key]

    def _compute(self, selection: Selection, ignore: IgnoreFile) -> tuple[int, ...]:
        selects, hides = selection.matcher(), self._hides(ignore)
        present: dict[str, str] = {}
        total = 0
        for path, first in self.history.base.items():
            if selects(path) and not hides(path):
                present[path] = first
                total += _digest(path, first)
        series = [total % _MODULUS]
        for commit in self.history.commits:
            for path, identity in commit.changes.items():
                if not selects(path) or hides(path):
                    continue
                if (old := present.pop(path, None)) is not None:
                    total -= _digest(path, old)
                if identity is not None:
                    present[path] = identity
                    total += _digest(path, identity)
            series.append(total % _MODULUS)
        return tuple(series)

    def _hides(self, ignore: IgnoreFile) -> Callable[[str], bool]:
        known = self._hidden.setdefault(ignore, {})

        def hides(path: str) -> bool:
            if path not in known:
                known[path] = ignore.excludes(path)
            return known[path]

        return hides

    def changes(self, selection: Selection, ignore: IgnoreFile) -> int:
        """Count the commits that changed a selection."""
        series = self.series(selection, ignore)
        return sum(old != new for old, new in pairwise(series))


def _digest(path: str, identity: str) -> int:
    return int.from_bytes(blake2b(f"{path}\0{identity}".encode("utf-8", "surrogateescape"), digest_size=16).digest())


def replay(
    links: Sequence[Link], tokens: HistoryTokens, ignore: IgnoreFile, *, seconds: Mapping[int, float] | None = None
) -> Replay:
    """Build every commit; `seconds` by number of instruction, where they were measured."""
    rebuilt = [0] * len(links)
    cached_builds = 0
    for made in rebuilds(links, tokens, ignore):
        for number in made:
            rebuilt[number] += 1
        cached_builds += not any(links[number].is_layer for number in made)
    return _summary(
        links, rebuilt, builds=len(tokens.history.commits), cached_builds=cached_builds, seconds=seconds or {}
    )


def rebuilds(links: Sequence[Link], tokens: HistoryTokens, ignore: IgnoreFile) -> Iterator[list[int]]:
    """Give the links that each commit's build makes anew."""
    series = [
        [tokens.series(one, ignore) if isinstance(one, Selection) else one for one in link.inputs] for link in links
    ]
    volatile = [bool(link.volatile) for link in links]
    ids: dict[tuple[object, ...], int] = {}
    for build in range(len(tokens.history.commits) + 1):
        keys: list[int] = []
        made: list[int] = []
        for number, link in enumerate(links):
            contents = tuple(keys[one.link] if isinstance(one, LinkKey) else one[build] for one in series[number])
            parent = keys[link.parent] if link.parent >= 0 else -1
            key = (link.definition, build if volatile[number] else -1, parent, contents)
            known = len(ids)
            keys.append(ids.setdefault(key, known))
            if keys[-1] == known:
                made.append(number)
        if build:
            yield made


def _summary(
    links: Sequence[Link], rebuilt: list[int], *, builds: int, cached_builds: int, seconds: Mapping[int, float]
) -> Replay:
    layers = [number for number, link in enumerate(links) if link.is_layer]
    spent = [rebuilt[number] * seconds.get(links[number].instruction, links[number].assumed_s) for number in layers]
    return Replay(
        builds,
        len(layers),
        tuple(rebuilt),
        sum(rebuilt[number] for number in layers if links[number].keyword == "RUN"),
        sum(rebuilt[number] for number in layers),
        float(sum(spent)),
        cached_builds,
    )
