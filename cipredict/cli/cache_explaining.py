"""`cache explain` from options to reasons: remembered plans from event files, entries from the provider's list."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cipredict.cli.environment import ci_run
from cipredict.cli.event_files import read_event_files
from cipredict.cli.outputs import warn
from cipredict.decide.caching.explain import Finding, ListedEntry, RememberedKey, explain_key
from cipredict.errors import InputError, UsageError
from cipredict.plans.document import canonical_json
from cipredict.render.caching import FORMATS

if TYPE_CHECKING:
    from cipredict.settings import Settings


def explain(key: str, settings: Settings, *, caches: Path | None, ref: str | None) -> list[Finding]:
    """Give the reasons for what a run with this key found."""
    plans = _remembered(settings.events)
    entries = None if caches is None else read_entries(caches)
    run = ci_run()
    own = ref or (f"refs/heads/{run.branch}" if run and run.branch else "")
    default = f"refs/heads/{settings.default_branch or 'main'}"
    return explain_key(key, plans, entries, ref=own or default, default_ref=default, now=datetime.now(UTC))


def _remembered(folder: Path) -> list[RememberedKey]:
    if not folder.exists():
        return []
    events, complaints = read_event_files([folder])
    for complaint in complaints:
        warn(complaint)
    plans = []
    for event in sorted((event for event in events if event.kind == "cache-key"), key=lambda event: event.at):
        try:
            plans.append(_parse_plan(event.body, event.at))
        except (KeyError, TypeError, AttributeError) as error:
            warn(f"A cache key of {event.at:%Y-%m-%d %H:%M} cannot be read: {error!r}.")
    return plans


def _parse_plan(body: Mapping[str, object], at: datetime) -> RememberedKey:
    fallbacks, paths, files = body["fallback_keys"], body["paths"], body["files"]
    if not isinstance(fallbacks, list) or not isinstance(paths, list) or not isinstance(files, dict):
        raise TypeError("fallback_keys, paths, files")
    restore = [body["secondary"], *fallbacks] if body["secondary"] else []
    return RememberedKey(str(body["primary"]), tuple(map(str, restore)), str(body["stage"]), files, tuple(paths), at)


def read_entries(path: Path) -> list[ListedEntry]:
    """Read what GitHub's API lists: `gh api repos/OWNER/NAME/actions/caches --paginate`, one page or several joined.

    Raises
    ------
    InputError
        It cannot be read, or is something else.
    """
    try:
        pages = _documents(path.read_text(encoding="utf-8").strip())
        return [_parse_entry(one) for page in pages for one in page.get("actions_caches", [page])]
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", slug="input-unreadable") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is not GitHub's list of caches: {type(error).__name__}: {error}."
        raise InputError(
            message, slug="cache-list", hint="`gh api repos/OWNER/NAME/actions/caches` writes one."
        ) from error


def _documents(text: str) -> Iterator[dict[str, Any]]:  # whatever JSON holds
    """Give JSON documents one after the other, as `--paginate` joins pages; a list counts as its members."""
    while text:
        page, end = json.JSONDecoder().raw_decode(text)
        yield from page if isinstance(page, list) else [page]
        text = text[end:].lstrip()


def _parse_entry(value: Mapping[str, object]) -> ListedEntry:
    created = str(value["created_at"])
    return ListedEntry(
        key=str(value["key"]),
        ref=str(value["ref"]),
        version=str(value.get("version", "")),
        created_at=datetime.fromisoformat(created),
        used_at=datetime.fromisoformat(str(value.get("last_accessed_at") or created)),
        size_bytes=int(str(value.get("size_in_bytes", 0))),
    )


def show_findings(key: str, findings: Sequence[Finding], *, output_format: str) -> None:
    """Write the reasons to stderr, and the document to stdout where it was asked for."""
    if output_format not in FORMATS:
        raise UsageError(f"Unknown format '{output_format}': choose from {', '.join(FORMATS)}.", slug="unknown-format")
    sys.stderr.write(f"{key}\n" + "".join(f"  {one.kind}: {one.text}.\n" for one in findings))
    if output_format == "json":
        sys.stdout.write(canonical_json({"key": key, "findings": [asdict(one) for one in findings]}))
