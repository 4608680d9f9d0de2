"""The keys of one run: from a stage's settings, the files it is keyed by and the facts of the runner."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import accumulate

from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import DESIGNS, Snapshot
from cipredict.decide.caching.provider import Keys
from cipredict.errors import UsageError

MAX_CHARACTERS = 512
MAX_KEYS = 10
MAX_GITLAB_FALLBACKS = 5
_DIGEST_LENGTH = 32
_AWKWARD = re.compile(r"[\s,/\\]+")


class Provider(StrEnum):
    """Whose rules the keys must keep."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class StageFiles:
    """The files of a stage by role: path → content id."""

    lock: Mapping[str, str]
    manifest: Mapping[str, str]
    source: Mapping[str, str]


def digest_of(ids: Mapping[str, str]) -> str:
    """Give 32 hex digits that change exactly when a path or a content does; empty for no files."""
    if not ids:
        return ""
    text = "\0".join(f"{path}\0{ids[path]}" for path in sorted(ids))
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGEST_LENGTH]


def snapshot_of(files: StageFiles, *, sha: str = "", at_s: float = 0.0) -> Snapshot:
    """Give what designs read."""
    return Snapshot(sha, at_s, digest_of(files.lock), digest_of(files.manifest), digest_of(files.source))


def build_keys(stage: CacheStage, at: Snapshot, dimensions: Mapping[str, str]) -> Keys:
    """Give a run's key and what it may restore instead, best first: fewer parts, then fewer loose dimensions.

    ::

        deps-v2-Linux-X64-py3.12-<lock>     the key
        deps-v2-Linux-X64-py3.12-           another lock file
        deps-v2-Linux-X64-                  another Python, where `loose` allows that

    Raises
    ------
    UsageError
        Its globs match no file, so that the key would never change; or it is longer than providers take.
    """
    design = DESIGNS[stage.design]
    _refuse_constant(stage, at, needs=design.needs)
    strict = [dimensions[name] for name in stage.dimensions if name not in stage.loose]
    loose = [dimensions[name] for name in stage.dimensions if name in stage.loose]
    words = [clean(word) for word in (stage.name, *stage.extra, *strict)]
    strictest = "-".join(words) + "-"
    prefixes = list(accumulate(loose, lambda head, word: f"{head}{clean(word)}-", initial=strictest))
    keys = design.keys(at, prefixes[-1])
    looser = tuple(reversed(prefixes[:-1])) if 0 in design.restore else ()
    found = Keys(keys.primary, (*keys.restore, *looser)[: MAX_KEYS - 1])
    if len(found.primary) > MAX_CHARACTERS:
        message = f"The key of stage '{stage.name}' has {len(found.primary)} characters, more than {MAX_CHARACTERS}."
        raise UsageError(message, slug="cache-key-length", hint="Shorten extra or the values of its dimensions.")
    return found


def clean(word: str) -> str:
    """Give a word that a key can hold: no commas, no blanks, no slashes.

    >>> clean("self-hosted, linux/arm64")
    'self-hosted_linux_arm64'
    """
    return _AWKWARD.sub("_", word.strip())


def _refuse_constant(stage: CacheStage, at: Snapshot, *, needs: Sequence[str]) -> None:
    globs = {"lock": stage.key_files, "manifest": stage.manifest_files, "source": stage.source_files}
    for role in needs:
        if not getattr(at, role):
            named = ", ".join(globs[role]) or f"no glob, for there are no {role}-files"
            message = f"The key of stage '{stage.name}' would never change: no file matches {named}."
            hint = "Globs begin at the repository's root: `**/uv.lock` matches in every folder."
            raise UsageError(message, slug="cache-key-constant", hint=hint)


def idle_globs(globs: Sequence[str], matched: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the globs that match no file, beside others that do; `matched` is what each one alone matches."""
    return [glob for glob in globs if not glob.startswith("!") and not matched[glob]]


def gitlab_keys(primary: str, earlier: Sequence[str]) -> Keys:
    """Give keys by GitLab's rule: a fallback must equal a key that was saved, so earlier keys stand in for prefixes."""
    others = [key for key in dict.fromkeys(earlier) if key != primary]
    return Keys(primary, tuple(others[:MAX_GITLAB_FALLBACKS]))
