"""Reading a shard plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import MadeFrom, read_plan
from cipredict.plans.shard_plan import SCHEMA, Floor, Shard, ShardPlan, Strategy, verify_plan

_Value = TypeVar("_Value")
_NOTHING: dict[object, object] = {}


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
    plan = _parse_plan(_Fields(document, problems, ""))
    if not problems:
        try:
            verify_plan(plan, plan.basis)
        except CipredictError as error:
            problems.append(error.message)
    if problems:
        raise InputError(f"{where} is not a whole shard plan: {'; '.join(problems)}.", slug="plan-unreadable")
    return plan


class _Fields:
    """A JSON object whose fields are taken by kind; what is wrong is noted, and a default stands in."""

    def __init__(self, value: object, problems: list[str], path: str) -> None:
        self._value: Mapping[object, object] = value if isinstance(value, dict) else {}
        self._problems = problems
        self._path = path

    def _take(self, key: str, convert: Callable[[object], _Value], default: _Value) -> _Value:
        try:
            return convert(self._value[key])
        except (KeyError, TypeError, ValueError):
            self._problems.append(f"'{self._path}{key}' is missing or of the wrong kind")
            return default

    def text(self, key: str) -> str:
        return self._take(key, _text, "")

    def texts(self, key: str) -> tuple[str, ...]:
        return self._take(key, lambda value: tuple(_text(one) for one in _list(value)), ())

    def text_by_text(self, key: str) -> dict[str, str]:
        nothing: dict[str, str] = {}
        return self._take(key, lambda value: {_text(a): _text(b) for a, b in _object(value).items()}, nothing)

    def number(self, key: str) -> float:
        return self._take(key, _number, 0.0)

    def number_or_none(self, key: str) -> float | None:
        return self._take(key, lambda value: None if value is None else _number(value), None)

    def count(self, key: str) -> int:
        return self._take(key, _count, 0)

    def count_or_none(self, key: str) -> int | None:
        return self._take(key, lambda value: None if value is None else _count(value), None)

    def text_or_none(self, key: str) -> str | None:
        return self._take(key, lambda value: None if value is None else _text(value), None)

    def truth(self, key: str) -> bool:
        return self._take(key, _truth, False)  # noqa: FBT003  # the default of a failed field, like the others

    def strategy(self, key: str) -> Strategy:
        return self._take(key, lambda value: Strategy(_text(value)), Strategy.ROUND_ROBIN)

    def inner(self, key: str) -> _Fields:
        return _Fields(self._take(key, _object, _NOTHING), self._problems, f"{self._path}{key}.")

    def inner_or_none(self, key: str) -> _Fields | None:
        return None if self._value.get(key, ...) is None else self.inner(key)

    def inner_list(self, key: str) -> list[_Fields]:
        nothing: list[dict[object, object]] = []
        members = self._take(key, lambda value: [_object(one) for one in _list(value)], nothing)
        return [_Fields(one, self._problems, f"{self._path}{key}[{at}].") for at, one in enumerate(members)]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _object(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _parse_plan(fields: _Fields) -> ShardPlan:
    floor = fields.inner_or_none("floor")
    shards = tuple(_parse_shard(one) for one in fields.inner_list("shards"))
    most = fields.text("basis_of_others")
    basis = dict.fromkeys(sorted(case for shard in shards for case in shard.tests), most)
    return ShardPlan(
        strategy=fields.strategy("strategy"),
        shards=shards,
        made_from=_parse_made_from(fields.inner("made_from")),
        overhead_s=fields.number("overhead_s"),
        makespan_s=fields.number_or_none("makespan_s"),
        lower_bound_s=fields.number_or_none("lower_bound_s"),
        efficiency=fields.number_or_none("efficiency"),
        floor=_parse_floor(floor) if floor else None,
        target_s=fields.number_or_none("target_s"),
        basis=basis | fields.text_by_text("basis"),
        fallback=fields.truth("fallback"),
        fallback_reason=fields.text("fallback_reason"),
        reasons=fields.texts("reasons"),
    )


def _parse_shard(fields: _Fields) -> Shard:
    return Shard(
        shard_id=fields.count("shard_id"),
        tests=fields.texts("tests"),
        worker=fields.text("worker"),
        estimated_time=fields.number_or_none("estimated_time"),
        low_s=fields.number_or_none("low_s"),
        high_s=fields.number_or_none("high_s"),
        parallelism=fields.count("parallelism"),
        peak_memory_bytes=fields.count_or_none("peak_memory_bytes"),
    )


def _parse_floor(fields: _Fields) -> Floor:
    return Floor(
        name=fields.text("name"),
        cases=fields.count("cases"),
        seconds=fields.number("seconds"),
        is_binding=fields.truth("is_binding"),
    )


def _parse_made_from(fields: _Fields) -> MadeFrom:
    return MadeFrom(
        version=fields.text("version"),
        forecast=fields.text_or_none("forecast"),
        model=fields.text_or_none("model"),
        commit=fields.text("commit"),
        settings=fields.text("settings"),
    )
