"""Canonical case ids: one spelling per case, whichever report, collection or coverage context named it.

A pytest case is its node id, `path/to/test_file.py::Class::function[parameters]`. Other frameworks follow
`file::suite::name` with the parts they report (docs/formats.md has the rules per framework).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from posixpath import dirname
from typing import NewType

CaseId = NewType("CaseId", str)

_TEST_MODULE = re.compile(r"^test_|_test$")


def case_file(case_id: str) -> str:
    """Give the file part: everything before the first `::`."""
    return case_id.partition("::")[0]


def case_folder(case_id: str) -> str:
    """Give the folder of the case's file, empty at the root."""
    return dirname(case_file(case_id))


def case_function(case_id: str) -> str:
    """Give the id without its parameters: the siblings of a parametrised case share it.

    >>> case_function("tests/test_a.py::TestA::test_b[x::y]")
    'tests/test_a.py::TestA::test_b'
    """
    head, bracket, _ = case_id.partition("[")
    return head if bracket and "::" in head else case_id


def case_class(case_id: str) -> str:
    """Give file and class: the id without its last part."""
    return case_function(case_id).rpartition("::")[0]


def pytest_id(classname: str, name: str, *, file: str = "", known_files: Iterable[str] = ()) -> CaseId:
    """Build a node id from the attributes of a JUnit `<testcase>` written by pytest.

    xunit1 names the file. xunit2 only gives a dotted path, so the module's end has to be found: the longest
    prefix that is a known file, else the last part that looks like a test module before a class begins.

    >>> pytest_id("tests.test_format.TestFormat", "test_case[a.b]")
    'tests/test_format.py::TestFormat::test_case[a.b]'
    >>> pytest_id("", "tests.test_broken")
    'tests/test_broken.py'
    """
    if not classname:  # a collection error: the name is the dotted module
        return CaseId(file or name.replace(".", "/") + ".py")
    prefix = _module_and_classes(classname, file, frozenset(known_files))
    return CaseId(f"{prefix}::{name}")


@lru_cache(maxsize=16384)
def _module_and_classes(classname: str, file: str, known_files: frozenset[str]) -> str:
    parts = classname.split(".")
    end = _module_end(parts, file, known_files)
    module = file or "/".join(parts[:end]) + ".py"
    return "::".join([module, *parts[end:]])


def _module_end(parts: list[str], file: str, known_files: frozenset[str]) -> int:
    if file.endswith(".py"):
        depth = file.removesuffix(".py").count("/") + 1
        if "/".join(parts[:depth]) + ".py" == file:
            return depth
    for end in range(len(parts), 0, -1):
        if "/".join(parts[:end]) + ".py" in known_files:
            return end
    classes_begin = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts))
    for end in range(classes_begin, 0, -1):
        if _TEST_MODULE.search(parts[end - 1]):
            return end
    return classes_begin or len(parts)
