"""How long instructions take, from a build's own log or from the steps of CI, and what is said about that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path

from cipredict.decide.containers.optimize import Judge, normal_text
from cipredict.decide.containers.rewrites.interface import Situation
from cipredict.decide.containers.step_seconds import BuildSeconds, StepEstimate, estimate_seconds
from cipredict.dockerfile.progress import read_progress
from cipredict.errors import InputError, cannot_read


def measured_seconds(path: Path | None) -> dict[str, float]:
    """Read a build's log, if there is one; raises InputError where it tells nothing."""
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            found = read_progress(lines)
    except OSError as error:
        raise cannot_read(path, error) from error
    if not found:
        message = f"{path} holds no timed step."
        hint = "Write it with `docker buildx build --progress=rawjson . 2> FILE`."
        raise InputError(message, slug="container-progress", hint=hint)
    return found


def with_step_seconds(
    judge: Judge, situation: Situation, builds: Sequence[BuildSeconds], *, own: Set[str]
) -> tuple[Judge, tuple[str, ...]]:
    """Estimate from builds since a path of `own`, the Dockerfile or ignore file, changed; give notes for people."""
    past = judge.tokens.history.since_change(own)
    estimate = estimate_seconds(situation.links, past, situation.ignore, builds=builds)
    return _estimating(judge, situation, estimate), tuple(_estimate_notes(situation, estimate))


def _estimating(judge: Judge, situation: Situation, estimate: StepEstimate) -> Judge:
    texts = {number: situation.instruction(situation.links[number].instruction).text for number in estimate.seconds}
    estimated = {normal_text(texts[number]): seconds for number, seconds in estimate.seconds.items()}
    return replace(judge, estimated_s=estimated, scale=estimate.scale)


def _estimate_notes(situation: Situation, estimate: StepEstimate) -> Iterator[str]:
    if estimate.doubt:
        yield f"seconds of instructions cannot be told from the steps: {estimate.doubt}"
        if estimate.scale != 1.0:
            took = f"to what {estimate.builds} builds took, overhead included"
            yield f"assumed seconds are scaled by {estimate.scale:.2f} {took}"
        return
    left = f", {estimate.outliers} far off left out" if estimate.outliers else ""
    yield (
        f"seconds are estimated from {estimate.builds} builds' steps since the Dockerfile last changed{left}; "
        f"R2 {estimate.r2:.2f}"
    )
    for group in estimate.groups:
        numbers = sorted({situation.instruction(situation.links[one].instruction).start_line for one in group.links})
        where = f"line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
        together = " together, copies and shares by assumption" if len(numbers) > 1 else ""
        yield f"  {where}: {group.seconds:.0f} s ({group.low_s:.0f} to {group.high_s:.0f}){together}"
