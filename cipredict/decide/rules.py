"""Rules that no forecast overrules: when everything runs, when nothing needs to, and which cases always do.

Users ask for these before they ask for a better model (research: selection, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256

from cipredict.decide.globs import case_matcher, path_matcher
from cipredict.forecast.interface import CaseForecast
from cipredict.plans.selection_plan import Reason


@dataclass(frozen=True, slots=True)
class PathRules:
    """What a changed path means.

    Attributes
    ----------
    run_all : globs of paths that can move any case
    ignored : globs of paths that move none; `run_all` is stronger
    is_mapped : tells whether the forecast ties a path to cases
    files : of the candidate cases; a change to one of these makes its own cases run, and is no riddle
    """

    run_all: Sequence[str]
    ignored: Sequence[str]
    is_mapped: Callable[[str], bool]
    files: AbstractSet[str]


def everything_because(paths: Sequence[str], rules: PathRules, *, runs: int, min_runs: int) -> str:
    """Give why everything runs, empty where the goal may decide. `runs` is what the forecast has seen.

    No path at all is rather a wrong base than a change of nothing, so it skips nothing.
    """
    if runs < min_runs:
        return f"the history holds {runs} runs, fewer than {min_runs}"
    if not paths:
        return "the change names no path"
    can_move_any = path_matcher(rules.run_all)
    if reaching := [path for path in paths if can_move_any(path)]:
        return f"{reaching[0]} can move any case"
    is_ignored = path_matcher(rules.ignored)
    riddles = [p for p in paths if p not in rules.files and not is_ignored(p) and not rules.is_mapped(p)]
    return f"nothing is known of what {riddles[0]} moves" if riddles else ""


def is_drawn(commit: str, share: float) -> bool:
    """Tell whether a commit is one of the `share` (0…1) that run in full; every shard and every rerun draws alike.

    Without a known commit nothing is drawn: all runs would share one lot.
    """
    lot = int.from_bytes(sha256(f"full run of {commit}".encode()).digest()[:8], "big")
    return bool(commit) and lot < share * 2**64


def exploration(share: float) -> str:
    """Give why a drawn commit runs in full.

    >>> exploration(0.05)
    'one run in 20 runs in full, so that what is learned of skipped cases stays true'
    """
    return f"one run in {1 / share:.3g} runs in full, so that what is learned of skipped cases stays true"


def moves_nothing(paths: Sequence[str], rules: PathRules) -> bool:
    """Tell whether every changed path is ignored and none holds a candidate."""
    is_ignored = path_matcher(rules.ignored)
    return all(path not in rules.files and is_ignored(path) for path in paths)


def always_running(
    forecasts: Iterable[CaseForecast], *, changed: AbstractSet[str], must_run: Sequence[str]
) -> dict[str, Reason]:
    """Give the cases that run whatever their risk, each with the strongest of its reasons."""
    is_must_run = case_matcher(must_run) if must_run else _is_nobody
    of_changed = tuple(f"{path}::" for path in changed)  # one call in C per case, where people wait for 10,000
    return {
        case.case_id: _reason(case, is_changed=case.case_id.startswith(of_changed) or case.case_id in changed)
        for case in forecasts
        if case.runs == 0
        or case.is_red_at_base
        or case.failed_recently
        or case.case_id.startswith(of_changed)
        or case.case_id in changed
        or is_must_run(case.case_id)
    }


def _is_nobody(_: str) -> bool:
    return False


def _reason(case: CaseForecast, *, is_changed: bool) -> Reason:
    """Give the strongest of the reasons that a case is known to have."""
    if case.runs == 0:
        return Reason.NEW
    if is_changed:
        return Reason.CHANGED
    if case.is_red_at_base:
        return Reason.RED_AT_BASE
    return Reason.FAILED_RECENTLY if case.failed_recently else Reason.MUST_RUN
