"""Which framework wrote a suite, and how its cases are called: one canonical id rule per framework.

docs/formats.md shows the rules with examples. A suite is looked at once, at its first case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cipredict.ids import pytest_id, pytest_prefix


class Dialect(StrEnum):
    """Producers whose reports differ in how they name a case."""

    PYTEST_XUNIT1 = "pytest xunit1"
    PYTEST_XUNIT2 = "pytest xunit2"
    SUREFIRE = "surefire"
    GOTESTSUM = "gotestsum"
    JEST = "jest-junit"
    VITEST = "vitest"
    MOCHA = "mocha"
    PLAYWRIGHT = "playwright"
    GENERIC = "generic"


@dataclass(slots=True)
class Suite:
    """The attributes of a `<testsuite>` that name its cases; mutable, because the dialect shows at its first case."""

    name: str = ""
    file: str = ""
    hostname: str = ""
    root_name: str = ""
    is_surefire: bool = False
    dialect: Dialect | None = None
    is_pytest: bool = False


_PYTHON_TEST = re.compile(r"^\w+\.(\w+\.)*(test_\w+|\w+_test)(\.|$)|^(test_\w+|\w+_test)\.[A-Z]")
_GO_TEST = re.compile(r"^(Test|Example|Benchmark|Fuzz)(?![a-z])")
_JAVASCRIPT_FILE = re.compile(r"\.[cm]?[jt]sx?$")
_QUALIFIED_NAME = re.compile(r"^((?:[A-Za-z_$][\w$]*\.)+[A-Z][\w$+]*)\.([\w$]+(?:\(.*\))?)$")
"""A class with its package, and a method, where a report has no class name (Ant, xUnit.net)."""


def detect_dialect(suite: Suite, attributes: Mapping[str, str], known_files: frozenset[str]) -> Dialect:
    """Tell who wrote a suite from its attributes and those of its first case."""
    named = _NAMED_ROOTS.get(suite.root_name) or _NAMED_ROOTS.get(suite.name)
    if named is not None:
        return named
    if suite.is_surefire:
        return Dialect.SUREFIRE
    classname, name = attributes.get("classname", ""), attributes.get("name", "")
    if _is_go(suite, classname, name):
        return Dialect.GOTESTSUM
    if _is_python(suite, attributes, known_files):
        return Dialect.PYTEST_XUNIT1 if "file" in attributes else Dialect.PYTEST_XUNIT2
    if suite.hostname and classname == suite.name and _JAVASCRIPT_FILE.search(suite.name):
        return Dialect.PLAYWRIGHT
    return Dialect.GENERIC


MOCHA_TESTS = "Mocha Tests"
_TITLED = frozenset({Dialect.JEST, Dialect.MOCHA})
_NAMED_ROOTS = {"jest tests": Dialect.JEST, "vitest tests": Dialect.VITEST, MOCHA_TESTS: Dialect.MOCHA}


def _is_python(suite: Suite, attributes: Mapping[str, str], known_files: frozenset[str]) -> bool:
    classname, file = attributes.get("classname", ""), attributes.get("file", "")
    if suite.name == "pytest" or suite.root_name == "pytest tests" or file.endswith(".py"):
        return True
    if known_files and pytest_prefix(classname, "", known_files).partition("::")[0] in known_files:
        return True
    return not file and "test" in classname and _PYTHON_TEST.search(classname) is not None


def _is_go(suite: Suite, classname: str, name: str) -> bool:
    if not classname:  # a package that did not build
        return name == "TestMain"
    is_package = classname == suite.name or suite.name.endswith("/" + classname)
    return is_package and _GO_TEST.match(name) is not None and not _JAVASCRIPT_FILE.search(classname)


def identify(suite: Suite, attributes: Mapping[str, str], known_files: frozenset[str]) -> str:
    """Give the canonical id of a case; empty if the report gives it no name."""
    name = attributes.get("name") or ""
    classname = attributes.get("classname") or attributes.get("class") or ""
    file = attributes.get("file") or ""
    if suite.is_pytest:
        if classname and name:
            return f"{pytest_prefix(classname, file, known_files)}::{name}"
        return str(pytest_id(classname, name, file=file, known_files=known_files)) if name else ""
    if not (name or classname):
        return ""
    if suite.dialect is Dialect.GOTESTSUM:
        return f"{suite.name or classname}::{name}"
    if suite.dialect is Dialect.PLAYWRIGHT:
        return f"{suite.name}::[{suite.hostname}] {name}"
    path = relative_file(file or suite.file, known_files)
    build = _file_title if suite.dialect in _TITLED else _file_suite_name
    return build(suite, classname.strip(), name=name.strip(), file=path)


def _file_suite_name(suite: Suite, classname: str, *, name: str, file: str) -> str:
    """Join the parts that say something: what repeats the name, or the file, says nothing."""
    owner = "" if classname == name else classname or suite.name  # CTest says it twice
    if not classname:
        qualified = _QUALIFIED_NAME.match(name)
        owner, name = (qualified[1], qualified[2]) if qualified else (owner, name)
    if owner == name or (file and owner in {file, _dotted(file)}):
        owner = ""
    return "::".join(filter(None, (file, owner, name)))


@lru_cache(maxsize=1024)
def _dotted(file: str) -> str:
    return re.sub(r"\.\w+$", "", file).replace("/", ".")


def _file_title(suite: Suite, classname: str, *, name: str, file: str) -> str:
    """Join file and full title, as the JSON of jest and mocha gives them; a suite may stand in for the file."""
    if classname == _JEST_LOAD_FAILURE:  # the name is the file that did not load
        return name
    owner = file or (suite.name if suite.dialect is Dialect.JEST or _JAVASCRIPT_FILE.search(suite.name) else "")
    title = _full_title(suite, classname, name)
    return f"{owner}::{title}" if owner else title


_JEST_LOAD_FAILURE = "Test suite failed to run"


def _full_title(suite: Suite, classname: str, name: str) -> str:
    """Give all titles: jest-junit says them twice unless configured, mocha-junit-reporter has them in one attribute."""
    if suite.root_name == MOCHA_TESTS and (name.endswith(classname) or classname.endswith(name)):
        return max(name, classname, key=len)
    return name if classname in {"", name} else f"{classname} {name}"


@lru_cache(maxsize=16384)
def relative_file(file: str, known_files: frozenset[str]) -> str:
    """Give a reported file as a path of the repository: slashes normalised, an absolute one by its known tail."""
    path = file.replace("\\", "/").removeprefix("./")
    if path in known_files or not (path.startswith("/") or path[1:3] == ":/"):
        return path
    parts = path.split("/")
    tails = ("/".join(parts[begin:]) for begin in range(1, len(parts)))
    return next((tail for tail in tails if tail in known_files), path)
