"""What a project says about its deployments, checked once, with every problem listed.

The short form is the brief's: `{"strategy": "blue_green", "health_check": "api/health", "rollback_threshold": 5,
"canary_percentage": 10}`; `[tool.cipredict.deploy.<environment>]` has the same keys and more. Percentages are what
people write here; inside they are shares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cipredict.decide.rollout import table as kinds
from cipredict.decide.rollout.freeze import Freeze, parse_freeze
from cipredict.decide.rollout.metrics import parse_metrics
from cipredict.decide.rollout.strategy import canary_shares, plan_steps
from cipredict.errors import SettingsError
from cipredict.plans.rollout import Cluster, HealthCheck, Limits, Rollout, Strategy, WhenInconclusive

TARGETS = ("haproxy", "nginx", "command", "kubernetes")
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
    reader = kinds.Table(table)
    strategy = reader.take("strategy", _strategy, Strategy.BLUE_GREEN)
    first = reader.take("canary_percentage", kinds.share_above_0, 0.1)
    shares = reader.take("steps", kinds.shares, canary_shares(first) if first < 1 else (1.0,))
    bake_s = reader.take("bake_s", kinds.seconds, 10.0)
    servers = reader.take("servers", kinds.count, 1)
    steps = plan_steps(strategy, shares=shares, bake_s=bake_s, servers=servers)
    nowhere: tuple[int, ...] = ()
    ports = reader.take("ports", _ports, nowhere)
    needed = 2 * servers + max((step.servers_of(servers) for step in steps if step.baseline), default=0)
    if ports and len(ports) < needed:
        reader.complain(f"ports: old, new and baseline servers need {needed} at once, and these are {len(ports)}")
    error_share = reader.take("rollback_threshold", kinds.share, 0.05)
    rollout = Rollout(
        environment=environment,
        target=reader.take("target", kinds.choice(TARGETS), "haproxy"),
        strategy=strategy,
        steps=steps,
        first_steps=plan_steps(strategy, shares=shares, bake_s=bake_s, servers=servers, is_first=True),
        servers=servers,
        command=reader.take("command", kinds.words, ()),
        ports=ports,
        listen=reader.take("listen", kinds.text, ""),
        health=_health(reader),
        warm_up_requests=reader.take("warm_up_requests", kinds.number_of_things, 0),
        limits=Limits(
            error_share=error_share,
            least_requests=reader.take("least_requests", kinds.count, 100),
            slower_ratio=reader.take("slower_ratio", kinds.ratio, 1.5),
            memory_ratio=reader.take("memory_ratio", kinds.ratio, 2.0),
        ),
        watches_latency=reader.take("latency", kinds.flag, default=True),
        drain_s=reader.take("drain_s", kinds.seconds, 30.0),
        when_inconclusive=reader.take("when_inconclusive", _when_inconclusive, WhenInconclusive.ROLLBACK),
        longest_wait_s=reader.take("longest_wait_s", kinds.seconds, 300.0),
        needs_approval=reader.take("approval", kinds.flag, default=False),
        approvers=reader.take("approvers", kinds.texts, ()),
        approval_s=reader.take("approval_s", kinds.seconds, 3600.0),
        keep_releases=reader.take("keep_releases", kinds.count, 5),
        scripts=reader.take("scripts", kinds.scripts, {}),
        metrics=reader.take("metrics", lambda value: parse_metrics(value, error_share=error_share), ()),
        cluster=reader.take("kubernetes", _cluster, None),
    )
    wish = Wish(rollout, reader.take("freeze", _freezes, ()))
    if reader.problems:
        raise SettingsError(f"{where}: {'; '.join(reader.problems)}.", slug="deploy-settings")
    return wish


def _cluster(value: object) -> Cluster:
    reader = kinds.Table(value)
    cluster = Cluster(
        name=reader.take("name", kinds.dns_label, ""),
        image=reader.take("image", kinds.text, ""),
        port=reader.take("port", kinds.port, 8080),
        namespace=reader.take("namespace", kinds.dns_label, "default"),
        ingress=reader.take("ingress", kinds.dns_label, ""),
        argo=reader.take("argo", kinds.flag, default=True),
    )
    for key in ("name", "image"):
        if not getattr(cluster, key):
            reader.complain(f"{key} is missing")
    reader.refuse()
    return cluster


def _health(reader: kinds.Table) -> HealthCheck:
    return HealthCheck(
        path=reader.take("health_check", kinds.path, ""),
        command=reader.take("health_command", kinds.words, ()),
        interval_s=reader.take("health_interval_s", kinds.seconds, 0.2),
        timeout_s=reader.take("health_timeout_s", kinds.seconds, 2.0),
        successes=reader.take("health_successes", kinds.count, 2),
        failures=reader.take("health_failures", kinds.count, 3),
        start_period_s=reader.take("start_period_s", kinds.seconds, 30.0),
    )


def _strategy(value: object) -> Strategy:
    return Strategy(kinds.choice(tuple(Strategy))(value))


def _when_inconclusive(value: object) -> WhenInconclusive:
    return WhenInconclusive(kinds.choice(tuple(WhenInconclusive))(value))


def _ports(value: object) -> tuple[int, ...]:
    match = _PORTS.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('write a range, such as "9001-9008"')
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 < first <= last < 65536:
        raise ValueError("ports lie between 1 and 65535, the smaller one first")
    return tuple(range(first, last + 1))


def _freezes(value: object) -> tuple[Freeze, ...]:
    return tuple(map(parse_freeze, kinds.texts(value)))
