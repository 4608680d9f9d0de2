"""Rows of plain cases that lxml never sees: what is taken, what is left alone, and that the report stays the same."""

from __future__ import annotations

import io
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, CaseRun, RunKey, Verdict

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from cipredict.ingest import junit_lane  # after the skip
from cipredict.ingest.junit import read_junit
from cipredict.ingest.junit_events import JUnitEvents
from cipredict.ingest.junit_pending import Run

pytestmark = pytest.mark.learn

Items = list[CaseBatch | Report]
ROW = "".join(f'<testcase classname="tests.test_a" name="test_{n}" time="0.{n}"/>\n' for n in range(30))


def in_suite(content: str, head: str = "") -> bytes:
    return f'{head}<testsuites><testsuite name="pytest">{content}</testsuite></testsuites>'.encode()


@pytest.fixture(name="taken")
def _taken(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Give the runs that the lane hands over."""
    runs: list[Run] = []
    add_run = JUnitEvents.add_run

    def noted(events: JUnitEvents, run: Run) -> None:
        runs.append(run)
        add_run(events, run)

    monkeypatch.setattr(JUnitEvents, "add_run", noted)
    return runs


def read(content: bytes, *, chunk_bytes: int = 1 << 20) -> Items:
    stream = _Chunked(content, chunk_bytes)
    return list(read_junit(stream, source="r", key=RunKey("local", "shop", "1")))


class _Chunked(io.BytesIO):
    """Bytes that come some at a time."""

    def __init__(self, content: bytes, chunk_bytes: int) -> None:
        super().__init__(content)
        self._chunk_bytes = chunk_bytes

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._chunk_bytes, size) if size and size > 0 else self._chunk_bytes)


def read_by_lxml(content: bytes, *, chunk_bytes: int = 1 << 20) -> Items:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(junit_lane, "WORTH_BYTES", sys.maxsize)
        return read(content, chunk_bytes=chunk_bytes)


def test_all_but_the_first_of_a_row_are_taken(taken: list[Run]) -> None:
    batch, report = read(in_suite(ROW))
    assert isinstance(batch, CaseBatch)
    assert isinstance(report, Report)
    assert [("classname", "name", "time")] == [run.names for run in taken]
    expected = [CaseRun(f"tests/test_a.py::test_{n}", Verdict.PASSED, float(f"0.{n}")) for n in range(30)]
    assert (tuple(expected), 30, ()) == (batch.cases, report.entries, report.problems)
    assert [batch, report] == read_by_lxml(in_suite(ROW))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(in_suite(ROW, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'), id="declared"),
        pytest.param(b"\xef\xbb\xbf" + in_suite(ROW), id="byte order mark"),
        pytest.param(in_suite(ROW.replace("_1", "_é")), id="beyond ASCII"),
        pytest.param(in_suite(ROW.replace("\n", "\r\n\t")), id="line ends of Windows"),
        pytest.param(in_suite(ROW.replace("time=", 'file="tests/test_a.py" line="3" time=')), id="xunit1"),
        pytest.param(in_suite(ROW.replace("tests.", "com.acme.")).replace(b"pytest", b"Cart"), id="generic"),
        pytest.param(in_suite(ROW.replace(' time="0.7"', ' time="-1"')), id="an odd time"),
        pytest.param(in_suite(ROW.replace("test_7", "")), id="a nameless case"),
        pytest.param(in_suite(ROW.replace("test_7", "test_8")), id="a rerun"),
        pytest.param(in_suite(ROW).replace(b"<testsuites>", b"<testsuites xmlns='urn:a'>"), id="namespace"),
        pytest.param(in_suite(ROW)[:-60], id="cut off"),
        pytest.param(in_suite(ROW + "<broken"), id="broken behind the row: lines are counted"),
    ],
)
def test_a_row_is_taken_and_the_report_stays_the_same(taken: list[Run], content: bytes) -> None:
    items = read(content)
    assert len(taken) == 1
    assert items == read_by_lxml(content)


def test_rows_go_on_behind_cases_that_are_not_plain(taken: list[Run]) -> None:
    content = in_suite(ROW + "<testcase name='odd'><failure/></testcase>" + ROW.replace("test_", "case_"))
    items = read(content)
    assert len(taken) == 2
    assert items == read_by_lxml(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(in_suite(f"<!--{ROW}-->"), id="comment"),
        pytest.param(in_suite(f"{ROW[:67]}<!--{ROW}-->"), id="comment behind the same case"),
        pytest.param(in_suite(f"<system-out><![CDATA[{ROW}]]></system-out>"), id="CDATA"),
        pytest.param(in_suite(f"<?php {ROW}?>"), id="processing instruction"),
        pytest.param(in_suite(f"<testcase name='{ROW}'/>"), id="attribute"),
        pytest.param(in_suite(f"<testcase name='open'>{ROW}"), id="case that is open"),
        pytest.param(in_suite(f"</testcase>{ROW}"), id="broken before"),
        pytest.param(in_suite(f"\x08{ROW}"), id="a character before that XML does not allow"),
        pytest.param(ROW.encode(), id="no root"),
        pytest.param(in_suite("") + ROW.encode(), id="behind the root"),
        pytest.param(in_suite(ROW.replace("/>", ' status="failed"/>')), id="status"),
        pytest.param(in_suite(ROW.replace("/>", ' xmlns="urn:a"/>')), id="namespaces"),
        pytest.param(in_suite(ROW.replace("/>", ' name="twice"/>')), id="an attribute twice"),
        pytest.param(in_suite(ROW.replace("test_", "a&amp;b_")), id="entities"),
        pytest.param(in_suite(ROW.replace("test_", "a\tb_")), id="white space that XML changes"),
        pytest.param(in_suite(ROW.replace("test_", "a\x1f_")), id="controls"),
        pytest.param(in_suite(ROW.replace("test_", "a\ufffe")), id="no character"),
        pytest.param(in_suite(ROW).replace(b"test_9", b"\xff"), id="no UTF-8"),
        pytest.param(in_suite(ROW, '<?xml version="1.0" encoding="iso-8859-1"?>'), id="another encoding"),
        pytest.param(in_suite(ROW).decode().encode("utf-16"), id="UTF-16"),
        pytest.param(
            in_suite(ROW, "<!DOCTYPE a [<!ATTLIST testcase status CDATA 'failed'>]>"), id="attributes by default"
        ),
        pytest.param(
            in_suite(ROW, f"<!--{' ' * 70_000}--><!DOCTYPE a [<!ATTLIST testcase time NMTOKEN '1'>]>"),
            id="attributes by default, far from the start",
        ),
    ],
)
def test_what_is_no_row_of_plain_cases_is_left_to_lxml(taken: list[Run], content: bytes) -> None:
    items = read(content)
    assert not taken
    assert items == read_by_lxml(content)


def test_nothing_is_taken_until_the_encoding_is_known(taken: list[Run]) -> None:
    head = '<?xml version="1.0"' + " " * 70_000 + 'encoding="iso-8859-1"?>'
    content = in_suite(ROW.replace("_1", "_é"), head)
    assert read(content) == read_by_lxml(content)
    assert not taken


def test_many_shapes_cost_no_more_than_a_few_patterns(taken: list[Run]) -> None:
    rows = [ROW.replace("time=", f'x{n}="" time=') for n in range(20)]
    content = in_suite("<properties/>".join(rows))
    items = read(content)
    assert 0 < len({run.names for run in taken}) <= 8
    assert items == read_by_lxml(content)


def test_rows_are_found_after_a_long_time_without_any(taken: list[Run]) -> None:
    odd = "<testcase name='odd' classname='tests.test_a'><skipped/></testcase>" * 8_000
    content = in_suite(odd + ROW * 700)
    items = read(content)
    assert 0 < sum(len(run.parts) // 6 for run in taken) < 21_000
    assert items == read_by_lxml(content)


PIECES = (
    *(ROW, ROW[:67], ROW[:66] + ROW[66:200], ROW.replace('name="', 'name="é')),
    *("<testcase name='a'>", "</testcase>", "<failure/>", "<!--", "-->", "<![CDATA[", "]]>", "<a b='", "'/>", '"/>'),
    *("</testsuite>", "<testsuite name='Z'>", "&amp;", "&x;", "\n", "<?x", "?>", "\x08", "<", ">", '<testcase name="'),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from([40, 700, 1 << 20]))
@settings(max_examples=300, deadline=None)
def test_any_mixture_reads_as_by_lxml(pieces: list[str], chunk_bytes: int) -> None:
    content = in_suite("".join(pieces))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(junit_lane, "WORTH_BYTES", 0)
        items = read(content, chunk_bytes=chunk_bytes)
    assert repr(items) == repr(read_by_lxml(content, chunk_bytes=chunk_bytes))


@pytest.mark.parametrize("seed", range(10))
def test_a_report_cut_off_anywhere_keeps_what_lxml_keeps(taken: list[Run], seed: int) -> None:
    content = in_suite(ROW * 4 + "<testcase name='odd'><failure/></testcase>" + ROW)
    cut = random.Random(seed).randrange(2_200, len(content))  # noqa: S311  # repeatable
    assert read(content[:cut]) == read_by_lxml(content[:cut])
    assert taken
