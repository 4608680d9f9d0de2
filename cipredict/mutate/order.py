"""Which mutants to try first: time is short, so breadth comes before depth.

What recent commits changed goes first, since the next faults will be there. Then one mutant per path in turn, within a
path one per function in turn, within a function by chance.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from cipredict.mutate.mutants import Mutant

Item = TypeVar("Item")


def in_turn(queues: Iterable[Iterable[Item]]) -> Iterator[Item]:
    """Give the first of each queue, then the second of each, and so on.

    >>> list(in_turn([[1, 2, 3], [4]]))
    [1, 4, 2, 3]
    """
    nothing = object()
    turns = zip_longest(*queues, fillvalue=nothing)
    return (item for item in chain.from_iterable(turns) if item is not nothing)  # type: ignore[misc]  # `nothing` is out


def order_mutants(
    mutants: Mapping[str, Sequence[Mutant]], recent_lines: Mapping[str, frozenset[int]], *, seed: int = 0
) -> list[Mutant]:
    """Give all mutants, best first.

    `mutants` are by path, whose order is kept; `recent_lines` are those that recent commits wrote, by path.
    """
    recent: dict[str, list[Mutant]] = {}
    others: dict[str, list[Mutant]] = {}
    for path, of_path in mutants.items():
        fresh = recent_lines.get(path, frozenset())
        for mutant in of_path:
            tier = recent if fresh.intersection(range(mutant.lines[0], mutant.lines[1] + 1)) else others
            tier.setdefault(path, []).append(mutant)
    return [*_spread(recent, seed), *_spread(others, seed)]


def _spread(mutants: Mapping[str, Sequence[Mutant]], seed: int) -> Iterator[Mutant]:
    return in_turn(in_turn(_by_function(of_path, seed)) for of_path in mutants.values())


def _by_function(mutants: Sequence[Mutant], seed: int) -> list[list[Mutant]]:
    functions: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        functions.setdefault(mutant.function, []).append(mutant)
    chance = random.Random(f"{seed} {mutants[0].path}")  # noqa: S311  # a shuffle, not a secret
    queues = [chance.sample(of_function, len(of_function)) for of_function in functions.values()]
    return chance.sample(queues, len(queues))
