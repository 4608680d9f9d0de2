"""A single stage that compiles, and ships its compiler: reported with what a runtime stage would leave behind.

Never written. What a program opens, starts and looks up while it runs (templates, certificates, time zones, users,
other programs) stands in no Dockerfile, so that no condition short of running it proves a smaller image to be the same.
What can be checked is checked, so that people know what is left to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.rewrites.conditions import SETTINGS, file_conditions
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, proved, violated
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.stages import Stage

RULE = "multi-stage"


class _Family(NamedTuple):
    """A compiler: whose images bring it along, what calls it, and what it makes, as far as the command says."""

    name: str
    image: re.Pattern[str]
    command: re.Pattern[str]
    artefact: re.Pattern[str]
    is_static: re.Pattern[str] | None = None


def _family(name: str, image: str, command: str, artefact: str, is_static: str = "") -> _Family:  # noqa: PLR0917  # a row of a table
    static = re.compile(is_static) if is_static else None
    return _Family(name, re.compile(image), re.compile(command), re.compile(artefact), static)


_FAMILIES = (
    _family("Go", r"(?:^|/)golang(?:[:@]|$)", r"\bgo\s+build\b", r"\s-o[\s=]*(\S+)", r"\bCGO_ENABLED[= ]['\"]?0"),
    _family("Rust", r"(?:^|/)rust(?:[:@]|$)", r"\bcargo\s+build\b", r"(?!)", r"-linux-musl\b"),
    _family("Java", r"(?:^|/)(?:maven|gradle)(?:[:@]|$)", r"\b(?:mvnw?|gradlew?)\b", r"(?!)"),
    _family(".NET", r"/dotnet/sdk(?:[:@]|$)", r"\bdotnet\s+publish\b", r"\s-(?:o|-output)\s+(\S+)"),
)
_RUNTIME = SETTINGS | {"ENV", "ARG", "WORKDIR", "USER", "VOLUME"}


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose it for a target that is the only stage, by its last call of a compiler that the base image brings."""
    stage = situation.target
    if len(situation.stages.stages) != 1:
        return
    for family in _FAMILIES:
        calls = [link for link in situation.links if _calls(link, family, situation)]
        if family.image.search(stage.base) and calls:
            yield _proposal(calls[-1], family, stage, situation=situation)


def _calls(link: Link, family: _Family, situation: Situation) -> bool:
    return link.keyword == "RUN" and family.command.search(situation.instruction(link.instruction).text) is not None


def _proposal(run: Link, family: _Family, stage: Stage, *, situation: Situation) -> Proposal:
    one = situation.instruction(run.instruction)
    matches = [selection.matcher() for link in situation.links for selection in link.selections()]
    copied = [path for path in situation.visible_files() if any(match(path) for match in matches)]
    size = sum(situation.context.files[path].size_bytes for path in copied)
    title = (
        f"Ship what line {one.start_line} builds from a stage of its own, without {stage.base} "
        f"and the {len(copied)} files ({size / 1000:.0f} kB) that are copied to build it."
    )
    conditions = [*file_conditions(situation, stage.index), *_conditions(run, family, stage, situation=situation)]
    text = situation.dockerfile.text
    return Proposal(RULE, title, one.start_line, text, tuple(dict.fromkeys(conditions)), advice_only=True)


def _conditions(run: Link, family: _Family, stage: Stage, *, situation: Situation) -> Iterator[Condition]:
    instructions = situation.dockerfile.instructions[stage.first : stage.last + 1]
    build = situation.instruction(run.instruction)
    found = family.artefact.search(build.text)
    artefact = found[1].strip("'\"") if found else ""
    yield _checked("the command says where its result goes", holds=bool(artefact))
    if family.is_static is not None:
        above = situation.dockerfile.instructions[stage.first : run.instruction + 1]
        is_static = any(family.is_static.search(one.text) for one in above if one.keyword in {"RUN", "ENV"})
        yield _checked("the result is static", holds=is_static)
    below = situation.dockerfile.instructions[run.instruction + 1 : stage.last + 1]
    other = next((one for one in below if one.keyword not in _RUNTIME), None)
    yield _checked(f"nothing is made below it{_at(other)}", holds=other is None)
    yield from _starts(instructions, artefact)
    yield from _needs(instructions)
    yield violated(
        "the program opens no file, starts no program and needs no certificate of today's image: run it to see"
    )


def _starts(instructions: tuple[Instruction, ...], artefact: str) -> Iterator[Condition]:
    """Say whether the container starts the result itself, in a form that needs no shell."""
    starts = [one for keyword in ("CMD", "ENTRYPOINT") for one in instructions if one.keyword == keyword][-1:]
    holds = bool(starts and artefact) and starts[0].is_json and starts[0].values[:1] == (artefact,)
    yield _checked(f"the container starts it, and no shell{_at(starts[0] if starts else None)}", holds=holds)


def _needs(instructions: tuple[Instruction, ...]) -> Iterator[Condition]:
    """Say what settings need of the image besides the result."""
    for one in instructions:
        if one.keyword == "USER" and not re.fullmatch(r"\d+(?::\d+)?", " ".join(one.values)):
            yield violated(f"the runtime image has the user '{' '.join(one.values)}' (line {one.start_line})")
        if one.keyword == "HEALTHCHECK" and one.values[:1] != ("NONE",):
            yield violated(f"the runtime image has what HEALTHCHECK calls (line {one.start_line})")


def _checked(text: str, *, holds: bool) -> Condition:
    return proved(text) if holds else violated(text)


def _at(one: Instruction | None) -> str:
    return f" (line {one.start_line})" if one is not None else ""
