"""Change points: injected steps in real noise, Otava's own sets, annotated series, speed.

    python benchmarks/gates/change_points.py

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
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from django_asv import load_environments

from cipredict.perf.change_points import Detection, Method, detect
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


OTAVA = "as Otava (p 1e-5, 5 %)"
DETECTORS: dict[str, Detector] = {
    "ours (p 1e-5, 5 %, segments of 3)": indexes(Detection()),
    OTAVA: indexes(Detection(method=Method.OTAVA)),
    "as Otava's defaults (p .001)": indexes(Detection(0.001, 0.0, method=Method.OTAVA)),
}


def main() -> None:
    show_steps()
    show_company()
    show_otava()
    show_annotated()
    show_speed()


CORRECTIONS: dict[str, Callable[[Floats], Floats]] = {
    "as measured": lambda table: table,
    "common mode removed": lambda table: table - common_modes(table)[:, None],
    "machines removed": without_machines,
}


STEADY_SIGMA = 0.05
"""Of the common mode of a window: hosted runners of one kind only, as since 2024."""
PAGE_RECALL = 0.67
"""At +10 %, of Otava on the series as measured, in the research page's windows, most of which are not in this copy."""


class Score(NamedTuple):
    """Of a set of windows; shares of windows, and points per 100 jobs."""

    points: float
    shuffled: float
    found: tuple[float, ...]
    quarter: float

    def __str__(self) -> str:
        found = "  ".join(f"{share:.3f}" for share in self.found)
        return f"{self.points:.3f}  {self.shuffled:.3f}   {found}   {self.quarter:.3f}"


def show_steps() -> None:
    windows = list(draw_windows())
    steady = [window for window in windows if is_steady(window.table)]
    unsteady = [window for window in windows if not is_steady(window.table)]
    heads = "points/100: in order, shuffled; found +5, +10, +20 %; quarter"
    print(f"{len(windows)} windows of {WINDOW} jobs, {len(steady)} of steady runners".ljust(67), heads)
    raw = [score_steps(part, DETECTORS[OTAVA], CORRECTIONS["as measured"]) for part in (unsteady, steady)]
    share = (PAGE_RECALL - raw[0].found[1]) / (raw[1].found[1] - raw[0].found[1])
    for kind, correct in CORRECTIONS.items():
        for name, detector in DETECTORS.items():
            parts = [score_steps(part, detector, correct) for part in (unsteady, steady)]
            rows = {
                "all": mixed(parts, len(steady) / len(windows)),
                "unsteady": parts[0],
                "steady": parts[1],
                f"{share:.0%} steady": mixed(parts, share),
            }
            for part, score in rows.items():
                print(f"{name:36} {kind:20} {part:11} {score}")


def is_steady(table: Floats) -> bool:
    return bool(np.std(common_modes(table)) < STEADY_SIGMA)


def mixed(parts: Sequence[Score], share: float) -> Score:
    """Give what windows of both kinds would score if the second kind had that share."""
    rest, one = parts

    def mix(a: float, b: float) -> float:
        return (1 - share) * a + share * b

    found = tuple(mix(a, b) for a, b in zip(rest.found, one.found, strict=True))
    return Score(mix(rest.points, one.points), mix(rest.shuffled, one.shuffled), found, mix(rest.quarter, one.quarter))


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


def score_steps(windows: Sequence[Window], detector: Detector, correct: Callable[[Floats], Floats]) -> Score:
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
    return Score(quiet / count, shuffled / count, tuple(hits / count for hits in found.values()), grouped / count)


def points_of(table: Floats, window: Window, detector: Detector, *, correct: Callable[[Floats], Floats]) -> list[int]:
    return detector(np.exp(correct(table)[:, window.column]))


def show_company() -> None:
    """Count the points that other benchmarks show too, within two jobs: what moved several at once was no chance.

    Windows follow each other here, and every benchmark counts. One job runs its Python versions one after another on
    one runner, so that other versions prove nothing about a runner.
    """
    alone = accompanied = series = 0
    for environment in load_environments():
        table = head_table(environment.pairs)
        for first in range(0, len(table) - WINDOW + 1, WINDOW):
            part = table[first : first + WINDOW]
            clean = without_machines(part[:, ~np.isnan(part).any(axis=0)])
            places = [[point.index for point in detect(np.exp(column))] for column in clean.T]
            series += len(places)
            for k, mine in enumerate(places):
                others = [other for j, other in enumerate(places) if j != k]
                for place in mine:
                    company = sum(any(abs(place - one) <= 2 for one in other) for other in others)
                    accompanied += company >= 2
                    alone += company < 2
    print(
        f"{series} series of {WINDOW} jobs, ours, in order: {(alone + accompanied) / series:.3f} points each,"
        f" {accompanied / series:.3f} beside two or more other benchmarks', {alone / series:.3f} alone"
    )


def show_otava() -> None:
    document = json.loads((DATA / "otava_tests/tigerbeetle.json").read_text())
    for method in (Method.OTAVA, Method.CIPREDICT):
        same = [
            [p.index for p in detect(document["series"], Detection(*setting, 1, 30, method))]
            == document["expected"][f"test_tb_{name}"]
            for name, setting in OTAVA_SETS.items()
        ]
        how = "judged anew as Otava does" if method is Method.OTAVA else "both neighbours judged anew"
        print(f"Otava's tigerbeetle sets, {how}: {sum(same)} of {len(same)} exactly")


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
