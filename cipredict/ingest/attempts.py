"""Several entries for one case in one report: reruns, teardown errors, duplicates. One `CaseRun` comes out.

The last entry is the verdict. What an earlier one means depends on where it stands:

- in the same suite, written by pytest: pytest-rerunfailures writes a failed attempt as an entry *without* any
  outcome, so whatever precedes the last entry failed. Exception: failure, then error, is a failing body followed
  by a failing teardown: one attempt.
- anywhere else: an attempt, flaky if one failed and the other did not.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import islice

from cipredict.records import CaseRun, Verdict


def is_failing(verdict: Verdict) -> bool:
    """Tell whether a verdict turns a run red."""
    return verdict is Verdict.FAILED or verdict is Verdict.ERROR


def merge_attempts(earlier: CaseRun, later: CaseRun) -> CaseRun:
    """Join two entries of one case; durations stay those of the last attempt. A skipped entry disagrees with none."""
    differ = Verdict.SKIPPED not in {earlier.verdict, later.verdict} and (
        is_failing(earlier.verdict) != is_failing(later.verdict)
    )
    return later._replace(
        attempts=earlier.attempts + later.attempts,
        is_flaky=differ or earlier.is_flaky or later.is_flaky,
    )


def merge_pytest_attempts(earlier: CaseRun, later: CaseRun) -> CaseRun:
    """Join two entries of one pytest suite: see the module's text."""
    if earlier.verdict is Verdict.FAILED and later.verdict is Verdict.ERROR:
        known = [seconds for seconds in (earlier.duration_s, later.duration_s) if seconds is not None]
        return later._replace(duration_s=sum(known) if known else None, attempts=earlier.attempts)
    return later._replace(attempts=earlier.attempts + 1, is_flaky=not is_failing(later.verdict))


Merge = Callable[[CaseRun, CaseRun], CaseRun]


class CaseLedger:
    """The cases read so far, by id, in the order of first appearance, a suite at a time."""

    __slots__ = ("_finished", "suite")

    def __init__(self) -> None:
        self.suite: dict[str, CaseRun] = {}
        self._finished: dict[str, CaseRun] = {}

    def __len__(self) -> int:
        return len(self.suite) + len(self._finished)

    def add(self, case_ids: Sequence[str], cases: Sequence[CaseRun], *, merge: Merge) -> None:
        """Add cases of the present suite under their ids, and merge those that it has already; drop nameless ones."""
        suite = self.suite
        distinct = len(suite) + len(case_ids)
        deque(map(suite.setdefault, case_ids, cases), maxlen=0)
        if len(suite) < distinct:
            for case_id, case in zip(case_ids, cases, strict=True):
                if suite[case_id] is not case:
                    suite[case_id] = merge(suite[case_id], case)
        suite.pop("", None)

    def add_suites(self, case_ids: Sequence[str], cases: Sequence[CaseRun]) -> bool:
        """Add all cases of suites that were opened and closed meanwhile; False, adding none, where two share an id."""
        fresh = dict(zip(case_ids, cases, strict=True))
        is_new = len(fresh) == len(case_ids) and "" not in fresh and fresh.keys().isdisjoint(self._finished.keys())
        if is_new:
            self._finished.update(fresh)
        return is_new

    def finish_suite(self, *, has_go_subtests: bool = False) -> None:
        """Close the suite: the same id in another suite is another attempt, but no pytest rerun."""
        if not self.suite:
            return
        if has_go_subtests:
            subtract_subtests(self.suite)
        for case_id in self.suite.keys() & self._finished.keys():
            self.suite[case_id] = merge_attempts(self._finished[case_id], self.suite[case_id])
        self._finished.update(self.suite)
        self.suite.clear()

    def take(self, *, keep: int) -> tuple[CaseRun, ...]:
        """Remove and give all cases but the `keep` youngest; entries far apart in a huge report stay apart."""
        taken: list[CaseRun] = []
        for store in (self._finished, self.suite):
            count = len(self) - keep
            if count >= len(store):
                taken += store.values()
                store.clear()
            elif count > 0:
                taken += map(store.pop, list(islice(store, count)))
        return tuple(taken)


def subtract_subtests(cases: dict[str, CaseRun]) -> None:
    """Take the time of Go's subtests out of their parents, which report it a second time.

    `package::Test/sub` lies in `package::Test`. Parallel subtests may add up to more: the parent keeps 0 s.
    """
    inside: defaultdict[str, float] = defaultdict(float)
    for case in cases.values():
        package, _, name = case.case_id.partition("::")
        parent = f"{package}::{name.rpartition('/')[0]}"
        if parent in cases:
            inside[parent] += case.duration_s or 0.0
    for parent, seconds in inside.items():
        case = cases[parent]
        if case.duration_s is not None:
            cases[parent] = case._replace(duration_s=max(0.0, case.duration_s - seconds))
