"""What a rule sees and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cipredict.decide.containers.layers import BuildWish, Link, read_links
from cipredict.dockerfile.context import Context
from cipredict.dockerfile.ignore import IgnoreFile
from cipredict.dockerfile.parser import Dockerfile, DockerfileError, Instruction, parse_dockerfile
from cipredict.dockerfile.stages import Stage, Stages, read_stages


class Standing(StrEnum):
    """How a condition stands. One that is violated or doubtful forbids the rewrite."""

    PROVED = "proved"
    ASSUMED = "assumed"
    VIOLATED = "violated"


class Condition(NamedTuple):
    """Something that must hold for a rewrite to change nothing but speed."""

    text: str
    standing: Standing


def proved(text: str) -> Condition:
    """Give a condition that was checked."""
    return Condition(text, Standing.PROVED)


def assumed(text: str) -> Condition:
    """Give a condition that nothing here can check and hardly anything breaks."""
    return Condition(text, Standing.ASSUMED)


def violated(text: str) -> Condition:
    """Give a condition that does not hold, or cannot be shown where it often does not."""
    return Condition(text, Standing.VIOLATED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rewrite.

    Attributes
    ----------
    rule : its name in options and reports
    title : what it does, for people
    line : of the instruction in the file it was proposed for
    text : of the whole Dockerfile afterwards
    ignore : patterns to add to `.dockerignore`
    advice_only : never applied, whatever its conditions
    """

    rule: str
    title: str
    line: int
    text: str
    conditions: tuple[Condition, ...]
    ignore: tuple[str, ...] = ()
    advice_only: bool = False

    @property
    def is_safe(self) -> bool:
        """Tell whether it may be applied."""
        return not self.advice_only and all(one.standing is not Standing.VIOLATED for one in self.conditions)


@dataclass(frozen=True, slots=True)
class Situation:
    """A Dockerfile in its context, read as far as rules need it.

    Attributes
    ----------
    keeps_mounts : the builder's cache mounts last from build to build
    others : Dockerfiles in the context that share its ignore file
    """

    dockerfile: Dockerfile
    stages: Stages
    target: Stage
    links: tuple[Link, ...]
    wish: BuildWish
    context: Context
    ignore: IgnoreFile
    keeps_mounts: bool = False
    is_modern: bool = False
    others: tuple[str, ...] = ()

    def instruction(self, number: int) -> Instruction:
        """Give an instruction by number."""
        return self.dockerfile.instructions[number]

    def link_of(self, number: int) -> Link | None:
        """Give the link of an instruction, if the target needs it."""
        return next((link for link in self.links if link.instruction == number), None)

    def visible_files(self) -> list[str]:
        """Give the files that the builder gets."""
        return self.context.visible(self.ignore)

    def with_text(self, text: str, ignore: IgnoreFile) -> Situation:
        """Read a rewritten text in the same surroundings."""
        return read_situation(
            text,
            self.wish,
            context=self.context,
            ignore=ignore,
            keeps_mounts=self.keeps_mounts,
            is_modern=self.is_modern,
            others=self.others,
        )


def read_situation(
    text: str,
    wish: BuildWish,
    *,
    context: Context,
    ignore: IgnoreFile,
    keeps_mounts: bool = False,
    is_modern: bool = False,
    others: tuple[str, ...] = (),
) -> Situation:
    """Read a Dockerfile for its rules.

    Raises
    ------
    DockerfileError
        It cannot be read, lacks a stage, or the target is none of its stages.
    """
    dockerfile = parse_dockerfile(text, is_modern=is_modern)
    stages = read_stages(dockerfile, build_args=wish.args, contexts=wish.contexts)
    target = find_target(stages, wish)
    links = read_links(dockerfile, stages, target, wish=wish)
    return Situation(dockerfile, stages, target, links, wish, context, ignore, keeps_mounts, is_modern, others)


def find_target(stages: Stages, wish: BuildWish) -> Stage:
    """Give the stage to build: the last one, unless another is wanted.

    Raises
    ------
    DockerfileError
        There is no such stage.
    """
    if not wish.target:
        return stages.stages[-1]
    found = stages.find(wish.target)
    if found is None:
        known = ", ".join(one.name or str(one.index) for one in stages.stages)
        raise DockerfileError(f"there is no stage '{wish.target}' to build; its stages are {known}", 1)
    return found


Rule = Callable[[Situation], Iterator[Proposal]]
