"""The store's tables into the replay's history: the one place where learning meets the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipredict.errors import InputError
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.run_features import JOB_SEPARATOR, QUEUE_SUFFIX
from cipredict.learn.builds import as_builds
from cipredict.learn.flavours import JobTime, flavour_factors
from cipredict.learn.history import FAILED, PASSED, SKIPPED, History, PastRun
from cipredict.learn.links import Links, Mutations, covered_slots, faults_by_path, import_distances
from cipredict.learn.renames import MovedPath, with_renames
from cipredict.learn.run_time import TimedRun
from cipredict.records import Change
from cipredict.store import queries
from cipredict.store.database import Store
from cipredict.store.mutants import load_mutation_links

_VERDICT_CODES = {"passed": PASSED, "failed": FAILED, "error": FAILED, "skipped": SKIPPED}
_PUSH_EVENTS = frozenset({"push", "schedule", "merge_group", "workflow_dispatch"})
_MERGED_EVENTS = frozenset({"pull_request", "pull_request_target", "merge_request_event"})
"""Events whose runs may test a merge with a target that moves."""
Table = Any  # pyarrow ships no types


@dataclass(frozen=True, slots=True)
class Loaded:
    """The history of cases and the timed runs and jobs beside it."""

    history: History
    timed: list[TimedRun]


def load(store: Store, *, as_of: datetime, default_branch: str = "", repository: str = "") -> Loaded:
    """Load everything known at `as_of`.

    Raises
    ------
    InputError
        The store holds no run with cases.
    """
    runs = [row for row in queries.load_runs(store, as_of).to_pylist() if row["started_at"] is not None]
    case_runs = queries.load_case_runs(store, as_of)
    if not runs or not case_runs.num_rows:
        raise InputError(
            f"The history {store.path} holds no run with test results.",
            slug="store-empty",
            hint="Run `cipredict ingest` first.",
        )
    case_ids, slot_of_seq = _cases(queries.load_cases(store, as_of))
    changes = _changes_by_run(queries.load_changes(store, as_of))
    branch = default_branch or queries.guess_default_branch(store, as_of)
    columns = _CaseColumns(case_runs, slot_of_seq)
    facts = {row["run_seq"]: _facts(row, changes, branch) for row in runs}
    past = [_past_run(row, facts[row["run_seq"]], columns) for row in runs]
    history = History(
        case_ids=case_ids,
        runs=[run for run in past if len(run.slots)],
        as_of=as_of,
        repository=repository or _most_common(row["repository"] for row in runs),
        default_branch=branch,
        links=_links(store, as_of, case_ids),
        mutations=_mutations(store, as_of, case_ids),
        flavours=_flavours(store, as_of, slot_of_seq, n_cases=len(case_ids)),
    )
    history = with_renames(as_builds(history), _moved_paths(store, as_of))
    jobs = queries.load_jobs(store, as_of).to_pylist()
    return Loaded(history, _timed(runs, facts, jobs=jobs, starts=[run.started_at for run in history.runs]))


def load_timed_runs(store: Store, *, as_of: datetime, default_branch: str = "") -> list[TimedRun]:
    """Load whole runs alone, by start, without their jobs and cases; positions count them."""
    runs = [row for row in queries.load_runs(store, as_of).to_pylist() if row["started_at"] is not None]
    changes = _changes_by_run(queries.load_changes(store, as_of))
    branch = default_branch or queries.guess_default_branch(store, as_of)
    facts = {row["run_seq"]: _facts(row, changes, branch) for row in runs}
    return _timed(runs, facts, jobs=[], starts=[row["started_at"] for row in runs])


def _cases(table: Table) -> tuple[list[str], NDArray[np.int32]]:
    """Give ids by slot and an array that maps case_seq → slot; slots follow case_seq, so they are stable."""
    sequence = table.column("case_seq").to_numpy()
    order = np.argsort(sequence, kind="stable")
    slot_of = np.full(int(sequence.max(initial=0)) + 1, -1, np.int32)
    slot_of[sequence[order]] = np.arange(len(order))
    ids = table.column("case_id").to_pylist()
    return [ids[position] for position in order], slot_of


class _CaseColumns:
    """Case rows as arrays, cut by run."""

    def __init__(self, table: Table, slot_of_seq: NDArray[np.int32]) -> None:
        run_seq, case_seq = (table.column(name).to_numpy() for name in ("run_seq", "case_seq"))
        order = np.argsort((run_seq.astype(np.int64) << 32) | case_seq, kind="stable")  # quick: it is nearly sorted
        self.slots = slot_of_seq[case_seq][order]
        self.verdicts = _verdict_codes(table)[order]
        self.seconds = _floats(table, "duration_s")[order]
        self.is_flaky = table.column("is_flaky").to_numpy(zero_copy_only=False).astype(np.bool_)[order]
        self.memory = _floats(table, "peak_memory_bytes")[order]
        numbers, starts = np.unique(run_seq[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        self._windows = {int(n): slice(int(a), int(b)) for n, a, b in zip(numbers, starts, ends, strict=True)}

    def window(self, run_seq: int) -> slice:
        """Give the rows of a run; empty where it has none."""
        return self._windows.get(run_seq, slice(0, 0))


def _verdict_codes(table: Table) -> NDArray[np.int8]:
    """Turn the indices of the dictionary into codes: words would be millions of Python strings."""
    codes = np.array([_VERDICT_CODES[verdict] for verdict in queries.VERDICTS], np.int8)
    return np.asarray(codes[table.column("verdict").combine_chunks().indices.to_numpy()], np.int8)


def _floats(table: Table, name: str) -> NDArray[np.float32]:
    return np.asarray(table.column(name).to_numpy(zero_copy_only=False), np.float32)


def _changes_by_run(table: Table) -> dict[int, tuple[Change, ...]]:
    grouped: dict[int, list[Change]] = {}
    for row in table.to_pylist():
        change = Change(row["path"], row["added"], row["deleted"], row["status"], row["previous_path"])
        grouped.setdefault(row["run_seq"], []).append(change)
    return {run_seq: tuple(rows) for run_seq, rows in grouped.items()}


def _facts(row: dict[str, Any], changes: dict[int, tuple[Change, ...]], default_branch: str) -> ChangeFacts:
    """Give what was known of a run when it started."""
    is_base_push = row["branch"] == default_branch and row["event"] in {*_PUSH_EVENTS, ""}
    return ChangeFacts(changes.get(row["run_seq"], ()), row["branch"], is_base_push)


def _past_run(row: dict[str, Any], facts: ChangeFacts, columns: _CaseColumns) -> PastRun:
    window = columns.window(row["run_seq"])
    seconds = columns.seconds[window]
    started = row["started_at"]
    finished = row["finished_at"] or started + timedelta(seconds=float(np.nansum(seconds)))
    memory = columns.memory[window]
    commit, tree = _names_of_code(row)
    return PastRun(
        run_id=row["run_id"],
        started_at=started,
        finished_at=finished,
        facts=facts,
        event=row["event"],
        slots=columns.slots[window],
        verdicts=columns.verdicts[window],
        seconds=seconds,
        is_flaky=columns.is_flaky[window],
        wall_s=(row["finished_at"] - started).total_seconds() if row["finished_at"] else float("nan"),
        workflow=row["workflow"],
        peak_memory_bytes=memory if np.isfinite(memory).any() else None,
        commit=commit,
        tree=tree,
    )


def _names_of_code(row: dict[str, Any]) -> tuple[str, str]:
    """Name the build that a run belongs to, and the code that it surely tests; empty where the commit is unknown."""
    place, is_merge = (row["provider"], row["repository"]), row["event"] in _MERGED_EVENTS
    attempts = " ".join((*place, "run", row["run_id"]))
    if not row["sha"]:
        return "", attempts
    commit = " ".join((*place, row["sha"], row["branch"], "merge" if is_merge else ""))
    return commit, attempts if is_merge else " ".join((*place, row["sha"]))


def _most_common(values: Iterable[str]) -> str:
    counts = Counter(values).most_common(1)
    return str(counts[0][0]) if counts else ""


def _moved_paths(store: Store, as_of: datetime) -> list[MovedPath]:
    rows = queries.load_moved_paths(store, as_of).to_pylist()
    return [MovedPath(row["committed_at"], row["previous_path"], row["path"]) for row in rows]


def _links(store: Store, as_of: datetime, case_ids: list[str]) -> Links | None:
    coverage = queries.load_coverage_links(store, as_of).to_pylist()
    imports = queries.load_import_edges(store, as_of).to_pylist()
    times = [row["recorded_at"] for row in (*coverage, *imports)]
    if not times:
        return None
    slot_of = {case_id: slot for slot, case_id in enumerate(case_ids)}
    return Links(
        recorded_at=max(times),
        covered=covered_slots(((row["case_id"], row["path"]) for row in coverage), slot_of),
        import_distance=import_distances([(row["importer"], row["imported"]) for row in imports]),
    )


def _mutations(store: Store, as_of: datetime, case_ids: list[str]) -> Mutations | None:
    rows = load_mutation_links(store, as_of).to_pylist()
    if not rows:
        return None
    slot_of = {case_id: slot for slot, case_id in enumerate(case_ids)}
    kills = ((row["path"], row["case_id"], row["mutants"], row["kills"]) for row in rows)
    return Mutations(max(row["recorded_at"] for row in rows), faults_by_path(kills, slot_of))


def _flavours(
    store: Store, as_of: datetime, slot_of_seq: NDArray[np.int32], *, n_cases: int
) -> dict[str, NDArray[np.float32]]:
    rows = queries.load_flavour_times(store, as_of).to_pylist()
    times = (JobTime(**row | {"slot": int(slot_of_seq[row.pop("case_seq")])}) for row in rows)
    return flavour_factors(times, n_cases)


def _timed(
    runs: list[dict[str, Any]],
    facts: dict[int, ChangeFacts],
    *,
    jobs: list[dict[str, Any]],
    starts: Sequence[datetime],
) -> list[TimedRun]:
    """Give runs and jobs with a known start and end, each under its series; positions are those among `starts`."""
    moments = np.array([start.timestamp() for start in starts])

    def timed(row: dict[str, Any], series: str) -> TimedRun | None:
        if row["started_at"] is None or row["finished_at"] is None or row["finished_at"] < row["started_at"]:
            return None
        return TimedRun(
            series=series,
            position=int(np.searchsorted(moments, row["started_at"].timestamp(), side="right")) - 1,
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            facts=facts[row["run_seq"]],
            wall_s=(row["finished_at"] - row["started_at"]).total_seconds(),
            cases_s=float(row["test_s"]) if row["test_s"] else float("nan"),
            event=event_of[row["run_seq"]],
            runner=row.get("runner") or "",
            run=row["run_seq"],
        )

    def queued(job: TimedRun | None, queued_s: float | None) -> TimedRun | None:
        if job is None or queued_s is None or queued_s < 0:
            return None
        entered = job.started_at - timedelta(seconds=queued_s)
        return replace(
            job,
            series=job.series + QUEUE_SUFFIX,
            started_at=entered,
            finished_at=job.started_at,
            wall_s=queued_s,
            cases_s=float("nan"),
        )

    workflow_of = {row["run_seq"]: row["workflow"] or "run" for row in runs}
    event_of = {row["run_seq"]: row["event"] for row in runs}
    found = [timed(row, workflow_of[row["run_seq"]]) for row in runs]
    known = [row for row in jobs if row["run_seq"] in facts]
    of_jobs = [timed(row, f"{workflow_of[row['run_seq']]}{JOB_SEPARATOR}{row['name']}") for row in known]
    waits = [queued(job, row["queued_s"]) for job, row in zip(of_jobs, known, strict=True)]
    return [run for run in (*found, *of_jobs, *waits) if run is not None]
