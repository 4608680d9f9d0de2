"""`perf calibrate`: the project's own noise, what each rule costs, and the profile that CI jobs read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.perf_recording import load_pairs
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.quantities import parse_since
from cipredict.render.performance import render_rows, spell_percent

if TYPE_CHECKING:
    from cipredict.perf.calibrate import Calibration, RuleCost
    from cipredict.settings import Settings

_SHOWN = 15


@dataclass(frozen=True, slots=True)
class CalibratingOptions:
    """The command's options, as typed."""

    history: tuple[Path, ...]
    since: str
    bearable: float
    runs_per_month: float | None
    output: Path | None
    show_all: bool
    as_json: bool


def show_calibration(options: CalibratingOptions, settings: Settings) -> None:
    """Replay the rules, show what they cost, write the noise profile."""
    from cipredict.perf.calibrate import calibrate  # noqa: PLC0415  # numpy, not for --help

    now = datetime.now(UTC)
    pairs = load_pairs(settings, options.history, since=parse_since(options.since, now=now), until=now)
    found = calibrate(pairs, runs_per_month=options.runs_per_month)
    for part in _parts(found, options, jobs=len(pairs)):
        sys.stderr.write(f"{part}\n")
    if options.output is not None:
        profile = replace(found.profile, made_from=MadeFrom(__version__))
        write_plan(options.output, profile.to_document())
        sys.stderr.write(f"Wrote {options.output}: give it to --noise.\n")
    if options.as_json:
        sys.stdout.write(json.dumps(_to_json(found), indent=2, sort_keys=True) + "\n")


def _parts(found: Calibration, options: CalibratingOptions, *, jobs: int) -> Iterator[str]:
    month = found.runs_per_month
    columns = ["rule", "z", "alarms", "runs", "a month", "finds 80% from", "worst benchmark"]
    yield render_rows(f"{jobs} jobs, {month:.0f} a month", columns, (_cost_cells(one, month) for one in found.costs))
    if not found.same_code:
        yield (
            "Taken for unchanged code: every job. Alarms include what your commits really changed; "
            "measure the same commit on both sides now and then (nightly) to know better."
        )
    suggested = found.suggest(options.bearable)
    if suggested is None:
        yield f"No rule stays within {options.bearable:g} false alarms a month, or there is too little history."
    else:
        told = f"{suggested.name}, z > {suggested.alarm_z:g}" if suggested.alarm_z else suggested.name
        yield f"Within {options.bearable:g} false alarms a month, most is found by: {told}."
    ranked = sorted(found.detectable.items(), key=lambda item: -item[1][1])
    shown = ranked if options.show_all else ranked[:_SHOWN]
    rows = ([name, spell_percent(single), spell_percent(twice)] for name, (single, twice) in shown)
    if shown:
        yield render_rows(
            "Smallest change that is found in 80 % of the cases", ["benchmark", "one job", "two jobs"], rows
        )
    if len(shown) < len(ranked):
        yield f"… and {len(ranked) - len(shown)} quieter ones: --all lists them."


def _cost_cells(one: RuleCost, month: float) -> list[str]:
    rate = one.per_month(month)
    return [
        one.name,
        f"{one.alarm_z:g}" if one.alarm_z else "-",
        str(one.alarms),
        str(one.runs),
        "-" if isnan(rate) else f"{rate:.2f}",
        spell_percent(one.detectable),
        spell_percent(one.worst),
    ]


def _to_json(found: Calibration) -> dict[str, object]:
    month = found.runs_per_month
    costs = [
        {
            "rule": one.name,
            "z": one.alarm_z,
            "alarms": one.alarms,
            "runs": one.runs,
            "alarms_per_month": _known(one.per_month(month)),
            "detectable": _known(one.detectable),
        }
        for one in found.costs
    ]
    detectable = {
        name: {"one_job": single, "two_jobs": _known(twice)} for name, (single, twice) in found.detectable.items()
    }
    return {"runs_per_month": month, "same_code": found.same_code, "rules": costs, "detectable": detectable}


def _known(value: float) -> float | None:
    return None if isnan(value) else round(value, 6)
