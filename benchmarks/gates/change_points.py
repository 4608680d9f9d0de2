"""Change points: injected steps in real noise, the sets of Otava and MongoDB, annotated series, speed.

    python benchmarks/gates/change_points.py [--quick]

Steps: windows of 100 jobs of django-asv (a new hosted runner each), 15 benchmarks of each, a step of 5, 10 or 20 % in
one of them at job 30 to 70, found within 5 jobs. The step is there before anything is corrected. Points per 100 jobs
without a step are counted twice: in order of time, where they include what Django and the runners' images really
changed, and with the jobs shuffled, where all are false. `quarter`: a quarter of the suite gets slower by 10 % at once.
The annotated series (TCPD) are mostly trends of economies: nothing was tuned on them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from django_asv import load_environments

from cipredict.perf.change_points import Detection, detect, detect_by_permutation
from cipredict.perf.energy import split_scores
from cipredict.perf.history import Turn, find_turns
from cipredict.perf.machine import common_modes, without_machines
from cipredict.perf.replay import head_table
from cipredict.perf.scores import Floats

DATA = Path("../shared/data/perf")
STEPS = (1.05, 1.10, 1.20)
WINDOW, PER_WINDOW, MARGIN = 100, 15, 5
OTAVA_SETS = {  # name of the test: p-value, magnitude
    "old_defaults": (0.01, 0.05),
    "old_defaults_p05": (0.05, 0.05),
    "old_defaults_p1": (0.1, 0.05),
    "old_defaults_p2": (0.2, 0.05),
    "magnitude0_p2": (0.2, 0.0),
    "magnitude0_p1": (0.1, 0.0),
    "magnitude0_p01": (0.01, 0.0),
    "magnitude0_p001": (0.001, 0.0),
    "magnitude0_p0001": (0.0001, 0.0),
    "magnitude0_p00001": (0.00001, 0.0),
}
Detector = Callable[[Floats], list[int]]


def indexes(detection: Detection) -> Detector:
    return lambda values: [point.index for point in detect(values, detection)]


DETECTORS: dict[str, Detector] = {
    "ours (p 1e-5, 5 %, segments of 3)": indexes(Detection()),
    "as Otava (p 1e-5, 5 %)": indexes(Detection(min_segment=1, as_otava=True)),
    "as Otava's defaults (p .001)": indexes(Detection(0.001, 0.0, 1, as_otava=True)),
}


def main() -> None:
    show_steps()
    show_agreement()
    show_otava()
    show_mongodb(quick="--quick" in sys.argv)
    show_annotated()
    show_speed()


CORRECTIONS: dict[str, Callable[[Floats], Floats]] = {
    "as measured": lambda table: table,
    "common mode removed": lambda table: table - common_modes(table)[:, None],
    "machines removed": without_machines,
}


def show_steps() -> None:
    windows = list(draw_windows())
    print(
        f"{len(windows)} windows of {WINDOW} jobs".ljust(57),
        "points/100: in order, shuffled; found +5, +10, +20 %; quarter",
    )
    for kind, correct in CORRECTIONS.items():
        for name, detector in DETECTORS.items():
            print(f"{name:36} {kind:20} {score_steps(windows, detector, correct)}")


class Window(NamedTuple):
    """Log values of jobs by benchmarks, which benchmark gets slower when, which others do with it, and a shuffling."""

    table: Floats
    column: int
    place: int
    group: list[int]
    order: list[int]

    def slower(self, step: float, columns: Sequence[int]) -> Floats:
        """Give the table with some benchmarks slower from the place on."""
        table = self.table.copy()
        table[self.place :, columns] += np.log(step)
        return table


def draw_windows() -> Iterator[Window]:
    random = np.random.default_rng(0)
    for environment in load_environments():
        table = head_table(environment.pairs)
        for first in range(0, len(table) - WINDOW + 1, WINDOW):
            part = table[first : first + WINDOW]
            part = part[:, ~np.isnan(part).any(axis=0)]
            for column in random.choice(part.shape[1], PER_WINDOW, replace=False):
                group = [int(column), *map(int, random.choice(part.shape[1], part.shape[1] // 4 - 1, replace=False))]
                order = [int(k) for k in random.permutation(WINDOW)]
                yield Window(part, int(column), int(random.integers(30, 70)), group, order)


def score_steps(windows: Sequence[Window], detector: Detector, correct: Callable[[Floats], Floats]) -> str:
    quiet = shuffled = grouped = 0
    found = dict.fromkeys(STEPS, 0)
    for window in windows:
        quiet += len(points_of(window.table, window, detector, correct=correct))
        shuffled += len(points_of(window.table[window.order], window, detector, correct=correct))
        for step in STEPS:
            points = points_of(window.slower(step, [window.column]), window, detector, correct=correct)
            found[step] += any(abs(point - window.place) <= MARGIN for point in points)
        points = points_of(window.slower(1.10, window.group), window, detector, correct=correct)
        grouped += any(abs(point - window.place) <= MARGIN for point in points)
    count = len(windows)
    shares = "  ".join(f"{hits / count:.3f}" for hits in found.values())
    return f"{quiet / count:.3f}  {shuffled / count:.3f}   {shares}   {grouped / count:.3f}"


def points_of(table: Floats, window: Window, detector: Detector, *, correct: Callable[[Floats], Floats]) -> list[int]:
    return detector(np.exp(correct(table)[:, window.column]))


def show_agreement() -> None:
    """Count the points of a Python version that another one has too, within three days: those are no chance."""
    environments = load_environments()
    turns = {one.name: find_turns([pair.head for pair in one.pairs]) for one in environments}
    times = {one.name: [pair.head.measured_at for pair in one.pairs if pair.head.measured_at] for one in environments}
    seen = checked = 0
    for name, found in turns.items():
        for turn in found:
            others = [o for o, t in times.items() if o != name and turn.since and is_inside(turn.since, t)]
            checked += bool(others)
            seen += any(is_same(turn, other) for o in others for other in turns[o])
    print(f"points that another Python version, measured on other machines, shows too: {seen} of {checked}")


def is_inside(moment: datetime, times: Sequence[datetime]) -> bool:
    """Tell whether a point at that time could be found among jobs at these."""
    return min(times) + timedelta(days=10) < moment < max(times) - timedelta(days=10)


def is_same(turn: Turn, other: Turn) -> bool:
    if turn.since is None or other.since is None or turn.series != other.series:
        return False
    return abs(turn.since - other.since) <= timedelta(days=3) and turn.is_worse == other.is_worse


def show_otava() -> None:
    document = json.loads((DATA / "otava_tests/tigerbeetle.json").read_text())
    for as_otava in (True, False):
        same = [
            [p.index for p in detect(document["series"], Detection(*setting, 1, 30, as_otava))]
            == document["expected"][f"test_tb_{name}"]
            for name, setting in OTAVA_SETS.items()
        ]
        how = "judged anew as Otava does" if as_otava else "both neighbours judged anew"
        print(f"Otava's tigerbeetle sets, {how}: {sum(same)} of {len(same)} exactly")


def show_mongodb(*, quick: bool) -> None:
    folder = DATA / "mongodb_spa"
    series = np.array(json.loads((folder / "robust_series.json").read_text()))
    expected = np.array(json.loads((folder / "expected_result_robust_series_proper_division.json").read_text()))
    print(
        f"MongoDB's robust series: largest difference of the scores {np.abs(split_scores(series) - expected).max():.1e}"
    )
    counts = {"long_series": (json.loads((folder / "long_series.json").read_text()), 4)}
    for name in ("short", "small", "medium", *(() if quick else ("large", "very_large", "huge"))):
        document = json.loads((folder / f"profiling_{name}.json").read_text())
        counts[name] = (document["series"], document["expected"])
    for name, (values, wanted) in counts.items():
        begun = time.process_time()
        got = len(detect_by_permutation(values))
        print(f"MongoDB's {name} ({len(values)} points): {got} change points, expected {wanted}, {cpu(begun)}")


def show_annotated() -> None:
    document = json.loads((DATA / "tcpd/tcpd.json").read_text())
    chosen = {k: v for k, v in document.items() if v["n_dim"] == 1 and not k.startswith("quality_control")}
    for name, detector in {"never": lambda _: [], **DETECTORS}.items():
        scores = []
        for one in chosen.values():
            values = np.array([np.nan if x is None else x for x in one["series"][0]], dtype=float)
            known = ~np.isnan(values)
            values = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
            scores.append(f_measure(list(one["annotations"].values()), detector(values)))
        print(f"TCPD, {len(chosen)} series: F1 {np.mean(scores):.3f}  {name}")


def f_measure(annotations: Sequence[Sequence[int]], predictions: Sequence[int]) -> float:
    """Give TCPDBench's F1 with margin 5; index 0 is a point for everyone."""
    truths = [{0, *points} for points in annotations]
    found = {0, *predictions}
    precision = len(matched(set().union(*truths), found)) / len(found)
    recall = float(np.mean([len(matched(truth, found)) / len(truth) for truth in truths]))
    return 2 * precision * recall / (precision + recall)


def matched(truth: set[int], found: set[int]) -> set[int]:
    left, hits = set(found), set()
    for point in sorted(truth):
        near = min((x for x in left if abs(point - x) <= MARGIN), key=lambda x: (abs(point - x), x), default=None)
        if near is not None:
            hits.add(point)
            left.remove(near)
    return hits


def show_speed() -> None:
    random = np.random.default_rng(0)
    values = 1 + 0.02 * random.standard_normal(100_000)
    for place in range(1_000, 100_000, 1_000):
        values[place:] *= 1.1 if place // 1_000 % 2 else 1 / 1.1
    begun = time.process_time()
    points = detect(values)
    print(f"100,000 points with 99 steps: {len(points)} found, {cpu(begun)}")


def cpu(begun: float) -> str:
    return f"{time.process_time() - begun:.2f} s CPU"


if __name__ == "__main__":
    main()
