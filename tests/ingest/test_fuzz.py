"""A small share of `benchmarks/ingest/fuzz.py`: damaged files never bring a reader down. Short cuts change nothing."""

from __future__ import annotations

import io
import random
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from lxml import etree

from cipredict.ingest import junit_events  # after the skip
from cipredict.ingest.attempts import CaseLedger
from cipredict.ingest.interface import Report
from cipredict.ingest.junit import read_junit
from cipredict.records import CaseBatch, RunKey

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "ingest"


def _benchmark(name: str) -> ModuleType:
    """Give a script of the benchmarks, which are no package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


fuzz, mutations = _benchmark("fuzz"), _benchmark("mutations")
pytestmark = pytest.mark.learn
CORPUS = mutations.load_corpus()


@settings(max_examples=300, deadline=5_000)
@given(st.integers(min_value=0, max_value=10**9))
def test_no_damaged_file_brings_a_reader_down(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    kind, content = mutations.make_input(CORPUS, seed=7, number=number)
    fuzz.TARGETS[kind](content, tmp_path_factory.mktemp("fuzz"))


def test_an_input_follows_from_its_number() -> None:
    first, again, other = (mutations.make_input(CORPUS, seed=1, number=number) for number in (5, 5, 6))
    assert first == again != other


def case_ids(content: bytes) -> list[str]:
    items = read_junit(io.BytesIO(content), source="r", key=RunKey("local", "shop", "1"))
    return [case.case_id for item in items if isinstance(item, CaseBatch) for case in item.cases]


def test_shared_prefixes_name_cases_as_one_by_one(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours share what stands before their names; without that short cut every id is the same."""
    contents = [content for kind, content in CORPUS if kind == "report"]
    contents += [path.read_bytes() for path in sorted((samples / "junit").glob("*.xml"))]
    contents += [_mixed(random.Random(seed)) for seed in range(40)]  # noqa: S311  # repeatable
    quick = [case_ids(content) for content in contents]
    monkeypatch.setattr(junit_events, "_PREFIXING", frozenset())
    assert [case_ids(content) for content in contents] == quick


def test_suites_settled_at_once_are_those_settled_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [content for kind, content in CORPUS if kind == "report"]
    contents += [_nested(random.Random(seed)) for seed in range(200)]  # noqa: S311  # repeatable
    at_once = [read(content) for content in contents]
    monkeypatch.setattr(CaseLedger, "add_suites", lambda *_: False)
    assert [read(content) for content in contents] == at_once


def read(content: bytes) -> list[CaseBatch | Report]:
    return list(read_junit(io.BytesIO(content), source="r", key=RunKey("local", "shop", "1")))


def _nested(chosen: random.Random) -> bytes:
    """Write suites in suites that share some cases, with tags that lack their partner."""
    parts = ["<testsuite name='A'>", "<testsuite name='pytest'>", "</testsuite>", "</testcase>", "<failure/>"]
    cases = "".join(
        f"<testcase classname='C{chosen.randrange(9)}' name='Test{n}' time='{n}'>{chosen.choice(['', '<failure/>'])}"
        + chosen.choice(["</testcase>"] * 9 + [""])
        + chosen.choice([*parts, "</testsuite><testsuite name='B'>", f"</testsuite><testsuite name='C{n % 9}'>"])
        for n in (chosen.randrange(20) for _ in range(30))
    )
    return f"<testsuites><testsuite name='Z'>{cases}".encode()


def _mixed(chosen: random.Random) -> bytes:
    """Write a suite whose names repeat classes, files and suites, and are padded."""
    words = ["shop", "shop.Cart", " shop.Cart", "Cart", "tests.test_a", "test_a", "tests/test_a.py", "x::y", "a.b", ""]
    suite = etree.Element("testsuite", name=chosen.choice([*words, "pytest"]))
    for _ in range(30):
        named = {key: chosen.choice(words) for key in ("name", "classname", "file", "class") if chosen.random() < 0.7}
        etree.SubElement(suite, "testcase", named)
    content: bytes = etree.tostring(suite)
    return content
