"""A workflow's own key template as a design, so that it is replayed beside the others.

What is the same in every run of a job (`runner.os`, `matrix.…`, `env.…`) is a constant. What differs in every run
(`github.sha`, `github.run_id`) is the commit. `hashFiles` is the digest of what its patterns match at a commit, and the
empty text where that is nothing: then the key is constant, silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cipredict.decide.caching.designs import PRESENT, Snapshot
from cipredict.decide.caching.provider import Keys

Patterns = tuple[str, ...]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_HASH_FILES = re.compile(r"hashFiles\(([^)]*)\)")
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"")
_PER_RUN = ("github.sha", "github.run_id", "github.run_number", "github.event.head_commit", "github.event.after")


def hashed_patterns(templates: Sequence[str]) -> list[Patterns]:
    """Give the patterns of every `hashFiles` in templates, each once."""
    calls = (call for template in templates for call in _HASH_FILES.findall(template))
    return list(dict.fromkeys(_patterns(call) for call in calls))


def _patterns(call: str) -> Patterns:
    lines = (single.replace("''", "'") or double for single, double in _TEXT.findall(call))
    return tuple(pattern.strip() for line in lines for pattern in line.splitlines() if pattern.strip())


@dataclass(frozen=True, slots=True)
class TemplateDesign:
    """The design of templates; a snapshot must know the digests of their `hashed_patterns`."""

    key: str
    restore_keys: tuple[str, ...] = ()
    name: str = PRESENT

    def keys(self, at: Snapshot) -> Keys:
        """Give the keys of the run of a commit."""
        return Keys(_fill(self.key, at), tuple(_fill(template, at) for template in self.restore_keys))


def _fill(template: str, at: Snapshot) -> str:
    return _EXPRESSION.sub(lambda match: _value(match[1], at), template)


def _value(expression: str, at: Snapshot) -> str:
    calls = _HASH_FILES.findall(expression)
    if calls:
        return "-".join(at.globs.get(_patterns(call), "") for call in calls)
    return at.sha if expression.startswith(_PER_RUN) else f"<{expression}>"


def unknown_parts(templates: Sequence[str]) -> Iterator[str]:
    """Give the expressions that the replay takes for constants although a step or an input makes them."""
    for expression in dict.fromkeys(found for template in templates for found in _EXPRESSION.findall(template)):
        if expression.startswith(("steps.", "needs.", "inputs.")) and "hashFiles" not in expression:
            yield expression
