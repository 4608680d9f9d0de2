"""The arguments of one instruction: flags, JSON form, words, `NAME=value` pairs, as BuildKit's line parsers split them.

Where BuildKit walks bytes instead of characters (flags, HEALTHCHECK) so does this, by way of Latin-1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

from cipredict.dockerfile.shell_words import GO_SPACES, is_space

_TOKEN_SPACES = re.compile(r"[\t\v\f\r ]+")
_OUTER_SPACES = re.compile(rf"\A[{GO_SPACES}]+|[{GO_SPACES}]+\Z")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ArgumentsError(ValueError):
    """The arguments of an instruction cannot be read; the message is for people."""


class Arguments(NamedTuple):
    """What follows a keyword and its flags."""

    values: tuple[str, ...]
    is_json: bool = False


class Line(NamedTuple):
    """A logical line in its three parts."""

    keyword: str
    flags: tuple[str, ...]
    rest: str


def trim(text: str) -> str:
    """Take white space off both ends."""
    return _OUTER_SPACES.sub("", text)


def split_line(line: str) -> Line:
    """Divide a logical line into keyword, flags and the rest."""
    keyword, *others = _TOKEN_SPACES.split(trim(line), maxsplit=1)
    if not others:
        return Line(keyword, (), "")
    rest, flags = _split_flags(others[0])
    return Line(keyword, flags, trim(rest))


def _split_flags(text: str) -> tuple[str, tuple[str, ...]]:
    raw = _to_bytes(text)
    flags: list[str] = []
    at = 0
    while True:
        while at < len(raw) and is_space(raw[at]):
            at += 1
        if not raw.startswith("--", at):
            return _from_bytes(raw[at:]), tuple(flags)
        at, word, is_flag = _read_flag(raw, at)
        if word == "--":
            return _from_bytes(raw[at:]), tuple(flags)
        if is_flag:
            flags.append(word)


def _read_flag(raw: str, at: int) -> tuple[int, str, bool]:
    """Read one word; quotes may make an empty one count. Backslash escapes here whatever the directive says."""
    word, quote, was_quoted = [], "", False
    while at < len(raw):
        character = raw[at]
        if not quote and is_space(character):
            break
        at += 1
        if character == "\\":
            if at == len(raw):
                break
            word.append(raw[at])
            at += 1
        elif quote:
            if character == quote:
                quote = ""
            else:
                word.append(character)
        elif character in "'\"":
            quote, was_quoted = character, True
        else:
            word.append(character)
    return at, "".join(word), was_quoted or bool(word)


def _to_bytes(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _from_bytes(raw: str) -> str:
    return raw if raw.isascii() else raw.encode("latin-1").decode("utf-8", "surrogateescape")


def parse_arguments(keyword: str, rest: str, *, escape: str) -> Arguments:
    """Split what follows the flags by the rules of its keyword, upper case; unknown keywords have one empty value.

    Raises
    ------
    ArgumentsError
        Not of the form that the keyword needs.
    """
    reader = _READERS.get(keyword)
    return reader(rest, escape) if reader else Arguments(("",))


def _maybe_json(rest: str, _: str) -> Arguments:
    if not rest:
        return Arguments(())
    found = _json_strings(rest)
    return Arguments((rest,)) if found is None else Arguments(found, is_json=True)


def _maybe_json_list(rest: str, escape: str) -> Arguments:
    found = _json_strings(rest)
    return _listed(rest, escape) if found is None else Arguments(found, is_json=True)


def _listed(rest: str, _: str) -> Arguments:
    return Arguments(tuple(_TOKEN_SPACES.split(rest)) if rest else ())


def _whole(rest: str, _: str) -> Arguments:
    return Arguments((rest,) if rest else ())


def _health(rest: str, escape: str) -> Arguments:
    raw = _to_bytes(rest)
    end = next((at for at, character in enumerate(raw) if is_space(character)), len(raw))
    start = next((at for at in range(end, len(raw)) if not is_space(raw[at])), len(raw))
    if end == 0:
        return Arguments(())
    command = _maybe_json(_from_bytes(raw[start:]), escape)
    return Arguments((_from_bytes(raw[:end]), *command.values), command.is_json)


def _json_strings(rest: str) -> tuple[str, ...] | None:
    """Read a JSON array of strings, whatever follows it; nothing where there is none.

    Raises
    ------
    ArgumentsError
        An array that holds something else.
    """
    if not rest.startswith("["):
        return None
    try:
        values, _ = _DECODER.raw_decode(rest)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise ArgumentsError("a JSON array may hold strings only")
    return tuple(_LONE_SURROGATE.sub("\ufffd", value) for value in values)


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _refuse(text: str) -> float:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_number, parse_float=_number)


def _pairs(rest: str, escape: str) -> Arguments:
    """Read `NAME=value …`, or the old form `NAME value with spaces`."""
    words = _quoted_words(rest, escape)
    if not words:
        return Arguments(())
    if "=" not in words[0]:
        parts = _TOKEN_SPACES.split(rest, maxsplit=1)
        if len(parts) < 2:
            raise ArgumentsError("it needs a name and a value")
        return Arguments(tuple(parts))
    pairs: list[str] = []
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            raise ArgumentsError(f"{word!r} is not of the form name=value")
        pairs += [name, value]
    return Arguments(tuple(pairs))


def _names(rest: str, escape: str) -> Arguments:
    return Arguments(tuple(_quoted_words(rest, escape)))


def _quoted_words(rest: str, escape: str) -> list[str]:
    """Split at spaces outside quotes; quotes and escapes stay."""
    words: list[str] = []
    word: list[str] = []
    quote, at = "", 0
    while at < len(rest):
        character = rest[at]
        at += 1
        if not quote and is_space(character):
            _flush(word, words)
            continue
        if character == escape and quote != "'":
            if at == len(rest):
                break
            word += [character, rest[at]]
            at += 1
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        word.append(character)
    _flush(word, words)
    return words


def _flush(word: list[str], words: list[str]) -> None:
    if word:
        words.append("".join(word))
        word.clear()


_READERS: dict[str, Callable[[str, str], Arguments]] = {
    **dict.fromkeys(("ADD", "COPY", "VOLUME"), _maybe_json_list),
    **dict.fromkeys(("CMD", "ENTRYPOINT", "RUN", "SHELL"), _maybe_json),
    **dict.fromkeys(("ENV", "LABEL"), _pairs),
    **dict.fromkeys(("EXPOSE", "FROM"), _listed),
    **dict.fromkeys(("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"), _whole),
    "ARG": _names,
    "HEALTHCHECK": _health,
}

KEYWORDS = frozenset({*_READERS, "ONBUILD"})
