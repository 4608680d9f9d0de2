"""JSONPath, the part of RFC 9535 that picks values out of reports: names, indices, wildcards, descendants, equality.

::

    $.latency.p99   $['a b'][0]   $.runs[-1].rate   $..rate   $.metrics[*].value   $.metrics[?@.name=='p99'].value
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_STEP = re.compile(
    r"""
      (?P<deep>\.\.)(?P<deep_name>[^\W\d][\w-]*|\*)
    | \.(?P<name>[^\W\d][\w-]*|\*)
    | \[\s*(?:
          '(?P<single>(?:[^'\\]|\\.)*)'
        | "(?P<double>(?:[^"\\]|\\.)*)"
        | (?P<index>-?\d+)
        | (?P<any>\*)
        | \?\s*\(?\s*@\.(?P<key>[\w-]+)\s*==\s*(?P<wanted>'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false|null)\s*\)?
      )\s*\]
    """,
    re.VERBOSE,
)


def find_values(document: object, path: str) -> list[object]:
    """Give every value that a path leads to, in the document's order.

    Raises
    ------
    ValueError
        The path cannot be read; the message names the place.

    >>> find_values({"runs": [{"rate": 1}, {"rate": 2}]}, "$.runs[*].rate")
    [1, 2]
    """
    if not path.startswith("$"):
        raise ValueError(f"the path {path!r} does not begin with $")
    values, position = [document], 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"the path {path!r} cannot be read from {path[position : position + 20]!r} on")
        values = [found for value in values for found in _follow(value, step)]
        position = step.end()
    return values


def _follow(value: object, step: re.Match[str]) -> Iterator[object]:
    if step["deep"]:
        for inner in _descendants(value):
            yield from _child(inner, step["deep_name"])
    elif step["index"] is not None:
        yield from _item(value, int(step["index"]))
    elif step["any"]:
        yield from _children(value)
    elif step["key"] is not None:
        wanted = json.loads(re.sub(r"^'(.*)'$", r'"\1"', step["wanted"]))
        yield from (one for one in _children(value) if isinstance(one, dict) and one.get(step["key"]) == wanted)
    else:
        quoted = step["single"] if step["single"] is not None else step["double"]
        yield from _child(value, step["name"]) if quoted is None else _named(value, re.sub(r"\\(.)", r"\1", quoted))


def _child(value: object, name: str) -> Iterator[object]:
    return _children(value) if name == "*" else _named(value, name)


def _named(value: object, name: str) -> Iterator[object]:
    if isinstance(value, dict) and name in value:
        yield value[name]


def _item(value: object, index: int) -> Iterator[object]:
    if isinstance(value, list) and -len(value) <= index < len(value):
        yield value[index]


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: object) -> Iterator[object]:
    """Give a value and all below it; a stack, because hostile documents are deep."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        yield inner
        waiting.extend(reversed(list(_children(inner))))
