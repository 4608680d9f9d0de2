"""Reading a shard plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import read_plan
from cipredict.plans.fields import Fields, parse_made_from
from cipredict.plans.shard_plan import SCHEMA, CountPoint, Floor, Shard, ShardPlan, Strategy, verify_plan
from cipredict.plans.shard_queue import Batch


def read_shard_plan(path: Path) -> ShardPlan:
    """Read a plan file; raises InputError where it cannot be read or is not a whole shard plan."""
    return parse_shard_plan(read_plan(path, schemas=(SCHEMA,)), where=str(path))


def parse_shard_plan(document: Mapping[str, object], *, where: str = "The document") -> ShardPlan:
    """Build a plan from its document, and check it as it was checked before it was written.

    Raises
    ------
    InputError
        Naming every field that is missing or of the wrong kind, or the check that fails.
    """
    problems: list[str] = []
    plan = _parse_plan(Fields(document, problems, ""))
    if not problems:
        try:
            verify_plan(plan, plan.basis)
        except CipredictError as error:
            problems.append(error.message)
    if problems:
        raise InputError(f"{where} is not a whole shard plan: {'; '.join(problems)}.", slug="plan-unreadable")
    return plan


def _parse_plan(fields: Fields) -> ShardPlan:
    floor = fields.inner_or_none("floor")
    shards = tuple(_parse_shard(one) for one in fields.inner_list("shards"))
    most = fields.text("basis_of_others")
    basis = dict.fromkeys(sorted(case for shard in shards for case in shard.tests), most)
    return ShardPlan(
        strategy=fields.word("strategy", Strategy, Strategy.ROUND_ROBIN),
        shards=shards,
        made_from=parse_made_from(fields.inner("made_from")),
        overhead_s=fields.number("overhead_s"),
        makespan_s=fields.number_or_none("makespan_s"),
        lower_bound_s=fields.number_or_none("lower_bound_s"),
        efficiency=fields.number_or_none("efficiency"),
        floor=_parse_floor(floor) if floor else None,
        target_s=fields.number_or_none("target_s"),
        curve=tuple(_parse_point(one) for one in fields.inner_list("curve")),
        queue=tuple(_parse_batch(one) for one in fields.inner_list("queue")),
        basis=basis | fields.text_by_text("basis"),
        fallback=fields.truth("fallback"),
        fallback_reason=fields.text("fallback_reason"),
        gpu_tests=fields.texts("gpu_tests") if fields.has("gpu_tests") else (),
        gpu_fallback=fields.has("gpu_fallback") and fields.truth("gpu_fallback"),
        reasons=fields.texts("reasons"),
    )


def _parse_shard(fields: Fields) -> Shard:
    return Shard(
        shard_id=fields.count("shard_id"),
        tests=fields.texts("tests"),
        worker=fields.text("worker"),
        estimated_time=fields.number_or_none("estimated_time"),
        low_s=fields.number_or_none("low_s"),
        high_s=fields.number_or_none("high_s"),
        parallelism=fields.count("parallelism"),
        peak_memory_bytes=fields.count_or_none("peak_memory_bytes"),
        needs_gpu=fields.has("needs_gpu") and fields.truth("needs_gpu"),
        runner=fields.texts("runner") if fields.has("runner") else (),
    )


def _parse_point(fields: Fields) -> CountPoint:
    return CountPoint(fields.count("shards"), fields.number("wall_s"), fields.number("billed_s"))


def _parse_batch(fields: Fields) -> Batch:
    return Batch(
        fields.count_or_none("shard"),
        fields.texts("tests"),
        fields.number_or_none("expected_s"),
        fields.number_or_none("high_s"),
    )


def _parse_floor(fields: Fields) -> Floor:
    return Floor(
        name=fields.text("name"),
        cases=fields.count("cases"),
        seconds=fields.number("seconds"),
        is_binding=fields.truth("is_binding"),
        split_end_s=fields.number("split_end_s"),
    )
