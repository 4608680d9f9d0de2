"""What all files say together, as measurements: one list for every gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cipredict.ingest.metrics.coverage_shares import ChangedLines, measure_coverage
from cipredict.ingest.metrics.finding_counts import count_findings
from cipredict.ingest.metrics.interface import MetricsFile
from cipredict.measures import Dimension, Evidence, Measurement, Quantity


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
    """Add up the cases of all reports; one that was cut off may have lost the failures."""
    readings = [file.reading for file in files if file.reading.tests]
    if not readings:
        return
    source = ", ".join(file.source for file in files if file.reading.tests)
    doubt = next((problem for reading in readings for problem in reading.problems), "")
    evidence = Evidence.INCONCLUSIVE if doubt else Evidence.MEASURED
    counts = [reading.tests for reading in readings if reading.tests]
    cases, failed, skipped, flaky, seconds = (sum(column) for column in zip(*counts, strict=True))
    ran = cases - skipped
    quantities = {
        "tests_failed": Quantity(float(failed)) if ran else None,
        "tests_passed": Quantity(float(ran - failed)),
        "tests_skipped": Quantity(float(skipped)),
        "tests_flaky": Quantity(float(flaky)),
        "test_seconds": Quantity(seconds, Dimension.SECONDS),
        "test_pass_rate": Quantity((ran - failed) / ran, Dimension.SHARE) if ran else None,
    }
    for name, quantity in quantities.items():
        reason = doubt if quantity else "every case was skipped"
        yield Measurement(name, quantity, source, evidence, reason)
