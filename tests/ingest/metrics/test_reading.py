"""Every file gets a verdict: real outputs of real tools are recognised, and what proves nothing is invalid."""

from __future__ import annotations

import doctest
import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.ingest.metrics import jsonpath
from cipredict.ingest.metrics.reading import Places, read_metrics
from cipredict.records import ReportStatus
from tests.ingest.metrics.conftest import NOW, ReadMetrics


@pytest.mark.parametrize(
    ("name", "kind", "findings"),
    [
        ("ruff.json", "ruff", {"I001": 1, "F401": 1}),
        ("ruff.sarif", "sarif", {"I001": 1, "F401": 1}),
        ("mypy.txt", "mypy", {"return-value": 1}),
        ("mypy.jsonl", "mypy", {"return-value": 1}),
        ("bandit.json", "bandit", {"B404": 1, "B403": 1, "B301": 1, "B602": 1, "B105": 1, "B101": 1}),
        ("bandit_clean.json", "bandit", {}),
        ("pip_audit.json", "pip-audit", {"PYSEC-2018-28": 1}),
        ("black=black.txt", "black", {"format": 1}),
        ("ruff-format=ruff_format.txt", "ruff format", {"format": 1}),
        ("trivy.json", "trivy", {"CVE-2024-0001": 1, "CVE-2024-0002": 1, "DS002": 1, "aws-access-key-id": 1}),
        (
            "semgrep.json",
            "semgrep",
            {"python.lang.security.audit.eval-detected": 1, "python.lang.best-practice.open-never-closed": 1},
        ),
        ("semgrep_local.json", "semgrep", {"insecure-deserialisation": 1, "subprocess-shell-true": 1}),
        ("semgrep_local.sarif", "sarif", {"insecure-deserialisation": 1, "subprocess-shell-true": 1}),
        ("semgrep_broken.json", "semgrep", {"insecure-deserialisation": 1, "subprocess-shell-true": 2}),
        ("codeql.sarif", "sarif", {"py/code-injection": 1, "py/weak-hash": 1, "py/unused": 1}),
    ],
)
def test_real_outputs_are_recognised(read_sample: ReadMetrics, name: str, kind: str, findings: dict[str, int]) -> None:
    read = read_sample(name)
    assert (ReportStatus.VALID, kind) == (read.status, read.reading.kind)
    assert findings == Counter(one.rule for one in read.reading.findings)


@pytest.mark.parametrize("name", ["coverage.json", "coverage.xml", "coverage.lcov"])
def test_coverage_of_every_format_gives_the_same_lines(read_sample: ReadMetrics, name: str) -> None:
    tracked = frozenset(f"src/shop/{file}.py" for file in ("__init__", "cart", "orders", "prices"))
    coverage = read_sample(name, known_files=tracked).reading.coverage
    assert coverage is not None
    shares = {path: (len(coverage.covered[path]), len(lines)) for path, lines in coverage.valid.items() if lines}
    assert {"src/shop/cart.py": (3, 3), "src/shop/orders.py": (0, 12), "src/shop/prices.py": (3, 4)} == shares


def test_severities_of_every_scanner(read_sample: ReadMetrics) -> None:
    def levels(name: str) -> dict[str, int]:
        return dict(Counter(one.severity.value for one in read_sample(name).reading.findings))

    assert {"low": 4, "medium": 1, "high": 1} == levels("bandit.json")
    assert {"unknown": 1} == levels("pip_audit.json")
    assert {"critical": 2, "high": 1, "low": 1} == levels("trivy.json")
    assert {"high": 1, "medium": 1} == levels("semgrep.json")
    assert {"critical": 1, "high": 1, "low": 1} == levels("codeql.sarif")


@pytest.mark.parametrize("name", ["semgrep_local.json", "semgrep_local.sarif"])
def test_what_semgrep_withholds_is_no_fingerprint(read_sample: ReadMetrics, name: str) -> None:
    """Else all findings of a rule in a file would be the same one, and a new one beside a mended one would be none."""
    assert {""} == {one.anchor for one in read_sample(name).reading.findings}


@pytest.mark.parametrize(
    ("name", "p99", "crossed"), [("k6_summary.json", 0.00925, 1.0), ("k6_export.json", 0.00925, 1.0)]
)
def test_k6_in_both_its_formats(read_sample: ReadMetrics, name: str, p99: float, crossed: float) -> None:
    values = {one.metric: one.quantity for one in read_sample(name).reading.measurements}
    assert [str(values[metric]) for metric in ("p99_latency", "requests_per_second")] == ["9.25ms", "1240"]
    assert (p99, crossed) == (values["p99_latency"].value, values["k6_thresholds_crossed"].value)  # type: ignore[union-attr]


def test_a_rate_of_k6_is_a_share_and_a_counter_is_none(read_sample: ReadMetrics) -> None:
    values = {one.metric: str(one.quantity) for one in read_sample("k6_summary.json").reading.measurements}
    assert ("1.25%", "1240") == (values["http_req_failed.rate"], values["http_reqs.rate"])


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.json", "", "it is empty"),
        ("a.json", "[]", "an empty list: say which tool"),
        ("a.txt", "hello", "neither JSON, XML"),
        ("a.json", '{"runs": [], "version": "2.1.0"}', "no run"),
        ("a.json", '{"runs": [{}], "version": "2.1.0"}', "does not name its tool"),
        ("a.json", '{"results": {}, "errors": [], "generated_at": ""}', "'results' is not a list"),
        ("a.json", '{"schema": "cipredict.metrics/1", "metrics": []}', "no metric"),
        ("a.json", '{"schema": "cipredict.metrics/1", "metrics": [{"value": 1}]}', "has no name"),
        ("bandit=a.json", "[]", "not an object"),
        ("ruff=a.json", "{}", "not a list"),
        ("mypy=a.txt", "", "closing line is missing"),
        ("mypy=a.txt", "a.py:1: error: x  [y]\nFound 2 errors in 1 file (checked 1 source file)\n", "1 are listed"),
        (
            "mypy=a.txt",
            "a.py:1: error: x  [syntax]\nFound 1 error in 1 file (errors prevented further checking)\n",
            "prevented",
        ),
        ("black=a.txt", "would reformat a.py\n", "does not say that it came to an end"),
        ("ruff=a.json", "{", "not JSON"),
        ("ruff=a.json", b"\xff\xfe", "not UTF-8"),
        ("a.xml", "<coverage><packages/></coverage>", "without any line"),
        ("a.xml", '<!DOCTYPE c [<!ENTITY x "y">]><coverage/>', "entity 'x', refused"),
        ("a.db", b"SQLite format 3\0...", "run `coverage json`"),
        ("a.zip", b"PK\3\4...", "is not a forecast bundle|corrupt|damaged|not a zip"),
        ("k6=a.json", '{"metrics": {}}', "measured nothing"),
        ("a.json", "[" * 100_000, "JSON|unreadable|broken|cases|lxml"),
    ],
)
def test_what_proves_nothing_is_invalid(
    read_sample: ReadMetrics, name: str, content: str | bytes, complaint: str
) -> None:
    read = read_sample(name, content)
    assert ReportStatus.INVALID is read.status
    assert re.search(complaint, read.problems[0]), read.problems


def test_a_file_that_is_not_there_is_invalid(read_sample: ReadMetrics, tmp_path: Path) -> None:
    assert ("No such file or directory",) == read_sample("nowhere.json").problems
    assert ("it is a folder; benchmarks=FOLDER reads one of benchmark results",) == read_metrics(
        str(tmp_path), Places(tmp_path, NOW)
    ).problems


def test_an_empty_list_of_a_named_tool_is_no_finding(read_sample: ReadMetrics) -> None:
    read = read_sample("ruff=a.json", "[]")
    assert (ReportStatus.VALID, ()) == (read.status, read.reading.findings)


def test_a_scan_that_is_not_whole_is_suboptimal(read_sample: ReadMetrics) -> None:
    read = read_sample("bandit_broken.json")
    assert ReportStatus.SUBOPTIMAL is read.status
    assert "bandit did not scan ./broken.py" in read.problems[0]


def test_flat_json_is_read_by_name(read_sample: ReadMetrics) -> None:
    read = read_sample("a.json", '{"p99_latency": "8.4ms", "rate": 1240, "odd": "fast", "big": NaN}')
    assert [(one.metric, str(one.quantity)) for one in read.reading.measurements] == [
        ("p99_latency", "8.4ms"),
        ("rate", "1240"),
        ("odd", "None"),
        ("big", "None"),
    ]


def test_metrics_with_evidence_and_meaning(read_sample: ReadMetrics) -> None:
    metrics = [
        {"name": "a", "value": 3, "unit": "ms", "evidence": "candidate", "reason": "one runner"},
        {"name": "b", "value": None, "reason": "nothing to score"},
        {"name": "c", "value": 1, "evidence": "sure"},
        {"name": "d", "value": float("inf")},
    ]
    read = read_sample("m.json", json.dumps({"schema": "cipredict.metrics/1", "metrics": metrics}))
    first, *others = read.reading.measurements
    assert ("3ms", "candidate", "one runner") == (str(first.quantity), first.evidence, first.reason)
    assert [(one.quantity, one.reason[:22]) for one in others] == [
        (None, "nothing to score"),
        (None, "its evidence 'sure' is"),
        (None, "inf is not a finite nu"),
    ]


@pytest.mark.parametrize(
    ("code", "stdout", "expected"),
    [
        (0, "[]", "valid"),
        (2, "[]", "did not come to an end (exit code 2): boom"),
        (-11, "", "did not come to an end (exit code -11): boom"),
        (1, "[]", "lists no finding"),
        (0, "", "wrote no JSON"),
        (True, "[]", "did not come to an end"),
        (None, "[]", "did not come to an end"),
    ],
)
def test_the_exit_code_tells_silence_from_a_crash(
    read_sample: ReadMetrics, code: object, stdout: str, expected: str
) -> None:
    document = {
        "schema": "cipredict.tool-run/1",
        "tool": "ruff",
        "exit_code": code,
        "stdout": stdout,
        "stderr": "x\nboom",
    }
    read = read_sample("t.json", json.dumps(document))
    assert expected in (read.status.value if read.status is ReportStatus.VALID else read.problems[0])


@pytest.mark.parametrize(
    ("tool", "code", "sample", "count"),
    [("isort", 1, "isort.txt", 1), ("isort", 0, "", 0), ("black", 1, "black.txt", 1), ("mypy", 1, "mypy.txt", 1)],
)
def test_what_a_tool_said_is_read_with_how_it_ended(
    read_sample: ReadMetrics, gate_samples: Path, tool: str, code: int, sample: str, count: int
) -> None:
    text = (gate_samples / sample).read_text() if sample else ""
    document = {"schema": "cipredict.tool-run/1", "tool": tool, "exit_code": code, "stdout": text, "stderr": ""}
    assert count == len(read_sample("t.json", json.dumps(document)).reading.findings)


def test_paths_are_told_from_where_the_tool_ran(read_sample: ReadMetrics) -> None:
    text = "ERROR: /w/src/a.py Imports are incorrectly sorted and/or formatted."
    run = {"schema": "cipredict.tool-run/1", "tool": "isort", "exit_code": 1, "stdout": "", "stderr": text, "cwd": "/w"}
    [finding] = read_sample("t.json", json.dumps(run)).reading.findings
    assert ("src/a.py", "isort would reformat src/a.py") == (finding.path, finding.message)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        assert read_metrics(str(path), Places(Path(folder), NOW)).status in ReportStatus


_KEYS = (
    *("runs", "results", "errors", "tool", "driver", "name", "metrics", "dependencies", "vulns", "Results", "extra"),
    *("message", "schema", "files", "totals", "generated_at", "fixes", "version", "paths"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)
_JSON_KINDS = ("sarif", "bandit", "trivy", "semgrep", "pip-audit", "k6", "metrics", "ruff", "coverage")


@settings(max_examples=100, deadline=None)
@given(_JSON, st.sampled_from(_JSON_KINDS))
def test_no_json_brings_a_reader_down(document: object, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(document))
        assert read_metrics(f"{kind}={path}", Places(Path(folder), NOW)).status in ReportStatus


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(jsonpath).failed == 0
