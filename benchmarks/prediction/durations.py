"""How well the seconds of cases are forecast on public suites, and how good the shard plans made of them are.

Run: ``python -m benchmarks.prediction.durations [--data ../shared/data/durations] [--pairs 12] > durations.json``;
needs pyarrow. Tables on stderr, JSON on stdout. The replay is the one that training uses (`learn.case_time`): every
version of a suite is forecast from the versions before it, and a value that did not change was not measured again.
Errors are WAPE (sum of errors over sum of seconds) of the versions after the third; intervals are 95 % of a bootstrap
over the versions of each series.

seen        the leader (served, unless training finds another to be best) against what it is chosen from
new         cases without history: weighted by name within the nearest scope (served), against medians and means
coverage    share inside the 90 % interval that was published before the version; by version the worst tenth
makespan    plans for 2 to 64 shards over max(total / shards, longest case): seconds that plans are made with (served:
            the leader of plans) against LPT on the last value, new cases by the mean of all (pytest-split)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from benchmarks.shard_plans import KEEPS_OLD_VALUES, SHARDS, WARM_UP, Suite, read_versions, show
from cipredict.decide.packing import Items, Worker
from cipredict.decide.strategies import pack_optimally
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.neighbours import SCOPES, Neighbours
from cipredict.learn.bands import replay_bands
from cipredict.learn.case_time import TimedCases, replay_cases
from cipredict.learn.clock import LEADER, OFFSET_S
from cipredict.learn.history import PASSED, History, PastRun
from cipredict.learn.leader import Leader
from cipredict.learn.newcomers import measure_newcomers, replay_newcomers
from cipredict.learn.plan_time import PLAN_DEFAULT, plan_ratios

COVERAGE = 0.9
SERVED_PLAN, LPT_ON_LAST = "served", "LPT on last, mean"
Floats = NDArray[np.float64]


def as_history(versions: Sequence[Suite]) -> History:
    """Make a run of every version, holding what was measured in it: values that changed, and new cases."""
    slot_of: dict[str, int] = {}
    latest: dict[str, float] = {}
    runs = []
    for number, suite in enumerate(versions):
        measured = {case: s for case, s in suite.items() if latest.get(case) != s and np.isfinite(s)}
        latest |= measured
        slots = np.array([slot_of.setdefault(case, len(slot_of)) for case in measured], np.int32)
        runs.append(_run(number, slots, list(measured.values())))
    return History(list(slot_of), runs, runs[-1].finished_at)


def _run(number: int, slots: NDArray[np.int32], seconds: Sequence[float]) -> PastRun:
    started = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return PastRun(
        run_id=f"{number}",
        started_at=started,
        finished_at=started + timedelta(minutes=1),
        facts=ChangeFacts(()),
        event="",
        slots=slots,
        verdicts=np.full(len(slots), PASSED, np.int8),
        seconds=np.asarray(seconds, np.float32),
        is_flaky=np.zeros(len(slots), np.bool_),
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """Per version: absolute errors by forecast, and the seconds measured."""

    errors: Mapping[str, Floats]
    seconds: Floats

    def wape(self, name: str, drawn: NDArray[np.intp] | slice = slice(None)) -> float:
        """Give the error over the versions drawn."""
        return float(self.errors[name][drawn].sum() / self.seconds[drawn].sum())


def losses_of(rows: Iterator[tuple[int, Mapping[str, Floats], Floats]]) -> Losses:
    """Sum (version, forecasts, actual) by version."""
    errors: defaultdict[str, list[float]] = defaultdict(list)
    seconds = []
    for version, forecasts, actual in rows:
        if version >= WARM_UP and len(actual):
            seconds.append(float(actual.sum()))
            for name, expected in forecasts.items():
                errors[name].append(float(np.abs(expected - actual).sum()))
    return Losses({name: np.array(values) for name, values in errors.items()}, np.array(seconds))


def seen_rows(history: History) -> Iterator[tuple[int, dict[str, Floats], Floats]]:
    for timed in replay_cases(history):
        experts = timed.clock.experts(timed.slots)
        yield timed.position, {**timed.clock.baselines(timed.slots), **experts}, timed.actual_s


def new_rows(history: History) -> Iterator[tuple[int, dict[str, Floats], Floats]]:
    """Give the newcomers of each version, as guessed by us and by the plain chains."""
    grouped: defaultdict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    chains = _Chains(history)
    for newcomer in replay_newcomers(history, per_run=10**9):
        plain = chains.guess(newcomer.position, newcomer.slot)
        grouped[newcomer.position].append((newcomer.actual_s, newcomer.guess_s, *plain))
    for position, rows in grouped.items():
        actual, ours, middle, mean = np.array(rows).T
        everyone = np.full(len(actual), chains.mean_of_all(position))
        yield position, {"served": ours, "median": middle, "mean": mean, "mean of all": everyone}, actual


class _Chains:
    """Median and mean of the nearest scope of what was alive before a version, without looking at names."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[int, dict[str, float]] = {}
        alive: NDArray[np.int32] = np.empty(0, np.int32)
        for position, run, clock, _, _ in replay_cases(history):
            known = alive[clock.runs[alive] > 0]
            if (clock.runs[run.slots] == 0).any():
                ids = [history.case_ids[slot] for slot in known]
                self._known[position] = dict(zip(ids, clock.recent[known, 0].tolist(), strict=True))
            alive = run.slots if len(run.slots) >= len(alive) // 2 else alive
        self._tables: dict[int, list[dict[str, list[float]]]] = {}

    def guess(self, position: int, slot: int) -> tuple[float, float]:
        case_id = self._history.case_ids[slot]
        for table, key_of in zip(self._scopes(position), SCOPES.values(), strict=True):
            found = table.get(key_of(case_id))
            if found:
                return median(found), fmean(found)
        raise AssertionError(case_id)  # the suite knows somebody, or there was no guess to compare with

    def mean_of_all(self, position: int) -> float:
        return fmean(self._known[position].values())

    def _scopes(self, position: int) -> list[dict[str, list[float]]]:
        if position not in self._tables:
            tables: list[defaultdict[str, list[float]]] = [defaultdict(list) for _ in SCOPES]
            for case_id, seconds in self._known[position].items():
                for table, key_of in zip(tables, SCOPES.values(), strict=True):
                    table[key_of(case_id)].append(seconds)
            self._tables = {position: [dict(table) for table in tables]}
        return self._tables[position]


def wape_rows(series: str, losses: Losses, *, served: str, against: Sequence[str]) -> dict[str, object]:
    """Give WAPE by forecast, and the served one over the best of `against` with its interval."""
    found = {name: losses.wape(name) for name in losses.errors}
    best = min(against, key=lambda name: found[name])
    dice = np.random.default_rng(0)
    draws = [dice.integers(0, len(losses.seconds), len(losses.seconds)) for _ in range(400)]
    ratios = sorted(losses.wape(served, drawn) / losses.wape(best, drawn) for drawn in draws)
    quotient = {"ratio": found[served] / found[best], "low": ratios[10], "high": ratios[389]}
    return {"series": series, "versions": len(losses.seconds), **found, **quotient}


def coverage_row(series: str, history: History) -> dict[str, object]:
    runs = [
        (timed.clock.experts(timed.slots)[timed.clock.leader.name], timed.actual_s, timed.clock.doubt(timed.slots))
        for timed in replay_cases(history)
        if len(timed.slots)
    ]
    _, inside = replay_bands(runs, coverage=COVERAGE, offset_s=OFFSET_S)
    by_version = sorted(float(hits.mean()) for hits in inside)
    newcomers = measure_newcomers(history, coverage=COVERAGE)
    return {
        "series": series,
        "versions": len(inside),
        "rows": sum(map(len, inside)),
        "inside": float(np.concatenate(inside).mean()),
        "worst tenth": by_version[len(by_version) // 10],
        "new inside": newcomers.observed_coverage,
    }


def picked(history: History, pairs: int) -> set[int]:
    """Give the versions judged: as many as asked for, over the last three quarters (as shared/bench/shard_eval.py)."""
    first = max(WARM_UP, len(history.runs) // 4)
    return set(np.unique(np.linspace(first, len(history.runs) - 1, pairs).astype(int)).tolist())


def makespan_rows(series: str, history: History, versions: Sequence[Suite], *, pairs: int) -> list[dict[str, object]]:
    """Give the mean ratio per way of planning and number of shards."""
    ratios: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    leader = Leader(PLAN_DEFAULT, margin=0.5, decay=0.95)
    judged = picked(history, pairs)
    slot_of = {case_id: slot for slot, case_id in enumerate(history.case_ids)}
    for timed in replay_cases(history):
        if timed.position in judged:
            suite = versions[timed.position]
            judged_cases = timed.run.slots.tolist() if series in KEEPS_OLD_VALUES else map(slot_of.__getitem__, suite)
            now = {slot: suite[history.case_ids[slot]] for slot in judged_cases}
            ways = ways_to_plan(timed, now, history=history, before=versions[timed.position - 1], leader=leader.name)
            for (plan, shards), ratio in judge_plans(ways, np.array(list(now.values()))).items():
                ratios[plan, shards].append(ratio)
        if len(timed.slots) >= 2 * 8:
            leader.absorb({name: ratio - 1 for name, ratio in plan_ratios(timed).items()})
    return [
        {"series": series, "plan": plan, "shards": shards, "versions": len(values), "mean": fmean(values)}
        for (plan, shards), values in ratios.items()
    ]


def ways_to_plan(
    timed: TimedCases, now: Mapping[int, float], *, history: History, before: Suite, leader: str
) -> dict[str, Floats]:
    """Give the seconds that each way plans with, for the cases (slots) of a version."""
    clock, ids = timed.clock, history.case_ids
    cases, actual = np.array(list(now)), np.array(list(now.values()))
    known = clock.runs[cases] > 0
    experts = clock.experts(cases[known])
    neighbours = Neighbours({case: s for case, s in before.items() if np.isfinite(s)}, adds_up=True)
    guesses = [neighbours.guess(ids[slot]) for slot in cases[~known]]
    new_s = np.array([guess.seconds if guess else 0.0 for guess in guesses])
    spoken = experts["last"] if known.any() else np.array(list(before.values()))  # every id was changed
    mean_s = np.full(len(guesses), float(np.nanmean(spoken)))
    ways = {
        LPT_ON_LAST: (experts["last"], mean_s),
        SERVED_PLAN: (experts[leader], new_s),
        "leader of errors": (experts[clock.leader.name], new_s),
        "mostly_last": (experts["mostly_last"], new_s),
        "median3": (experts["median3"], new_s),
        "seen exact": (actual[known], new_s),
        "new exact": (experts["last"], actual[~known]),
    }
    planned = {}
    for name, (seen_s, fresh_s) in ways.items():
        planned[name] = np.empty(len(cases))
        planned[name][known], planned[name][~known] = seen_s, fresh_s
    return planned


def judge_plans(ways: Mapping[str, Floats], actual: Floats) -> dict[tuple[str, int], float]:
    """Give the ratio of each way and number of shards that leaves two cases to a shard."""
    ratios = {}
    for shards in (count for count in SHARDS if len(actual) >= 2 * count):
        workers = [Worker(str(at)) for at in range(shards)]
        bound_s = max(float(actual.sum()) / shards, float(actual.max()))
        for name, expected in ways.items():
            items = Items(expected.tolist(), [0.0] * len(actual), [0] * len(actual))
            homes = pack_optimally(items, workers)
            ratios[name, shards] = float(np.bincount(homes, actual).max()) / bound_s
    return ratios


def over_series(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Average the series, each counting once."""
    means: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for row in rows:
        means[str(row["plan"]), int(str(row["shards"]))].append(float(str(row["mean"])))
    plans = list(dict.fromkeys(str(row["plan"]) for row in rows))
    return [{"plan": plan, **{str(n): fmean(means[plan, n]) for n in SHARDS if means[plan, n]}} for plan in plans]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "durations"
    parser.add_argument("--data", type=Path, default=here, help="folder of the parquet series")
    parser.add_argument("--pairs", type=int, default=12, help="about so many versions of each series are planned")
    parser.add_argument("--only", default="", help="series whose name holds this")
    options = parser.parse_args()
    seen, new, coverage, makespans = [], [], [], []
    for path in sorted(options.data.glob("*.parquet")):
        if options.only not in path.stem:
            continue
        versions = read_versions(path)
        history, name = as_history(versions), path.stem
        seen.append(wape_rows(name, losses_of(seen_rows(history)), served=LEADER, against=("last", "median3")))
        new.append(wape_rows(name, losses_of(new_rows(history)), served="served", against=("median",)))
        coverage.append(coverage_row(name, history))
        makespans += makespan_rows(name, history, versions, pairs=options.pairs)
        print(name, file=sys.stderr)
    quotient = ("ratio", "low", "high")
    simple = (LEADER, "last", "median3", "median5", "ewma", "half", "mostly_last", "lower")
    show("seen", seen, ("series", "versions", *simple, *quotient))
    show("new", new, ("series", "versions", "served", "median", "mean", "mean of all", *quotient))
    show("coverage of 90 %", coverage, ("series", "versions", "rows", "inside", "worst tenth", "new inside"))
    served = [row for row in makespans if row["plan"] in {SERVED_PLAN, LPT_ON_LAST}]
    by_series = [{**row, "plan": f"{row['series']}: {row['plan']}"} for row in served]
    show("makespan by series", over_series(by_series), ("plan", *map(str, SHARDS)))
    show("makespan, mean of the series", over_series(makespans), ("plan", *map(str, SHARDS)))
    print(json.dumps({"seen": seen, "new": new, "coverage": coverage, "makespan": makespans}, indent=2))


if __name__ == "__main__":
    main()
