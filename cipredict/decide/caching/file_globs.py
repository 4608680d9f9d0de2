"""Which files a key is made of: globs as GitHub's `hashFiles` and GitLab's `key:files` understand them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cipredict.decide.globs import path_matcher


def key_files_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Give a test for paths from the repository's root. A pattern also names what lies below it; `!` takes out again.

    >>> is_key_file = key_files_matcher(["**/package-lock.json", "!**/fixtures", "ci/"])
    >>> [is_key_file(path) for path in ("web/package-lock.json", "web/fixtures/package-lock.json", "ci/base.txt")]
    [True, False, True]
    """
    steps = [(pattern.startswith("!"), path_matcher(_spellings(pattern.lstrip("!")))) for pattern in patterns]

    def is_key_file(path: str) -> bool:
        taken = False
        for excludes, matches in steps:
            if taken == excludes and matches(path):
                taken = not excludes
        return taken

    return is_key_file


def _spellings(pattern: str) -> tuple[str, str]:
    plain = pattern.strip().removeprefix("./").strip("/")
    return plain, f"{plain}/**"
