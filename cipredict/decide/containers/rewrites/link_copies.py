"""`COPY --link`: the layer survives changes of those before it. It may follow no link, and resets its folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cipredict.decide.containers.commands import SYSTEM_FOLDERS
from cipredict.decide.containers.layers import CacheRules, Link
from cipredict.decide.containers.paths import UNKNOWN_FOLDER, overlap
from cipredict.decide.containers.rewrites.conditions import file_conditions, no_links
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, assumed, proved, violated
from cipredict.dockerfile.edits import Edit, apply_edits

RULE = "link-copy"


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose it for copies of the stage that is built: elsewhere nobody keeps the layer."""
    for link in situation.links:
        one = situation.instruction(link.instruction)
        if link.keyword == "COPY" and link.stage == situation.target.index and one.flag("link") is None:
            at = one.start + re.match(r"\s*\S+", situation.dockerfile.text[one.start :]).end()  # type: ignore[union-attr]  # an instruction begins with a word
            text = apply_edits(situation.dockerfile.text, [Edit(at, at, " --link")])
            title = f"Give the copy of line {one.start_line} a layer of its own (--link)."
            yield Proposal(RULE, title, one.start_line, text, tuple(_conditions(link, situation)))


def _conditions(link: Link, situation: Situation) -> Iterator[Condition]:
    one = situation.instruction(link.instruction)
    yield from file_conditions(situation, link.stage)
    if situation.wish.rules is CacheRules.CHAIN:
        yield violated("the builder is BuildKit")
    owner = one.flag("chown") or ""
    if owner and not re.fullmatch(r"\d+(?::\d+)?", owner):
        yield violated(f"the owner is a number: --link cannot look up '{owner}'")
    if link.destination.startswith(UNKNOWN_FOLDER):
        yield violated("the destination is absolute")
    if any(overlap(link.destination, folder) for folder in SYSTEM_FOLDERS):
        yield violated(f"{link.destination} is no folder of the system, where base images have links")
    yield from no_links(link.destination, link.instruction, situation)
    if _is_made_before(link, situation):
        yield violated("the destination's folder has no owner or mode of its own, which --link would reset")
    else:
        yield proved("no instruction before gives the destination's folder an owner or mode")
        yield assumed("nobody relies on the modes that the base image gives to the destination's folders")


def _is_made_before(link: Link, situation: Situation) -> bool:
    first = situation.stages.stages[link.stage].first
    before = situation.dockerfile.instructions[first : link.instruction]
    return any(re.search(r"\b(?:mkdir|chown|chmod|install)\b", one.text) for one in before if one.keyword == "RUN")
