"""What all files say together, as measurements: one list for every gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cipredict.ingest.metrics.coverage_shares import ChangedLines, measure_coverage
from cipredict.ingest.metrics.finding_counts import count_findings
from cipredict.ingest.metrics.interface import MetricsFile
from cipredict.measures import Dimension, Measurement, Quantity


def collect(
    files: Sequence[MetricsFile], *, base: Sequence[MetricsFile] = (), changed: ChangedLines | None = None
) -> list[Measurement]:
    """Give every metric of a set of files.

    Parameters
    ----------
    files
        Of the change.
    base
        Of what it is compared with: findings that are not there are new.
    changed
        Added lines by path, for diff coverage.
    """
    return [
        *(one for file in files for one in file.reading.measurements),
        *count_findings(files, base),
        *_case_counts(files),
        *measure_coverage(files, changed),
    ]


def _case_counts(files: Sequence[MetricsFile]) -> Iterator[Measurement]:
    reports = [file.reading.tests for file in files if file.reading.tests]
    source = ", ".join(file.source for file in files if file.reading.tests)
    if not reports:
        return
    cases, failed, skipped, flaky, seconds = (sum(column) for column in zip(*reports, strict=True))
    ran = cases - skipped
    yield Measurement("tests_failed", Quantity(float(failed)), source)
    yield Measurement("tests_passed", Quantity(float(ran - failed)), source)
    yield Measurement("tests_skipped", Quantity(float(skipped)), source)
    yield Measurement("tests_flaky", Quantity(float(flaky)), source)
    yield Measurement("test_seconds", Quantity(seconds, Dimension.SECONDS), source)
    share = Quantity((ran - failed) / ran, Dimension.SHARE) if ran else None
    yield Measurement("test_pass_rate", share, source, reason="" if ran else "every case was skipped")
