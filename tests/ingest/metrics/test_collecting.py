"""What all files say together: counts over tools, new against base, coverage of the change."""

from __future__ import annotations

import json

import pytest

from cipredict.ingest.metrics.collecting import collect
from cipredict.ingest.metrics.coverage_shares import measure_coverage
from cipredict.ingest.metrics.interface import CaseCounts, CoverageReading, LineCounts, MetricsFile, Reading
from cipredict.measures import Evidence, Measurement
from cipredict.records import ReportStatus
from tests.ingest.metrics.conftest import ReadMetrics


def by_name(measurements: list[Measurement]) -> dict[str, str]:
    return {one.metric: str(one.quantity) for one in measurements}


def covered(valid: dict[str, set[int]], hit: dict[str, set[int]], **more: object) -> MetricsFile:
    lines = [{path: frozenset(numbers) for path, numbers in table.items()} for table in (hit, valid)]
    return MetricsFile("c.json", ReportStatus.VALID, Reading("c", coverage=CoverageReading(*lines, **more)))  # type: ignore[arg-type]


def test_security_findings_are_added_up_over_tools(read_sample: ReadMetrics) -> None:
    files = [read_sample(name) for name in ("bandit.json", "pip_audit.json", "trivy.json")]
    counts = by_name(collect(files))
    assert ["11", "2", "2", "1", "5", "1"] == [
        counts[f"security_vulnerabilities{level}"]
        for level in ("", "_critical", "_high", "_medium", "_low", "_unknown")
    ]
    assert ("6", "1", "4") == tuple(counts[f"{tool}_findings"] for tool in ("bandit", "pip-audit", "trivy"))


def test_a_clean_scan_measures_zero_and_no_scan_measures_nothing(read_sample: ReadMetrics) -> None:
    assert by_name(collect([read_sample("bandit_clean.json")]))["security_vulnerabilities"] == "0"
    assert "security_vulnerabilities" not in by_name(collect([read_sample("ruff.json")]))


def test_lint_types_and_format_have_metrics_of_their_own(read_sample: ReadMetrics) -> None:
    counts = by_name(collect([read_sample(name) for name in ("ruff.json", "mypy.txt", "black=black.txt")]))
    assert ("2", "1", "1") == tuple(counts[name] for name in ("lint_findings", "type_errors", "format_findings"))


def test_counts_of_a_broken_scan_prove_nothing(read_sample: ReadMetrics) -> None:
    [count] = [one for one in collect([read_sample("bandit_broken.json")]) if one.metric == "security_vulnerabilities"]
    assert Evidence.INCONCLUSIVE is count.evidence
    assert "did not scan" in count.reason


def test_a_package_that_nobody_advises_about_is_said_and_no_doubt(read_sample: ReadMetrics) -> None:
    skipped = {"name": "shop", "skip_reason": "distribution marked as editable"}
    read = read_sample("p.json", json.dumps({"dependencies": [skipped], "fixes": []}))
    assert (ReportStatus.SUBOPTIMAL, ("pip-audit skipped shop: distribution marked as editable",)) == (
        read.status,
        read.problems,
    )
    [count] = [one for one in collect([read]) if one.metric == "security_vulnerabilities"]
    assert ("0", Evidence.MEASURED) == (str(count.quantity), count.evidence)


def test_what_the_base_has_too_is_not_new(read_sample: ReadMetrics, gate_samples: object) -> None:
    after = read_sample("bandit.json")
    document = json.loads((gate_samples / "bandit.json").read_text())  # type: ignore[operator]  # a Path
    document["results"] = document["results"][1:]
    for one in document["results"]:
        one["line_number"] += 7  # lines move: the finding stays the same
        one["code"] = "\n".join(
            f"{int(line.split(' ')[0]) + 7} {line.partition(' ')[2]}" for line in one["code"].splitlines()
        )
    before = read_sample("before.json", json.dumps(document))
    assert "1" == by_name(collect([after], base=[before]))["new_security_vulnerabilities"]
    assert "0" == by_name(collect([after], base=[after]))["new_security_vulnerabilities"]
    assert "6" == by_name(collect([after], base=[read_sample("bandit_clean.json")]))["new_security_vulnerabilities"]


def test_the_worst_findings_are_named(read_sample: ReadMetrics) -> None:
    [count] = [one for one in collect([read_sample("bandit.json")]) if one.metric == "security_vulnerabilities"]
    assert "B602 src/shop/orders.py:11, B301 src/shop/orders.py:7, B404 src/shop/orders.py:2" == count.reason


def test_a_second_finding_of_the_same_kind_is_new(read_sample: ReadMetrics, gate_samples: object) -> None:
    document = json.loads((gate_samples / "bandit.json").read_text())  # type: ignore[operator]  # a Path
    document["results"] = document["results"] + document["results"][:1]
    twice = read_sample("twice.json", json.dumps(document))
    assert "1" == by_name(collect([twice], base=[read_sample("bandit.json")]))["new_security_vulnerabilities"]


def test_other_tools_than_the_bases_tell_nothing_about_new(read_sample: ReadMetrics) -> None:
    files = [read_sample("bandit.json"), read_sample("trivy.json")]
    [new] = [one for one in collect(files[:1], base=files) if one.metric == "new_security_vulnerabilities"]
    assert (None, "only one of change and base has a report of trivy") == (new.quantity, new.reason)
    assert "new_security_vulnerabilities" not in by_name(collect(files))


def test_the_tools_own_total_counts_branches(read_sample: ReadMetrics) -> None:
    shares = by_name(collect([read_sample("coverage.json")]))
    assert ("33.3333%", "31.5789%") == (shares["test_coverage"], shares["line_coverage"])


def test_a_total_of_nothing_is_no_total(read_sample: ReadMetrics) -> None:
    empty: dict[str, object] = {"executed_lines": [], "missing_lines": [], "summary": {}}
    document = {"files": {"a.py": empty}, "totals": {"percent_covered": 100.0, "num_statements": 0}}
    assert "None" == by_name(collect([read_sample("c.json", json.dumps(document))]))["test_coverage"]


def test_lines_of_several_reports_are_united() -> None:
    first = covered({"a.py": {1, 2, 3, 4}}, {"a.py": {1}}, total_share=0.25)
    second = covered({"a.py": {1, 2, 3, 4}, "b/c.py": {1}}, {"a.py": {2}, "b/c.py": {1}})
    assert "60%" == by_name(list(measure_coverage([first, second], None)))["test_coverage"]


def test_each_folder_has_a_share() -> None:
    file = covered(
        {"src/shop/a.py": {1, 2}, "src/b.py": {1, 2}}, {"src/shop/a.py": {1}}, counts={"lib/x.c": LineCounts(3, 4)}
    )
    shares = by_name(list(measure_coverage([file], None)))
    assert ("25%", "50%", "75%") == tuple(shares[f"test_coverage:{folder}"] for folder in ("src", "src/shop", "lib"))


@pytest.mark.parametrize(
    ("changed", "share", "reason"),
    [
        ({"src/a.py": {1, 2, 3, 9}}, "66.6667%", "2 of 3 changed lines, not src/a.py:3"),
        ({"docs/x.md": {1}}, "100%", "no changed line can be executed"),
        ({"tests/test_a.py": {1}}, "100%", "no changed line can be executed"),
        ({"src/a.py": {9}}, "100%", "no changed line can be executed"),
        ({"src/new.py": {1}}, "None", "the coverage report does not list src/new.py"),
        ({"src/new.py": {1}, "src/a.py": {1}}, "100%", "does not list 1 changed files, such as src/new.py"),
        ({}, "100%", "no changed line can be executed"),
    ],
)
def test_coverage_of_the_change(changed: dict[str, set[int]], share: str, reason: str) -> None:
    file = covered({"src/a.py": {1, 2, 3, 4}}, {"src/a.py": {1, 2, 4}})
    lines = {path: frozenset(numbers) for path, numbers in changed.items()}
    [diff] = [one for one in measure_coverage([file], lines) if one.metric == "diff_coverage"]
    assert share == str(diff.quantity)
    assert reason in diff.reason


def test_counts_alone_cannot_tell_the_coverage_of_a_change() -> None:
    file = covered({}, {}, counts={"a.py": LineCounts(3, 4)})
    [diff] = [one for one in measure_coverage([file], {"a.py": frozenset({1})}) if one.metric == "diff_coverage"]
    assert (None, "the report lists no lines") == (diff.quantity, diff.reason)


def test_cases_of_several_reports_are_added_up() -> None:
    files = [
        MetricsFile("r.xml", ReportStatus.VALID, Reading("tests", tests=CaseCounts(*counts)))
        for counts in ((10, 1, 2, 1, 3.5), (5, 0, 0, 0, 1.5))
    ]
    values = by_name(collect(files))
    assert ("1", "12", "5s") == tuple(values[name] for name in ("tests_failed", "tests_passed", "test_seconds"))
    assert "92.3077%" == values["test_pass_rate"]


def test_skipped_cases_alone_have_no_rate() -> None:
    file = MetricsFile("r.xml", ReportStatus.VALID, Reading("tests", tests=CaseCounts(3, 0, 3, 0, 0.0)))
    values = by_name(collect([file]))
    assert ("None", "None") == (values["test_pass_rate"], values["tests_failed"])


def test_a_real_report_is_counted(read_sample: ReadMetrics, samples: object) -> None:
    pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
    path = samples / "junit" / "pytest_xunit2.xml"  # type: ignore[operator]  # a Path
    values = by_name(collect([read_sample("r.xml", path.read_bytes())]))
    assert float(values["tests_failed"]) > 0


def test_a_report_that_was_cut_off_proves_nothing(read_sample: ReadMetrics, samples: object) -> None:
    pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
    whole = (samples / "junit" / "pytest_xunit2.xml").read_bytes()  # type: ignore[operator]  # a Path
    found = collect([read_sample("r.xml", whole[: len(whole) * 2 // 3])])
    assert {(Evidence.INCONCLUSIVE, "truncated: the end is missing")} == {(one.evidence, one.reason) for one in found}


def test_coverage_that_was_cut_off_proves_nothing(read_sample: ReadMetrics, gate_samples: object) -> None:
    whole = (gate_samples / "coverage.lcov").read_bytes()  # type: ignore[operator]  # a Path
    found = collect([read_sample("c.lcov", whole[: len(whole) // 2])])
    assert {Evidence.INCONCLUSIVE} == {one.evidence for one in found}
    assert {Evidence.MEASURED} == {one.evidence for one in collect([read_sample("coverage.lcov")])}
