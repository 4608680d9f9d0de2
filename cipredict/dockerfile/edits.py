"""Edits by place: what is not named stays as it is, byte for byte."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cipredict.dockerfile.parser import Dockerfile


class Edit(NamedTuple):
    """Put `text` in the place of what stands between two offsets."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits that do not overlap; of insertions at one place the earlier stands first.

    >>> apply_edits("abc", [Edit(1, 2, "x"), Edit(3, 3, "y")])
    'axcy'
    """
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        if edit.start < at:
            raise ValueError("edits overlap")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def block_span(dockerfile: Dockerfile, number: int) -> tuple[int, int]:
    """Give where an instruction begins and ends, with the comments right above it; directives are no comments."""
    one = dockerfile.instructions[number]
    floor = dockerfile.instructions[number - 1].end if number else _directives_end(dockerfile)
    start = one.start
    while start > floor:
        previous = dockerfile.text.rfind("\n", floor, start - 1) + 1 if start - 1 > floor else floor
        previous = max(previous, floor)
        if not dockerfile.text[previous:start].lstrip().startswith("#"):
            break
        start = previous
    return start, one.end


def _directives_end(dockerfile: Dockerfile) -> int:
    end = 0
    for _ in dockerfile.directives:
        end = dockerfile.text.find("\n", end) + 1
    return end


def move_before(dockerfile: Dockerfile, number: int, target: int) -> str:
    """Give the text with an instruction and its comments put before another; the last line gets an end if it has none.

    A `target` behind the last instruction means: to the end.
    """
    return move_all_before(dockerfile, [number], target)


def move_all_before(dockerfile: Dockerfile, numbers: Sequence[int], target: int) -> str:
    """Give the text with several instructions, in their order, put before another or to the end."""
    text, newline = dockerfile.text, line_end(dockerfile.text)
    spans: list[tuple[int, int]] = []
    for start, end in (block_span(dockerfile, number) for number in numbers):
        is_next = bool(spans) and spans[-1][1] == start
        spans[-1:] = [(spans[-1][0], end)] if is_next else [*spans[-1:], (start, end)]
    block = "".join(one if one.endswith("\n") else one + newline for one in (text[start:end] for start, end in spans))
    at = block_span(dockerfile, target)[0] if target < len(dockerfile.instructions) else dockerfile.instructions[-1].end
    lead = "" if text[at - 1 : at] == "\n" else newline
    return apply_edits(text, [*(removal(text, *span) for span in spans), Edit(at, at, lead + block)])


def removal(text: str, start: int, end: int) -> Edit:
    """Take lines out, and of the blank lines on both sides of them one, so that no hole is left."""
    blank = next((line for line in ("\n", "\r\n") if text.startswith(line, end)), "")
    above = text[:start].removesuffix("\n").removesuffix("\r")
    return Edit(start, end + len(blank), "") if above.endswith("\n") else Edit(start, end, "")


def line_end(text: str) -> str:
    """Give the line end that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def unified_diff(before: str, after: str, *, path: str) -> str:
    """Give a patch for `git apply` or `patch -p1`; empty where nothing differs."""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as tools for patches do."""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])
