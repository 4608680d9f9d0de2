"""Links between files and cases that do not come from runs: coverage contexts, static imports, injected faults."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cipredict.forecast.state import Ints, PathFaults, State
from cipredict.forecast.tokens import is_test_path

MAX_HOPS = 3
"""Of imports between a test file and a source: beyond, nearly everything reaches nearly everything."""


@dataclass(frozen=True, slots=True)
class Links:
    """What was known of coverage and imports from `recorded_at` on.

    Attributes
    ----------
    covered : path → slots of the cases that execute it
    import_distance : path → {test file: hops}
    """

    recorded_at: datetime
    covered: dict[str, Ints]
    import_distance: dict[str, dict[str, int]]

    def attach(self, state: State) -> None:
        """Let a state know these links."""
        state.covered, state.import_distance = self.covered, self.import_distance


@dataclass(frozen=True, slots=True)
class Mutations:
    """What faults injected into each path did, from `recorded_at` on. Synthetic: nothing else is learned from them."""

    recorded_at: datetime
    faults: dict[str, PathFaults]

    def attach(self, state: State) -> None:
        """Let a state know these faults."""
        state.mutated = dict(self.faults)


def faults_by_path(rows: Iterable[tuple[str, str | None, int, int]], slot_of: dict[str, int]) -> dict[str, PathFaults]:
    """Group (path, case id or None, mutants of the path, kills of the case); cases without a slot are left out."""
    mutants: dict[str, int] = {}
    kills: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for path, case_id, of_path, of_case in rows:
        mutants[path] = of_path
        if case_id in slot_of:
            kills[path][slot_of[case_id]] = of_case
    return {
        path: PathFaults(
            float(count),
            np.array(sorted(kills[path]), np.int32),
            np.array([kills[path][slot] for slot in sorted(kills[path])], np.float32),
        )
        for path, count in sorted(mutants.items())
    }


def covered_slots(links: Iterable[tuple[str, str]], slot_of: dict[str, int]) -> dict[str, Ints]:
    """Group (case id, path) pairs by path; cases without a slot are left out."""
    grouped: defaultdict[str, set[int]] = defaultdict(set)
    for case_id, path in links:
        if case_id in slot_of:
            grouped[path].add(slot_of[case_id])
    return {path: np.array(sorted(slots), np.int32) for path, slots in sorted(grouped.items())}


def import_distances(edges: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Give, per imported source, the hops from every test file that reaches it within `MAX_HOPS`.

    ::

        tests/test_a.py ──> pkg/a.py ──> pkg/b.py        {"pkg/a.py": {"tests/test_a.py": 1}, "pkg/b.py": {…: 2}}
    """
    imports: defaultdict[str, list[str]] = defaultdict(list)
    for importer, imported in edges:
        imports[importer].append(imported)
    distances: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for test in sorted(path for path in imports if is_test_path(path)):
        for source, hops in _reach(test, imports).items():
            if not is_test_path(source):
                distances[source][test] = hops
    return dict(sorted(distances.items()))


def _reach(start: str, imports: dict[str, list[str]]) -> dict[str, int]:
    """Breadth first from `start`, at most `MAX_HOPS` deep."""
    reached = {start: 0}
    queue = deque([start])
    while queue:
        path = queue.popleft()
        if reached[path] < MAX_HOPS:
            for imported in imports.get(path, ()):
                if imported not in reached:
                    reached[imported] = reached[path] + 1
                    queue.append(imported)
    return {path: hops for path, hops in reached.items() if hops}
