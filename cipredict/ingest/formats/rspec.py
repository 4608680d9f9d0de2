"""`rspec --format json`; seconds.

::

    {"version": "3.13.0", "summary": {"errors_outside_of_examples_count": 0}, "examples": [
      {"id": "./spec/cart_spec.rb[1:1]", "full_description": "Cart is empty", "file_path": "./spec/cart_spec.rb",
       "status": "passed", "run_time": 0.01}]}

The file is that of the outermost group, as in rspec_junit_formatter: `file_path` of a shared example is another one.
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, count, name, objects, seconds
from cipredict.records import CaseRun, Verdict

_VERDICTS = {"passed": Verdict.PASSED, "failed": Verdict.FAILED, "pending": Verdict.SKIPPED}


def is_rspec(document: object) -> bool:
    """Tell by the examples and the summary."""
    found = as_object(document)
    return isinstance(found.get("examples"), list) and ("summary_line" in found or "summary" in found)


def decode_rspec(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the examples as `file::full description`."""
    report = as_object(document)
    errors = count(as_object(report.get("summary")).get("errors_outside_of_examples_count"))
    if errors:
        findings.problems.append(f"{errors} errors outside of examples")
    for example in objects(report.get("examples")):
        yield from _case(example, findings)


def _case(example: Json, findings: Findings) -> list[CaseRun]:
    description = name(example.get("full_description")) or name(example.get("description"))
    file = name(example.get("id")).rpartition("[")[0] or name(example.get("file_path"))
    verdict = _VERDICTS.get(name(example.get("status")))
    return findings.case(join_id(findings.path(file), description), verdict, seconds(example.get("run_time")))
