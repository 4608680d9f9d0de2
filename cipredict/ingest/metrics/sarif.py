"""SARIF 2.1.0 of any tool: results that are neither passed, suppressed nor gone, by severity.

Known linters count as lint, every other tool as security: what is not known is not let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cipredict.ingest.metrics.interface import WITHHELD, Category, Finding, Reading, Severity, Unusable
from cipredict.ingest.metrics.json_access import line_at, object_at, objects_at, text_at

_LINTERS = {
    **dict.fromkeys(("ruff", "flake8", "pylint", "eslint", "pycodestyle", "shellcheck", "rubocop"), Category.LINT),
    **dict.fromkeys(("mypy", "pyright", "typescript"), Category.TYPES),
}
_BY_LEVEL = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.UNKNOWN,
}
_BY_SCORE = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
"""GitHub's reading of the property `security-severity`."""


def read_sarif(document: Mapping[str, object]) -> Reading:
    """Read every run; a run whose tool says that it did not finish is a problem."""
    runs = objects_at(document, "runs")
    if not runs:
        raise Unusable("it holds no run, so that nothing was scanned")
    tools = tuple(dict.fromkeys(_tool(run) for run in runs))
    findings = tuple(finding for run in runs for finding in _findings(run))
    problems = tuple(
        f"{_tool(run)[0]} did not finish"
        for run in runs
        if any(one.get("executionSuccessful") is False for one in objects_at(run, "invocations", required=False))
    )
    return Reading("sarif", findings=findings, tools=tools, problems=problems)


def _tool(run: Mapping[str, object]) -> tuple[str, Category]:
    name = text_at(object_at(object_at(run, "tool"), "driver"), "name").lower()
    if not name:
        raise Unusable("a run does not name its tool")
    return name, _LINTERS.get(name.partition(" ")[0], Category.SECURITY)


def _findings(run: Mapping[str, object]) -> Iterator[Finding]:
    tool, category = _tool(run)
    rules = _Rules(run)
    for result in objects_at(run, "results", required=False):
        if _counts(result):
            rule = rules.of(result)
            path, line = _place(result)
            rule_id = text_at(result, "ruleId") or text_at(object_at(result, "rule"), "id") or text_at(rule, "id")
            yield Finding(
                tool,
                category,
                rule=rule_id,
                path=path,
                line=line,
                message=text_at(object_at(result, "message"), "text"),
                severity=_severity(result, rule),
                anchor=_fingerprint(result),
            )


def _counts(result: Mapping[str, object]) -> bool:
    """Leave out what is no finding: passed checks, what the base had and the head has not, accepted suppressions."""
    if text_at(result, "kind") in {"pass", "notApplicable", "informational"}:
        return False
    suppressions = objects_at(result, "suppressions", required=False)
    is_suppressed = bool(suppressions) and all(text_at(one, "status") in {"", "accepted"} for one in suppressions)
    return text_at(result, "baselineState") != "absent" and not is_suppressed


class _Rules:
    """The rules of a run, by id and by place in the list."""

    def __init__(self, run: Mapping[str, object]) -> None:
        tool = object_at(run, "tool")
        components = [object_at(tool, "driver"), *objects_at(tool, "extensions", required=False)]
        self._lists = [objects_at(component, "rules", required=False) for component in components]
        self._by_id = {text_at(rule, "id"): rule for rules in self._lists for rule in rules}

    def of(self, result: Mapping[str, object]) -> Mapping[str, object]:
        reference = object_at(result, "rule")
        rule_id = text_at(result, "ruleId") or text_at(reference, "id")
        if rule_id in self._by_id:
            return self._by_id[rule_id]
        component = object_at(reference, "toolComponent").get("index")
        rules = self._lists[component + 1 if isinstance(component, int) and component < len(self._lists) - 1 else 0]
        index = result.get("ruleIndex", reference.get("index"))
        return rules[index] if isinstance(index, int) and 0 <= index < len(rules) else {}


def _severity(result: Mapping[str, object], rule: Mapping[str, object]) -> Severity:
    for holder in (result, rule):
        score = object_at(holder, "properties").get("security-severity")
        try:
            number = float(score)  # type: ignore[arg-type]  # what is no number raises
        except (TypeError, ValueError):
            continue
        return next((severity for least, severity in _BY_SCORE if number >= least), Severity.UNKNOWN)
    level = text_at(result, "level") or text_at(object_at(rule, "defaultConfiguration"), "level") or "warning"
    return _BY_LEVEL.get(level, Severity.UNKNOWN)


def _place(result: Mapping[str, object]) -> tuple[str, int | None]:
    locations = objects_at(result, "locations", required=False)
    physical = object_at(locations[0], "physicalLocation") if locations else {}
    uri = text_at(object_at(physical, "artifactLocation"), "uri")
    return uri.removeprefix("file://"), line_at(object_at(physical, "region"), "startLine")


def _fingerprint(result: Mapping[str, object]) -> str:
    for key in ("fingerprints", "partialFingerprints"):
        known = {name: value for name, value in object_at(result, key).items() if value != WITHHELD}
        if known:
            return " ".join(f"{name}={known[name]}" for name in sorted(known))
    return ""
