"""Exports of a gate plan: valid in their formats, whole, and inert whatever the names hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.gate_plan import GatePlan
from cipredict.render.gates.annotations import gate_outputs, render_annotations
from cipredict.render.gates.approval_request import render_approval_request
from cipredict.render.gates.code_quality import render_code_quality
from cipredict.render.gates.junit import render_junit
from cipredict.render.gates.sarif import render_sarif
from cipredict.render.gates.table import render_gates, render_step_summary
from tests.plans.test_gate_plan import golden_plan
from tests.render.gates.conftest import HOSTILE, plan_with

SAMPLES = Path(__file__).parents[3] / "data" / "samples" / "gates"
GOLDEN = Path(__file__).parents[2] / "golden"
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


def test_sarif_is_valid_by_the_published_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema, a development tool")
    schema = json.loads((SAMPLES / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    for plan in (golden_plan(), plan_with("gate", size=2), *map(plan_with, HOSTILE[:9])):
        log = {**render_sarif(plan, config="pyproject.toml")}
        log["$schema"] = "https://example.org/sarif.json"
        jsonschema.Draft4Validator(schema).validate(json.loads(json.dumps(log)))


def test_sarif_names_every_gate_and_every_failure() -> None:
    plan = golden_plan()
    log: Any = render_sarif(plan, config="a dir/pyproject.toml")  # Any: JSON
    [run] = log["runs"]
    assert ["gate/test_coverage", "gate/latency_gate", "gate/regression_gate"] == [
        rule["id"] for rule in run["tool"]["driver"]["rules"]
    ]
    assert [(1, "warning"), (2, "error")] == [(one["ruleIndex"], one["level"]) for one in run["results"]]
    assert (
        "a%20dir/pyproject.toml" == (run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
    )
    assert "exception for label hotfix" == run["results"][0]["suppressions"][0]["justification"]
    assert (3, "approval_needed") == (run["invocations"][0]["exitCode"], run["invocations"][0]["exitCodeDescription"])


def test_a_gates_fingerprint_outlives_its_figures() -> None:
    def fingerprints(plan: GatePlan) -> list[object]:
        return [one["fingerprint"] for one in render_code_quality(plan, config="p")]

    plan = golden_plan()
    other = replace(plan, gates=tuple(replace(gate, measured="1%", value=0.01) for gate in plan.gates))
    assert fingerprints(plan) == fingerprints(other)
    assert len(set(fingerprints(plan))) == 2


def test_code_quality_has_what_gitlab_requires() -> None:
    issues = render_code_quality(plan_with(), config="./pyproject.toml")
    assert {"info", "minor", "major", "critical", "blocker"} >= {str(one["severity"]) for one in issues}
    assert Counter({"blocker": 1, "critical": 2, "minor": 2, "major": 1}) == Counter(one["severity"] for one in issues)
    for one in issues:
        assert {"description", "check_name", "fingerprint", "severity", "location"} == one.keys()
        assert {"path": "pyproject.toml", "lines": {"begin": 1}} == one["location"]


def read_junit(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  # our own


def test_junit_counts_what_it_lists() -> None:
    root = read_junit(render_junit(plan_with()))
    counts = {tag: len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "error", "skipped")}
    assert {"testcase": 8, "failure": 2, "error": 3, "skipped": 1} == counts
    assert ("8", "2", "3", "1") == tuple(root.get(name) for name in ("tests", "failures", "errors", "skipped"))


def test_our_own_reader_understands_the_junit() -> None:
    pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
    from io import BytesIO  # noqa: PLC0415

    from cipredict.ingest.reports import read_report  # noqa: PLC0415
    from cipredict.records import RunKey  # noqa: PLC0415

    stream = BytesIO(render_junit(plan_with()).encode())
    *_, report = read_report(stream, source="j.xml", key=RunKey("local", "", "1"))
    assert (8, 5, 1) == (report.cases, report.failed, report.skipped)  # type: ignore[union-attr]  # the last is a Report


def commands(text: str) -> list[str]:
    """Give what GitHub's runner would take for commands: `::` after blanks, and `##[` anywhere in a line."""
    lines = re.split(r"[\r\n\u2028\u2029\x0b\x0c\x85]", text)
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line or "##vso" in line]


@given(TEXTS)
def test_no_text_becomes_a_command_in_the_table_or_the_summary(text: str) -> None:
    plan = plan_with(text)
    for shown in (render_gates(plan), render_step_summary(plan)):
        assert [] == commands(shown)
        assert "\x1b" not in shown


@given(TEXTS)
def test_only_our_own_commands_are_annotations(text: str) -> None:
    shown = render_annotations(plan_with(text))
    assert {line.partition(" ")[0] for line in shown.splitlines()} == {"::error", "::warning"}
    assert (
        len(commands(shown)) == shown.count("\n") == 8
    )  # 4 gates and a file as errors, 2 gates and a file as warnings
    for line in shown.splitlines():
        head, _, message = line.removeprefix("::").partition("::")
        assert {"error", "warning"} >= {head.split(" ", 1)[0]}
        assert head.count(",") == 0
        assert "\r" not in message


@given(TEXTS)
def test_markup_stays_in_its_cell(text: str) -> None:
    shown = render_step_summary(plan_with(text))
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "gate | outcome" not in line]
    assert {6} == {line.count("|") for line in rows}
    assert "<script" not in shown
    assert "](" not in re.sub(r"<code>.*?</code>", "", shown)


@given(TEXTS)
def test_every_export_can_be_written_and_read_again(text: str) -> None:
    plan = plan_with(text)
    for document in (
        render_sarif(plan, config="p"),
        render_code_quality(plan, config="p"),
        render_approval_request(plan, roles={}),
    ):
        assert json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    assert read_junit(render_junit(plan).encode().decode()).tag == "testsuites"


def test_what_exceeds_githubs_ten_is_counted() -> None:
    lines = render_annotations(plan_with(size=30)).splitlines()
    assert Counter({"::error": 10, "::warning": 10}) == Counter(line.partition(" ")[0] for line in lines)
    assert "83 more: see the gate plan" in lines[9]


def test_later_jobs_learn_the_verdict() -> None:
    outputs = gate_outputs(golden_plan())
    assert ("approval_needed", "3", "false", "true") == tuple(
        outputs[name] for name in ("verdict", "exit-code", "passed", "needs-approval")
    )


def test_approvers_are_asked_on_both_platforms() -> None:
    plan = golden_plan()
    gates = (
        *plan.gates[:2],
        replace(plan.gates[2], approvers=("lead", "@alice", "org/perf-team"), approvals_required=2),
    )
    request: Any = render_approval_request(replace(plan, gates=gates), roles={"lead": {"bob", "alice"}})  # Any: JSON
    assert {"reviewers": ["alice", "bob"], "team_reviewers": ["perf-team"]} == request["github"]["requested_reviewers"]
    assert (["alice", "bob"], 2) == tuple(
        request["gitlab"]["approval_rule"][key] for key in ("usernames", "approvals_required")
    )
    assert (["regression_gate"], "cipredict-approval") == (request["gates"], request["github"]["environment"])


def test_nobody_is_asked_where_nothing_waits() -> None:
    request: Any = render_approval_request(replace(golden_plan(), gates=golden_plan().gates[:2]), roles={})  # Any: JSON
    assert (0, [], "") == (request["approvals_required"], request["approvers"], request["github"]["environment"])


def test_the_table_is_the_golden_one() -> None:
    """Accept a change by writing `render_gates(golden_plan())` to the golden file."""
    assert (GOLDEN / "gate_table.txt").read_text(encoding="utf-8") == render_gates(golden_plan())
