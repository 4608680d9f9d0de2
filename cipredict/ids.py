"""Canonical case ids: one spelling per case, whichever report, collection or coverage context named it.

A pytest case is its node id, `path/to/test_file.py::Class::function[parameters]`. Other frameworks follow
`file::suite::name` with the parts they report (docs/formats.md has the rules per framework).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from posixpath import dirname
from typing import NewType

CaseId = NewType("CaseId", str)

_TEST_MODULE = re.compile(r"^test[_-]|[_-]test$")


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

    Only xunit1 has `file`. It says where the function is defined, which for an inherited test is another file than the
    one collected: it tells where the module ends in `classname`, and is believed no further. `known_files` are tracked
    paths, relative to pytest's rootdir; give a frozenset when there are many calls.

    >>> pytest_id("tests.test_format.TestFormat", "test_case[a.b]")
    'tests/test_format.py::TestFormat::test_case[a.b]'
    >>> pytest_id("", "tests.test_broken")
    'tests/test_broken.py'
    """
    files = frozenset(known_files)
    if not classname:  # a collection error: the name is the dotted module
        return CaseId(file or _dotted_files(files).get(name) or name.replace(".", "/") + ".py")
    return CaseId(f"{pytest_prefix(classname, file, files)}::{name}")


@lru_cache(maxsize=16384)
def pytest_prefix(classname: str, file: str, known_files: frozenset[str]) -> str:
    """Give file and classes of a node id. pytest wrote `classname` as `path.to.module.Class`, so the end is searched.

    The longest prefix that is a known file wins (`file`, where nobody knows), then the last part that is called like
    a test module before a class begins. A classname that names no module (unittest-xml-reporting) consists of classes
    in `file`.
    """
    parts = classname.split(".")
    files = _dotted_files(known_files or frozenset({file} if file else ()))
    for end in range(len(parts) if files else 0, 0, -1):
        path = files.get(".".join(parts[:end]))
        if path:
            return "::".join([path, *parts[end:]])
    end = _module_end(parts)
    if file and end == 0:
        return "::".join([file, *parts])
    end = end or len(parts)
    return "::".join(["/".join(parts[:end]) + ".py", *parts[end:]])


@lru_cache(maxsize=8)
def _dotted_files(known_files: frozenset[str]) -> Mapping[str, str]:
    """Index files by the spelling that pytest gives them in a report; folders may contain dots themselves."""
    return {_dotted(path): path for path in sorted(known_files)}


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _module_end(parts: list[str]) -> int:
    """Count the parts that spell the module's path, by their look; 0 if none looks like one."""
    classes_begin = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts))
    for end in range(classes_begin, 0, -1):
        if _TEST_MODULE.search(parts[end - 1]):
            return end
    return classes_begin
