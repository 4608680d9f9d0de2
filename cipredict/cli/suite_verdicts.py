"""Reports of a suite that ran in a copy, read as verdicts; what one run says against another."""

from __future__ import annotations

import io
from collections.abc import Mapping

from cipredict.act.suite import SuiteRun
from cipredict.ids import case_file
from cipredict.ingest.junit import read_junit
from cipredict.records import CaseBatch, RunKey, Verdict

RED = (Verdict.FAILED, Verdict.ERROR)
_KEY = RunKey("bootstrap", "", "")


def verdicts_of(run: SuiteRun, known_files: frozenset[str]) -> dict[str, Verdict]:
    """Give the verdict of every case in a run's report."""
    items = read_junit(io.BytesIO(run.report), source="report.xml", key=_KEY, known_files=known_files)
    return {case.case_id: case.verdict for item in items if isinstance(item, CaseBatch) for case in item.cases}


def green_cases(*runs: Mapping[str, Verdict]) -> frozenset[str]:
    """Give the cases that passed in every run."""
    passed = [{case_id for case_id, verdict in run.items() if verdict is Verdict.PASSED} for run in runs]
    return frozenset.intersection(*map(frozenset, passed))


def turned_red(green: frozenset[str], after: Mapping[str, Verdict]) -> tuple[str, ...]:
    """Give the green cases that are red now, those included whose file could not be loaded, sorted."""
    red = {case_id for case_id, verdict in after.items() if verdict in RED}
    return tuple(
        sorted(case_id for case_id in green if case_id in red or (case_id not in after and case_file(case_id) in red))
    )
