"""Findings for people and for machines."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from cipredict.render.health import findings_document, render_findings, say_findings

FINDINGS = [
    ("git", "ok", "9 commits", "", ""),
    ("store", "warn", "held by [process] 7", "The nightly job learns from it.", "wait"),
    ("bundle", "error", "missing", "Everything runs.", "cipredict train"),
]


def test_the_worst_is_counted_first() -> None:
    assert say_findings(FINDINGS) == "3 findings: 1 error, 1 warn, 1 ok"


def test_why_and_remedy_stand_below_what_was_found() -> None:
    out = StringIO()
    Console(file=out, width=80, markup=False).print(render_findings(FINDINGS))
    lines = [line.split() for line in out.getvalue().splitlines() if line.strip()]

    at = lines.index(["warn", "store", "held", "by", "[process]", "7"])
    assert lines[at + 1 : at + 3] == [["The", "nightly", "job", "learns", "from", "it."], ["Remedy:", "wait"]]


def test_machines_get_every_field() -> None:
    document = findings_document(FINDINGS[:1], is_sound=True)
    assert document == {
        "sound": True,
        "findings": [{"check": "git", "level": "ok", "what": "9 commits", "why": "", "remedy": ""}],
    }
