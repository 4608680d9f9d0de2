"""Findings into counts: by category, severity and tool, and against the base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest

from cipredict.ingest.metrics.interface import Category, Finding, MetricsFile, Severity
from cipredict.measures import Evidence, Measurement, Quantity

_TOTALS = {
    Category.SECURITY: "security_vulnerabilities",
    Category.LINT: "lint_findings",
    Category.TYPES: "type_errors",
    Category.FORMAT: "format_findings",
}
_EXAMPLES = 3


def count_findings(files: Sequence[MetricsFile], base: Sequence[MetricsFile]) -> Iterator[Measurement]:
    """Count by category, severity and tool; with a base, also what it has not."""
    for category, name in _TOTALS.items():
        members = [file for file in files if any(kind is category for _, kind in file.reading.tools)]
        if not members:
            continue
        found = _of(members, category)
        count = _Counting(", ".join(file.source for file in members), members)
        yield count.of(name, found)
        if category is Category.SECURITY:
            yield from count.by_severity(name, found)
        for tool in sorted(_tools(members, category)):
            yield count.of(f"{tool}_findings", [one for one in found if one.tool == tool])
        yield from _new_findings(members, base, category, name=name)


def _new_findings(
    members: Sequence[MetricsFile], base: Sequence[MetricsFile], category: Category, *, name: str
) -> Iterator[Measurement]:
    """Count what the base has not. Both must have been looked at by the same tools: else nothing can be told."""
    if not base:
        return
    source = ", ".join(file.source for file in members)
    before_tools, after_tools = _tools(base, category), _tools(members, category)
    if before_tools != after_tools:
        odd = ", ".join(sorted(before_tools ^ after_tools))
        reason = f"only one of change and base has a report of {odd}"
        yield Measurement(f"new_{name}", None, source, reason=reason)
        return
    before = Counter(one.identity for one in _of(base, category))
    new = []
    for one in _of(members, category):
        if before[one.identity]:
            before[one.identity] -= 1
        else:
            new.append(one)
    count = _Counting(source, [*members, *base])
    yield count.of(f"new_{name}", new)
    if category is Category.SECURITY:
        yield from count.by_severity(f"new_{name}", new)


def _tools(files: Sequence[MetricsFile], category: Category) -> set[str]:
    return {tool for file in files for tool, kind in file.reading.tools if kind is category}


def _of(files: Sequence[MetricsFile], category: Category) -> list[Finding]:
    return [one for file in files for one in file.reading.findings if one.category is category]


class _Counting:
    """Counts of findings from files; where one of them is not whole, a count is a lower bound and proves nothing."""

    def __init__(self, source: str, files: Sequence[MetricsFile]) -> None:
        self._source = source
        self._problem = next((problem for file in files for problem in file.reading.problems), "")

    def of(self, metric: str, found: Sequence[Finding]) -> Measurement:
        evidence = Evidence.INCONCLUSIVE if self._problem else Evidence.MEASURED
        reason = "; ".join(filter(None, (self._problem, _examples(found))))
        return Measurement(metric, Quantity(float(len(found))), self._source, evidence, reason)

    def by_severity(self, metric: str, found: Sequence[Finding]) -> Iterator[Measurement]:
        for severity in Severity:
            yield self.of(f"{metric}_{severity}", [one for one in found if one.severity is severity])


def _examples(found: Sequence[Finding]) -> str:
    """Name the worst few, `B602 src/shop/orders.py:11`."""
    order = list(Severity)
    worst = nsmallest(_EXAMPLES, found, key=lambda one: (order.index(one.severity), one.path, one.line or 0))
    return ", ".join(f"{one.rule} {one.path}{f':{one.line}' if one.line else ''}" for one in worst)
