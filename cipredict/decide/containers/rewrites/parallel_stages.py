"""Parts of a stage side by side: reported with what they would save, since nobody knows what a RUN writes.

::

    COPY docs docs       part 1            FROM shared AS part-1
    RUN make docs
    COPY web web         part 2            FROM shared AS part-2
    RUN make web
    COPY server server   what remains      FROM shared, and what the parts wrote
    RUN make server
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cipredict.decide.containers.rewrites.conditions import SETTINGS
from cipredict.decide.containers.rewrites.interface import Proposal, Situation, violated
from cipredict.dockerfile.edits import block_span, line_end
from cipredict.dockerfile.shell_words import referenced_names
from cipredict.dockerfile.stages import Stage, stage_references

RULE = "parallel-stages"
Span = tuple[int, int]


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose it for each stage whose RUNs each stand below copies of their own."""
    if any(name.isdigit() for one in situation.dockerfile.instructions for name in stage_references(one)):
        return
    for stage in situation.stages.order(situation.target):
        parts = _parts(stage, situation)
        if len(parts) > 1 and not _has_volatile(stage.first, parts[0][0], situation):
            yield _side_by_side(stage, parts, situation)


def _parts(stage: Stage, situation: Situation) -> list[Span]:
    """Find runs of copies with the RUNs below them; first and last instruction of each."""
    parts: list[Span] = []
    start, has_run = -1, False
    for number in range(stage.first + 1, stage.last + 1):
        one, link = situation.instruction(number), situation.link_of(number)
        if link is not None and link.selections() and one.keyword in {"COPY", "ADD"}:
            if has_run:
                parts.append((start, number - 1))
                start, has_run = -1, False
            start = number if start < 0 else start
        elif one.keyword == "RUN" and start >= 0:
            has_run = True
        elif start >= 0 and one.keyword not in SETTINGS | {"ARG"}:
            break
    if has_run:
        parts.append((start, stage.last))
    return parts


def _has_volatile(first: int, last: int, situation: Situation) -> bool:
    instructions = situation.dockerfile.instructions[first:last]
    declared = {word.partition("=")[0] for one in instructions if one.keyword == "ARG" for word in one.values}
    return bool(declared & situation.wish.volatile) or any(
        referenced_names(one.text) & situation.wish.volatile for one in instructions
    )


def _side_by_side(stage: Stage, parts: list[Span], situation: Situation) -> Proposal:
    first = situation.instruction(parts[0][0]).start_line
    name = stage.name or stage.index
    title = f"Build the {len(parts)} parts of stage '{name}' from line {first} on in stages of their own."
    conditions = tuple(
        violated(f"it is known what line {one.start_line} reads and writes")
        for start, end in parts
        for one in situation.dockerfile.instructions[start : end + 1]
        if one.keyword == "RUN"
    )
    return Proposal(RULE, title, first, _text(stage, parts, situation), conditions, advice_only=True)


def _text(stage: Stage, parts: list[Span], situation: Situation) -> str:
    """Write what the replay needs: every part copied back as a whole."""
    dockerfile, newline = situation.dockerfile, line_end(situation.dockerfile.text)
    head = situation.instruction(stage.first)
    name = stage.name or f"stage-{stage.index}"
    shared = f"{name}-shared"
    from_line = re.sub(r"\s+AS\s+\S+\s*\Z", "", dockerfile.text[head.start : head.end].rstrip(), flags=re.IGNORECASE)
    starts = [block_span(dockerfile, start)[0] for start, _ in parts]
    pieces = [dockerfile.text[: head.start], f"{from_line} AS {shared}{newline}", dockerfile.text[head.end : starts[0]]]
    for number, (start, end) in enumerate(pairwise(starts)):
        pieces.append(f"FROM {shared} AS {name}-part-{number}{newline}{dockerfile.text[start:end]}")
    pieces.append(f"FROM {shared} AS {name}{newline}")
    pieces += [f"COPY --from={name}-part-{number} / /{newline}" for number in range(len(parts) - 1)]
    return "".join([*pieces, dockerfile.text[starts[-1] :]])
