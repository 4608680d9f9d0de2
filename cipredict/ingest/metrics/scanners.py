"""Security scanners' own JSON: Bandit, pip-audit, Trivy, Semgrep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cipredict.ingest.metrics.interface import WITHHELD, Category, Finding, Reading, Severity
from cipredict.ingest.metrics.json_access import line_at, object_at, objects_at, text_at

_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "ERROR": Severity.HIGH,  # Semgrep
    "MEDIUM": Severity.MEDIUM,
    "WARNING": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "INFO": Severity.LOW,
}


def _severity(word: str) -> Severity:
    return _SEVERITIES.get(word.upper(), Severity.UNKNOWN)


def read_bandit(document: Mapping[str, object]) -> Reading:
    """Read `bandit -f json`; files that Bandit could not parse were not scanned."""
    findings = tuple(
        Finding(
            tool="bandit",
            category=Category.SECURITY,
            rule=text_at(one, "test_id"),
            path=text_at(one, "filename"),
            line=line_at(one, "line_number"),
            message=text_at(one, "issue_text"),
            severity=_severity(text_at(one, "issue_severity")),
            anchor=_bare_code(text_at(one, "code")),
        )
        for one in objects_at(document, "results")
    )
    problems = tuple(
        f"bandit did not scan {text_at(one, 'filename')}: {text_at(one, 'reason')}"
        for one in objects_at(document, "errors")
    )
    return Reading("bandit", findings=findings, tools=(("bandit", Category.SECURITY),), problems=problems)


def _bare_code(code: str) -> str:
    """Take the line numbers off Bandit's excerpt: `12     eval(x)`."""
    return "\n".join(line.lstrip("0123456789").strip() for line in code.splitlines())


def read_pip_audit(document: Mapping[str, object]) -> Reading:
    """Read `pip-audit --format json`; it knows no severities.

    What it skips is said, but is no doubt: it is the project itself and private packages, about which nobody advises.
    """
    findings: list[Finding] = []
    notes = []
    for dependency in objects_at(document, "dependencies"):
        name, version = text_at(dependency, "name"), text_at(dependency, "version")
        if reason := text_at(dependency, "skip_reason"):
            notes.append(f"pip-audit skipped {name}: {reason}")
        for one in objects_at(dependency, "vulns", required=False):
            rule = text_at(one, "id")
            message = f"{name} {version}: {rule}"
            findings.append(Finding("pip-audit", Category.SECURITY, rule, name, None, message, anchor=name))
    return Reading(
        "pip-audit",
        findings=tuple(findings),
        tools=(("pip-audit", Category.SECURITY),),
        notes=tuple(notes),
    )


def read_trivy(document: Mapping[str, object]) -> Reading:
    """Read `trivy --format json`: vulnerabilities, failed misconfigurations and secrets of all targets."""
    results = objects_at(document, "Results", required=False)
    findings = tuple(finding for result in results for finding in _trivy_target(result))
    return Reading("trivy", findings=findings, tools=(("trivy", Category.SECURITY),))


def _trivy_target(result: Mapping[str, object]) -> Iterator[Finding]:
    target = text_at(result, "Target")
    for one in objects_at(result, "Vulnerabilities", required=False):
        package = text_at(one, "PkgName")
        message = f"{package} {text_at(one, 'InstalledVersion')}: {text_at(one, 'Title')}"
        rule = text_at(one, "VulnerabilityID")
        yield Finding("trivy", Category.SECURITY, rule, target, None, message, _trivy_severity(one), anchor=package)
    for one in objects_at(result, "Misconfigurations", required=False):
        if text_at(one, "Status") in {"", "FAIL"}:
            yield _trivy_place(one, target, rule=text_at(one, "ID"), place=object_at(one, "CauseMetadata"))
    for one in objects_at(result, "Secrets", required=False):
        yield _trivy_place(one, target, rule=text_at(one, "RuleID"), place=one)


def _trivy_place(one: Mapping[str, object], target: str, *, rule: str, place: Mapping[str, object]) -> Finding:
    line = line_at(place, "StartLine")
    return Finding("trivy", Category.SECURITY, rule, target, line, text_at(one, "Title"), _trivy_severity(one))


def _trivy_severity(one: Mapping[str, object]) -> Severity:
    return _severity(text_at(one, "Severity"))


def read_semgrep(document: Mapping[str, object]) -> Reading:
    """Read `semgrep --json`; what `nosemgrep` silences does not count, files it failed on were not scanned."""
    findings = tuple(
        _semgrep_finding(one)
        for one in objects_at(document, "results")
        if not object_at(one, "extra").get("is_ignored")
    )
    problems = tuple(
        f"semgrep failed on {text_at(one, 'path') or 'the scan'}: {text_at(one, 'message')[:200]}"
        for one in objects_at(document, "errors", required=False)
        if text_at(one, "level") != "warn"
    )
    return Reading("semgrep", findings=findings, tools=(("semgrep", Category.SECURITY),), problems=problems)


def _semgrep_finding(one: Mapping[str, object]) -> Finding:
    extra = object_at(one, "extra")
    told = (text_at(extra, key).strip() for key in ("fingerprint", "lines"))
    return Finding(
        tool="semgrep",
        category=Category.SECURITY,
        rule=text_at(one, "check_id"),
        path=text_at(one, "path"),
        line=line_at(object_at(one, "start"), "line"),
        message=text_at(extra, "message"),
        severity=_severity(text_at(extra, "severity")),
        anchor=next((text for text in told if text and text != WITHHELD), ""),
    )
