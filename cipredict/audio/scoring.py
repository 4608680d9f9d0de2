"""Scoring many pairs, in processes of their own: PESQ is C, and what brings it down must not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context

import numpy as np

from cipredict.audio.files import Samples, Signals, read_pair
from cipredict.audio.interface import FileScore, Pair, Unscored
from cipredict.audio.metrics import WITH_REFERENCE, measure_loudness, score_dnsmos


def score_pair(pair: Pair, *, has_reference: bool, with_dnsmos: bool) -> FileScore:
    """Score one file; whatever is wrong with it is said in its `problems`."""
    try:
        signals = read_pair(pair, needs_reference=has_reference)
    except Unscored as error:
        return FileScore(pair.name, problems=(str(error),))
    scores: dict[str, float] = {}
    problems: list[str] = []
    for compute in _computations(signals, with_dnsmos=with_dnsmos):
        try:
            scores.update(compute())
        except Unscored as error:
            problems.append(str(error))
    narrow = ("8 kHz: no wideband PESQ",) if has_reference and signals.rate == 8000 else ()
    return FileScore(pair.name, scores, tuple(dict.fromkeys(problems)), (*signals.notes, *narrow))


def _computations(signals: Signals, *, with_dnsmos: bool) -> Iterator[Callable[[], dict[str, float]]]:
    if signals.reference is not None:
        for name in WITH_REFERENCE:
            if name != "pesq_wb" or signals.rate == 16_000:
                yield partial(_with_reference, name, signals, signals.reference)
    if with_dnsmos:
        yield partial(_dnsmos, signals)
    yield partial(_loudness, signals)


def _with_reference(name: str, signals: Signals, reference: Samples) -> dict[str, float]:
    """Score channel by channel, and give the mean."""
    metric = WITH_REFERENCE[name]
    channels = zip(reference.T, signals.enhanced.T, strict=True)
    values = [metric(np.ascontiguousarray(a), np.ascontiguousarray(b), signals.rate) for a, b in channels]
    return {name: sum(values) / len(values)}


def _dnsmos(signals: Signals) -> dict[str, float]:
    by_channel = [score_dnsmos(np.ascontiguousarray(channel), signals.rate) for channel in signals.enhanced.T]
    return {name: sum(one[name] for one in by_channel) / len(by_channel) for name in by_channel[0]}


def _loudness(signals: Signals) -> dict[str, float]:
    after = measure_loudness(signals.enhanced, signals.rate)
    if signals.reference is None:
        return {"loudness": after}
    return {"loudness": after, "loudness_change": after - measure_loudness(signals.reference, signals.rate)}


def score_all(
    pairs: Sequence[Pair], *, jobs: int, has_reference: bool, with_dnsmos: bool, advance: Callable[[], None]
) -> list[FileScore]:
    """Score every pair, in their order; `advance` is called after each. A file that kills its process is unscored."""
    score = partial(score_pair, has_reference=has_reference, with_dnsmos=with_dnsmos)
    done: dict[str, FileScore] = {}
    keep = partial(_keep, done, advance)
    left = _score_in_pool(pairs, score, jobs=min(jobs, len(pairs)), keep=keep)
    while left:  # one at a time now: the first that is left behind is the one that brought the process down
        left = _score_in_pool(left, score, jobs=1, keep=keep)
        if left:
            keep(FileScore(left.pop(0).name, problems=("the process that scored it died",)))
    return [done[pair.name] for pair in pairs]


def _keep(done: dict[str, FileScore], advance: Callable[[], None], score: FileScore) -> None:
    done[score.name] = score
    advance()


def _score_in_pool(
    pairs: Sequence[Pair], score: Callable[[Pair], FileScore], *, jobs: int, keep: Callable[[FileScore], None]
) -> list[Pair]:
    """Score what can be scored; give the pairs that a dying process left behind, in their order."""
    left: set[str] = set()
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        futures: dict[Future[FileScore], Pair] = {}
        for pair in pairs:
            try:
                futures[pool.submit(score, pair)] = pair
            except BrokenProcessPool:
                left.add(pair.name)
        for future in as_completed(futures):
            try:
                keep(future.result())
            except BrokenProcessPool:
                left.add(futures[future].name)
    return [pair for pair in pairs if pair.name in left]
