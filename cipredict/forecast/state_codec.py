"""State and case index as bundle entries and back: arrays as .npy, names as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipredict.errors import ForecastUnusable
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.state import CASE_FIELDS, Episode, Ints, PathFaults, PathMemory, State

_INDEX_ARRAYS = ("file_of", "function_of", "inverse_frequency", "word_starts", "word_columns", "norms")


def encode_state(state: State, index: CaseIndex) -> dict[str, bytes]:
    """Give the entries `state/…` of a bundle; the ids themselves travel as `cases/ids`."""
    fixed = {"files": index.files, "n_functions": index.n_functions, "vocabulary": list(index.vocabulary)}
    arrays = {f"index_{name}": getattr(index, name) for name in _INDEX_ARRAYS}
    return encode_memory(state, further_names=fixed, further_arrays=arrays)


def encode_memory(
    state: State,
    *,
    further_names: Mapping[str, object] | None = None,
    further_arrays: Mapping[str, NDArray[Any]] | None = None,
) -> dict[str, bytes]:
    """Give the same entries without an index, or with whatever else is to be read beside the state."""
    memories = list(state.paths.values())
    episode_paths = {path: number for number, path in enumerate(sorted({p for e in state.episodes for p in e.paths}))}
    names = {
        "tick": state.tick,
        "paths": list(state.paths),
        "branches": list(state.branch_failures),
        "covered": list(state.covered),
        "import_distance": state.import_distance,
        "mutated": list(state.mutated),
        "episode_paths": list(episode_paths),
        **(further_names or {}),
    }
    arrays: dict[str, NDArray[Any]] = {
        "columns": np.stack([state.columns[name] for name in CASE_FIELDS]),
        "path_changes": np.array([memory.changes for memory in memories], np.float64),
        "path_new_failures": _concatenate([memory.new_failures for memory in memories], np.float32),
        "episode_ticks": np.array([episode.tick for episode in state.episodes], np.int32),
        **_ragged("path_cases", [memory.cases for memory in memories]),
        **_ragged("episode_cases", [episode.cases for episode in state.episodes]),
        **_ragged(
            "episode_path_numbers",
            [np.array([episode_paths[path] for path in sorted(e.paths)], np.int32) for e in state.episodes],
        ),
        **_ragged("branch_failures", list(state.branch_failures.values())),
        **_ragged("covered", list(state.covered.values())),
        **(_encode_faults(state.mutated.values()) if state.mutated else {}),
        **(further_arrays or {}),
    }
    entries = {f"state/{name}.npy": _to_npy(values) for name, values in arrays.items()}
    return {"state/names.json": json.dumps(names, sort_keys=True).encode(), **entries}


def decode_state(bundle: Bundle) -> tuple[State, CaseIndex]:
    """Read state and index of a bundle.

    Raises
    ------
    ForecastUnusable
        An entry is missing or does not fit the others.
    """
    try:
        return _decode(bundle)
    except (ValueError, KeyError, IndexError, TypeError, EOFError) as error:
        raise ForecastUnusable(f"The state in {bundle.path} is corrupt: {error}.", slug="forecast-corrupt") from error


def _decode(bundle: Bundle) -> tuple[State, CaseIndex]:
    state, names = decode_memory(bundle.read, bundle.case_ids())
    return state, _index(names, {name: _array(bundle.read, f"index_{name}") for name in _INDEX_ARRAYS})


def _array(read: Callable[[str], bytes], name: str) -> NDArray[np.generic]:
    return np.asarray(np.load(io.BytesIO(read(f"state/{name}.npy")), allow_pickle=False))


def decode_memory(read: Callable[[str], bytes], case_ids: list[str]) -> tuple[State, Mapping[str, Any]]:
    """Read what `encode_memory` gave: the state, to the bit, and all names.

    Raises
    ------
    ValueError, KeyError, IndexError, TypeError, EOFError
        It is not that.
    """
    names = json.loads(read("state/names.json"))
    array_of = partial(_array, read)

    def ragged(name: str) -> list[Ints]:
        return np.split(array_of(f"{name}_values").astype(np.int32), array_of(f"{name}_ends").astype(np.int64))[:-1]

    columns = array_of("columns")
    blank = State.blank(case_ids)
    path_cases = ragged("path_cases")
    ends = array_of("path_cases_ends").astype(np.int64)
    new_failures = np.split(array_of("path_new_failures").astype(np.float32), ends)[:-1]
    changes = array_of("path_changes").astype(np.float64)
    paths = zip(names["paths"], changes, path_cases, new_failures, strict=True)
    episode_paths = names["episode_paths"]
    episodes = zip(array_of("episode_ticks"), ragged("episode_path_numbers"), ragged("episode_cases"), strict=True)
    state = State(
        case_ids=blank.case_ids,
        # a bundle of an earlier version lacks the last fields
        columns=blank.columns | {name: row.astype(np.float32) for name, row in zip(CASE_FIELDS, columns, strict=False)},
        paths={path: PathMemory(float(count), cases, failures) for path, count, cases, failures in paths},
        episodes=[
            Episode(int(tick), frozenset(episode_paths[number] for number in numbers), cases)
            for tick, numbers, cases in episodes
        ],
        branch_failures=dict(zip(names["branches"], ragged("branch_failures"), strict=True)),
        covered=dict(zip(names["covered"], ragged("covered"), strict=True)),
        import_distance=names["import_distance"],
        mutated=_decode_faults(names["mutated"], array_of, ragged) if names.get("mutated") else {},
        tick=names["tick"],
    )
    return state, names


def _encode_faults(faults: Iterable[PathFaults]) -> dict[str, NDArray[np.generic]]:
    listed = list(faults)
    return {
        "mutants": np.array([of_path.mutants for of_path in listed], np.float32),
        "kills": _concatenate([of_path.kills for of_path in listed], np.float32),
        **_ragged("killers", [of_path.cases for of_path in listed]),
    }


def _decode_faults(
    paths: Sequence[str],
    array_of: Callable[[str], NDArray[np.generic]],
    ragged: Callable[[str], list[Ints]],
) -> dict[str, PathFaults]:
    ends = array_of("killers_ends").astype(np.int64)
    kills = np.split(array_of("kills").astype(np.float32), ends)[:-1]
    mutants = array_of("mutants").astype(np.float64).tolist()
    return {
        path: PathFaults(count, cases, of_case)
        for path, count, cases, of_case in zip(paths, mutants, ragged("killers"), kills, strict=True)
    }


def _index(names: Mapping[str, Any], fixed: Mapping[str, NDArray[np.generic]]) -> CaseIndex:
    vocabulary = {word: column for column, word in enumerate(names["vocabulary"])}
    return CaseIndex(
        files=names["files"],
        n_functions=names["n_functions"],
        vocabulary=vocabulary,
        **fixed,  # type: ignore[arg-type]  # the arrays named in _INDEX_ARRAYS
    )


def _ragged(name: str, parts: Sequence[NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Store lists of different lengths as one array and the end of each."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {f"{name}_values": _concatenate(parts, np.int32), f"{name}_ends": ends}


def _concatenate(parts: Iterable[NDArray[np.generic]], dtype: type[np.generic]) -> NDArray[np.generic]:
    listed = list(parts)
    return np.concatenate(listed).astype(dtype) if listed else np.zeros(0, dtype)


def _to_npy(values: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()
