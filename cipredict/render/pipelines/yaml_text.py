"""YAML as we write it: two spaces, one form per value, quotes only where a reader could take it for another type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class Commented(NamedTuple):
    """A text with a comment behind it."""

    text: str
    comment: str


Value: TypeAlias = "str | int | bool | Commented | list[Value] | Mapping[str, Value]"
"""Lists hold texts, numbers and mappings; a list in a list is none of the forms that providers read."""

_PLAIN = re.compile(r"[A-Za-z_./$][^:#\n\r\t\"'`|>{}\[\],&*!%@]*|[A-Za-z_./][^#\n\r\t\"'`{}\[\],&*!%:]*", re.ASCII)
_EXPRESSION = re.compile(r"\$\{\{[^\n#]*\}\}", re.ASCII)
_FOR_BLOCKS = re.compile(r"[!-~](?:\n| *[!-~])*", re.ASCII)
"""Printable ASCII without blanks at its ends; quotes are safer for the rest."""

_RAW_LINE_ENDS = re.compile("[\x7f-\xa0\u2028\u2029\ufeff]")
_AMBIGUOUS = re.compile(r"(?i:true|false|yes|no|on|off|y|n|null|~|\.inf|\.nan)|[0-9.]+.*")


def to_yaml(document: Mapping[str, Value]) -> str:
    r"""Give the text of a mapping, keys in the order given.

    >>> print(to_yaml({"on": {"push": {}}, "run": "a\nb", "version": "3.10", "jobs": [{"x": 1}]}), end="")
    on:
      push: {}
    run: |
      a
      b
    version: "3.10"
    jobs:
      - x: 1
    """
    return "".join(f"{line}\n" for line in _mapping(document))


def _mapping(value: Mapping[str, Value]) -> list[str]:
    lines = []
    for key, item in value.items():
        lines += _entry(f"{_text(key, is_key=True)}:", item)
    return lines


def _entry(head: str, value: Value) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [head, *(f"  {line}" for line in _mapping(value))]
    if isinstance(value, list) and value:
        if all(isinstance(item, str) and "\n" not in item for item in value) and len(str(value)) < 80:
            return [f"{head} [{', '.join(_in_flow(str(item)) for item in value)}]"]
        return [head, *(f"  {line}" for item in value for line in _item(item))]
    return _block(head, value) or [f"{head} {_scalar(value)}"]


def _item(value: Value) -> list[str]:
    if isinstance(value, Mapping) and value:
        first, *rest = _mapping(value)
        return [f"- {first}", *(f"  {line}" for line in rest)]
    return _block("-", value) or [f"- {_scalar(value)}"]


def _block(head: str, value: Value) -> list[str]:
    """Write texts of several lines, and those with quotes, as they are; nothing where a scalar will do."""
    if not isinstance(value, str) or not _FOR_BLOCKS.fullmatch(value):
        return []
    body = value.rstrip("\n")
    if "\n" not in body and '"' not in body:
        return []
    mark = "|" if "\n" in body else "|-"
    return [f"{head} {mark}", *(f"  {line}".rstrip() for line in body.split("\n"))]


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Commented):
        return f"{_text(value.text)} # {value.comment}"
    if isinstance(value, str):
        return _text(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _in_flow(text: str) -> str:
    return (
        text
        if re.fullmatch(r"[A-Za-z_][\w./ -]*", text, re.ASCII) and not _AMBIGUOUS.fullmatch(text)
        else _quoted(text)
    )


def _text(text: str, *, is_key: bool = False) -> str:
    if is_key and re.fullmatch(r"[A-Za-z_.][\w.-]*", text, re.ASCII):
        return text  # `on` too: GitHub wants it bare
    if _EXPRESSION.fullmatch(text) and ": " not in text:
        return text
    safe = _PLAIN.fullmatch(text) and not _AMBIGUOUS.fullmatch(text) and text == text.strip()
    return text if safe else _quoted(text)


def _quoted(text: str) -> str:
    """Quote as JSON does, whose escapes YAML knows; what YAML takes for a line end is escaped too."""
    return _RAW_LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
