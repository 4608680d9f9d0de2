"""What a run changed: git's answer where its commit is here, the API's where the user asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from cipredict.act.git import changed_paths
from cipredict.cli.storing import Item
from cipredict.errors import ChangeUnknown
from cipredict.ingest.runs import Attempt
from cipredict.records import Change, RunRecord

AskApi: TypeAlias = Callable[[RunRecord], tuple[Change, ...] | None]
_REQUESTS = ("pull_request", "merge_request")
"""Events whose commit is the last of several: its parent is not their base."""

_Answer: TypeAlias = tuple[str, tuple[Change, ...] | None]


@dataclass(slots=True)
class Changes:
    """Fills in the changes of runs; asks once for a commit, however many workflows tested it."""

    folder: Path
    ask_api: AskApi | None = None
    _known: dict[tuple[str, str], _Answer] = field(default_factory=dict)
    _has_git: bool = True

    def fill(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give the items, runs with what they changed as far as anybody knows."""
        for item in items:
            yield replace(item, run=self._filled(item.run)) if isinstance(item, Attempt) else item

    def _filled(self, run: RunRecord) -> RunRecord:
        key = run.sha, run.parent_sha
        is_request = run.event.startswith(_REQUESTS)
        if not run.sha or run.changes is not None or (is_request and not run.parent_sha):
            return run
        if key not in self._known:
            self._known[key] = self._ask(run)
        parent_sha, changes = self._known[key]
        return replace(run, parent_sha=parent_sha, changes=changes)

    def _ask(self, run: RunRecord) -> _Answer:
        found = self._ask_git(run)
        if found is not None:
            return found
        return run.parent_sha, self.ask_api(run) if self.ask_api else None

    def _ask_git(self, run: RunRecord) -> _Answer | None:
        """Compare with the base, or the parent, as `ingest junit` does."""
        if not self._has_git:
            return None
        try:
            found = changed_paths(run.parent_sha or f"{run.sha}~1", head=run.sha, cwd=self.folder)
        except ChangeUnknown as error:
            self._has_git = error.slug != "git-missing"
            return None
        return found.base_sha, found.in_folder()
