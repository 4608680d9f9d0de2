"""Test reports of any format as counts, by the readers of `ingest`: those of XML need the store extra."""

from __future__ import annotations

from pathlib import Path

from cipredict.ingest.interface import Report
from cipredict.ingest.metrics.interface import CaseCounts, Reading, Unusable
from cipredict.records import ReportStatus, RunKey


def read_test_report(path: Path) -> Reading:
    """Count the cases of a report. One without cases proves nothing, and neither does a damaged one."""
    try:
        from cipredict.ingest.reports import read_report  # noqa: PLC0415  # lxml, only for a test report
    except ModuleNotFoundError as error:
        raise Unusable(f"a test report needs {error.name} (pip install 'cipredict[store]')") from error
    with path.open("rb") as stream:
        *_, report = read_report(stream, source=str(path), key=RunKey("local", "", "0"))
    if not isinstance(report, Report) or report.status is ReportStatus.INVALID:
        reasons = report.problems if isinstance(report, Report) else ()
        raise Unusable("; ".join(reasons) or "no test report")
    if not report.cases:
        raise Unusable("it holds no case")
    counts = CaseCounts(report.cases, report.failed, report.skipped, report.flaky, report.cases_s)
    is_damaged = any("truncated" in problem or "broken" in problem for problem in report.problems)
    return Reading(f"tests ({report.dialect})", tests=counts, problems=report.problems if is_damaged else ())
