"""A deployment as it was decided, and what is seen while it goes on: the words that deciding and acting share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import NamedTuple


class Strategy(StrEnum):
    """How a release takes over."""

    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    ROLLING = "rolling"


class WhenInconclusive(StrEnum):
    """What happens after the last bake where there was too little traffic to tell."""

    ROLLBACK = "rollback"
    PROMOTE = "promote"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where and as what a release runs in Kubernetes.

    Attributes
    ----------
    image : `{release}` is replaced
    port : that its container listens on
    ingress : an nginx Ingress that routes to the stable service; empty: shares are those of pods
    argo : by Argo Rollouts; otherwise plain Deployments
    """

    name: str
    image: str
    port: int
    namespace: str = "default"
    ingress: str = ""
    argo: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the weights of the three roles, adding up to 256, and how long it is watched.

    Attributes
    ----------
    share : of the traffic that the new release has, 0 to 1
    stable : of what has proved itself, all its servers together
    baseline : of the old release started anew, to compare with
    canary : of the new release
    """

    share: float
    bake_s: float
    stable: int
    baseline: int
    canary: int

    def servers_of(self, servers: int) -> int:
        """Give how many servers its share needs, of as many as take all of the traffic."""
        return max(1, ceil(self.share * servers - 1e-9))


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """When a server counts as healthy.

    Attributes
    ----------
    path : asked by HTTP, healthy from 200 to 399; empty: a TCP connection is enough
    command : run instead, healthy with exit code 0; `{port}` is replaced
    successes, failures : in a row, until the opinion changes
    start_period_s : failures before that count for nothing, and without a success by then the start has failed
    """

    path: str = ""
    command: tuple[str, ...] = ()
    interval_s: float = 0.2
    timeout_s: float = 2.0
    successes: int = 2
    failures: int = 3
    start_period_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a release bad.

    Attributes
    ----------
    error_share : more errors per request than this are too many for any release
    alpha : probability of rolling back a release that is as good as the old one, over the whole deployment
    least_requests : of the canary and of the baseline each, before silence means that it is fine
    slower_a12, slower_ratio : how much slower is slow; both must be exceeded
    memory_ratio, memory_bytes : how much more memory is a leak: so many times that of the old release, and so much more
    """

    error_share: float = 0.05
    alpha: float = 0.005
    least_requests: int = 100
    slower_a12: float = 0.71
    slower_ratio: float = 1.5
    memory_ratio: float = 2.0
    memory_bytes: int = 64 * 1024**2


class MetricKind(StrEnum):
    """What a metric measures."""

    ERROR_RATE = "error_rate"
    LATENCY = "latency"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that is asked for while a release is watched; `{release}`, `{role}` and `{ports}` are replaced.

    Attributes
    ----------
    prometheus, query : address of a Prometheus, and what it is asked
    command : prints the number
    token_variable : environment variable with a bearer token for Prometheus
    limit : a share for an error rate, seconds for a latency; None: only compared
    ratio : how many times the baseline's value is too much; None: only the limit counts
    is_least : the value must not fall below the limit, nor below the baseline's divided by the ratio
    in_a_row : values beyond it until the release is bad
    """

    name: str
    kind: MetricKind = MetricKind.CUSTOM
    prometheus: str = ""
    query: str = ""
    command: tuple[str, ...] = ()
    token_variable: str = ""
    limit: float | None = None
    ratio: float | None = None
    is_least: bool = False
    interval_s: float = 5.0
    timeout_s: float = 5.0
    in_a_row: int = 2


class Reading(NamedTuple):
    """What a metric gave.

    Attributes
    ----------
    values : of the canary, the latest last, at most as many as must lie beyond the limit in a row
    baseline : None where it is not asked, or gave nothing
    problem : why there is no value
    """

    metric: Metric
    values: tuple[float, ...] = ()
    baseline: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How an environment is deployed.

    Attributes
    ----------
    steps : by which a release takes over
    first_steps : the same where nothing has been deployed before
    servers : of a release
    command : starts one server of the application; `{port}` and `{release}` are replaced
    ports : where servers may listen, enough for old, baseline and new ones at once
    listen : where users connect
    warm_up_requests : sent to a new server before users reach it
    watches_latency : judge seconds too, not only errors
    drain_s : longest wait for the last requests of servers that are taken out
    longest_wait_s : for `WhenInconclusive.WAIT`
    approval_s : without an answer for so long, an approval is a no
    keep_releases : that can be rolled back to
    scripts : commands of the target `command`
    metrics : judged beside what the balancer counts
    cluster : what the target `kubernetes` needs to know
    """

    environment: str
    target: str
    strategy: Strategy
    steps: tuple[Step, ...]
    first_steps: tuple[Step, ...]
    servers: int
    command: tuple[str, ...]
    ports: tuple[int, ...]
    listen: str
    health: HealthCheck
    warm_up_requests: int
    limits: Limits
    watches_latency: bool
    drain_s: float
    when_inconclusive: WhenInconclusive
    longest_wait_s: float
    needs_approval: bool
    approvers: tuple[str, ...]
    approval_s: float
    keep_releases: int
    scripts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    cluster: Cluster | None = None

    @property
    def has_baseline(self) -> bool:
        """The old release is started anew, to compare with."""
        return any(step.baseline for step in self.steps)


class Counts(NamedTuple):
    """Requests that were answered, and how many of them with an error."""

    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed since the deployment began: counts of all requests, and seconds of a sample of the good ones.

    Attributes
    ----------
    canary_bytes, baseline_bytes : memory of the largest server of either; 0 where unknown
    is_paired : the baseline was started with the canary and serves beside it; otherwise it is what served before, and
        may have been asked little
    readings : one of each metric
    """

    canary: Counts
    baseline: Counts
    canary_s: Sequence[float] = ()
    baseline_s: Sequence[float] = ()
    canary_bytes: int = 0
    baseline_bytes: int = 0
    is_paired: bool = True
    readings: tuple[Reading, ...] = ()


class Verdict(StrEnum):
    """What the evidence says so far."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its evidence.

    Attributes
    ----------
    reason : one line for people
    p_value, allowed : of the test that decided, and what it had to fall below; None where no test was made
    """

    verdict: Verdict
    reason: str
    p_value: float | None = None
    allowed: float | None = None
