"""Links between files and cases that do not come from verdicts: coverage contexts and static imports."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cipredict.forecast.state import Ints, State
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
