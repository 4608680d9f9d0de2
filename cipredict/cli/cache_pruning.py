"""`cache prune`: entries of GitHub, of a dump or of a folder, what of them goes, and the going."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cipredict.cache_records import CacheEntry
from cipredict.cli.inputs import read_text
from cipredict.decide.caching.eviction.pruning import PrunePlan, plan_prune
from cipredict.errors import InputError, UsageError
from cipredict.quantities import spell_bytes
from cipredict.render.console import people, render_table

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class PruneOptions:
    """What the user asked for."""

    quota_bytes: int
    closed: tuple[str, ...]
    default_branch: str
    is_applied: bool
    output_format: str


@dataclass(frozen=True, slots=True)
class _Source:
    """Entries, what a plan must know about them, and what deletes some: how many of them were gone already."""

    entries: tuple[CacheEntry, ...]
    default_ref: str
    closed_refs: frozenset[str]
    delete: Callable[[Sequence[CacheEntry]], int] | None = None


def prune_caches(
    options: PruneOptions, *, directory: Path | None, github: str | None, dump: Path | None, base_url: str
) -> None:
    """Plan, show, and delete where that was asked for.

    Raises
    ------
    UsageError
        Not exactly one source, or a dump shall be deleted from.
    InputError
        The source cannot be read.
    """
    if sum(source is not None for source in (directory, github, dump)) != 1:
        raise UsageError("Give one of --github, --dump and --dir.", slug="cache-prune")
    if directory is not None:
        source = _of_folder(directory)
    elif github is not None:
        source = _of_github(github, base_url)
    else:
        source = _of_dump(str(dump))
    if options.is_applied and source.delete is None:
        raise UsageError("--apply needs --github or --dir: a dump holds nothing to delete.", slug="cache-prune")
    default_ref = f"refs/heads/{options.default_branch}" if options.default_branch else source.default_ref
    _check_default(source, default_ref, is_applied=options.is_applied)
    closed = source.closed_refs | {f"refs/pull/{number}/merge" for number in options.closed}
    plan = plan_prune(source.entries, options.quota_bytes, default_ref=default_ref, closed_refs=closed)
    _show(plan, options)
    if options.is_applied and source.delete is not None:
        _apply(plan, source.delete)


def _of_folder(directory: Path) -> _Source:
    from cipredict.act.caches.directory import DirectoryCache  # noqa: PLC0415  # not for GitHub

    if not directory.is_dir():
        raise InputError(f"{directory} does not exist.", slug="input-missing")
    cache = DirectoryCache(directory)

    def delete(entries: Sequence[CacheEntry]) -> int:
        cache.delete(entries)
        return 0

    return _Source(tuple(cache.entries()), "", frozenset(), delete)


def _of_dump(path: str) -> _Source:
    from cipredict.ingest.cache_entries import read_dump  # noqa: PLC0415  # as above

    read = read_dump(read_text(path, what="dump"))
    if read.bad:
        sys.stderr.write(f"cipredict: {read.bad} objects of {path} are no cache entries and were left out.\n")
    if not read.entries and read.bad:
        raise InputError(f"{path} holds no cache entry of GitHub's list.", slug="cache-dump")
    return _Source(read.unique(), "refs/heads/main", frozenset())


def _of_github(repository: str, base_url: str) -> _Source:
    from cipredict.ingest.api.client import Api, Patience  # noqa: PLC0415  # requests, part of an extra
    from cipredict.ingest.api.github import github_host  # noqa: PLC0415
    from cipredict.ingest.api.github_caches import GitHubCaches  # noqa: PLC0415

    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""
    api = Api(github_host(base_url, token), patience=Patience(tell=_say))
    caches = GitHubCaches(api, repository)
    held = caches.read()

    def delete(entries: Sequence[CacheEntry]) -> int:
        return sum(not caches.delete(entry) for entry in entries)

    return _Source(held.entries, held.default_ref, held.closed_refs, delete)


def _check_default(source: _Source, default_ref: str, *, is_applied: bool) -> None:
    """Say that nothing is protected where no entry is on the default branch; refuse where nobody knows that branch."""
    if not any(entry.ref for entry in source.entries):
        return
    if is_applied and not default_ref:
        raise UsageError("Which branch is the default one? Give --default-branch.", slug="cache-prune")
    if all(entry.ref != default_ref for entry in source.entries):
        _say(f"no entry is of {default_ref or 'the default branch'}, so that none is protected: see --default-branch.")


def _say(words: str) -> None:
    sys.stderr.write(f"cipredict: {words}\n")


def _show(plan: PrunePlan, options: PruneOptions) -> None:
    """Write the plan: JSON on stdout, or a table on stderr."""
    if options.output_format == "json":
        sys.stdout.write(json.dumps(_document(plan), indent=2) + "\n")
    else:
        rows = [
            (removal.entry.key, removal.entry.ref or "-", spell_bytes(removal.entry.size_bytes), removal.reason.value)
            for removal in plan.removals[:_SHOWN]
        ]
        verb = "Deleting" if options.is_applied else "To delete"
        title = f"{verb}: {len(plan.removals)} of {len(plan.removals) + len(plan.kept)}"
        people().print(render_table(title, ("key", "ref", "size", "why"), rows))
        if len(plan.removals) > _SHOWN:
            sys.stderr.write(f"… and {len(plan.removals) - _SHOWN} more.\n")
    stays = spell_bytes(plan.used_bytes - plan.freed_bytes)
    sys.stderr.write(f"{spell_bytes(plan.used_bytes)} held, {stays} stay, {spell_bytes(plan.quota_bytes)} may.\n")
    if not plan.is_within_quota:
        sys.stderr.write(
            f"cipredict: what stays does not fit: {plan.protected} entries are the newest of their kind on the default "
            "branch and are never deleted. Cache fewer paths or platforms. [cache-quota]\n"
        )


def _document(plan: PrunePlan) -> dict[str, object]:
    return {
        "used_bytes": plan.used_bytes,
        "freed_bytes": plan.freed_bytes,
        "quota_bytes": plan.quota_bytes,
        "is_within_quota": plan.is_within_quota,
        "protected": plan.protected,
        "delete": [
            {
                "id": removal.entry.entry_id,
                "key": removal.entry.key,
                "ref": removal.entry.ref,
                "size_bytes": removal.entry.size_bytes,
                "reason": removal.reason.name.lower(),
            }
            for removal in plan.removals
        ],
    }


def _apply(plan: PrunePlan, delete: Callable[[Sequence[CacheEntry]], int]) -> None:
    gone = delete([removal.entry for removal in plan.removals])
    already = f", {gone} of them were gone already" if gone else ""
    sys.stderr.write(f"Deleted {len(plan.removals)} entries{already}.\n")
