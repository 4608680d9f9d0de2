"""A deployment for people: a line per event while it goes on, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping


def render_event(event: str, facts: Mapping[str, object], *, after_s: float) -> str:
    """Give one line for an event of the engine; an event without words gives its name and facts."""
    words = _WORDS.get(event)
    said = words.format_map(_Facts(facts)) if words else f"{event} {dict(facts)}"
    return f"{after_s:7.1f} s  {said}\n"


class _Facts(dict[str, object]):
    """The facts as people read them."""

    def __missing__(self, key: str) -> str:
        return f"({key} unknown)"

    def __getitem__(self, key: str) -> object:
        value = super().__getitem__(key)
        if key == "share" and isinstance(value, float):
            return f"{value:.0%}"
        if key == "weights" and isinstance(value, Mapping):
            return ", ".join(f"{port}: {weight}" for port, weight in sorted(value.items()))
        if key == "previous":
            return value or "nothing"
        if key == "approvers" and isinstance(value, list):
            return ", ".join(value) or "anyone"
        if key == "number" and isinstance(value, int):
            return value + 1
        return " ".join(str(value).split()) if isinstance(value, str) else value


_WORDS = {
    "started": "deploying {release} over {previous}",
    "resumed": "going on with what was cut",
    "healthy": "{release} is healthy on port {port} ({role})",
    "step": "step {number}: {share} of the traffic (weights {weights})",
    "verdict": "step {number}: {verdict}, {reason}",
    "waiting": "waiting for the approval of {approvers}",
    "approved": "approved by {by}",
    "refused": "{problem}",
    "restored": "{release} serves again",
    "unwell": "the old release is not well: {problem}",
    "promoted": "{release} serves everybody",
    "rolled-back": "{release} was taken back: {reason}",
}
