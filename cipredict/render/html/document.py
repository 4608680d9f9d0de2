"""Facts into what the page's script reads: JSON of columns, times as epoch seconds, numbers of five digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from math import isfinite

from cipredict.render.html.facts import Backtest, Columns, PageFacts, Series, Waterfall

TABLES = tuple(field.name for field in fields(PageFacts) if field.type == "Columns")
"""The columns of the page, by the name of their table."""


def to_document(facts: PageFacts) -> dict[str, object]:
    """Give the document; every value of it is plain JSON."""
    return {
        "made_at": _plain(facts.made_at),
        "unit": facts.unit,
        "case_runs": facts.case_runs,
        "flaky": facts.flaky,
        "quota_bytes": facts.quota_bytes,
        "band_coverage": facts.band_coverage,
        **{name: _columns(getattr(facts, name)) for name in TABLES},
        "waterfalls": [_waterfall(one) for one in facts.waterfalls],
        "series": [_series(one) for one in facts.series],
        "backtest": _backtest(facts.backtest) if facts.backtest else None,
        "served": [one._asdict() for one in facts.measures],
        "empty": {part: list(words) for part, words in facts.empty.items()},
    }


def _columns(columns: Columns) -> dict[str, list[object]]:
    return {name: list(map(_plain, values)) for name, values in columns.items()}


def _plain(value: object) -> object:
    """Give a value as JSON has it; what is not a number is unknown.

    >>> _plain(0.123456789), _plain(float("nan")), _plain([1.0, None])
    (0.12346, None, [1, None])
    """
    if isinstance(value, float):
        return _short(value)
    if isinstance(value, datetime):
        return round(value.timestamp())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(map(_plain, value))
    return value


def _short(value: float) -> float | int | None:
    if not isfinite(value):
        return None
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def _waterfall(one: Waterfall) -> dict[str, object]:
    """Give the bars with seconds since the run's start, to the millisecond."""
    zero = one.started_at.timestamp()
    bars = [
        {
            "name": bar.name,
            "depth": bar.depth,
            "from": round(bar.start_s - zero, 3),
            "to": round(bar.end_s - zero, 3),
            "queued": bar.queued_s,
            "result": bar.result,
            "critical": bar.is_critical,
        }
        for bar in one.bars
    ]
    about = {"title": one.title, "started": _plain(one.started_at), "needs_known": one.are_needs_known}
    return {**about, "bars": bars}


def _series(one: Series) -> dict[str, object]:
    turns = [turn._asdict() | {"at": _plain(turn.at), "change": _plain(turn.change)} for turn in one.turns]
    return {
        "name": one.name,
        "unit": one.unit,
        "at": _plain(one.at),
        "values": _plain(one.values),
        "turns": turns,
    }


def _backtest(backtest: Backtest) -> Mapping[str, object]:
    shares = sorted(backtest.needed_shares)
    return {
        "served_by": backtest.served_by,
        "budgets": _plain(backtest.budgets),
        "policies": [{"name": one.policy, "caught": _plain(one.caught)} for one in backtest.policies],
        **_steps(shares),
    }


def _steps(shares: Sequence[float], *, most: int = 200) -> dict[str, object]:
    """Give the share of runs that each of at most `most` shares of time catches; sorted."""
    kept: Iterable[int] = range(len(shares))
    if len(shares) > most:
        kept = sorted({round(k * (len(shares) - 1) / (most - 1)) for k in range(most)})
    by_share = {shares[k]: (k + 1) / len(shares) for k in kept}  # of equal ones the last counts
    return {"confidence_x": _plain(list(by_share)), "confidence_y": _plain(list(by_share.values()))}
