"""Rule 1: an installation that reads nothing of the context stands above the copies that change."""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.decide.containers.kinds import RunKind
from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.rewrites.conditions import crossing, file_conditions
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, Standing
from cipredict.dockerfile.edits import move_before

RULE = "raise-install"
_INSTALLS = frozenset({RunKind.SYSTEM_INSTALL, RunKind.TOOL_INSTALL})


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose to move each installation as far up as it may go."""
    for link in situation.links:
        if link.run is not None and (link.run.is_closed or link.run.kind in _INSTALLS):
            yield from _raised(link, situation)


def _raised(link: Link, situation: Situation) -> Iterator[Proposal]:
    stage = situation.stages.stages[link.stage]
    conditions: list[Condition] = []
    best: tuple[int, tuple[Condition, ...]] | None = None
    blocked: tuple[int, tuple[Condition, ...]] | None = None
    for over in range(link.instruction - 1, stage.first, -1):
        met = list(crossing(link, over, situation))
        conditions += met
        if any(one.standing is Standing.VIOLATED for one in met):
            blocked = (over, tuple(conditions)) if _changes(over, situation) else None
            blocked = blocked or _blocked_below(over, tuple(conditions), stage_first=stage.first, situation=situation)
            break
        if _changes(over, situation):
            best = (over, tuple(conditions))
    for found in (best, blocked if best is None else None):
        if found is not None:
            yield _proposal(link, *found, situation=situation)


def _blocked_below(
    over: int, conditions: tuple[Condition, ...], *, stage_first: int, situation: Situation
) -> tuple[int, tuple[Condition, ...]] | None:
    """Find the copy above what is in the way: it is what people would want the RUN to be above."""
    higher = next((one for one in range(over, stage_first, -1) if _changes(one, situation)), None)
    return None if higher is None else (higher, conditions)


def _changes(number: int, situation: Situation) -> bool:
    """Tell whether an instruction is a copy of the context or declares what differs in every build."""
    one, link = situation.instruction(number), situation.link_of(number)
    is_copy = one.keyword in {"COPY", "ADD"} and link is not None and bool(link.inputs)
    return is_copy or (
        one.keyword == "ARG" and any(name.partition("=")[0] in situation.wish.volatile for name in one.values)
    )


def _proposal(link: Link, over: int, conditions: tuple[Condition, ...], *, situation: Situation) -> Proposal:
    one, other = situation.instruction(link.instruction), situation.instruction(over)
    kind = "RUN" if link.run is None or link.run.kind is RunKind.OTHER else link.run.kind.value
    title = f"Move the {kind} of line {one.start_line} above {other.keyword} in line {other.start_line}."
    text = move_before(situation.dockerfile, link.instruction, over)
    checks = dict.fromkeys((*file_conditions(situation, link.stage), *conditions))
    return Proposal(RULE, title, one.start_line, text, tuple(checks))
