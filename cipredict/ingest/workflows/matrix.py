"""The combinations of a GitHub matrix, with `include` and `exclude` as GitHub applies them."""

from __future__ import annotations

from itertools import product

from cipredict.workflow_records import Plain

Leg = dict[str, str]
MOST_LEGS = 256
"""GitHub's own limit."""


class DynamicMatrix(Exception):  # not an error: the matrix is known only when it runs
    """The matrix holds an expression."""


def expand_matrix(matrix: Plain) -> tuple[Leg, ...]:
    """Give the legs in GitHub's order.

    `exclude` removes legs that agree with all its keys. An entry of `include` is added to each leg with whose original
    values it does not disagree; where there is none, it is a leg of its own.

    Raises
    ------
    DynamicMatrix
        It, or a part of it, is an expression.

    >>> expand_matrix({"os": ["a", "b"], "include": [{"os": "a", "x": "1"}, {"os": "c"}]})
    ({'os': 'a', 'x': '1'}, {'os': 'b'}, {'os': 'c'})
    """
    if not isinstance(matrix, dict):
        raise DynamicMatrix
    axes = {name: _values(values) for name, values in matrix.items() if name not in {"include", "exclude"}}
    original = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    for entry in _entries(matrix.get("exclude", [])):
        original = [leg for leg in original if any(leg.get(key) != value for key, value in entry.items())]
    legs = [dict(leg) for leg in original]
    for entry in _entries(matrix.get("include", [])):
        fitting = [
            at
            for at, leg in enumerate(original)
            if all(leg[key] == value for key, value in entry.items() if key in leg)
        ]
        for at in fitting:
            legs[at].update(entry)
        if not fitting:
            legs.append(dict(entry))
    return tuple(legs)


def _values(values: Plain) -> list[str]:
    if not isinstance(values, list):
        raise DynamicMatrix
    return [_text(value) for value in values]


def _entries(value: Plain) -> list[Leg]:
    if not isinstance(value, list):
        raise DynamicMatrix
    entries = []
    for entry in value:
        if not isinstance(entry, dict):
            raise DynamicMatrix
        entries.append({key: _text(item) for key, item in entry.items()})
    return entries


def _text(value: Plain) -> str:
    text = value if isinstance(value, str) else str(value)
    if "${{" in text:
        raise DynamicMatrix
    return text
