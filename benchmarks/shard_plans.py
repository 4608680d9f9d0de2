"""How good shard plans are on real suites, and what they cost to make.

Run: ``python benchmarks/shard_plans.py [--data ../shared/data/durations] [--every 1] [--pairs 25] > shard_plans.json``;
needs pyarrow. Tables on stderr, JSON on stdout. A ratio is the makespan over max(total / shards, longest item): 1 is
the best that any plan can reach.

exact      planned with the durations that it is judged by: what the division itself loses
real life  planned with an earlier version of the suite, judged by the next: what a user gets; seen cases are forecast
           by their last duration, new ones by the mean, for every method alike
time       CPU seconds of a plan for made-up suites
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from pyarrow import parquet

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom, canonical_json
from cipredict.plans.shard_plan import ShardPlan, Strategy

SHARDS = (2, 4, 8, 16, 32, 64)
KEEPS_OLD_VALUES = {"onegov-cloud", "langflow", "pymc-marketing"}
"""Files in which a value that did not change was not measured again: only changed ones are judged."""

Suite = Mapping[str, float]
Homes = Mapping[str, int]
WARM_UP = 3


def read_versions(path: Path) -> list[Suite]:
    """Give case → seconds for every version of a series, oldest first."""
    table = parquet.read_table(path, columns=["version", "test_id", "duration_s"])
    versions: defaultdict[int, dict[str, float]] = defaultdict(dict)
    columns = (table[name].to_pylist() for name in table.column_names)
    for version, test_id, seconds in zip(*columns, strict=True):
        versions[version][test_id] = max(0.0, seconds)
    return [versions[version] for version in sorted(versions)]


def exactly(suite: Suite) -> list[DurationForecast]:
    return [DurationForecast(case, seconds, seconds, seconds, Basis.HISTORY, 1) for case, seconds in suite.items()]


def forecast(past: Sequence[Suite], cases: Sequence[str]) -> list[DurationForecast]:
    """Forecast by the last duration, between the extremes of the last five; new cases by the mean, to a factor of 4."""
    last = past[-1]
    mean_s = mean(last[case] for case in cases if case in last)
    made = []
    for case in cases:
        if case in last:
            recent = [suite[case] for suite in past[-5:] if case in suite]
            made.append(DurationForecast(case, last[case], min(recent), max(recent), Basis.HISTORY, len(recent)))
        else:
            made.append(DurationForecast(case, mean_s, mean_s / 4, mean_s * 4, Basis.FALLBACK, 0))
    return made


def ours(strategy: Strategy, *, by_file: bool = False) -> Callable[[Sequence[DurationForecast], int], Homes]:
    options = ShardOptions(strategy=strategy, group_of=case_file if by_file else None)

    def divide(cases: Sequence[DurationForecast], shards: int) -> Homes:
        return homes_of(plan_shards(cases, shards, made_from=MadeFrom("benchmark"), options=options))

    return divide


def homes_of(plan: ShardPlan) -> Homes:
    return {test: shard.shard_id for shard in plan.shards for test in shard.tests}


def pytest_split_default(cases: Sequence[DurationForecast], shards: int) -> Homes:
    """Fill shards in collection order: pytest-split 0.11 `duration_based_chunks`."""
    share_s = sum(case.expected_s for case in cases) / shards
    homes, at, filled_s = {}, 0, 0.0
    for case in cases:
        if filled_s >= share_s and at < shards - 1:
            at, filled_s = at + 1, 0.0
        homes[case.case_id] = at
        filled_s += case.expected_s
    return homes


def pytest_split_least(cases: Sequence[DurationForecast], shards: int) -> Homes:
    """Give the longest case to the emptiest shard: pytest-split 0.11 `least_duration`."""
    heap = [(0.0, at) for at in range(shards)]
    homes = {}
    for case in sorted(cases, key=lambda case: -case.expected_s):
        filled_s, at = heap[0]
        homes[case.case_id] = at
        heapq.heapreplace(heap, (filled_s + case.expected_s, at))
    return homes


METHODS: dict[str, Callable[[Sequence[DurationForecast], int], Homes]] = {
    "cipredict optimal": ours(Strategy.OPTIMAL),
    "cipredict predictive": ours(Strategy.PREDICTIVE),
    "pytest-split default": pytest_split_default,
    "pytest-split least": pytest_split_least,
    "round robin": ours(Strategy.ROUND_ROBIN),
}


def ratio(homes: Homes, suite: Suite, shards: int, *, by_file: bool = False) -> float:
    loads = [0.0] * shards
    longest: defaultdict[str, float] = defaultdict(float)
    for case, seconds in suite.items():
        loads[homes[case]] += seconds
        longest[case_file(case) if by_file else case] += seconds
    return max(loads) / max(sum(loads) / shards, *longest.values(), 1e-12)


def measure_exact(series: Mapping[str, list[Suite]], *, every: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, versions in series.items():
        chosen = versions[::-1][::every]
        for by_file in (False, True):
            divide = ours(Strategy.OPTIMAL, by_file=by_file)
            for shards in SHARDS:
                ratios = [ratio(divide(exactly(v), shards), v, shards, by_file=by_file) for v in chosen]
                level = "file" if by_file else "test"
                row = {"series": name, "level": level, "shards": shards, "versions": len(chosen)}
                rows.append({**row, "last": ratios[0], "mean": mean(ratios), "worst": max(ratios)})
    return rows


def changed_pairs(name: str, versions: Sequence[Suite], pairs: int) -> Iterator[tuple[Sequence[Suite], Suite]]:
    """Give (what was known, what was measured then), files together in alphabetical order as pytest collects them."""
    ats = range(WARM_UP, len(versions))
    for at in ats[:: max(1, len(ats) // pairs)]:
        past, now = versions[:at], versions[at]
        stale = past[-1] if name in KEEPS_OLD_VALUES else {}
        cases = sorted((case for case in now if stale.get(case) != now[case]), key=case_file)
        if any(case in past[-1] for case in cases):
            yield past, {case: now[case] for case in cases}


def measure_real_life(series: Mapping[str, list[Suite]], *, pairs: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, versions in series.items():
        ratios: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        covered: defaultdict[int, list[bool]] = defaultdict(list)
        for past, now in changed_pairs(name, versions, pairs):
            cases = forecast(past, list(now))
            for shards in SHARDS:
                if len(cases) < 2 * shards:
                    continue
                for method, divide in METHODS.items():
                    ratios[method, shards].append(ratio(divide(cases, shards), now, shards))
                covered[shards] += intervals_hit(plan_shards(cases, shards, made_from=MadeFrom("benchmark")), now)
        for (method, shards), values in ratios.items():
            row: dict[str, object] = {"series": name, "method": method, "shards": shards, "pairs": len(values)}
            if method == "cipredict optimal":
                row["interval_hit_share"] = mean(covered[shards])
            rows.append({**row, "mean": mean(values), "worst": max(values)})
    return rows


def intervals_hit(plan: ShardPlan, now: Suite) -> list[bool]:
    """Tell for each shard whether its real seconds were inside its interval."""
    return [
        (shard.low_s or 0.0) <= sum(now[test] for test in shard.tests) <= (shard.high_s or 0.0)
        for shard in plan.shards
        if shard.tests
    ]


def measure_time(cases: int, shards: int) -> dict[str, object]:
    dice = random.Random(cases)  # noqa: S311  # a made-up suite
    suite = [
        DurationForecast(
            f"tests/p{at // 400}/test_{at // 20}.py::test_{at}", seconds, 0.5 * seconds, 2 * seconds, Basis.HISTORY, 5
        )
        for at, seconds in enumerate(dice.lognormvariate(-1, 1.5) for _ in range(cases))
    ]
    dice.shuffle(suite)
    row: dict[str, object] = {"cases": cases, "shards": shards}
    for strategy in Strategy:
        begin = time.process_time()
        plan = plan_shards(suite, shards, made_from=MadeFrom("benchmark"), options=ShardOptions(strategy=strategy))
        row[f"{strategy.value}_s"] = round(time.process_time() - begin, 3)
    begin = time.process_time()
    canonical_json(plan.to_document())
    row["to_json_s"] = round(time.process_time() - begin, 3)
    return row


def show(title: str, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    print(f"\n{title}\n" + " ".join(f"{column:>20}" for column in columns), file=sys.stderr)
    for row in rows:
        cells = (row.get(column, "") for column in columns)
        print(" ".join(f"{c:>20.4f}" if isinstance(c, float) else f"{c!s:>20}" for c in cells), file=sys.stderr)


def over_series(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Average the series, each counting once: a line per method, a column per number of shards."""
    means: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for row in rows:
        means[str(row["method"]), int(str(row["shards"]))].append(float(str(row["mean"])))
    return [
        {"method": method, **{str(shards): mean(means[method, shards]) for shards in SHARDS if means[method, shards]}}
        for method in METHODS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "durations"
    parser.add_argument("--data", type=Path, default=here, help="folder of the parquet series")
    parser.add_argument("--every", type=int, default=1, help="exact: judge every n-th version, the last one always")
    parser.add_argument("--pairs", type=int, default=25, help="real life: about so many updates of each series")
    options = parser.parse_args()
    series = {path.stem: read_versions(path) for path in sorted(options.data.glob("*.parquet"))}
    exact = measure_exact(series, every=options.every)
    real_life = measure_real_life(series, pairs=options.pairs)
    times = [measure_time(20_000, 8), measure_time(100_000, 64)]
    show("exact", exact, ("series", "level", "shards", "versions", "last", "mean", "worst"))
    show("real life", real_life, ("series", "method", "shards", "pairs", "mean", "worst", "interval_hit_share"))
    show("real life, mean of the series", over_series(real_life), ("method", *map(str, SHARDS)))
    columns = ("cases", "shards", "optimal_s", "predictive_s", "round_robin_s", "to_json_s")
    show("CPU seconds of one plan", times, columns)
    worst = max(float(str(row["worst"])) for row in exact)
    report = {"worst_exact_ratio": worst, "exact": exact, "real_life": real_life, "time": times}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
