"""Who owns a case: the last line of a CODEOWNERS file that matches the case's file. Pure: text in, names out.

The dialect that GitHub and GitLab share: a pattern and its owners per line, `#` comments, GitLab's `[sections]` passed
over. A pattern with a slash before its end is rooted, any other matches in every folder; a folder covers what is below.
"""

from __future__ import annotations

from collections.abc import Callable

from cipredict.decide.globs import path_matcher
from cipredict.ids import case_file


def owner_finder(codeowners: str) -> Callable[[str], str]:
    """Give the function from case id to owners, separated by spaces; empty for nobody."""
    rules = []
    for line in codeowners.splitlines():
        pattern, *owners = line.partition("#")[0].split() or [""]
        if pattern and not pattern.startswith(("[", "^[")):
            rules.append((path_matcher(_globs(pattern)), " ".join(owners)))
    rules.reverse()

    def owner_of(case_id: str) -> str:
        path = case_file(case_id)
        return next((owners for is_covered, owners in rules if is_covered(path)), "")

    return owner_of


def _globs(pattern: str) -> tuple[str, ...]:
    """Spell a CODEOWNERS pattern in the globs of this project.

    >>> _globs("/tests/"), _globs("*.py"), _globs("docs/*")
    (('tests/**',), ('**/*.py', '**/*.py/**'), ('docs/*',))
    """
    is_rooted = "/" in pattern[:-1]
    path = pattern.strip("/") if is_rooted else "**/" + pattern.strip("/")
    if pattern.endswith("/"):
        return (path + "/**",)
    return (path,) if pattern.endswith("/*") else (path, path + "/**")
