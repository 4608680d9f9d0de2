"""Numbers that a Prometheus or a command of the project gives while a release is watched."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from cipredict.act.deployment.beside import Beside
from cipredict.act.deployment.interface import Server
from cipredict.plans.rollout import Metric, Reading

_MOST_BYTES = 1_000_000


class _NoValue(Exception):  # what is unknown is data: it becomes the problem of a reading
    pass


class Metrics:
    """Asks for every metric at its interval, beside the deployment."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._meters = tuple(map(_Meter, metrics))

    def look(self, canaries: Sequence[Server], baselines: Sequence[Server]) -> tuple[Reading, ...]:
        """Give the latest of every metric; never wait."""
        return tuple(meter.look(canaries, baselines) for meter in self._meters)


class _Pair(NamedTuple):
    canary: float | None
    baseline: float | None
    problem: str


class _Meter:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._reading = Reading(metric, problem="has not been read yet")
        self._servers: tuple[Sequence[Server], Sequence[Server]] = ((), ())
        self._asked = Beside(self._ask, every_s=metric.interval_s)

    def look(self, canaries: Sequence[Server], baselines: Sequence[Server]) -> Reading:
        self._servers = (canaries, baselines)
        pair = self._asked.take()
        if pair is not None:
            values = () if pair.canary is None else (*self._reading.values, pair.canary)[-self._metric.in_a_row :]
            self._reading = Reading(self._metric, values, pair.baseline, pair.problem)
        return self._reading

    def _ask(self) -> _Pair:
        canaries, baselines = self._servers
        try:
            value = read_metric(self._metric, canaries)
            needs_baseline = self._metric.ratio is not None and bool(baselines)
            return _Pair(value, read_metric(self._metric, baselines) if needs_baseline else None, "")
        except _NoValue as error:
            return _Pair(None, None, str(error))


def read_metric(metric: Metric, servers: Sequence[Server]) -> float:
    """Ask for the value of some servers of one role and release; raises _NoValue saying why there is none."""
    ports = " ".join(str(server.port) for server in servers)
    role, release = (servers[0].role.value, servers[0].release.name) if servers else ("", "")
    facts = {"{ports}": ports, "{role}": role, "{release}": release}
    if metric.command:
        return _run(metric, facts)
    return _query(metric, facts)


def _fill(text: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        text = text.replace(name, value)
    return text


def _run(metric: Metric, facts: dict[str, str]) -> float:
    command = [_fill(word, facts) for word in metric.command]
    environment = {f"CIPREDICT_{name.strip('{}').upper()}": value for name, value in facts.items()}
    try:
        done = subprocess.run(  # noqa: S603  # of the project's own settings
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=metric.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _NoValue(f"{command[0]} took more than {metric.timeout_s:g} s") from None
    except OSError as error:
        raise _NoValue(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise _NoValue(f"{command[0]} exited with {done.returncode}")
    return _number(done.stdout.strip())


def _query(metric: Metric, facts: dict[str, str]) -> float:
    address = f"{metric.prometheus.rstrip('/')}/api/v1/query"
    token = os.environ.get(metric.token_variable, "") if metric.token_variable else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = urlencode({"query": _fill(metric.query, facts)}).encode()
    try:
        with urlopen(Request(address, body, headers), timeout=metric.timeout_s) as answer:  # noqa: S310  # http(s) by settings
            document = json.loads(answer.read(_MOST_BYTES))
        return _number(_sample(document["data"]))
    except HTTPError as error:
        raise _NoValue(f"{address} answers {error.code}: {_spell_error(error)}") from error
    except (URLError, OSError) as error:
        raise _NoValue(f"{address} does not answer: {getattr(error, 'reason', error)}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _NoValue(f"{address} gives no answer of Prometheus ({error!r})") from error


def _sample(data: dict[str, object]) -> str:
    """Give the one value of a scalar or of a vector with one element."""
    result = data["result"]
    if data["resultType"] == "scalar" and isinstance(result, list):
        return str(result[1])
    if data["resultType"] != "vector" or not isinstance(result, list):
        raise _NoValue(f"its query gives a {data['resultType']}, no number")
    if len(result) != 1:
        advice = "; aggregate them, as by sum()" if result else ""
        raise _NoValue(f"its query gives {len(result)} series{advice}")
    return str(result[0]["value"][1])


def _spell_error(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read(_MOST_BYTES))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _NoValue(f"'{text[:40]}' is no number") from None
    if not math.isfinite(value):
        raise _NoValue(f"its value is {text}")
    return value
