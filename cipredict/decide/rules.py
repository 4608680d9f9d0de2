"""Rules that no forecast overrules: when everything runs, and which cases always do.

Users ask for these before they ask for a better model (research: selection, section 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from cipredict.forecast.interface import CaseForecast
from cipredict.ids import case_file
from cipredict.plans.selection_plan import Reason


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate a glob: `*` and `?` stay within a folder, `**/` spans any number of them, a final `**` takes the rest."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], re.escape(pattern[at]))
            at += 1
    return re.compile(out, re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Tell whether a whole path matches a glob.

    >>> matches("a/b/conftest.py", "**/conftest.py"), matches("docs/x/y.md", "docs/**"), matches("a/b.md", "*.md")
    (True, True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path matches one of the globs."""
    return any(matches(path, pattern) for pattern in patterns)


def everything_because(
    paths: Sequence[str],
    *,
    run_all: Sequence[str],
    ignored: Sequence[str],
    is_mapped: Callable[[str], bool],
    runs: int,
    min_runs: int,
) -> str:
    """Give why a change makes everything run, empty where it does not.

    `is_mapped` tells whether anything ties a path to cases; `runs` is what the forecast has seen.
    """
    if runs < min_runs:
        return f"the history holds {runs} runs, fewer than {min_runs}"
    for path in paths:
        if matches_any(path, run_all):
            return f"{path} can move any case"
    unmapped = [path for path in paths if not matches_any(path, ignored) and not is_mapped(path)]
    return f"nothing is known of what {unmapped[0]} moves" if unmapped else ""


def always_runs(forecast: CaseForecast, *, changed: frozenset[str], must_run: Sequence[str]) -> Reason | None:
    """Give the rule by which a case runs whatever its risk, None where the budget decides."""
    if forecast.runs == 0:
        return Reason.NEW
    if case_file(forecast.case_id) in changed:
        return Reason.CHANGED
    if forecast.is_red_at_base:
        return Reason.RED_AT_BASE
    if forecast.failed_recently:
        return Reason.FAILED_RECENTLY
    if must_run and is_must_run(forecast.case_id, must_run):
        return Reason.MUST_RUN
    return None


def is_must_run(case_id: str, patterns: Sequence[str]) -> bool:
    """Tell whether a glob names the case or its file; `*` in a case's own part may span everything but `/`."""
    return matches_any(case_id, patterns) or matches_any(case_file(case_id), patterns)
