"""What makes a pipeline better: what to change, why that is safe, what it gains; and the text edits that do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cipredict.workflow_records import Plain


class Edit(NamedTuple):
    """A change of one place of a file, lines counted from 0.

    Attributes
    ----------
    line : that is replaced, or before which `text` is inserted
    end : the line behind the replaced ones; equal to `line` for an insertion
    text : whole lines without the final line end; empty deletes
    path, value : what the parsed file then holds there, None for nothing, which is checked
    """

    line: int
    end: int
    text: str
    path: tuple[str, ...]
    value: Plain | None


@dataclass(frozen=True, slots=True)
class CacheAdvice:
    """What a stage should cache: folders, the files whose content is the key, mean seconds per run, 0 where unknown."""

    paths: tuple[str, ...]
    key_files: tuple[str, ...]
    saves_s: float = 0.0

    @property
    def gain(self) -> str:
        """Say what it saves."""
        return f"{self.saves_s:.0f} s per run" if self.saves_s else "downloads, where the files are as before"


@dataclass(frozen=True, slots=True)
class Improvement:
    """One finding.

    Attributes
    ----------
    rule : its name; gain_s : seconds that a run ends earlier by schedules of the same capacity, None where it saves
        something else; unlimited_gain_s : the same with runners without number
    saves : what it saves in words
    edits : empty where a person must decide
    refused : why nothing is changed although the rule applies
    """

    rule: str
    where: str
    what: str
    why_safe: str = ""
    saves: str = ""
    gain_s: float | None = None
    unlimited_gain_s: float | None = None
    edits: tuple[Edit, ...] = ()
    refused: str = ""


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    r"""Give the text with its edits; no other byte changes, and new lines end as the others do.

    >>> apply_edits("a: 1\r\nc: 3\r\n", [Edit(1, 1, "b: 2", ("b",), "2")])
    'a: 1\r\nb: 2\r\nc: 3\r\n'
    """
    lines = text.splitlines(keepends=True)
    line_end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.end), reverse=True):
        new = [f"{line}{line_end}" for line in edit.text.split("\n")] if edit.text else []
        lines[edit.line : edit.end] = new
    return "".join(lines)


def expected_plain(plain: Plain, edits: Iterable[Edit]) -> Plain:
    """Give what the edited file must parse to."""
    for edit in edits:
        plain = _with_value(plain, edit.path, edit.value)
    return plain


def _with_value(plain: Plain, path: tuple[str, ...], value: Plain | None) -> Plain:
    mapping = dict(plain) if isinstance(plain, dict) else {}
    key, *rest = path
    if rest:
        mapping[key] = _with_value(mapping.get(key, ""), tuple(rest), value)
    elif value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
    return mapping
