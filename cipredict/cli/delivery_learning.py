"""The nightly half of `dora.*` and `pipeline.*`: the store's last 90 days as a few figures in the bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cipredict.forecast.bundle import DELIVERY, extend_bundle
from cipredict.plans.document import canonical_json

if TYPE_CHECKING:
    from cipredict.learn.delivery import Delivered
    from cipredict.settings import Settings


def learn_delivery(settings: Settings, now: datetime | None = None) -> None:
    """Add them to the bundle that was just published; nothing where nothing was measured."""
    from cipredict.learn.delivery import summarise_delivery, to_document  # noqa: PLC0415  # numpy, not for --help

    as_of = now or datetime.now(UTC)
    delivered, default_branch = _gather(settings, as_of)
    figures = summarise_delivery(delivered, as_of=as_of, default_branch=default_branch)
    if figures:
        extend_bundle(settings.forecast, {DELIVERY: canonical_json(to_document(figures)).encode()})


def _gather(settings: Settings, as_of: datetime) -> tuple[Delivered, str]:
    from cipredict.cli.flaky import judge  # noqa: PLC0415
    from cipredict.learn.delivery import SPAN, Delivered  # noqa: PLC0415
    from cipredict.store import report  # noqa: PLC0415  # duckdb
    from cipredict.store.database import open_store  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as store:
        runs, deployments, cache_hits = (
            load(store, as_of).to_pylist()
            for load in (report.load_alert_runs, report.load_deployments, report.load_alert_caches)
        )
    judged = judge(settings, since=as_of - SPAN, until=as_of)
    flaky = sum(case.standing.value == "flaky" for case in judged.cases)
    return Delivered(runs, deployments, cache_hits, flaky, judged.window.cases), judged.default_branch
