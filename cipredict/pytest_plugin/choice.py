"""Which of the collected ids run in this session, and in which order. Pure: ids in, ids out.

Two laws. Whatever the plans hold, the shards of one collection are disjoint and together run everything that is not
skipped by name. And what the plans do not know runs: skipping takes a plan that names the case.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

SELECTION_SCHEMA = "cipredict.selection-plan/1"
SHARD_SCHEMA = "cipredict.shard-plan/1"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards; `number` counts from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Read `I/N`.

    Raises
    ------
    ValueError
        Not two whole numbers, or not 1 <= I <= N.

    >>> parse_shard("1/4")
    Shard(number=1, count=4)
    """
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text, flags=re.ASCII)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if shard is None or not 1 <= shard.number <= shard.count:
        raise ValueError(f"must be I/N with 1 <= I <= N, such as 1/4, not {text!r}")
    return shard


@dataclass(frozen=True, slots=True)
class Selection:
    """What a selection plan asks for: ids to skip, and every known id's rank (0 runs first)."""

    plan_id: str
    skipped: frozenset[str]
    ranks: Mapping[str, int]
    is_fallback: bool


@dataclass(frozen=True, slots=True)
class Sharding:
    """What a shard plan asks for: the shard of every known id, counted from 1 (`shard_id` counts from 0).

    Attributes
    ----------
    gpu : shards whose machines have a GPU
    """

    plan_id: str
    shards: Mapping[str, int]
    count: int
    gpu: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that decides one session."""

    selection: Selection | None = None
    sharding: Sharding | None = None
    shard: Shard | None = None
    keeps_order: bool = field(default=True, kw_only=True)


def read_selection(document: Mapping[str, object]) -> Selection:
    """Take what the plugin needs from a selection plan.

    Only the exact word `skip` skips. A fallback, an order-only or an observing plan skips nothing.

    Raises
    ------
    ValueError
        The document is not built like a selection plan.
    """
    cases = [_object(case, "case") for case in _list(document, "cases")]
    is_fallback = bool(document.get("fallback"))
    runs_all = is_fallback or bool(document.get("observe")) or bool(document.get("order_only"))
    skipped = [] if runs_all else [_id(case.get("id")) for case in cases if case.get("decision") == "skip"]
    ranked = sorted(range(len(cases)), key=lambda i: _position(cases[i], otherwise=i))
    return Selection(
        plan_id=str(document.get("id", "?")),
        skipped=frozenset(skipped),
        ranks={_id(cases[i].get("id")): rank for rank, i in enumerate(ranked)},
        is_fallback=is_fallback,
    )


def read_sharding(document: Mapping[str, object]) -> Sharding:
    """Take what the plugin needs from a shard plan; its shards count from 1 in the order of the file.

    Raises
    ------
    ValueError
        The document is not built like a shard plan, or has no shard.
    """
    entries = [_object(shard, "shard") for shard in _list(document, "shards")]
    shards = [_list(shard, "tests") for shard in entries]
    if not shards:
        raise ValueError("'shards' is empty")
    return Sharding(
        plan_id=str(document.get("id", "?")),
        shards={_id(case): number for number, tests in enumerate(shards, start=1) for case in tests},
        count=len(shards),
        gpu=tuple(number for number, shard in enumerate(entries, start=1) if shard.get("needs_gpu") is True),
    )


def _list(document: Mapping[str, object], key: str) -> list[object]:
    value = document.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key!r} is not a list")  # noqa: TRY004  # a malformed file, not a wrong argument
    return value


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"a {what} is not an object")  # noqa: TRY004  # a malformed file, not a wrong argument
    return value


def _id(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an id is not a text")  # noqa: TRY004  # a malformed file, not a wrong argument
    return value


def _position(case: Mapping[str, object], *, otherwise: int) -> float:
    position = case.get("position")
    return position if isinstance(position, int | float) else otherwise


def choose(case_ids: Sequence[str], choice: Choice, *, needs_gpu: Container[str] = ()) -> frozenset[str]:
    """Give the ids that run here; an id that occurs twice is one case and stays in one piece.

    Of the cases that no plan knows, those of `needs_gpu` go to the shards that have one.
    """
    skipped = choice.selection.skipped if choice.selection else frozenset()
    candidates = sorted(set(case_ids) - skipped)
    shard = choice.shard
    if shard is None:
        return frozenset(candidates)
    if choice.sharding is None:
        return frozenset(_even_share(candidates, shard))
    sharding = choice.sharding
    everywhere = tuple(range(1, shard.count + 1))
    gpu = tuple(number for number in sharding.gpu if number <= shard.count) or everywhere
    return frozenset(
        case
        for case in candidates
        if _shard_of(case, sharding.shards, among=gpu if case in needs_gpu else everywhere, count=shard.count)
        == shard.number
    )


def _even_share(candidates: Sequence[str], shard: Shard) -> Sequence[str]:
    """Cut sorted ids into consecutive shares that differ by one id at most: a file's cases stay close together."""
    total = len(candidates)
    return candidates[(shard.number - 1) * total // shard.count : shard.number * total // shard.count]


def _shard_of(case_id: str, shards: Mapping[str, int], *, among: Sequence[int], count: int) -> int:
    """Give the shard that runs a case: the plan's, folded onto `count` jobs, or by hash for a case it does not know.

    Folding keeps the shards complete when the plan was made for another number of jobs.
    """
    known = shards.get(case_id)
    if known is not None:
        return (known - 1) % count + 1
    return among[int(hashlib.sha256(case_id.encode()).hexdigest(), 16) % len(among)]


def arrange(case_ids: Sequence[str], choice: Choice) -> list[int]:
    """Give the indexes of `case_ids` in the order to run: as collected, or as selected with unknown ids first.

    A new case has the best chance to fail, so it does not wait behind known ones. A shard plan has no order.
    """
    selection = choice.selection
    if choice.keeps_order or selection is None:
        return list(range(len(case_ids)))
    return sorted(range(len(case_ids)), key=lambda i: selection.ranks.get(case_ids[i], -1))


def describe(choice: Choice) -> str:
    """Name the plans and the shard in one line, for pytest's header."""
    parts = []
    if choice.selection:
        effect = "fallback, skips nothing" if choice.selection.is_fallback else f"skips {len(choice.selection.skipped)}"
        parts.append(f"selection plan {choice.selection.plan_id} ({effect} of {len(choice.selection.ranks)} cases)")
    if choice.sharding:
        parts.append(f"shard plan {choice.sharding.plan_id} ({choice.sharding.count} shards)")
    if choice.shard:
        parts.append(f"shard {choice.shard}")
    return ", ".join(parts) or "no plan"
