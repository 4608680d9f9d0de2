"""What a lock file reader gives and raises."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple


class Package(NamedTuple):
    """A pinned package. `version` is a commit or an address where nothing else tells it; never empty."""

    name: str
    version: str


class LockfileInvalid(ValueError):
    """The content is not the format that its name promises; the message is a clause without a full stop."""


Reader = Callable[[bytes], Iterable[Package]]
"""Give the packages of a file, in any order, repeats allowed; raises LockfileInvalid or ValueError."""


def parse_text(content: bytes) -> str:
    """Decode a text lock file.

    Raises
    ------
    LockfileInvalid
        Not UTF-8, or a merge left its marks.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LockfileInvalid("it is not UTF-8") from error
    if text.startswith("<<<<<<< ") or "\n<<<<<<< " in text:
        raise LockfileInvalid("it holds the marks of an unfinished merge")
    return text


_ARRAY = re.compile(r"^[\w-]+ = \[\n(?:[ \t].*\n)*\]\n", re.MULTILINE)
"""A list over several lines, as tools write hashes and dependencies: nine tenths of a lock file, of no use here."""


def parse_toml(content: bytes) -> Mapping[str, object]:
    """Parse a TOML lock file without its lists of files and dependencies: in a tenth of the time.

    Raises
    ------
    LockfileInvalid
        As `parse_text`.
    TOMLDecodeError
        It is not TOML.
    """
    return tomllib.loads(_ARRAY.sub("", parse_text(content)))


def tables_of(document: object, key: str) -> Iterator[Mapping[str, object]]:
    """Give the tables of a list in a document; nothing where the key is missing.

    Raises
    ------
    LockfileInvalid
        The document, the list or one of its members is something else.
    """
    members = object_of(document, "the document").get(key, [])
    if not isinstance(members, list):
        raise LockfileInvalid(f"'{key}' is not a list")
    for member in members:
        yield object_of(member, f"a member of '{key}'")


def object_of(value: object, what: str) -> Mapping[str, object]:
    """Give a value that must be an object; raises LockfileInvalid, naming it."""
    if not isinstance(value, dict):
        raise LockfileInvalid(f"{what} is not an object")
    return value


def text_of(value: object, key: str) -> str:
    """Give a field that must be a text that is not empty; raises LockfileInvalid, naming it."""
    if not isinstance(value, str) or not value:
        raise LockfileInvalid(f"a package has no '{key}'")
    return value
