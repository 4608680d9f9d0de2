"""Selection on public sets: what a nightly retrained cipredict would have ordered, beside the simple baselines.

    python benchmarks/prediction/selection.py --data ../shared/data/selection --scorer ../shared/bench/selection_eval.py
    python benchmarks/prediction/selection.py ... --set iofrol --quick

Each set (normalised parquet, or the bundled history) becomes a `History`, is replayed once, and is studied anew every
tenth of its runs by the code that trains at night; whoever that study lets serve orders the runs up to the next. The
neutral scorer replays those orders and its own baselines. Nothing of a run is seen before it is ordered: a test of
`learn.replay` proves it. Defects4J has no history: candidates are ranked by the features of the change alone, once
statelessly and once with a state that rolls through the bugs in the order of their numbers.

`cipredict, counted` divides by seconds ** 0.3 (chosen on the first 60 % of IOF/ROL), for a measure that counts cases:
RETECS' NAPFD. It is no option of the product.

Intervals are 95 % bootstrap intervals over cycles; `delta` is ours minus decay10/time on the same cycles. Tables go to
stderr, JSON to stdout. Needs the learn extra and the shared data, which is not part of the repository.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.priority import MIN_SECONDS
from cipredict.forecast.state import State
from cipredict.learn.failure import MODEL, study_window
from cipredict.learn.history import FAILED, PASSED, History, PastRun
from cipredict.learn.loading import load
from cipredict.learn.policies import as_planned
from cipredict.learn.recipe import Recipe, read_recipe
from cipredict.learn.replay import absorb
from cipredict.learn.rows import Replayed, collect_rows
from cipredict.records import Change
from cipredict.store.database import open_store

ROOT = Path(__file__).parents[2]
BUNDLED = "sqlparse-ci"
BASELINES = ("random", "shortest", "last-failed", "decay5", "decay10", "decay10/time", "oracle")
OWN = ("cipredict", "cipredict, counted")
MEASURES = ("apfdc", "T10", "T20", "T30", "new_T20", "napfd50")
FIRST_NIGHT = 40
"""Runs before the first study; until then the prior serves."""
COUNTED = 0.3
"""Exponent of the seconds in the order `cipredict, counted`, for measures that count cases as NAPFD does."""
Scores = dict[int, np.ndarray]


def read_scorer(path: Path) -> ModuleType:
    """Import the neutral scorer by its path."""
    spec = importlib.util.spec_from_file_location("selection_eval", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def history_of(frame: pd.DataFrame) -> History:
    """Turn a normalised table into a history: every cycle a push to one branch, over before the next begins."""
    names = frame.drop_duplicates("test").set_index("test").test_name.sort_index()
    case_ids = [f"tests/{name}" for name in names]
    start = datetime(2020, 1, 1, tzinfo=UTC)
    runs = []
    for cycle, rows in frame.groupby("cycle", sort=True):
        slots = rows.test.to_numpy(np.int32)
        changed = tuple(Change(case_ids[slot], None, None) for slot in slots[rows.changed.to_numpy() > 0])
        began = start + timedelta(hours=int(cycle))
        runs.append(
            PastRun(
                run_id=str(cycle),
                started_at=began,
                finished_at=began + timedelta(minutes=30),
                facts=ChangeFacts(changed, "main", is_base_push=True),
                event="push",
                slots=slots,
                verdicts=np.where(rows.failed.to_numpy() > 0, FAILED, PASSED).astype(np.int8),
                seconds=rows.duration.to_numpy(np.float32),
                is_flaky=np.zeros(len(slots), np.bool_),
            )
        )
    return History(case_ids, runs, as_of=start + timedelta(hours=len(runs) + 1))


def bundled() -> tuple[History, pd.DataFrame]:
    """Give the bundled history as the store gives it, and as the scorer reads it."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "history.duckdb"
        command = [str(Path(sys.executable).with_name("cipredict")), "ingest", "history"]
        subprocess.run([*command, str(ROOT / "data" / BUNDLED), "--store", str(path)], check=True, capture_output=True)
        with open_store(path, read_only=True) as store:
            history = load(store, as_of=datetime.now(UTC)).history
    runs = [replace(run, **_ran(run)) for run in history.runs]
    frames = [
        pd.DataFrame(
            {
                "cycle": cycle,
                "test": run.slots,
                "duration": np.nan_to_num(run.seconds.astype(float)),
                "failed": run.failed.astype(int),
                "changed": 0,
                "pos": np.arange(len(run.slots)),
            }
        )
        for cycle, run in enumerate(runs)
    ]
    return replace(history, runs=runs), pd.concat(frames, ignore_index=True)


def _ran(run: PastRun) -> dict[str, Any]:
    """Leave skipped cases out, as every public set does."""
    keep = run.has_verdict
    names = ("slots", "verdicts", "seconds", "is_flaky", "doubted_at")
    return {**{name: getattr(run, name)[keep] for name in names}, "peak_memory_bytes": None}


def nightly_scores(history: History, recipe: Recipe, *, nights: int) -> tuple[dict[str, Scores], list[dict[str, Any]]]:
    """Give a score per case of every failing run, per order, and who served from which run on.

    `cipredict` is the order of a plan; `cipredict, counted` all but ignores what a case costs.
    """
    replayed = collect_rows(history, build_case_index(history.case_ids), judge_from=0, seed=recipe.random_state)
    served, planned, counted = [], {}, {}
    for start, stop in _seasons(len(history.runs), nights):
        model = None
        if start >= FIRST_NIGHT:
            study = study_window(replayed, recipe, case_ids=history.case_ids, runs=start)
            if study.model is not None and not study.reasons:
                model = study.model
            served.append(
                {
                    "from_run": start,
                    "by": MODEL if model else "prior",
                    "weights": study.model.ensemble.weights if study.model else {},
                    "reasons": study.reasons,
                }
            )
        for position, run in _within(replayed, start, stop):
            p_fail = model.p_fail(run.X) if model else run.X[:, FEATURES.index("prior")]
            planned[position] = as_planned(p_fail, run)
            counted[position] = p_fail / (run.expected_s + MIN_SECONDS) ** COUNTED
    return {"cipredict": planned, "cipredict, counted": counted}, served


def _seasons(runs: int, nights: int) -> Iterator[tuple[int, int]]:
    edges = sorted({int(runs * share) for share in np.linspace(0, 1, nights + 1)})
    yield from pairwise(edges)


def _within(replayed: Replayed, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    return ((position, run) for position, run in replayed.judged.items() if start <= position < stop)


def evaluate(name: str, data: Path, scorer: ModuleType, *, recipe: Recipe, nights: int, seeds: int) -> dict[str, Any]:
    """Score one set: measures per ranker, ours with intervals."""
    if name == BUNDLED:
        history, frame = bundled()
    else:
        frame = pd.read_parquet(data / "normalised" / f"{name}.parquet")
        history = history_of(frame)
    scores, served = nightly_scores(history, recipe, nights=nights)

    ours = {name: partial(_look_up, scores_of) for name, scores_of in scores.items()}
    rankers = {**{baseline: scorer.RANKERS[baseline] for baseline in BASELINES}, **ours}
    results = scorer.replay(frame, rankers, seeds=seeds)
    means = results.groupby("ranker")[list(MEASURES)].mean()
    own = results[results.ranker == "cipredict"].set_index("cycle")[list(MEASURES)]
    rival = results[results.ranker == "decay10/time"].set_index("cycle")[list(MEASURES)]
    return {
        "cycles": len(own),
        "new_cycles": int(own.new_T20.notna().sum()),
        "means": {ranker: row.to_dict() for ranker, row in means.iterrows()},
        "interval": {measure: _interval(own[measure]) for measure in MEASURES},
        "delta": {measure: _interval(own[measure] - rival[measure]) for measure in MEASURES},
        "served": served,
        "late": _late(results, from_cycle=int(len(history.runs) * 0.7)),
    }


def _look_up(scores: Scores, _history: object, _tests: object, context: dict[str, Any]) -> np.ndarray:
    return scores[int(context["cycle"])]


def retecs(data: Path, scorer: ModuleType, *, recipe: Recipe, nights: int) -> dict[str, Any]:
    """Score IOF/ROL by the rows of the original table: a test that ran three times in a cycle counts three times."""
    raw = pd.read_csv(data / "retecs" / "iofrol.csv", sep=";")
    raw = raw.assign(test=pd.factorize(raw.Name)[0], seconds=raw.Duration / 1000.0)
    frame = raw.groupby(["Cycle", "test"], as_index=False, sort=True).agg(
        test_name=("Name", "first"), failed=("Verdict", "max"), duration=("seconds", "mean")
    )
    frame = frame.rename(columns={"Cycle": "cycle"}).assign(
        test_name=lambda table: table.test_name.astype(str), changed=0
    )
    numbers = sorted(frame.cycle.unique())
    scores, _ = nightly_scores(history_of(frame), recipe, nights=nights)

    def ranker(of: Scores) -> Callable[..., np.ndarray]:
        by_test = {
            numbers[position]: pd.Series(given, frame[frame.cycle == numbers[position]].test)
            for position, given in of.items()
        }

        def score(_history: object, tests: np.ndarray, context: dict[str, Any]) -> np.ndarray:
            known = by_test.get(context["cycle"])
            return np.zeros(len(tests)) if known is None else known.loc[tests].to_numpy()

        return score

    ours = {name: ranker(of) for name, of in scores.items()}
    rankers = {**{name: scorer.RANKERS[name] for name in BASELINES}, **ours}
    results = scorer.replay_rows_iofrol(str(data), rankers)
    own = results[results.ranker == "cipredict, counted"].napfd50
    return {"napfd50": results.groupby("ranker").napfd50.mean().to_dict(), "interval": _interval(own)}


def _late(results: pd.DataFrame, *, from_cycle: int) -> dict[str, Any]:
    """Give the means of the last 30 % of the runs."""
    late = results[results.cycle >= from_cycle].groupby("ranker")[[*MEASURES, "new_T10", "new_T30"]].mean()
    return {ranker: row.to_dict() for ranker, row in late.iterrows()}


def _interval(values: pd.Series, *, draws: int = 1000) -> tuple[float, float]:
    """Give the 95 % bootstrap interval of a mean over cycles."""
    known = values.dropna().to_numpy()
    if not len(known):
        return (float("nan"), float("nan"))
    means = np.random.default_rng(0).choice(known, (draws, len(known))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return (float(low), float(high))


def defects4j(data: Path) -> dict[str, dict[str, float]]:
    """Give the share of bugs whose first failing class lies in the first 5, 10 and 20 % of the candidates."""
    bugs = pd.read_parquet(data / "defects4j" / "bugs.parquet")
    found: dict[str, list[float]] = {}
    for _, rows in bugs.groupby("project"):
        for way, positions in _rank_project(rows.sort_values("bug", key=lambda column: column.astype(int))).items():
            found.setdefault(way, []).extend(positions)
    shares = {way: np.array(positions) for way, positions in found.items()}
    return {
        way: {
            "bugs": len(positions),
            **{f"first_{share:.0%}".rstrip("%"): float((positions <= share).mean()) for share in (0.05, 0.1, 0.2)},
            "interval_10": _interval(pd.Series(positions <= 0.1).astype(float)),
        }
        for way, positions in shares.items()
    }


def _rank_project(bugs: pd.DataFrame) -> dict[str, list[float]]:
    classes = sorted({name for column in ("relevant_classes", "trigger_classes") for name in _split(bugs[column])})
    slot_of = {name: slot for slot, name in enumerate(classes)}
    case_ids = [f"{name.split('$')[0].replace('.', '/')}.java" for name in classes]
    index, rolled = build_case_index(case_ids), State.blank(case_ids)
    positions: dict[str, list[float]] = {}
    for number, bug in enumerate(bugs.itertuples()):
        changed = bug.changed_files.split(";")
        facts = ChangeFacts(tuple(Change(path, None, None) for path in changed), "main")
        failing = np.array([slot_of[name] for name in _split([bug.trigger_classes])], np.int32)
        covering = np.array([slot_of[name] for name in _split([bug.relevant_classes])], np.int32)
        for state, way in ((State.blank(case_ids), "stateless"), (rolled, "rolled")):
            for covered, suffix in (({}, ""), ({changed[0]: covering}, ", with coverage")):
                state.covered = covered
                risk = failure_features(state, index, facts)[:, FEATURES.index("prior")]
                positions.setdefault(f"{way}{suffix}", []).append(_first(risk, failing, seed=number))
        absorb(rolled, _bug_run(number, facts, failing, n=len(case_ids)))
    return positions


def _split(column: Iterable[str]) -> set[str]:
    return {name for names in column for name in str(names).split(";") if name}


def _first(risk: np.ndarray, failing: np.ndarray, *, seed: int) -> float:
    """Give the place of the first failing class, (rank - 0.5) / n, ties by chance."""
    order = np.lexsort((np.random.default_rng(seed).random(len(risk)), -risk))
    return float((np.flatnonzero(np.isin(order, failing))[0] + 0.5) / len(risk))


def _bug_run(number: int, facts: ChangeFacts, failing: np.ndarray, *, n: int) -> PastRun:
    """Give a bug as a run that has finished: its classes failed, every other passed, and then it was fixed."""
    began = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    verdicts = np.zeros(n, np.int8)
    verdicts[failing] = FAILED
    return PastRun(
        run_id=str(number),
        started_at=began,
        finished_at=began,
        facts=facts,
        event="pull_request",
        slots=np.arange(n, dtype=np.int32),
        verdicts=verdicts,
        seconds=np.ones(n, np.float32),
        is_flaky=np.zeros(n, np.bool_),
    )


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "selection")
    parser.add_argument("--scorer", type=Path, default=ROOT.parent / "shared" / "bench" / "selection_eval.py")
    parser.add_argument("--set", action="append", default=[], help="only this set; may be repeated")
    parser.add_argument("--quick", action="store_true", help="three nights, small learners, few random orders")
    asked = parser.parse_args()
    recipe = read_recipe("failure")
    if asked.quick:
        recipe = replace(recipe, max_rows=8000)
    names = asked.set or [*sorted(path.stem for path in (asked.data / "normalised").glob("*.parquet")), BUNDLED]
    scorer = read_scorer(asked.scorer)
    report: dict[str, Any] = {"sets": {}}
    for name in names:
        if name in {"defects4j", "retecs"}:
            continue
        nights, seeds = (3, 3) if asked.quick else (10, 20)
        report["sets"][name] = evaluate(name, asked.data, scorer, recipe=recipe, nights=nights, seeds=seeds)
        _say_set(name, report["sets"][name])
    if len(report["sets"]) > 1:
        _say_mean(report["sets"])
    if (not asked.set or "retecs" in asked.set) and (asked.data / "retecs" / "iofrol.csv").is_file():
        report["retecs"] = retecs(asked.data, scorer, recipe=recipe, nights=3 if asked.quick else 10)
        sys.stderr.write(f"RETECS protocol: {report['retecs']}\n")
    if (not asked.set or "defects4j" in asked.set) and (asked.data / "defects4j").is_dir():
        report["defects4j"] = defects4j(asked.data)
        sys.stderr.write(f"{pd.DataFrame(report['defects4j']).T.to_string()}\n")
    print(json.dumps(report, indent=2, default=list))
    return 0


def _say_set(name: str, result: dict[str, Any]) -> None:
    table = pd.DataFrame(result["means"]).T.loc[[*BASELINES, *OWN]].round(3)
    served = [night["by"] for night in result["served"]]
    sys.stderr.write(f"\n{name}: {result['cycles']} failing cycles, {result['new_cycles']} with a new failure\n")
    sys.stderr.write(f"{table.to_string()}\n")
    for measure in MEASURES:
        low, high = result["delta"][measure]
        sys.stderr.write(f"  {measure} minus decay10/time: {low:+.3f} to {high:+.3f}\n")
    sys.stderr.write(f"  served, night by night: {' '.join(served)}\n")
    sys.stderr.flush()


def _say_mean(sets: dict[str, dict[str, Any]]) -> None:
    means = {
        ranker: {
            measure: np.mean([result["means"][ranker][measure] for result in sets.values()]) for measure in MEASURES
        }
        for ranker in (*BASELINES, *OWN)
    }
    sys.stderr.write(f"\nmean of {len(sets)} sets\n{pd.DataFrame(means).T.round(3).to_string()}\n")


if __name__ == "__main__":
    raise SystemExit(main())
