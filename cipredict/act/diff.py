"""A change as text on stdin: `git diff`, `git diff --name-status` or `git diff --name-only`, with or without `-z`.

Also reads `git show`, `git format-patch` and plain `diff -u`. Runs nothing: `git.py` asks git itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cipredict.errors import ChangeUnknown
from cipredict.records import Change

_NOWHERE = "/dev/null"
_STATUS_LINE = re.compile(r"[AMDTUX]\t[^\t]+|[RC]\d*\t[^\t]+\t[^\t]+")
_STATUS_FIELD = re.compile(r"[AMDTUX]|[RC]\d+")
_FILE = re.compile(r"diff --git (?P<pair>.+)|diff --(?:cc|combined) (?P<merged>.+)")
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_HUNK_MARKS = ("+", "-", " ", "\\", "")
_ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-7]{3})')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


def parse_diff(text: str) -> tuple[Change, ...]:
    """Read what changed from any of the spellings, sorted by path; a path named twice counts once.

    Raises
    ------
    ChangeUnknown
        The text is blank. That also happens when the command before the pipe failed, so it cannot mean "no change".
    """
    if not text.strip():
        message = "The diff on stdin is empty: nothing changed, or the command before the pipe failed."
        raise ChangeUnknown(message, slug="diff-empty", hint="Let cipredict ask git: --base REF.")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if _is_unified(lines):
        changes = _parse_unified(lines)
    elif "\0" in text:
        changes = _parse_fields(text.split("\0"))
    else:
        changes = [_parse_name(line) for line in lines if line.strip()]
    unique = {change.path: change for change in changes}
    return tuple(unique[path] for path in sorted(unique))


def _is_unified(lines: Sequence[str]) -> bool:
    has_pair = any(a.startswith("--- ") and b.startswith("+++ ") for a, b in pairwise(lines))
    return has_pair or any(_FILE.fullmatch(line) for line in lines)


def _parse_fields(fields: Sequence[str]) -> list[Change]:
    """Read `-z` output: a status followed by its one or two paths, or paths alone."""
    rest = (field for field in fields if field.strip())
    changes = []
    for field in rest:
        if not _STATUS_FIELD.fullmatch(field):
            changes.append(Change(field))
            continue
        previous = next(rest, None) if field[0] in "RC" else None
        path = next(rest, None)
        if path is not None:
            changes.append(Change(path, status=field[0], previous_path=previous))
    return changes


def _parse_name(line: str) -> Change:
    if not _STATUS_LINE.fullmatch(line):
        return Change(unquote(line.strip()))
    status, *paths = line.split("\t")
    previous = unquote(paths[0]) if len(paths) == 2 else None
    return Change(unquote(paths[-1]), status=status[0], previous_path=previous)


def unquote(path: str) -> str:
    r"""Undo git's C-style quoting, which it uses for anything beyond plain ASCII.

    >>> unquote(r'"tests/\303\244.py"')
    'tests/ä.py'
    """
    if len(path) < 2 or not path[0] == path[-1] == '"':
        return path
    octets = _ESCAPE.sub(lambda match: bytes([_octet(match[1])]), path[1:-1].encode())
    return octets.decode(errors="replace")


def _octet(escape: bytes) -> int:
    return int(escape, 8) & 0xFF if len(escape) == 3 else _ESCAPED[escape[0]]


@dataclass(slots=True)
class _File:
    """One file of a unified diff while its lines go by; `old` and `new` come from `---` and `+++`."""

    named: str | None = None
    old: str | None = None
    new: str | None = None
    renamed_from: str | None = None
    status: str = "M"
    added: int = 0
    deleted: int = 0
    has_counts: bool = True


def _parse_unified(lines: Sequence[str]) -> list[Change]:
    """Walk the lines; a hunk's own counts say where it ends, so its content is never taken for a header."""
    files = [_File()]
    old = new = 0  # lines that the current hunk still has
    for line in lines:
        if (old > 0 or new > 0) and line[:1] in _HUNK_MARKS:
            old -= line[:1] not in ("+", "\\")
            new -= line[:1] not in ("-", "\\")
            _count(files[-1], line)
        elif hunk := _HUNK.match(line):
            old, new = int(hunk[1] or 1), int(hunk[2] or 1)
        else:
            old = new = 0  # a hunk that lost lines on its way does not swallow the next file
            if header := _FILE.fullmatch(line):
                files.append(_begin(header))
            elif line.startswith("--- ") and files[-1].old is not None:  # plain `diff -u` has no other separator
                files.append(_File())
            _read_header(files[-1], line)
    return [change for file in files if (change := _finish(file))]


def _count(file: _File, line: str) -> None:
    file.added += line.startswith("+")
    file.deleted += line.startswith("-")


def _begin(header: re.Match[str]) -> _File:
    if header["merged"]:
        return _File(named=unquote(header["merged"]), has_counts=False)
    return _File(named=_common_name(header["pair"]))


def _common_name(pair: str) -> str | None:
    """Give x of `a/x b/x` or, with `--no-prefix`, of `x x`; None where the halves differ, as in a rename."""
    middle = len(pair) // 2
    old, new = unquote(pair[:middle]), unquote(pair[middle + 1 :])
    if pair[middle] != " ":
        return None
    if old == new:
        return new
    return new[2:] if old[1:2] == new[1:2] == "/" and old[2:] == new[2:] else None


def _read_header(file: _File, line: str) -> None:
    key, _, value = line.partition(" ")
    match key:
        case "---" if value:  # alone, it ends the message of a mail
            file.old = unquote(value.partition("\t")[0])
        case "+++" if value:
            file.new = unquote(value.partition("\t")[0])
        case "new" if value.startswith("file mode"):
            file.status = "A"
        case "deleted" if value.startswith("file mode"):
            file.status = "D"
        case "rename" | "copy":
            _read_rename(file, value, status=key[0].upper())
        case "Binary" | "GIT":
            file.has_counts = False


def _read_rename(file: _File, value: str, *, status: str) -> None:
    direction, _, path = value.partition(" ")
    if direction == "from":
        file.renamed_from = unquote(path)
    elif direction == "to":
        file.named, file.status = unquote(path), status


def _finish(file: _File) -> Change | None:
    path, status = file.named or _plain_name(file), file.status
    if not path:
        return None
    if status == "M" and file.old == _NOWHERE:
        status = "A"
    elif status == "M" and file.new == _NOWHERE:
        status = "D"
    added, deleted = (file.added, file.deleted) if file.has_counts else (None, None)
    return Change(path, added, deleted, status=status, previous_path=file.renamed_from)


def _plain_name(file: _File) -> str | None:
    """Name a file by its `---` and `+++` lines, without the `a/` and `b/` that come in pairs."""
    present = [name for name in (file.new, file.old) if name not in (None, _NOWHERE)]
    if not present:
        return None
    is_prefixed = all(name[1:2] == "/" for name in present if name)
    return present[0][2:] if is_prefixed and present[0] else present[0]
