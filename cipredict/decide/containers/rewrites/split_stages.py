"""Rule 6: what a stage installs on top of another, which copies the context, is installed below those copies.

::

    FROM a AS app          FROM a AS app-base
    RUN prepare            RUN prepare
    COPY . /app            FROM app-base AS app
                           COPY . /app
    FROM app AS plus       FROM app-base AS plus
    RUN apk add chromium   RUN apk add chromium
                           COPY . /app

`app` stays what it was; `plus` gets the same files in another order of layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.rewrites.conditions import SETTINGS, crossing, file_conditions
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, Standing, proved, violated
from cipredict.dockerfile.edits import Edit, apply_edits, block_span, line_end
from cipredict.dockerfile.shell_words import referenced_names
from cipredict.dockerfile.stages import Stage, declared_args, stage_references

RULE = "split-stage"


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose it for the first RUN of each stage that is built from another one."""
    for link in situation.links:
        stage = situation.stages.stages[link.stage]
        if link.run is not None and link.run.is_closed and stage.base_stage is not None:
            above = range(stage.first + 1, link.instruction)
            if all(situation.instruction(number).keyword in SETTINGS for number in above):
                yield from _split(link, situation.stages.stages[stage.base_stage], situation)


def _split(run: Link, parent: Stage, situation: Situation) -> Iterator[Proposal]:
    conditions: list[Condition] = []
    cut: tuple[int, list[Condition]] | None = None
    blocked: list[Condition] | None = None
    for over in range(parent.last, parent.first, -1):
        met = list(crossing(run, over, situation))
        conditions += met
        if any(one.standing is Standing.VIOLATED for one in met):
            blocked = list(conditions)
            break
        link = situation.link_of(over)
        if link is not None and link.selections():
            cut = (over, list(conditions))
    if cut is not None:
        checks = [*file_conditions(situation, run.stage), *file_conditions(situation, parent.index)]
        checks += [*_separable(parent, cut[0], situation), *cut[1]]
        text = _text(run, parent, cut[0], situation=situation)
        yield Proposal(
            RULE,
            _title(run, parent, situation),
            situation.instruction(run.instruction).start_line,
            text,
            tuple(dict.fromkeys(checks)),
        )
    elif blocked is not None and any(link.selections() for link in situation.links if link.stage == parent.index):
        line = situation.instruction(run.instruction).start_line
        yield Proposal(
            RULE, _title(run, parent, situation), line, situation.dockerfile.text, tuple(dict.fromkeys(blocked))
        )


def _title(run: Link, parent: Stage, situation: Situation) -> str:
    line = situation.instruction(run.instruction).start_line
    return f"Install line {line} below the copies of stage '{parent.name or parent.index}', in a stage of its own."


def _separable(parent: Stage, cut: int, situation: Situation) -> Iterator[Condition]:
    """Say whether the stage that others are built from may be cut in two."""
    instructions = situation.dockerfile.instructions
    if not parent.name or situation.stages.find(f"{parent.name}-base"):
        yield violated("the stage has a name, and none is called so with -base")
    if any(name.isdigit() for one in instructions for name in stage_references(one)):
        yield violated("no stage is referred to by number")
    args = {name for one in instructions[parent.first + 1 : cut] for name, _ in declared_args(one)}
    used = [
        one
        for one in instructions[cut : parent.last + 1]
        if args & referenced_names(one.text) or (args and one.keyword == "RUN")
    ]
    if used:
        yield violated(f"no ARG is used on both sides of the cut (line {used[0].start_line})")
    else:
        yield proved("no ARG is used on both sides of the cut")
    if any(one.keyword == "ENTRYPOINT" for one in instructions[cut:]) and any(
        one.keyword == "CMD" for one in instructions[parent.first : cut]
    ):
        yield violated("no ENTRYPOINT takes away a CMD of the other side")


def _text(run: Link, parent: Stage, cut: int, *, situation: Situation) -> str:
    dockerfile = situation.dockerfile
    newline = line_end(dockerfile.text)
    own = situation.stages.stages[run.stage]
    cut_at = block_span(dockerfile, cut)[0]
    rest = dockerfile.text[cut_at : dockerfile.instructions[parent.last].end]
    rest = rest if rest.endswith("\n") else rest + newline
    name = parent.name
    after_run = dockerfile.instructions[run.instruction].end
    lead = "" if dockerfile.text[after_run - 1] == "\n" else newline
    edits = [
        _renamed(parent, situation, pattern=r"(\bAS\s+)\S+(\s*)\Z", new=rf"\g<1>{name}-base\g<2>"),
        Edit(cut_at, cut_at, f"{newline}FROM {name}-base AS {name}{newline}"),
        _renamed(own, situation, pattern=r"(\AFROM\s+(?:--\S+\s+)*)\S+", new=rf"\g<1>{name}-base"),
        Edit(after_run, after_run, lead + rest),
    ]
    return apply_edits(dockerfile.text, edits)


def _renamed(stage: Stage, situation: Situation, *, pattern: str, new: str) -> Edit:
    one = situation.instruction(stage.first)
    line = situation.dockerfile.text[one.start : one.end]
    return Edit(one.start, one.end, re.sub(pattern, new, line, count=1, flags=re.IGNORECASE))
