"""`predict` from options to JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.inputs import read_candidates, read_change, read_forecast
from cipredict.errors import InputError
from cipredict.forecast.durations import DurationTable
from cipredict.plans.document import canonical_json

if TYPE_CHECKING:
    from cipredict.forecast.bundle import Bundle
    from cipredict.forecast.features import ChangeFacts
    from cipredict.settings import Settings


def predict_cases(settings: Settings, *, candidates: str | None, collect: bool, known: bool, flavour: str = "") -> str:
    """Give expected seconds per case."""
    bundle = read_forecast(settings)
    table = DurationTable.from_bundle(bundle, flavour=flavour)
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


def predict_series(
    settings: Settings, *, series: str | None, base: str | None, changed: tuple[str, ...], event: str = ""
) -> str:
    """Give expected wall seconds of a series."""
    from cipredict.forecast.runs import forecast_run  # noqa: PLC0415  # numpy, once the options are fine

    bundle = read_forecast(settings)
    if not bundle.manifest.series:
        raise InputError(f"{bundle.path} knows no timed run or job.", slug="series-unknown")
    name = series or min(bundle.manifest.series, key=lambda known: (len(known.split(" / ")), known))
    facts = _facts(bundle, base=base, changed=changed)
    return canonical_json(asdict(forecast_run(bundle, name, facts, started_at=datetime.now(UTC), event=event)))


def predict_finish(
    settings: Settings,
    *,
    pipeline: str | None,
    base: str | None,
    changed: tuple[str, ...],
    event: str,
    needs: Path | None,
) -> str:
    """Give the simulated finish of a pipeline."""
    from cipredict.forecast.pipelines import forecast_pipeline  # noqa: PLC0415
    from cipredict.forecast.run_features import JOB_SEPARATOR  # noqa: PLC0415

    bundle = read_forecast(settings)
    workflows = Counter(name.partition(JOB_SEPARATOR)[0] for name in bundle.manifest.series if JOB_SEPARATOR in name)
    name = pipeline or min(workflows, key=lambda known: (-workflows[known], known), default="")
    forecast = forecast_pipeline(
        bundle,
        name,
        _facts(bundle, base=base, changed=changed),
        started_at=datetime.now(UTC),
        event=event,
        needs=_read_needs(needs) if needs else None,
    )
    return canonical_json(asdict(forecast))


def _read_needs(path: Path) -> dict[str, list[str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {str(job): [str(need) for need in wanted] for job, wanted in document.items()}
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", slug="needs-file") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no JSON object of job names to lists of job names.", slug="needs-file") from error


def _facts(bundle: Bundle, *, base: str | None, changed: tuple[str, ...]) -> ChangeFacts:
    from cipredict.forecast.features import ChangeFacts  # noqa: PLC0415  # numpy, once the options are fine

    if not base and not changed:
        return ChangeFacts(())
    change = read_change(base=base, changed=changed, diff=None)
    return ChangeFacts(change.changes, change.branch, change.branch == bundle.manifest.default_branch)
