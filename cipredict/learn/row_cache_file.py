"""The file that keeps features of runs and snapshots of the state: a zip of arrays, moved into place when complete."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import FEATURES
from cipredict.learn.featurising import RunFeatures, WholeRun

_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after the run before `position` was given; runs that had not finished then are not in it."""

    position: int
    entries: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class CachedReplay:
    """What a night left.

    Attributes
    ----------
    case_ids : slot → id
    marks : per run
    judge_from : failing runs are whole from here on
    """

    case_ids: list[str]
    marks: list[str]
    judge_from: int
    features: list[RunFeatures]
    snapshots: list[Snapshot]


def write_cache(path: Path, key: str, cached: CachedReplay) -> None:
    """Write the file; a folder that cannot be written costs the cache, never the training."""
    whole = {number: run.whole for number, run in enumerate(cached.features) if run.whole is not None}
    head = {
        "key": key,
        "case_ids": cached.case_ids,
        "marks": cached.marks,
        "judge_from": cached.judge_from,
        "whole": list(whole),
        "snapshots": [snapshot.position for snapshot in cached.snapshots],
    }
    arrays = {
        **{f"{name}_{part}": a for name in RunFeatures._fields[:-1] for part, a in _joined(cached, name).items()},
        "whole_X": _stack([run.X for run in whole.values()]),
        "whole_expected_s": np.concatenate([np.zeros(0, np.float32), *(run.expected_s for run in whole.values())]),
    }
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(draft, "w") as archive:
            archive.writestr("head.json", json.dumps(head))
            for name, values in arrays.items():
                archive.writestr(f"{name}.npy", _to_npy(values))
            for snapshot in cached.snapshots:
                for name, content in snapshot.entries.items():
                    archive.writestr(f"{snapshot.position}/{name}", content)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _joined(cached: CachedReplay, name: str) -> dict[str, NDArray[Any]]:
    parts = [np.asarray(getattr(run, name)) for run in cached.features]
    return {"values": _stack(parts) if name == "X" else np.concatenate(parts), "ends": np.cumsum([*map(len, parts)])}


def _stack(matrices: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros((0, len(FEATURES)), np.float32), *matrices])


def _to_npy(values: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def read_cache(path: Path, key: str) -> CachedReplay | None:
    """Give what is in the file, None where it is missing, damaged, or of other code."""
    try:
        with zipfile.ZipFile(path) as archive:
            head = json.loads(archive.read("head.json"))
            if head["key"] != key:
                return None
            return CachedReplay(
                case_ids=head["case_ids"],
                marks=head["marks"],
                judge_from=head["judge_from"],
                features=list(_features(archive, head["whole"])),
                snapshots=[_snapshot(archive, position) for position in head["snapshots"]],
            )
    except _DAMAGE:
        return None


def _snapshot(archive: zipfile.ZipFile, position: int) -> Snapshot:
    prefix = f"{position}/"
    names = [name for name in archive.namelist() if name.startswith(prefix)]
    return Snapshot(position, {name.removeprefix(prefix): archive.read(name) for name in names})


def _features(archive: zipfile.ZipFile, whole: Sequence[int]) -> Iterator[RunFeatures]:
    def array_of(name: str) -> NDArray[Any]:
        return np.asarray(np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False))

    columns = [np.split(array_of(f"{name}_values"), array_of(f"{name}_ends"))[:-1] for name in RunFeatures._fields[:-1]]
    X, expected_s, place = array_of("whole_X"), array_of("whole_expected_s"), 0
    judged = set(whole)
    for number, parts in enumerate(zip(*columns, strict=True)):
        run = RunFeatures._make((*parts, None))
        if number not in judged:
            yield run
            continue
        end = place + len(run.is_new)
        yield run._replace(whole=WholeRun(X[place:end], expected_s[place:end]))
        place = end
