"""Rule 2: of two copies side by side, the one that changes less often comes first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cipredict.decide.containers.layers import Link, is_remote
from cipredict.decide.containers.paths import UNKNOWN_FOLDER, overlap
from cipredict.decide.containers.rewrites.conditions import SETTINGS, file_conditions, landings, no_links
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, proved, violated
from cipredict.dockerfile.edits import move_before

RULE = "swap-copies"


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose to swap neighbours; the replay tells whether that helps."""
    copies = [link for link in situation.links if link.keyword in {"COPY", "ADD"} and link.inputs]
    for first, second in pairwise(copies):
        between = range(first.instruction + 1, second.instruction)
        if first.stage == second.stage and all(situation.instruction(number).keyword in SETTINGS for number in between):
            yield _swapped(first, second, situation)


def _swapped(first: Link, second: Link, situation: Situation) -> Proposal:
    one, other = situation.instruction(first.instruction), situation.instruction(second.instruction)
    title = f"Copy line {other.start_line} before line {one.start_line}, which changes more often."
    text = move_before(situation.dockerfile, second.instruction, first.instruction)
    conditions = dict.fromkeys((*file_conditions(situation, first.stage), *_disjoint(first, second, situation)))
    return Proposal(RULE, title, other.start_line, text, tuple(conditions))


def _disjoint(first: Link, second: Link, situation: Situation) -> Iterator[Condition]:
    remote = next(
        (
            one
            for link in (first, second)
            for one in situation.instruction(link.instruction).values[:-1]
            if is_remote(one)
        ),
        "",
    )
    if remote:
        yield violated(f"neither fetches from elsewhere ({remote})")
        return
    owners = [
        situation.instruction(link.instruction).flag_values(name)
        for link in (first, second)
        for name in ("chown", "chmod")
    ]
    if owners[:2] != owners[2:]:
        yield violated("both give the same owner and mode to the folders that they make")
        return
    mine, theirs = landings(first, situation), landings(second, situation)
    clash = next(((a, b) for a in mine for b in theirs if overlap(a, b)), None)
    if clash is not None:
        yield violated(f"the destinations are apart, and not {clash[0]} and {clash[1]}: the last writer wins")
        return
    is_mixed = any(a.startswith(UNKNOWN_FOLDER) != b.startswith(UNKNOWN_FOLDER) for a in mine for b in theirs)
    if is_mixed:
        yield violated("the working folder of the base image is known")
        return
    yield proved(f"the destinations {mine[0]} and {theirs[0]} are apart")
    for link in (first, second):
        yield from no_links(link.destination, first.instruction, situation)
