"""How much of a static plan's loss a queue gets back, on real suites.

Run: ``python -m benchmarks.prediction.tail_queue [--data ../shared/data/durations] [--pairs 12] > tail_queue.json``;
needs pyarrow. Tables on stderr, JSON on stdout. Planned from the versions before, judged by the next; a ratio is the
makespan over max(total / shards, longest case). Every series counts once; intervals are 95 % of a bootstrap over the
updates of each series.

static      each shard runs what the plan gave it
tail P      cases worth P of the predicted load wait for idle shards; batches as cut by `cipredict shard --tail P`
tail P +    the same, and idle shards take batches of others' lists when the tail is empty: what the plugin does
queue       every case alone in one queue, at no cost: the limit

Queues are ordered by what a case may take: the longest of its last five times, of its neighbours' where it is new.

The predictors differ in the cases they have seen; unseen ones get the mean of their siblings, file, folder, suite.
`leader` takes, at each update, the predictor with the best static plans on the last LOOK_BACK updates.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from benchmarks.shard_plans import KEEPS_OLD_VALUES, SHARDS, WARM_UP, Suite, read_versions, show
from cipredict.decide.grouping import Groups, make_groups
from cipredict.decide.queue_batches import cut_batches
from cipredict.decide.queue_replay import replay_queue
from cipredict.decide.shard import make_pool
from cipredict.decide.strategies import pack
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file, case_folder, case_function
from cipredict.plans.shard_plan import Strategy
from cipredict.plans.shard_queue import Batch

TAILS = (0.10, 0.15, 0.20)
LOOK_BACK = 4
LEADER_SHARDS = 8
TARGETS = {
    "static": dict(zip(SHARDS, (1.015, 1.03, 1.06, 1.07, 1.06, 1.07), strict=True)),
    "queue": dict(zip(SHARDS, (1.01, 1.015, 1.025, 1.03, 1.03, 1.035), strict=True)),
}
Predictor = Callable[[Sequence[float]], float]

PREDICTORS: dict[str, Predictor] = {
    "last": lambda seen: seen[-1],
    "median3": lambda seen: median(seen[-3:]),
    "average": lambda seen: (seen[-1] + median(seen[-3:])) / 2,
    "higher": lambda seen: max(seen[-1], median(seen[-3:])),
}
LEADER = "leader"
CHOSEN = "average"
"""The safe default of the duration study, and the one to report against the targets."""


@dataclass(frozen=True, slots=True)
class Update:
    """A version of a suite, what was known before it, and what is judged."""

    series: str
    at: int
    past: Sequence[Suite]
    now: Suite


def updates_of(name: str, versions: Sequence[Suite]) -> Iterator[Update]:
    """Give every update after the warm-up; values that were not measured again are not judged."""
    for at in range(WARM_UP, len(versions)):
        past, now = versions[:at], versions[at]
        stale = past[-1] if name in KEEPS_OLD_VALUES else {}
        measured = {case: seconds for case, seconds in now.items() if stale.get(case) != seconds}
        if any(case in past[-1] for case in measured):
            yield Update(name, at, past, measured)


def predict(update: Update, predictor: Predictor) -> list[DurationForecast]:
    """Forecast the cases of an update."""
    seen = {case: [suite[case] for suite in update.past[-5:] if case in suite] for case in update.now}
    known = {case: predictor(values) for case, values in seen.items() if values}
    highest = {case: max(values) for case, values in seen.items() if values}
    neighbours, high_neighbours = _neighbours(known, fmean), _neighbours(highest, max)
    made = []
    for case in update.now:
        key = next(key for key in _keys(case) if key in neighbours)
        seconds = known.get(case, neighbours[key])
        high_s = max(seconds, highest.get(case, high_neighbours[key]))
        made.append(DurationForecast(case, seconds, seconds, high_s, Basis.HISTORY, 1))
    return made


def _keys(case: str) -> list[tuple[str, str]]:
    return [
        ("function", case_function(case)),
        ("file", case_file(case)),
        ("folder", case_folder(case)),
        ("suite", ""),
    ]


def _neighbours(known: Suite, middle: Callable[[Sequence[float]], float]) -> dict[tuple[str, str], float]:
    values: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for case, seconds in known.items():
        for key in _keys(case):
            values[key].append(seconds)
    return {key: middle(seconds) for key, seconds in values.items()}


def bound_s(now: Suite, shards: int) -> float:
    return max(sum(now.values()) / shards, *now.values(), 1e-12)


def static_ratio(groups: Groups, homes: Sequence[int], now: Suite, *, shards: int) -> float:
    loads = [0.0] * shards
    for case, home in zip(groups.cases, homes, strict=True):
        loads[home] += now[case.case_id]
    return max(loads) / bound_s(now, shards)


def queue_ratio(batches: Sequence[Batch], now: Suite, *, shards: int, helps: bool = True) -> float:
    seconds = [sum(now[case] for case in batch.tests) for batch in batches]
    return max(replay_queue(batches, seconds, shards=shards, helps=helps)) / bound_s(now, shards)


def divide(update: Update, predictor: Predictor, shards: int) -> tuple[Groups, list[int]]:
    groups = make_groups(predict(update, predictor))
    return groups, pack(Strategy.OPTIMAL, groups.items, make_pool(shards))


def ratios_of(update: Update, predictor: Predictor, shards: int) -> dict[str, float]:
    """Give the ratio of every method."""
    groups, homes = divide(update, predictor, shards)
    now = update.now
    found = {"static": static_ratio(groups, homes, now, shards=shards)}
    for tail in TAILS:
        batches = cut_batches(groups, homes, shards=shards, tail_share=tail)
        found[f"tail {tail:.0%}"] = queue_ratio(batches, now, shards=shards, helps=False)
        found[f"tail {tail:.0%} +"] = queue_ratio(batches, now, shards=shards)
    longest_first = sorted(groups.cases, key=lambda case: -case.high_s)
    alone = [Batch(None, (case.case_id,)) for case in longest_first]
    found["queue"] = queue_ratio(alone, now, shards=shards)
    return found


class Leaders:
    """Which predictor made the best static plans lately; each update is replayed once."""

    def __init__(self) -> None:
        self._ratios: dict[tuple[str, int, str], float] = {}

    def at(self, updates: Sequence[Update], position: int) -> str:
        """Give the leader before an update; `last` where there is nothing to compare."""
        before = updates[max(0, position - LOOK_BACK) : position]
        return min(PREDICTORS, key=lambda name: sum(self._ratio(update, name) for update in before))

    def _ratio(self, update: Update, name: str) -> float:
        key = (update.series, update.at, name)
        if key not in self._ratios:
            groups, homes = divide(update, PREDICTORS[name], LEADER_SHARDS)
            self._ratios[key] = static_ratio(groups, homes, update.now, shards=LEADER_SHARDS)
        return self._ratios[key]


Ratios = dict[tuple[str, str, int, str], list[float]]
"""(predictor, method, shards, series) → ratio of each judged update."""


def measure(series: Mapping[str, list[Suite]], *, pairs: int) -> Ratios:
    ratios: defaultdict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    leaders = Leaders()
    for name, versions in series.items():
        updates = list(updates_of(name, versions))
        for position in range(0, len(updates), max(1, len(updates) // pairs)):
            update = updates[position]
            leader = leaders.at(updates, position)
            for shards in (count for count in SHARDS if len(update.now) >= 2 * count):
                for predictor, function in PREDICTORS.items():
                    found = ratios_of(update, function, shards)
                    names = (predictor, LEADER) if predictor == leader else (predictor,)
                    for method, ratio in found.items():
                        for each in names:
                            ratios[each, method, shards, name].append(ratio)
        print(f"{name}: {len(updates)} updates", file=sys.stderr)
    return dict(ratios)


def mean_over_series(ratios: Ratios, predictor: str, method: str, *, shards: int) -> float:
    return fmean(fmean(values) for key, values in ratios.items() if key[:3] == (predictor, method, shards))


def interval(ratios: Ratios, predictor: str, method: str, *, shards: int) -> tuple[float, float]:
    """Give the 95 % interval of the mean over the series, updates drawn with replacement within each."""
    dice = random.Random(0)  # noqa: S311  # a bootstrap
    samples = [values for key, values in ratios.items() if key[:3] == (predictor, method, shards)]
    means = sorted(fmean(fmean(dice.choices(values, k=len(values))) for values in samples) for _ in range(400))
    return means[10], means[389]


def table(ratios: Ratios) -> list[dict[str, object]]:
    methods = list(dict.fromkeys(key[1] for key in ratios))
    return [
        {
            "predictor": predictor,
            "method": method,
            **{str(n): round(mean_over_series(ratios, predictor, method, shards=n), 4) for n in SHARDS},
        }
        for method in methods
        for predictor in (*PREDICTORS, LEADER)
    ]


def against_targets(ratios: Ratios, predictor: str) -> list[dict[str, object]]:
    """Say by how much the targets are missed, in hundredths of the bound, with the interval of the mean."""
    rows: list[dict[str, object]] = []
    for method, target in (("static", "static"), ("tail 20%", "queue"), ("tail 15% +", "queue")):
        for shards in SHARDS:
            mean = mean_over_series(ratios, predictor, method, shards=shards)
            low, high = interval(ratios, predictor, method, shards=shards)
            goal = TARGETS[target][shards]
            row = {"predictor": predictor, "method": method, "shards": shards, "mean": mean, "low": low, "high": high}
            rows.append({**row, "target": goal, "missed_by": max(0.0, mean - goal)})
    return rows


def by_series(ratios: Ratios, predictor: str) -> list[dict[str, object]]:
    names = list(dict.fromkeys(key[3] for key in ratios))
    return [
        {
            "series": name,
            "method": method,
            **{
                str(n): fmean(ratios[predictor, method, n, name])
                for n in SHARDS
                if (predictor, method, n, name) in ratios
            },
        }
        for name in names
        for method in ("static", "tail 15% +")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "durations"
    parser.add_argument("--data", type=Path, default=here, help="folder of the parquet series")
    parser.add_argument("--pairs", type=int, default=12, help="about so many updates of each series")
    options = parser.parse_args()
    series = {path.stem: read_versions(path) for path in sorted(options.data.glob("*.parquet"))}
    ratios = measure(series, pairs=options.pairs)
    rows, each = table(ratios), by_series(ratios, CHOSEN)
    targets = against_targets(ratios, LEADER) + against_targets(ratios, CHOSEN)
    columns = list(map(str, SHARDS))
    show("mean of the series", rows, ("method", "predictor", *columns))
    show(
        "against the targets", targets, ("predictor", "method", "shards", "mean", "low", "high", "target", "missed_by")
    )
    show("by series", each, ("series", "method", *columns))
    print(json.dumps({"means": rows, "targets": targets, "series": each}, indent=2))


if __name__ == "__main__":
    main()
