"""The search for a faster Dockerfile: apply the safe rewrite that saves most by replay, and look again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cipredict.decide.containers.replay import HistoryTokens, Replay, replay
from cipredict.decide.containers.rewrites.cache_mounts import RULE as CACHE_MOUNT
from cipredict.decide.containers.rewrites.interface import Proposal, Situation
from cipredict.decide.containers.rewrites.rules import RULES
from cipredict.decide.containers.rewrites.rust_dependencies import RULE as RUST
from cipredict.dockerfile.parser import DockerfileError, Instruction

MOST_REWRITES = 30
LEAST_SAVED_S = 0.2
LEAST_SAVED_SHARE = 0.05
"""Per build, and of all seconds. For less, where no RUN is saved, nobody should have to read a changed Dockerfile."""


class Applied(NamedTuple):
    """A rewrite that was applied, and the replays without and with it."""

    proposal: Proposal
    before: Replay
    after: Replay


class Refused(NamedTuple):
    """A rewrite that was not applied, and what it would have brought; no replay where that is not known."""

    proposal: Proposal
    after: Replay | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the search found: the last situation holds the text and the ignore rules."""

    start: Situation
    end: Situation
    applied: tuple[Applied, ...]
    refused: tuple[Refused, ...]
    before: Replay
    after: Replay

    @property
    def speedup(self) -> float:
        """Give the seconds before divided by those after; 1 where nothing changed."""
        return self.before.seconds / self.after.seconds if self.after.seconds else 1.0

    def added_patterns(self) -> tuple[str, ...]:
        """Give what is to be added to the ignore file."""
        return self.end.ignore.patterns[len(self.start.ignore.patterns) :]


@dataclass(frozen=True, slots=True)
class Judge:
    """Replays situations over one history.

    Attributes
    ----------
    measured_s, estimated_s : seconds by the text of an instruction: of a build's log, of the steps of many builds
    scale : what assumed seconds of RUNs are multiplied with
    """

    tokens: HistoryTokens
    measured_s: Mapping[str, float]
    estimated_s: Mapping[str, float] = field(default_factory=dict)
    scale: float = 1.0

    def replay(self, situation: Situation) -> Replay:
        """Build every commit with a Dockerfile."""
        return replay(situation.links, self.tokens, situation.ignore, seconds=self.seconds(situation))

    def seconds(self, situation: Situation) -> dict[int, float]:
        """Give the seconds by number of instruction, where they are not simply assumed."""
        if not self.measured_s and not self.estimated_s and self.scale == 1.0:
            return {}
        known = {**self.estimated_s, **self.measured_s}
        scaled = {link.instruction: link.assumed_s * self.scale for link in situation.links if link.run is not None}
        texts = {number: normal_text(one.text) for number, one in enumerate(situation.dockerfile.instructions)}
        return scaled | {number: known[text] for number, text in texts.items() if text in known}

    def basis(self, one: Instruction) -> str:
        """Say where the seconds of an instruction come from."""
        name = normal_text(one.text)
        if name in self.measured_s:
            return "measured"
        if name in self.estimated_s:
            return "estimated"
        return "scaled" if self.scale != 1.0 and one.keyword == "RUN" else "assumed"


def normal_text(text: str) -> str:
    """Give an instruction's text with single spaces, as builders print it."""
    return " ".join(text.split())


def optimize(start: Situation, judge: Judge) -> Outcome:
    """Rewrite until nothing that is safe saves anything, two rewrites together included."""
    situation, before = start, judge.replay(start)
    now = before
    applied: list[Applied] = []
    while len(applied) < MOST_REWRITES and (steps := _best(situation, now, judge)):
        for step in steps:
            applied.append(Applied(step.proposal, now, step.after))
            situation, now = step.situation, step.after
    return Outcome(start, situation, tuple(applied), tuple(_refused(situation, now, judge)), before, now)


def proposals(situation: Situation) -> Iterator[Proposal]:
    """Give what all rules propose."""
    for rule in RULES.values():
        yield from rule(situation)


class _Step(NamedTuple):
    """A safe rewrite, what it gives, and the replay of that."""

    proposal: Proposal
    situation: Situation
    after: Replay


def _best(situation: Situation, now: Replay, judge: Judge) -> list[_Step]:
    """Give the rewrite that saves most, or the two that do so together where none does alone; nothing at the end."""
    if not now.builds:
        return []
    steps = list(_steps(situation, judge))
    mounts = [step for step in steps if step.proposal.rule == CACHE_MOUNT]  # it saves inside a layer, unseen by replays
    saving = [step for step in steps if _saves(now, step.after, step.proposal)]
    if mounts or saving:
        return mounts[:1] or [min(saving, key=lambda step: _rank(step.after))]
    free = [step for step in steps if _costs_nothing(now, step.after)]
    pairs = [
        [step, then]
        for step in free
        for then in _steps(step.situation, judge)
        if _saves(now, then.after, then.proposal)
    ]
    return min(pairs, key=lambda pair: _rank(pair[-1].after), default=[])


def _steps(situation: Situation, judge: Judge) -> Iterator[_Step]:
    for proposal in proposals(situation):
        rewritten = result_of(proposal, situation) if proposal.is_safe else None
        if rewritten is not None:
            yield _Step(proposal, rewritten, judge.replay(rewritten))


def result_of(proposal: Proposal, situation: Situation) -> Situation | None:
    """Read what a rewrite would give; nothing where it could not be read."""
    try:
        return situation.with_text(proposal.text, situation.ignore.adding(proposal.ignore))
    except DockerfileError:
        return None


def _saves(now: Replay, after: Replay, proposal: Proposal) -> bool:
    """Tell whether a rewrite saves RUNs or seconds worth reading about, and costs neither."""
    if not _costs_nothing(now, after):
        return False
    share = 0.0 if proposal.ignore else LEAST_SAVED_SHARE  # an ignore file also keeps the context small
    least_s = max(LEAST_SAVED_S * max(1, now.builds), share * now.seconds)
    return after.run_rebuilds < now.run_rebuilds or now.seconds - after.seconds >= least_s


def _costs_nothing(now: Replay, after: Replay) -> bool:
    return after.seconds <= now.seconds and after.run_rebuilds <= now.run_rebuilds


def _rank(after: Replay) -> tuple[float, int, int]:
    return (after.seconds, after.run_rebuilds, after.layer_rebuilds)


def _refused(situation: Situation, now: Replay, judge: Judge) -> Iterator[Refused]:
    """Give what was left undone: unsafe where it would save something, and Cargo's layer with its figures."""
    for proposal in proposals(situation):
        if proposal.is_safe:
            continue
        rewritten = result_of(proposal, situation)
        after = judge.replay(rewritten) if rewritten else None
        would_save = after is not None and _saves(now, after, proposal)
        if (
            would_save
            or (proposal.advice_only and proposal.rule == RUST)
            or (proposal.text == situation.dockerfile.text and not proposal.ignore)
        ):
            yield Refused(proposal, after)
