"""A change's own renames, known before its run: cases and sources keep their history under the names it gives them.

Git alone speaks here. Renames that only a report shows (a function, a parameter) enter the state in the night
(`learn/renames.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.state import Episode, State
from cipredict.ids import case_file
from cipredict.records import Change

Known = TypeVar("Known")


def former_paths(changes: Iterable[Change]) -> dict[str, str]:
    """Give the former path of every renamed one. A copy (git's C) is no rename: its original goes on."""
    return {change.path: change.previous_path for change in changes if change.status == "R" and change.previous_path}


def other_names(former: Mapping[str, str]) -> dict[str, str]:
    """Give the other path of every path that took part in a rename."""
    return {**{old: new for new, old in former.items()}, **former}


def former_id(case_id: str, former: Mapping[str, str]) -> str:
    """Give the id that a case had before its file was renamed; the same id where it was not.

    >>> former_id("tests/new.py::test_a[x]", {"tests/new.py": "tests/old.py"})
    'tests/old.py::test_a[x]'
    """
    file = case_file(case_id)
    return former[file] + case_id[len(file) :] if file in former else case_id


def under_new_names(state: State, index: CaseIndex, former: Mapping[str, str]) -> tuple[State, CaseIndex]:
    """Give a state and index that know what was renamed by its new path; the given ones stay as they are.

    What a new path is known for already comes first.
    """
    if not former:
        return state, index
    new_of = {old: new for new, old in former.items()}
    distances = {
        source: {new_of.get(test, test): hops for test, hops in by_test.items()}
        for source, by_test in state.import_distance.items()
    }
    renamed = replace(
        state,
        episodes=renamed_episodes(state.episodes, former),
        paths={**_inherited(state.paths, former), **state.paths},
        covered={**_inherited(state.covered, former), **state.covered},
        import_distance={**_inherited(distances, former), **distances},
        mutated={**_inherited(state.mutated, former), **state.mutated},
    )
    return renamed, replace(index, files=[new_of.get(file, file) for file in index.files])


def renamed_episodes(episodes: Iterable[Episode], former: Mapping[str, str]) -> list[Episode]:
    """Give past runs as if their changes had named the present paths."""
    new_of = {old: new for new, old in former.items()}
    return [replace(episode, paths=frozenset(new_of.get(path, path) for path in episode.paths)) for episode in episodes]


def _inherited(by_path: Mapping[str, Known], former: Mapping[str, str]) -> dict[str, Known]:
    return {new: by_path[old] for new, old in former.items() if old in by_path}
