"""GitLab's test report of a pipeline into cases, with the ids that the JUnit reports themselves would have given.

GitLab read JUnit XML to make it; the way back to XML lets one reader name cases, merge attempts and judge the file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from cipredict.ingest.interface import Report
from cipredict.ingest.junit import read_junit
from cipredict.ingest.payloads import Payload, objects_of, seconds_of, text_of
from cipredict.records import CaseBatch, RunKey

_CHILDREN = {"failed": "failure", "error": "error", "skipped": "skipped"}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_test_report(
    payload: Payload, *, source: str, key: RunKey, known_files: frozenset[str] = frozenset()
) -> Iterator[CaseBatch | Report]:
    """Give the cases of a test report in batches, then one `Report`."""
    yield from read_junit(io.BytesIO(_to_xml(payload)), source=source, key=key, known_files=known_files)


def _to_xml(payload: Payload) -> bytes:
    root = ET.Element("testsuites")
    for suite in objects_of(payload, "test_suites"):
        parent = ET.SubElement(root, "testsuite", name=_clean(text_of(suite, "name")))
        for case in objects_of(suite, "test_cases"):
            child = _CHILDREN.get(text_of(case, "status"))
            element = ET.SubElement(parent, "testcase", _attributes(case))
            if child:
                ET.SubElement(element, child)
    return bytes(ET.tostring(root, encoding="utf-8"))


def _attributes(case: Payload) -> dict[str, str]:
    named = {name: _clean(text_of(case, name)) for name in ("name", "classname", "file") if text_of(case, name)}
    seconds = seconds_of(case, "execution_time")
    return named if seconds is None else {**named, "time": repr(seconds)}


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
