"""The django-asv history: each job measured HEAD^ and HEAD, interleaved, on one fresh hosted runner."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from cipredict.perf.align import JobPair
from cipredict.records import BenchmarkRecord, BenchmarkRun

RUNS = Path("../shared/data/perf/django_asv/runs.parquet")
_FEWEST_BENCHMARKS = 20


@dataclass(frozen=True, slots=True)
class Environment:
    """The jobs of one Python version, in order of time."""

    name: str
    pairs: tuple[JobPair, ...]

    def remeasured(self) -> list[int]:
        """Give the jobs that measured the same two commits as the job before: a confirmation on another runner."""
        return [k for k in self._repeats() if self.pairs[k].base.sha == self.pairs[k - 1].base.sha]

    def unchanged(self) -> list[int]:
        """Give the jobs whose head is the head of the job before."""
        return self._repeats()

    def unrelated(self) -> list[int]:
        """Give the jobs that measured other commits than the job before: what both see is chance."""
        repeats = set(self._repeats())
        return [k for k in range(1, len(self.pairs)) if k not in repeats]

    def _repeats(self) -> list[int]:
        return [k for k in range(1, len(self.pairs)) if self.pairs[k].head.sha == self.pairs[k - 1].head.sha]


def load_environments(path: Path = RUNS) -> list[Environment]:
    """Read all jobs with two commits and 20 benchmarks or more."""
    columns = ["env", "results_commit", "commit", "commit_date_ms", "benchmark", "started_at", "samples"]
    jobs: dict[tuple[str, str], dict[tuple[int, str], dict[str, tuple[float, ...]]]] = defaultdict(dict)
    starts: dict[tuple[str, str], int] = {}
    for row in pq.read_table(path, columns=columns).to_pylist():
        if "time_" not in row["benchmark"] or len(row["samples"]) != 10:
            continue
        job = (row["env"], row["results_commit"])
        starts[job] = min(row["started_at"], starts.get(job, row["started_at"]))
        side = jobs[job].setdefault((row["commit_date_ms"], row["commit"]), {})
        side.setdefault(row["benchmark"], tuple(row["samples"]))
    by_environment: dict[str, list[tuple[int, JobPair]]] = defaultdict(list)
    for (environment, name), sides in jobs.items():
        if len(sides) != 2:
            continue
        (base_key, base), (head_key, head) = sorted(sides.items())
        if len(base.keys() & head.keys()) < _FEWEST_BENCHMARKS:
            continue
        start = starts[environment, name]
        pair = JobPair(
            _run(base, base_key[1], job=name, start_ms=start),
            _run(head, head_key[1], job=name, start_ms=start),
            same_job=True,
        )
        by_environment[environment].append((start, pair))
    return [
        Environment(name, tuple(pair for _, pair in sorted(pairs, key=lambda item: item[0])))
        for name, pairs in sorted(by_environment.items())
    ]


def _run(samples: dict[str, tuple[float, ...]], sha: str, *, job: str, start_ms: int) -> BenchmarkRun:
    records = tuple(BenchmarkRecord(name, (values,)) for name, values in sorted(samples.items()))
    return BenchmarkRun(records, job=job, sha=sha, measured_at=datetime.fromtimestamp(start_ms / 1000, UTC))
