"""Rule 7: downloads stay in a cache mount, where the builder keeps those from build to build."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.rewrites.conditions import file_conditions
from cipredict.decide.containers.rewrites.installers import split_script
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, assumed, proved, violated
from cipredict.dockerfile.edits import Edit, apply_edits
from cipredict.dockerfile.parser import Instruction

RULE = "cache-mount"
_CACHES = (
    (re.compile(r"\bpip3?\s+(?:install|wheel)\b"), "/root/.cache/pip", "--no-cache-dir"),
    (re.compile(r"\buv\s+(?:sync|pip)\b"), "/root/.cache/uv", "--no-cache"),
    (re.compile(r"\bnpm\s+(?:ci|i|install)\b"), "/root/.npm", "--cache"),
    (re.compile(r"\bgo\s+mod\s+download\b"), "/go/pkg/mod/cache/download", "-modcacherw"),
    (re.compile(r"\bcargo\s+(?:fetch|build)\b"), "/usr/local/cargo/registry", "--offline"),
)
_APT = re.compile(r"\bapt(?:-get)?\b.*\binstall\b")


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose a mount for each download that has none."""
    for link in situation.links:
        if link.keyword == "RUN" and not situation.instruction(link.instruction).flag_values("mount"):
            yield from _mounted(link, situation)


def _mounted(link: Link, situation: Situation) -> Iterator[Proposal]:
    one = situation.instruction(link.instruction)
    text = "\n".join(one.values)
    found = next(((place, off) for pattern, place, off in _CACHES if pattern.search(text)), None)
    if found is not None:
        place, off = found
        title = f"Keep the downloads of line {one.start_line} in a cache mount ({place})."
        conditions = [*file_conditions(situation, link.stage), *_conditions(link, place, off, situation=situation)]
        after = _with_flag(one, f"--mount=type=cache,target={place}", situation.dockerfile.text)
        yield Proposal(RULE, title, one.start_line, after, tuple(dict.fromkeys(conditions)))
    elif _APT.search(text):
        title = f"Keep apt's downloads of line {one.start_line} in a cache mount."
        doubt = violated("docker-clean is removed and the mount is locked, which only people should decide")
        yield Proposal(RULE, title, one.start_line, situation.dockerfile.text, (doubt,))


def _with_flag(one: Instruction, flag: str, text: str) -> str:
    at = one.start + len(text[one.start :]) - len(text[one.start :].lstrip()) + len(one.keyword)
    return apply_edits(text, [Edit(at, at, f" {flag}")])


def _conditions(link: Link, place: str, off: str, *, situation: Situation) -> Iterator[Condition]:
    text = "\n".join(situation.instruction(link.instruction).values)
    if situation.keeps_mounts:
        yield proved("the builder keeps cache mounts (you said so)")
    else:
        yield violated("the builder keeps cache mounts: no cache export holds them, and a fresh runner starts without")
    if split_script(text) is None:
        yield violated("the command is a plain one")
    if off in text:
        yield violated(f"the command uses its cache ('{off}' turns it off)")
    before = _stage_instructions(link, situation)
    users = [one for one in before if one.keyword == "USER" and one.values != ("root",)]
    if users:
        yield violated(f"root runs it (USER in line {users[-1].start_line})")
    else:
        yield assumed("the base image's user is root and its tools keep their default folders")
    if any(place in value for one in before for value in one.values):
        yield violated(f"nothing else reads {place}")


def _stage_instructions(link: Link, situation: Situation) -> tuple[Instruction, ...]:
    first = situation.stages.stages[link.stage].first
    return situation.dockerfile.instructions[first : link.instruction]
