"""What following renames joins on real histories, how often it is wrong, and what the joined history is worth.

    python benchmarks/ingest/renames.py [--data ../shared/data] [--sample 15 --seed 1]

The commit-ordered suites of `durations/*.parquet` and the bundled history of sqlparse. The parquet files do not say
what a commit changed: there every file whose ids differ counts as touched, and no rename of git is known, so that
names alone decide. `planted` tells how careful they are: in every real step with additions, a fifth of the cases of
the files it touched is taken away at random, so that every further join is false.

Table on stderr, JSON on stdout; `--sample` prints joins for reading by hand. Takes about a minute.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq

from cipredict.forecast.durations import DurationTable
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.learn.history import PASSED, History, PastRun
from cipredict.learn.loading import load
from cipredict.learn.rename_matching import match_renames
from cipredict.learn.renames import KnownRename, known_renames, with_renames
from cipredict.records import Change
from cipredict.store.database import open_store

ROOT = Path(__file__).parents[2]
Suite = dict[str, float]
_WHOLE = 0.6
"""Share of a timings file that is new in a version that measured the suite; partial ones stay far below."""


def read_suites(path: Path) -> list[Suite]:
    """Give id → seconds per version, in the order of the commits."""
    table = pq.read_table(path, columns=["version", "test_id", "duration_s"])
    suites: dict[int, Suite] = {}
    columns = (table.column(name).to_pylist() for name in ("version", "test_id", "duration_s"))
    for version, case_id, seconds in zip(*columns, strict=True):
        suites.setdefault(version, {})[case_id] = seconds
    return bury([suites[version] for version in sorted(suites)])


def bury(suites: list[Suite]) -> list[Suite]:
    """Take out the ids that only linger: a timings file keeps a case after its end, but never measures it again.

    Its end is the first version that measured most of the suite, but not it, then or ever after.
    """
    changed = [
        {c for c in after if after[c] != before.get(c)} for before, after in zip([{}, *suites], suites, strict=False)
    ]
    whole = [n for n, (suite, new) in enumerate(zip(suites, changed, strict=True)) if len(new) >= _WHOLE * len(suite)]
    last = {case_id: number for number, new in enumerate(changed) for case_id in new}
    end = {case_id: next((n for n in whole if n > number), len(suites)) for case_id, number in last.items()}
    return [{c: s for c, s in suite.items() if n < end[c]} for n, suite in enumerate(suites)]


def changed_files(before: Suite, after: Suite) -> tuple[Change, ...]:
    """Give the files whose ids differ, as the change that made them differ."""
    remaining = {case_file(case_id) for case_id in after}
    touched = sorted({case_file(case_id) for case_id in before.keys() ^ after.keys()})
    return tuple(Change(file, status="M" if file in remaining else "D") for file in touched)


def to_history(suites: list[Suite]) -> History:
    """Take every version for a push to the default branch, a day apart."""
    case_ids = list(dict.fromkeys(case_id for suite in suites for case_id in suite))
    slot_of = {case_id: slot for slot, case_id in enumerate(case_ids)}
    runs, before = [], suites[0]
    for number, suite in enumerate(suites):
        slots = np.array(sorted(slot_of[case_id] for case_id in suite), np.int32)
        started = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)
        runs.append(
            PastRun(
                run_id=str(number),
                started_at=started,
                finished_at=started + timedelta(hours=1),
                facts=ChangeFacts(changed_files(before, suite), "main", is_base_push=True),
                event="push",
                slots=slots,
                verdicts=np.full(len(slots), PASSED, np.int8),
                seconds=np.array([suite[case_ids[slot]] for slot in slots], np.float32),
                is_flaky=np.zeros(len(slots), np.bool_),
            )
        )
        before = suite
    return with_renames(History(case_ids, runs, as_of=datetime(2030, 1, 1, tzinfo=UTC)))


def read_bundled() -> History:
    """Load the history in `data/sqlparse-ci` as the night does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        command = [sys.executable, "-m", "cipredict", "ingest", "history", str(ROOT / "data" / "sqlparse-ci")]
        subprocess.run([*command, "--store", str(path)], check=True, capture_output=True)
        with open_store(path, read_only=True) as store:
            return load(store, as_of=datetime.now(UTC)).history


def to_suites(history: History) -> list[Suite]:
    """Give id → seconds per run of the default branch."""
    return [
        {history.case_ids[slot]: float(seconds) for slot, seconds in zip(run.slots, run.seconds, strict=True)}
        for run in history.runs
        if run.facts.is_base_push
    ]


def table_of(past: dict[str, list[float]]) -> DurationTable:
    """Give what a bundle would have known: the median of the last three seconds of every case."""
    return DurationTable(
        DurationForecast(case_id, median(seconds[-3:]), 0, 0, Basis.HISTORY, len(seconds))
        for case_id, seconds in past.items()
    )


def wape(pairs: list[tuple[float, float]]) -> float | None:
    """Give sum of errors over sum of actual seconds, of (forecast, actual)."""
    actual = sum(truth for _, truth in pairs)
    return round(sum(abs(forecast - truth) for forecast, truth in pairs) / actual, 3) if actual else None


def nearer_share(pairs: list[tuple[float, float]], others: list[tuple[float, float]]) -> float | None:
    """Give the share of cases whose forecast is nearer to the truth than the other one, ties counting half."""
    wins = [
        (abs(a - truth) < abs(b - truth)) + 0.5 * (abs(a - truth) == abs(b - truth))
        for (a, truth), (b, _) in zip(pairs, others, strict=True)
    ]
    return round(sum(wins) / len(wins), 3) if wins else None


def study(history: History) -> dict[str, object]:
    """Count joins, and compare the seconds of joined cases with what their neighbours would have said."""
    joins = known_renames(history)
    old_of = {join.new_id: join.old_id for join in joins}
    suites = to_suites(history)
    possible, new = 0, []
    first: dict[str, list[tuple[float, float]]] = {"neighbours": [], "joined history": []}
    second: dict[str, list[tuple[float, float]]] = {"own first time": [], "joined history": []}
    for past, before, suite, added in _steps(suites):
        new += added
        possible += min(len(before.keys() - suite.keys()), len(added))
        table = table_of(past) if any(case_id in old_of for case_id in added) else None
        for case_id in added:
            if table and old_of.get(case_id) in past:
                first["neighbours"].append((table.expected(case_id).expected_s, suite[case_id]))
                first["joined history"].append((table.expected(old_of[case_id]).expected_s, suite[case_id]))
        for case_id, seconds in suite.items():
            own, old = past.get(case_id, []), past.get(old_of.get(case_id, ""), [])
            if len(own) == 1 and old:
                second["own first time"].append((own[0], seconds))
                second["joined history"].append((median([*old, *own][-3:]), seconds))
    return {
        "cases": len(history.case_ids),
        "gone_and_new": possible,
        "joined": len(joins),
        "by_evidence": dict(sorted(Counter(str(join.evidence) for join in joins).items())),
        "new_cases": len(new),
        "new_cases_with_history_share": round(sum(c in old_of for c in new) / len(new), 4) if new else None,
        "wape_of_first_run": {name: wape(pairs) for name, pairs in first.items()},
        "joined_history_is_nearer_share": nearer_share(first["joined history"], first["neighbours"]),
        "wape_of_second_run": {name: wape(pairs) for name, pairs in second.items()},
    }


def _steps(suites: list[Suite]) -> Iterator[tuple[dict[str, list[float]], Suite, Suite, list[str]]]:
    """Give, per version after the first, the past seconds of every case, the suite before, the suite, its new cases.

    The past is one object, rolled on: read it at once.
    """
    past: dict[str, list[float]] = {}
    for before, suite in pairwise([{}, *suites]):
        if before:
            yield past, before, suite, [case_id for case_id in suite if case_id not in past]
        for case_id, seconds in suite.items():
            past.setdefault(case_id, []).append(seconds)


def plant(suites: list[Suite], *, seed: int) -> dict[str, object]:
    """Take cases away beside real additions; every join with one of them is false."""
    generator = random.Random(seed)  # noqa: S311  # a sample, not a secret
    taken, added, false = 0, 0, 0
    for before, after in pairwise(suites):
        touched = {case_file(case_id) for case_id in after.keys() - before.keys()}
        here = sorted(case_id for case_id in before.keys() & after.keys() if case_file(case_id) in touched)
        away = set(generator.sample(here, len(here) // 5))
        matches = match_renames(
            [case_id for case_id in before if case_file(case_id) in touched],
            [case_id for case_id in after if case_file(case_id) in touched and case_id not in away],
        )
        false += sum(match.old_id in away for match in matches)
        taken, added = taken + len(away), added + len(after.keys() - before.keys())
    return {"taken_away": taken, "added": added, "false_joins": false}


def show_sample(name: str, history: History, *, size: int, seed: int) -> None:
    """Print joins for reading by hand, some of each evidence."""
    by_evidence: dict[str, list[KnownRename]] = {}
    for join in known_renames(history):
        by_evidence.setdefault(join.evidence, []).append(join)
    generator = random.Random(seed)  # noqa: S311  # as above
    for joins in by_evidence.values():
        for join in generator.sample(joins, min(size, len(joins))):
            print(f"{name} {join.evidence} {join.likeness}\n  {join.old_id}\n  {join.new_id}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--sample", type=int, default=0, help="joins per suite and evidence to print")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    files = sorted((options.data / "durations").glob("*.parquet"))
    if not files:
        print(f"--data: {options.data}/durations holds no suite; only the bundled history is studied", file=sys.stderr)
    histories = {"sqlparse-ci": read_bundled(), **{file.stem: to_history(read_suites(file)) for file in files}}
    results = {}
    for name, history in histories.items():
        results[name] = {**study(history), "planted": plant(to_suites(history), seed=options.seed)}
        print(f"{name:16} {json.dumps(results[name])}", file=sys.stderr)
    for name, history in histories.items():
        show_sample(name, history, size=options.sample, seed=options.seed)
    print(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
