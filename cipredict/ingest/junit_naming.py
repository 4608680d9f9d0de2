"""Ids of the cases of one JUnit suite: those of `identify`, at a lower price where neighbours share their prefix."""

from __future__ import annotations

from cipredict.ingest.dialects import Dialect, Suite, identify
from cipredict.ingest.junit_pending import Attributes, PendingCases

_PREFIXING = frozenset({Dialect.PYTEST_XUNIT1, Dialect.PYTEST_XUNIT2, Dialect.SUREFIRE, Dialect.GENERIC})
"""Dialects whose ids are a prefix, the same for a class in a file, and the name."""

_NO_PREFIX: tuple[str, object, str | None] = ("", object(), None)
"""Fits no class."""


def name_cases(suite: Suite, pending: PendingCases, part: slice, *, known_files: frozenset[str]) -> list[str]:
    """Name a part of the cases; empty where the report does not. Neighbours mostly share what precedes their names."""
    if part.stop - part.start == 1:
        return [identify(suite, pending.attributes(part.start), known_files)]
    is_pytest = suite.is_pytest
    prefix, of_class, of_file = _NO_PREFIX
    case_ids: list[str] = []
    for name, classname, file in zip(*[column[part] for column in pending.naming()], strict=True):
        if name and classname == of_class and file == of_file and (is_pytest or _is_plain(name, prefix)):
            case_ids.append(prefix + name)
        else:
            attributes = pending.attributes(part.start + len(case_ids))
            case_id = identify(suite, attributes, known_files)
            prefix, of_class, of_file = _common_prefix(suite, attributes, case_id)
            case_ids.append(case_id)
    return case_ids


def _common_prefix(suite: Suite, attributes: Attributes, case_id: str) -> tuple[str, object, str | None]:
    """Give what `identify` puts before every plain name of this class and file; empty where it depends on the name."""
    name, classname = attributes.get("name") or "", attributes.get("classname") or ""
    prefix = case_id.removesuffix(name)
    is_pytest = suite.is_pytest
    is_known = suite.dialect in _PREFIXING and classname and name and prefix + name == case_id
    if is_known and (is_pytest or (name not in {classname, suite.name} and _is_plain(name, prefix))):
        return prefix, classname, attributes.get("file")
    return _NO_PREFIX


def _is_plain(name: str, prefix: str) -> bool:
    """Tell that a name neither repeats what stands before it nor is trimmed: such names only follow their prefix."""
    return name not in prefix and name.strip() == name
