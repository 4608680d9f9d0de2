"""The page as text: what a browser would run, what it holds, and what hostile names become."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.render.html.document import TABLES
from cipredict.render.html.facts import Backtest, CaughtCurve, PageFacts
from cipredict.render.html.page import fill, render_page

AT = datetime(2026, 3, 1, 4, 5, tzinfo=UTC)


def facts(*, project: str = "owner/name", **columns: object) -> PageFacts:
    tables: dict[str, Any] = {name: {} for name in TABLES}
    return PageFacts(project, AT, "0.1.0", unit="day", case_runs=1, **{**tables, **columns})


class Scripts(HTMLParser):
    """Collects what a browser takes for elements, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.scripts: list[tuple[str | None, str]] = []
        self._type: str | None = None
        self._is_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._is_script = tag == "script"
        self._type = dict(attrs).get("type")
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # the signature of the parser
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts.append((self._type, data))


def document(page: str) -> dict[str, Any]:
    [packed] = [text for kind, text in Scripts(page).scripts if kind == "text/plain"]
    read: dict[str, Any] = json.loads(gzip.decompress(b64decode(packed)))
    return read


def test_the_one_script_is_the_one_that_the_policy_names() -> None:
    seen = Scripts(render_page(facts()))
    [script] = [text for kind, text in seen.scripts if kind is None]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert seen.policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_nothing_is_named_that_would_be_fetched() -> None:
    page = render_page(facts())

    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(Scripts(page).tags)
    assert re.findall(r"""(?:src|href)=(?!"#)""", page.split("<script", maxsplit=1)[0]) == []
    assert "@import" not in page
    assert "url(" not in page


def test_equal_facts_give_equal_bytes() -> None:
    assert render_page(facts(cases={"case_id": ["a"]})) == render_page(facts(cases={"case_id": ["a"]}))


@given(st.text())
def test_any_project_and_case_stay_text(name: str) -> None:
    plain = Scripts(render_page(facts()))
    page = render_page(facts(project=name, cases={"case_id": [name]}))

    assert Scripts(page).tags == plain.tags
    assert document(page)["cases"]["case_id"] == [name]


@given(st.dictionaries(st.sampled_from(["a", "b-c"]), st.text(), min_size=2))
def test_what_looks_like_a_place_in_a_value_stays(values: dict[str, str]) -> None:
    assert fill("<{{a}}|{{b-c}}>", values) == f"<{values['a']}|{values['b-c']}>"


def test_a_place_without_a_value_is_a_bug() -> None:
    with pytest.raises(KeyError):
        fill("{{unknown}}", {})


def test_times_are_seconds_and_unknown_numbers_null() -> None:
    columns = {
        "at": [AT, None],
        "value": [float("nan"), 0.123456789],
        "trend": [[1.0, None], [2.5]],
        "is": [True, False],
    }

    assert document(render_page(facts(runs=columns)))["runs"] == {
        "at": [round(AT.timestamp()), None],
        "value": [None, 0.12346],
        "trend": [[1, None], [2.5]],
        "is": [True, False],
    }


def test_the_confidence_curve_rises_to_one_and_stays_short() -> None:
    shares = tuple(k / 5000 for k in range(1, 5001))
    backtest = Backtest("cipredict", (0.05, 0.1), (CaughtCurve("random", (0.5, None)),), shares)
    read = document(render_page(facts(backtest=backtest)))["backtest"]

    assert len(read["confidence_x"]) == 200
    assert read["confidence_y"][-1] == 1
    assert read["confidence_x"] == pytest.approx(read["confidence_y"])
    assert read["policies"] == [{"name": "random", "caught": [0.5, None]}]


def test_of_equal_shares_the_curve_has_the_highest() -> None:
    backtest = Backtest("cipredict", (), (), (0.2, 0.2, 0.1, 0.9))
    read = document(render_page(facts(backtest=backtest)))["backtest"]

    assert (read["confidence_x"], read["confidence_y"]) == ([0.1, 0.2, 0.9], [0.25, 0.75, 1])
