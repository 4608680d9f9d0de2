"""Values of a gate's keys: a reader gives its kind, or raises TypeError or ValueError saying what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from cipredict.decide.gating.definition import BY_SYMBOL, Criterion, GateException
from cipredict.measures import parse_quantity

_CRITERION = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*(\S.*)", re.DOTALL)


def read_text(value: object) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"must be a text, not {value!r}")
    return value


def read_texts(value: object) -> tuple[str, ...]:
    """Read texts; a single one stands for a list of one."""
    if isinstance(value, str):
        return (read_text(value),)
    if not isinstance(value, list | tuple):
        raise TypeError(f"must be a list of texts, not {value!r}")
    return tuple(read_text(one) for one in value)


def read_truth(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {value!r}")
    return value


def read_count(value: object) -> int:
    """Read a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError(f"must be a whole number of at least 1, not {value!r}")
    return value


def read_criteria(value: object, unit: str) -> tuple[Criterion, ...]:
    """Read one criterion or several, `>= 85%`; a number without a unit is in `unit`."""
    return tuple(_criterion(text, unit) for text in read_texts(value))


def _criterion(text: str, unit: str) -> Criterion:
    match = _CRITERION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a criterion such as '>= 85%' or '< 10ms'")
    return Criterion(BY_SYMBOL[match[1]], parse_quantity(match[2], bare_unit=unit))


def read_exceptions(value: object) -> tuple[GateException, ...]:
    """Read labels, and tables with a label or a branch."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"must be a list of labels or tables, not {value!r}")
    return tuple(_exception(one) for one in value)


def _exception(value: object) -> GateException:
    if isinstance(value, str):
        return GateException(label=read_text(value))
    if not isinstance(value, Mapping) or not {"label", "branch"} & value.keys():
        raise ValueError(f"{value!r} is neither a label nor a table with 'label' or 'branch'")
    if unknown := value.keys() - {"label", "branch", "expires", "reason"}:
        raise ValueError(f"has the unknown key {sorted(unknown)[0]!r} (known: label, branch, expires, reason)")
    texts = {key: read_text(value[key]) for key in ("label", "branch", "reason") if key in value}
    return GateException(**texts, expires_on=_day(value["expires"]) if "expires" in value else None)


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"expires on {value!r}, which is no date such as 2027-01-31") from error
