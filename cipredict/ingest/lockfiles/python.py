"""Python's lock files: uv, Poetry, PDM and PEP 751 (TOML), Pipenv (JSON), pinned requirements (text)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from cipredict.ingest.lockfiles.interface import (
    LockfileInvalid,
    Package,
    object_of,
    parse_text,
    parse_toml,
    tables_of,
    text_of,
)

_LOCAL_SOURCES = frozenset({"virtual", "editable", "directory", "workspace"})
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(===?\s*[^\s;,]+|@\s*[^\s;]+|[^;]*)")
_OPTIONS = re.compile(r"\s--?[a-z].*")
_COMMENT = re.compile(r"(?:^|\s)#.*")


def canonical_name(name: str) -> str:
    """Give a project's one spelling (PEP 503).

    >>> canonical_name("Zope.Interface__X")
    'zope-interface-x'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_uv(content: bytes) -> Iterator[Package]:
    """Read uv.lock; the project itself and other local packages are not cached."""
    for table in tables_of(parse_toml(content), "package"):
        source = table.get("source")
        kinds = set(source) if isinstance(source, dict) else set()
        if not kinds & _LOCAL_SOURCES:
            yield _pinned(table, git=source.get("git") if isinstance(source, dict) else None)


def read_poetry(content: bytes) -> Iterator[Package]:
    """Read poetry.lock."""
    for table in tables_of(parse_toml(content), "package"):
        source = table.get("source")
        source = source if isinstance(source, dict) else {}
        if source.get("type") != "directory":
            yield _pinned(table, git=source.get("resolved_reference"))


def read_pdm(content: bytes) -> Iterator[Package]:
    """Read pdm.lock."""
    for table in tables_of(parse_toml(content), "package"):
        if "path" not in table:
            yield _pinned(table, git=table.get("revision"))


def read_pylock(content: bytes) -> Iterator[Package]:
    """Read pylock.toml (PEP 751)."""
    for table in tables_of(parse_toml(content), "packages"):
        vcs = table.get("vcs")
        if "directory" not in table:
            yield _pinned(table, git=vcs.get("commit-id") if isinstance(vcs, dict) else None)


def _pinned(table: Mapping[str, object], *, git: object) -> Package:
    """Give name and version; of what comes from a repository, its commit: the version stays while that moves on."""
    name = canonical_name(text_of(table.get("name"), "name"))
    return Package(name, git if isinstance(git, str) and git else text_of(table.get("version"), "version"))


def read_pipfile(content: bytes) -> Iterator[Package]:
    """Read Pipfile.lock, every category of it."""
    document = object_of(json.loads(parse_text(content)), "the document")
    for category, packages in document.items():
        if category == "_meta":
            continue
        for name, fields in object_of(packages, f"'{category}'").items():
            pinned = object_of(fields, f"'{name}'")
            version = pinned.get("ref") or pinned.get("version") or pinned.get("file")
            if isinstance(version, str):  # without any it is a local path
                yield Package(canonical_name(name), version.removeprefix("=="))


def read_requirements(content: bytes) -> Iterator[Package]:
    """Read requirements: pinned ones by version, ranges by their text; nested files and local paths are left out."""
    for line in parse_text(content).replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        requirement = _OPTIONS.sub("", _COMMENT.sub("", line)).strip()
        if not requirement or requirement.startswith(("-", ".", "/")):
            continue
        if "://" in requirement and " @ " not in requirement:
            yield Package(requirement.partition("#")[0], requirement)
            continue
        match = _REQUIREMENT.match(requirement)
        if match is None:
            raise LockfileInvalid(f"{requirement[:60]!r} is not a requirement")
        version = "".join(match[2].split()).removeprefix("@").lstrip("=")
        yield Package(canonical_name(match[1]), version or "*")
