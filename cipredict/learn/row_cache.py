"""Features of past runs, kept from night to night: only new runs are featurised, and the rows stay the same to the bit.

A run's features follow from the runs before it, so each run has a *mark*: a hash of everything that the replay read up
to it. What has the same mark has the same features. A replay goes on from the latest snapshot of the state whose
marks still hold; a late report about an old run, new coverage or other code lead to other marks and are replayed.

::

    marks       a b c d e f g            night before
    marks       a b c X Y Z              tonight: a report about the fourth run came late
    snapshots       ^       ^            the first still holds: three runs are taken over

Nothing in the file is executed, and a damaged one is as good as none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import cipredict
from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.state import State
from cipredict.forecast.state_codec import decode_memory, encode_memory
from cipredict.learn.featurising import RunFeatures, Sampling, featurise
from cipredict.learn.history import History, PastRun
from cipredict.learn.links import Links, Mutations
from cipredict.learn.row_cache_file import CachedReplay, Snapshot, read_cache, write_cache

_CODE = ("ids.py", "forecast/*.py", "learn/*.py")
"""Files that decide what a feature is: if one of them changes, everything is featurised anew."""
_STEPS_BACK = (0, 16, 64)
"""Runs before the last at which snapshots are taken, for late reports; another one lies at half of the history."""


def featurise_cached(history: History, index: CaseIndex, sampling: Sampling, *, path: Path) -> list[RunFeatures]:
    """Give what `featurise` gives, taking over what the cache at `path` knows, and leave a cache for next time."""
    key, marks = _key(sampling), run_marks(history)
    cached = read_cache(path, key)
    snapshot = _usable(cached, history, marks, judge_from=sampling.judge_from) if cached else None
    start = snapshot.position if snapshot else 0
    features = [
        run if position >= sampling.judge_from else run._replace(whole=None)
        for position, run in enumerate(cached.features[:start] if cached else ())
    ]
    snapshots = [one for one in (cached.snapshots if cached else ()) if one.position <= start]
    targets = [len(marks) - back for back in _STEPS_BACK] + [len(marks) // 2]

    def keep(position: int, state: State) -> None:
        if position in targets:
            snapshots.append(Snapshot(position, encode_memory(state)))

    state = _restored(snapshot, history.case_ids) if snapshot else None
    features += featurise(history, index, sampling, start=start, state=state, before=keep)
    if start < len(marks):
        latest = _latest(snapshots, targets)
        write_cache(path, key, CachedReplay(history.case_ids, marks, sampling.judge_from, features, latest))
    return features


def _latest(snapshots: Sequence[Snapshot], targets: Sequence[int]) -> list[Snapshot]:
    """Give, for each target, the latest snapshot that does not lie behind it."""
    chosen = {
        max(position for position in (one.position for one in snapshots) if position <= target)
        for target in targets
        if any(one.position <= target for one in snapshots)
    }
    return [one for one in snapshots if one.position in chosen]


def run_marks(history: History) -> list[str]:
    """Give a mark per run: equal marks mean that the replay up to and with that run reads the same."""
    known = [known for known in (history.links, history.mutations) if known]
    digests = {known_at.recorded_at: _link_digest(known_at) for known_at in known}
    mark, marks = hashlib.sha256(b""), []
    for run in history.runs:
        seen = [digest for recorded_at, digest in digests.items() if recorded_at <= run.started_at]
        mark.update(_run_digest(run) + b"".join(seen))
        marks.append(mark.hexdigest()[:16])
    return marks


def _run_digest(run: PastRun) -> bytes:
    told = (run.run_id, run.started_at.isoformat(), run.finished_at.isoformat(), run.facts, run.renames)
    digest = hashlib.sha256(repr(told).encode())
    for values in (run.slots, run.verdicts, run.seconds):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()


def _link_digest(known: Links | Mutations) -> bytes:
    digest = hashlib.sha256(known.recorded_at.isoformat().encode())
    if isinstance(known, Links):
        digest.update(json.dumps(known.import_distance, sort_keys=True).encode())
        for path, slots in known.covered.items():
            digest.update(path.encode() + slots.tobytes())
    else:
        for path, faults in known.faults.items():
            digest.update(f"{path} {faults.mutants}".encode() + faults.cases.tobytes() + faults.kills.tobytes())
    return digest.digest()


def _key(sampling: Sampling) -> str:
    """Name the code and the settings under which features are equal."""
    root = Path(cipredict.__file__).parent
    digest = hashlib.sha256(f"{np.__version__} {sampling.per_run} {sampling.seed}".encode())
    for file in sorted(path for pattern in _CODE for path in root.glob(pattern)):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _usable(cached: CachedReplay, history: History, marks: Sequence[str], *, judge_from: int) -> Snapshot | None:
    """Give the latest snapshot that still holds, None where everything has to be replayed."""
    known = len(cached.case_ids)
    if cached.judge_from > judge_from or cached.case_ids != history.case_ids[:known]:
        return None
    same = next((n for n, (a, b) in enumerate(zip(cached.marks, marks, strict=False)) if a != b), None)
    holds = min(len(cached.marks), len(marks)) if same is None else same
    return max((one for one in cached.snapshots if 0 < one.position <= holds), key=_position, default=None)


def _position(snapshot: Snapshot) -> int:
    return snapshot.position


def _restored(snapshot: Snapshot, case_ids: list[str]) -> State:
    """Give the state of a snapshot, with blank slots for the cases that have come since."""
    state, _ = decode_memory(snapshot.entries.__getitem__, case_ids)
    blank = State.blank(case_ids)
    for name, column in state.columns.items():
        blank.columns[name][: len(column)] = column
    state.columns = blank.columns
    return state
