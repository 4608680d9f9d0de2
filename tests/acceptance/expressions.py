"""The part of GitHub's expressions that our workflows use, evaluated: operators, contexts, filters, a few functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Value = Any  # whatever JSON holds
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||==|!=|[!().,*\[\]]))"
)
_EXPRESSION = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|[^'])*?)\}\}", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}


def evaluate(text: str, contexts: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> Value:
    """Give the value of what stands between `${{` and `}}`."""
    return _Parser(text, contexts, functions).whole()


def fill(text: str, contexts: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> Value:
    """Replace the expressions of a text; a text that is one expression keeps its kind."""
    only = _EXPRESSION.fullmatch(text)
    if only:
        return evaluate(only[1], contexts, functions)
    return _EXPRESSION.sub(lambda found: spell(evaluate(found[1], contexts, functions)), text)


def spell(value: Value) -> str:
    """Give a value as GitHub puts it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def is_true(value: Value) -> bool:
    """Tell what counts as true."""
    return value not in (None, False, 0, "")


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> None:
        self._contexts = contexts
        self._functions = {**_FUNCTIONS, **functions}
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            assert found, f"no expression of ours: {text!r} at {at}"
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            at = found.end()

    def whole(self) -> Value:
        value = self._either()
        assert not self._tokens, self._tokens
        return value

    def _take(self, *signs: str) -> str:
        if self._tokens and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs:
            return self._tokens.pop(0)[1]
        return ""

    def _either(self) -> Value:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if is_true(value) else other
        return value

    def _both(self) -> Value:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = other if is_true(value) else value
        return value

    def _equal(self) -> Value:
        value = self._not()
        while sign := self._take("==", "!="):
            other = self._not()
            value = (value == other) is (sign == "==")
        return value

    def _not(self) -> Value:
        return not is_true(self._not()) if self._take("!") else self._path()

    def _path(self) -> Value:
        value = self._atom()
        while self._take("."):
            if self._take("*"):
                value = list(value.values()) if isinstance(value, Mapping) else list(value or [])
                continue
            key = self._tokens.pop(0)[1]
            if isinstance(value, list):
                value = [one.get(key) for one in value]
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _atom(self) -> Value:
        if self._take("("):
            value = self._either()
            assert self._take(")")
            return value
        kind, word = self._tokens.pop(0)
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return float(word) if "." in word else int(word)
        if not self._take("("):
            return _WORDS[word] if word in _WORDS else self._contexts[word]
        arguments: list[Value] = []
        while not self._take(")"):
            arguments.append(self._either())
            self._take(",")
        return self._functions[word](*arguments)


def _from_json(text: str) -> Value:
    return json.loads(text) if text else None  # GitHub fails here, but not in the branch that it does not evaluate


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "contains": lambda where, what: what in (where if where is not None else ""),
    "fromJSON": _from_json,
    "join": lambda values, sign: sign.join(map(spell, values)),
}
