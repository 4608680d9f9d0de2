"""GitHub's list of caches into entries: an answer of its API, a dump of `gh api`, or of `gh cache list --json`.

Nothing in an object is certain to be there; an object without an id, a key or times is no entry, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cipredict.cache_records import CacheEntry
from cipredict.ingest.payloads import Payload, moment_of, object_of, parse_documents, text_of


@dataclass(slots=True)
class ReadEntries:
    """What documents hold; `bad` are objects that are no entries."""

    entries: list[CacheEntry] = field(default_factory=list)
    bad: int = 0

    def add(self, document: object) -> None:
        """Take a page of the API, a list of pages or entries, or an entry."""
        if isinstance(document, list):
            for item in document:
                self.add(item)
        elif isinstance(document, Mapping) and isinstance(document.get("actions_caches"), list):
            self.add(document["actions_caches"])
        elif isinstance(document, Mapping) and (entry := _entry(document)) is not None:
            self.entries.append(entry)
        else:
            self.bad += 1

    def unique(self) -> tuple[CacheEntry, ...]:
        """Give each entry once: pages move while they are read."""
        return tuple({entry.entry_id: entry for entry in self.entries}.values())


def read_dump(text: str) -> ReadEntries:
    """Read a dump of any packing."""
    read = ReadEntries()
    for document in parse_documents(text):
        read.add(document)
    return read


def _entry(payload: Payload) -> CacheEntry | None:
    """Read `size_in_bytes` of the API, or `sizeInBytes` of the command."""
    size = payload.get("size_in_bytes", payload.get("sizeInBytes"))
    entry_id, key = text_of(payload, "id"), text_of(payload, "key")
    created_at = _moment(payload, "created_at", "createdAt")
    used_at = _moment(payload, "last_accessed_at", "lastAccessedAt") or created_at
    if not entry_id or not key or created_at is None or used_at is None or isinstance(size, bool):
        return None
    if not isinstance(size, int) or size < 0:
        return None
    return CacheEntry(entry_id, key, size, created_at, used_at, text_of(payload, "version"), text_of(payload, "ref"))


def _moment(payload: Payload, *names: str) -> datetime | None:
    return next((moment for name in names if (moment := moment_of(payload, name))), None)


def open_pull_refs(pages: Iterable[object]) -> frozenset[str]:
    """Give the refs under which open pull requests keep their caches."""
    pulls = [pull for page in pages if isinstance(page, list) for pull in page if isinstance(pull, Mapping)]
    return frozenset(f"refs/pull/{text_of(pull, 'number')}/merge" for pull in pulls)


def default_ref(repository: object) -> str:
    """Give the ref of the default branch; empty where the answer does not say."""
    payload: Payload = repository if isinstance(repository, Mapping) else {}
    branch = text_of(payload, "default_branch") or text_of(object_of(payload, "repository"), "default_branch")
    return f"refs/heads/{branch}" if branch else ""
