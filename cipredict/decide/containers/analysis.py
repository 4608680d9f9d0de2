"""What is known of each instruction of a build, and what is wrong with the order, ranked by seconds lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cipredict.decide.containers.layers import Link, LinkKey
from cipredict.decide.containers.optimize import Judge, proposals, result_of
from cipredict.decide.containers.replay import Replay
from cipredict.decide.containers.rewrites.interface import Proposal, Situation, Standing
from cipredict.plans.container_row import InstructionRow


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that could be better; `saved_s` per 100 commits by replay, None without history."""

    rule: str
    line: int
    message: str
    is_safe: bool
    reason: str
    saved_s: float | None
    saved_runs: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """A Dockerfile as a build sees it. `needs`: stage by stage, what it is built from and what it reads."""

    rows: tuple[InstructionRow, ...]
    findings: tuple[Finding, ...]
    needs: dict[str, tuple[str, ...]]
    replay: Replay


def analyze(situation: Situation, judge: Judge) -> Analysis:
    """Look at every instruction that the target needs."""
    replayed = judge.replay(situation)
    seconds = judge.seconds(situation)
    rows = tuple(
        _row(number, link, situation, judge, replayed, seconds)
        for number, link in enumerate(situation.links)
        if link.is_layer
    )
    findings = sorted(
        _findings(situation, judge, replayed), key=lambda one: (-(one.saved_s or 0.0), one.line, one.rule)
    )
    return Analysis(rows, tuple(findings), _needs(situation), replayed)


def _row(  # noqa: PLR0917  # everything that is known of one instruction
    number: int, link: Link, situation: Situation, judge: Judge, replayed: Replay, seconds: dict[int, float]
) -> InstructionRow:
    one = situation.instruction(link.instruction)
    matchers = _matchers(link)
    chosen = [path for path in situation.visible_files() if matchers and any(match(path) for match in matchers)]
    has_history = bool(replayed.builds)
    return InstructionRow(
        one.start_line,
        stage_name(situation, link.stage),
        link.keyword,
        one.text,
        tuple(_reads(link, situation)),
        len(chosen),
        sum(situation.context.files[path].size_bytes for path in chosen),
        seconds.get(link.instruction, link.assumed_s),
        judge.basis(one),
        replayed.per_100(_own_changes(link, situation, judge)) if has_history else None,
        replayed.per_100(replayed.rebuilt[number]) if has_history else None,
    )


def _matchers(link: Link) -> list:  # type: ignore[type-arg]  # of tests for paths
    return [one.matcher() for one in link.selections()]


def _own_changes(link: Link, situation: Situation, judge: Judge) -> int:
    """Count the commits that changed what an instruction reads itself, whatever stands above it."""
    if link.volatile and link.run is not None and _uses(link, situation):
        return len(judge.tokens.history.commits)
    series = [judge.tokens.series(one, situation.ignore) for one in _all_selections(link, situation)]
    trees = list(zip(*series, strict=True))
    return sum(old != new for old, new in pairwise(trees))


def _uses(link: Link, situation: Situation) -> bool:
    return link.run is not None and bool(set(link.volatile) & link.run.names) and bool(situation.wish.volatile)


def _all_selections(link: Link, situation: Situation) -> list:  # type: ignore[type-arg]  # of selections
    """Give the files of the context that an instruction reads, copies above it that it may read included."""
    found = dict.fromkeys(link.selections())
    if link.run is not None and not link.run.is_closed:
        parent = link.parent
        while parent >= 0:
            above = situation.links[parent]
            found |= dict.fromkeys(above.selections())
            parent = above.parent
    for key in (one for one in link.inputs if isinstance(one, LinkKey)):
        found |= dict.fromkeys(_all_selections(situation.links[key.link], situation))
    return list(found)


def _reads(link: Link, situation: Situation) -> Iterator[str]:
    for selection in link.selections():
        yield from selection.sources
    stages = {situation.links[one.link].stage for one in link.inputs if isinstance(one, LinkKey)}
    yield from (f"stage {stage_name(situation, index)}" for index in sorted(stages))
    yield from (f"${name}" for name in link.volatile)


def stage_name(situation: Situation, index: int) -> str:
    """Give the name of a stage, or its number."""
    return situation.stages.stages[index].name or str(index)


def _needs(situation: Situation) -> dict[str, tuple[str, ...]]:
    order = situation.stages.order(situation.target)
    return {
        stage_name(situation, one.index): tuple(
            dict.fromkeys([*([one.base] if one.base else []), *(stage_name(situation, needed) for needed in one.needs)])
        )
        for one in order
    }


def _findings(situation: Situation, judge: Judge, now: Replay) -> Iterator[Finding]:
    for proposal in proposals(situation):
        rewritten = result_of(proposal, situation) if now.builds else None
        after = judge.replay(rewritten) if rewritten else None
        saved_s = now.per_100(now.seconds - after.seconds) if after else None
        saved_runs = now.per_100(now.run_rebuilds - after.run_rebuilds) if after else None
        is_advice = proposal.advice_only and proposal.text == situation.dockerfile.text  # it saves no rebuild
        if saved_s is None or saved_s > 0 or is_advice:
            yield _finding(proposal, saved_s, saved_runs)


def _finding(proposal: Proposal, saved_s: float | None, saved_runs: float | None) -> Finding:
    doubt = next((one.text for one in proposal.conditions if one.standing is Standing.VIOLATED), "")
    reason = f"not shown: {doubt}" if doubt else ""
    return Finding(proposal.rule, proposal.line, proposal.title, proposal.is_safe, reason, saved_s, saved_runs)
