"""`predict` from options to JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cipredict.cli.inputs import read_candidates, read_change, read_forecast
from cipredict.errors import InputError
from cipredict.forecast.durations import DurationTable
from cipredict.plans.document import canonical_json

if TYPE_CHECKING:
    from cipredict.settings import Settings


def predict_cases(settings: Settings, *, candidates: str | None, collect: bool, known: bool) -> str:
    """Give expected seconds per case."""
    bundle = read_forecast(settings)
    table = DurationTable.from_bundle(bundle)
    asked = read_candidates(candidates, collect=collect, known=known)
    ids = table.known() if asked is None else asked
    members = table.individual(bundle, ids)
    cases = [{**table.expected(case_id)._asdict(), "individual_predictions": members[case_id]} for case_id in ids]
    return canonical_json(
        {
            "served_by": bundle.manifest.served["case_time"].by,
            "coverage": bundle.manifest.coverage,
            "observed_coverage": bundle.manifest.observed_coverage["case_time"],
            "history_share": round(table.known_share(ids), 4),
            "cases": cases,
        }
    )


def predict_series(settings: Settings, *, series: str | None, base: str | None, changed: tuple[str, ...]) -> str:
    """Give expected wall seconds of a series."""
    from cipredict.forecast.features import ChangeFacts  # noqa: PLC0415  # numpy, once the options are fine
    from cipredict.forecast.runs import forecast_run  # noqa: PLC0415

    bundle = read_forecast(settings)
    if not bundle.manifest.series:
        raise InputError(f"{bundle.path} knows no timed run or job.", slug="series-unknown")
    name = series or min(bundle.manifest.series, key=lambda known: (len(known.split(" / ")), known))
    facts = ChangeFacts(())
    if base or changed:
        change = read_change(base=base, changed=changed, diff=None)
        facts = ChangeFacts(change.changes, change.branch, change.branch == bundle.manifest.default_branch)
    return canonical_json(asdict(forecast_run(bundle, name, facts, started_at=datetime.now(UTC))))
