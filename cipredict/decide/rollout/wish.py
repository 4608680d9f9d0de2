"""What a project says about its deployments, checked once, with every problem listed.

The short form is the brief's: `{"strategy": "blue_green", "health_check": "api/health", "rollback_threshold": 5,
"canary_percentage": 10}`; `[tool.cipredict.deploy.<environment>]` has the same keys and more. Percentages are what
people write here; inside they are shares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cipredict.decide.rollout.freeze import Freeze, parse_freeze
from cipredict.decide.rollout.strategy import canary_shares, plan_steps
from cipredict.errors import SettingsError
from cipredict.plans.rollout import HealthCheck, Limits, Rollout, Strategy, WhenInconclusive

Value = TypeVar("Value")
TARGETS = ("haproxy", "nginx", "command")
_PORTS = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Wish:
    """How an environment is deployed, and when it is not."""

    rollout: Rollout
    freezes: tuple[Freeze, ...] = ()


def parse_wish(table: Mapping[str, object], *, where: str, environment: str = "production") -> Wish:
    """Check a table of settings; `where` names it in messages.

    Raises
    ------
    SettingsError
        With every problem: unknown keys, wrong kinds, shares outside 0 to 100.
    """
    reader = _Reader({key.replace("-", "_"): value for key, value in table.items()})
    strategy = reader.take("strategy", _strategy, Strategy.BLUE_GREEN)
    first = reader.take("canary_percentage", _share, 0.1)
    shares = reader.take("steps", _shares, canary_shares(first) if 0 < first < 1 else (1.0,))
    bake_s = reader.take("bake_s", _seconds, 10.0)
    servers = reader.take("servers", _count, 1)
    rollout = Rollout(
        environment=environment,
        target=reader.take("target", _choice(TARGETS), "haproxy"),
        strategy=strategy,
        steps=plan_steps(strategy, shares=shares, bake_s=bake_s, servers=servers),
        first_steps=plan_steps(strategy, shares=shares, bake_s=bake_s, servers=servers, is_first=True),
        servers=servers,
        command=reader.take("command", _words, ()),
        ports=reader.take("ports", _ports, ()),
        listen=reader.take("listen", _text, ""),
        health=_health(reader),
        warm_up_requests=reader.take("warm_up_requests", _number_of_things, 0),
        limits=Limits(
            error_share=reader.take("rollback_threshold", _share, 0.05),
            least_requests=reader.take("least_requests", _count, 100),
        ),
        watches_latency=reader.take("latency", _flag, default=True),
        drain_s=reader.take("drain_s", _seconds, 30.0),
        when_inconclusive=reader.take("when_inconclusive", _when_inconclusive, WhenInconclusive.ROLLBACK),
        longest_wait_s=reader.take("longest_wait_s", _seconds, 300.0),
        needs_approval=reader.take("approval", _flag, default=False),
        approvers=reader.take("approvers", _names, ()),
        approval_s=reader.take("approval_s", _seconds, 3600.0),
        keep_releases=reader.take("keep_releases", _count, 5),
        scripts=reader.take("scripts", _scripts, {}),
    )
    wish = Wish(rollout, reader.take("freeze", _freezes, ()))
    reader.refuse(where)
    return wish


class _Reader:
    """Takes keys out of a table and collects what is wrong with them."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._left = dict(table)
        self._problems: list[str] = []

    def take(self, key: str, parse: Callable[[object], Value], default: Value) -> Value:
        if key not in self._left:
            return default
        value = self._left.pop(key)
        try:
            return parse(value)
        except (ValueError, TypeError) as error:
            self._problems.append(f"{key} = {value!r}: {error}")
            return default

    def refuse(self, where: str) -> None:
        problems = [*self._problems, *(f"{key}: unknown key" for key in self._left)]
        if problems:
            raise SettingsError(f"{where}: {'; '.join(problems)}.", slug="deploy-settings")


def _health(reader: _Reader) -> HealthCheck:
    return HealthCheck(
        path=reader.take("health_check", _path, ""),
        command=reader.take("health_command", _words, ()),
        interval_s=reader.take("health_interval_s", _seconds, 0.2),
        timeout_s=reader.take("health_timeout_s", _seconds, 2.0),
        successes=reader.take("health_successes", _count, 2),
        failures=reader.take("health_failures", _count, 3),
        start_period_s=reader.take("start_period_s", _seconds, 30.0),
    )


def _strategy(value: object) -> Strategy:
    return Strategy(_choice(tuple(Strategy))(value))


def _when_inconclusive(value: object) -> WhenInconclusive:
    return WhenInconclusive(_choice(tuple(WhenInconclusive))(value))


def _choice(words: tuple[str, ...]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"is none of {', '.join(words)}")
        return str(value)

    return parse


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("is no number")
    return float(value)


def _share(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 100:
        raise ValueError("a percentage lies between 0 and 100")
    return number / 100


def _shares(value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise TypeError("write a list of percentages, such as [10, 50, 100]")
    shares = tuple(map(_share, value))
    if list(shares) != sorted(set(shares)) or not shares[0]:
        raise ValueError("the percentages must rise, from above 0")
    return shares if shares[-1] == 1 else (*shares, 1.0)


def _seconds(value: object) -> float:
    number = _number(value)
    if not 0 <= number < float("inf"):
        raise ValueError("seconds are 0 or more")
    return number


def _number_of_things(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("is no number of things")
    return value


def _count(value: object) -> int:
    number = _number_of_things(value)
    if not number:
        raise ValueError("must be 1 or more")
    return number


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("write true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("write a text")
    return value


def _path(value: object) -> str:
    return f"/{_text(value).lstrip('/')}"


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError("write a list of texts")
    return tuple(value)


def _words(value: object) -> tuple[str, ...]:
    words = _names(value)
    if not words:
        raise ValueError("names no program")
    return words


def _scripts(value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise TypeError("write a table of commands")
    return {name: _words(command) for name, command in value.items()}


def _ports(value: object) -> tuple[int, ...]:
    match = _PORTS.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('write a range, such as "9001-9008"')
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 < first <= last < 65536:
        raise ValueError("ports lie between 1 and 65535, the smaller one first")
    return tuple(range(first, last + 1))


def _freezes(value: object) -> tuple[Freeze, ...]:
    return tuple(map(parse_freeze, _names(value)))
