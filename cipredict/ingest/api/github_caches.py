"""What GitHub's REST API tells of a repository's caches, and deleting them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cipredict.cache_records import CacheEntry
from cipredict.ingest.api.client import Api
from cipredict.ingest.cache_entries import ReadEntries, default_ref, open_pull_refs

_PAGE = 100


@dataclass(frozen=True, slots=True)
class HeldCaches:
    """A repository's entries, the ref of its default branch, and the refs of pull requests that are closed."""

    entries: tuple[CacheEntry, ...]
    default_ref: str
    closed_refs: frozenset[str]


class GitHubCaches:
    """One repository. Every method raises InputError where the API cannot be asked."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._base = f"repos/{repository}"

    def read(self) -> HeldCaches:
        """List the entries; pull requests are asked for only where one keeps a cache."""
        read = ReadEntries()
        sorting: dict[str, str | int] = {"per_page": _PAGE, "sort": "created_at", "direction": "asc"}
        for page in self._api.pages(f"{self._base}/actions/caches", sorting, is_kept=False):
            read.add(page)
        entries = read.unique()
        return HeldCaches(entries, default_ref(self._api.get(self._base)), self._closed(entries))

    def _closed(self, entries: Iterable[CacheEntry]) -> frozenset[str]:
        pulls = frozenset(entry.ref for entry in entries if entry.ref.startswith("refs/pull/"))
        if not pulls:
            return frozenset()
        pages = self._api.pages(f"{self._base}/pulls", {"state": "open", "per_page": _PAGE}, is_kept=False)
        return pulls - open_pull_refs(pages)

    def delete(self, entry: CacheEntry) -> bool:
        """Delete an entry; False where it was gone already."""
        return self._api.delete(f"{self._base}/actions/caches/{entry.entry_id}")
