"""Words inside paths and case ids, for name similarity between a change and a case.

Path-token similarity alone puts the failing class into the first 10 % of classes for 80 % of 854 Defects4J bugs
(research: change-only baselines), which history cannot do for a case that never failed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cipredict.ids import case_file, case_function

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR = re.compile(r"[^a-z0-9]+")
_NOISE = frozenset(
    {"test", "tests", "spec", "specs", "unit", "integration", "src", "lib", "main", "py", "js", "ts", "init"}
)
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__"})
_TEST_NAME = re.compile(r"(?i:^test_|^tests?\.|[._-](test|spec)\.)|[a-z0-9](Tests?|Spec)\.")


def words(text: str) -> tuple[str, ...]:
    """Give the lower-case words of an identifier or path, in order, without the words every test has.

    >>> words("tests/test_HttpClient.py")
    ('http', 'client')
    """
    parts = _SEPARATOR.split(_CAMEL.sub("_", text).lower())
    return tuple(part for part in parts if len(part) > 1 and part not in _NOISE)


@lru_cache(maxsize=65536)
def path_words(path: str) -> tuple[str, ...]:
    """Give the words of a changed path."""
    return words(path)


def case_words(case_id: str) -> tuple[str, ...]:
    """Give the words of a case's file and function, without its parameters."""
    file = case_file(case_id)
    return words(file) + words(case_function(case_id)[len(file) :])


@lru_cache(maxsize=65536)
def stem(path: str) -> str:
    """Give what a file is about: its name without folder, extension and test markers.

    >>> stem("tests/test_keywords.py"), stem("sqlparse/keywords.py"), stem("src/FooSpec.js")
    ('keywords', 'keywords', 'foo')
    """
    name = path.rpartition("/")[2].split(".", 1)[0]
    return re.sub(r"^tests?[_-]|(^|[_-])(tests?|spec)$", "", _CAMEL.sub("_", name).lower()).strip("_-")


@lru_cache(maxsize=65536)
def folders(path: str) -> frozenset[str]:
    """Give the folder names of a path that say something: `tests`, `src` and the like are left out."""
    return frozenset(part for part in path.lower().split("/")[:-1] if part not in _NOISE)


@lru_cache(maxsize=65536)
def is_test_path(path: str) -> bool:
    """Tell whether a path is part of the suite rather than of what it tests."""
    *parents, name = path.split("/")
    return any(part.lower() in _TEST_FOLDERS for part in parents) or bool(_TEST_NAME.search(name))
