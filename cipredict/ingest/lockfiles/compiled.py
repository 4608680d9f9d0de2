"""Cargo.lock (TOML), go.sum and Gemfile.lock (text)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cipredict.ingest.lockfiles.interface import LockfileInvalid, Package, parse_text, parse_toml, tables_of, text_of

_GEM = re.compile(r" {4}(\S+) \((.+)\)")
_REVISION = re.compile(r" {2}revision: (\S+)")


def read_cargo(content: bytes) -> Iterator[Package]:
    """Read Cargo.lock; packages without a source are the workspace's own."""
    for table in tables_of(parse_toml(content), "package"):
        if "source" in table:
            source, version = text_of(table["source"], "source"), text_of(table.get("version"), "version")
            commit = source.rpartition("#")[2] if source.startswith("git+") else ""
            yield Package(text_of(table.get("name"), "name"), commit or version)


def read_go(content: bytes) -> Iterator[Package]:
    """Read go.sum: modules whose content is pinned; a line for `go.mod` alone pins no download."""
    for line in parse_text(content).splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2].startswith("h1:"):
            if not fields[1].endswith("/go.mod"):
                yield Package(fields[0], fields[1])
        elif fields:
            raise LockfileInvalid(f"{line[:60]!r} is not a module, version and hash")


def read_gems(content: bytes) -> Iterator[Package]:
    """Read Gemfile.lock: gems of servers by version, of repositories by commit; PATH holds the project's own."""
    section = revision = ""
    for line in parse_text(content).splitlines():
        if line and not line[0].isspace():
            section, revision = line.strip(), ""
        elif found := _REVISION.fullmatch(line):
            revision = found[1]
        elif section in {"GEM", "GIT", "PLUGIN SOURCE"} and (gem := _GEM.fullmatch(line)):
            yield Package(gem[1], revision or gem[2])
