"""Findings on workflows: which are edits, which are refused, and that edits do what they say and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.decide.pipelines.estimates import Estimate
from cipredict.decide.pipelines.hygiene import p99_s
from cipredict.decide.pipelines.improvement import Edit, Improvement, apply_edits, expected_plain
from cipredict.forecast.interface import Basis

pytest.importorskip("yaml")

from cipredict.cli.pipeline_workflows import edited
from cipredict.decide.pipelines.workflow_graph import stages_of
from cipredict.decide.pipelines.workflow_rules import edits_of, improve_workflow
from cipredict.ingest.workflows.github import parse_github_workflow
from cipredict.ingest.workflows.gitlab import parse_gitlab_file
from cipredict.ingest.workflows.nodes import File, read_file
from cipredict.workflow_records import WorkflowRecord

SAMPLES = Path(__file__).parents[3] / "data" / "samples" / "workflows"


def known(series: str) -> Estimate:
    return Estimate(600.0, 500.0, 900.0, Basis.HISTORY, series)


def workflow(text: str) -> WorkflowRecord:
    return parse_github_workflow(File("ci.yml", text))


def by_rule(found: tuple[Improvement, ...], rule: str) -> list[Improvement]:
    return [one for one in found if one.rule == rule]


def test_an_implied_need_goes_unless_it_is_read() -> None:
    found = by_rule(improve_workflow(parse_github_workflow(read_file(SAMPLES / "usual.yml"))), "implied-need")

    assert [(one.where, bool(one.edits)) for one in found] == [("unit", True), ("e2e", True), ("deploy", False)]
    assert found[2].refused == "it reads needs.build, and that holds direct needs only"


def test_edits_change_what_they_say_and_no_other_byte() -> None:
    record = parse_github_workflow(read_file(SAMPLES / "usual.yml"))
    found = improve_workflow(record, history=known)
    text, kept = edited(record, edits_of(found))

    assert len(kept) == len(edits_of(found)) == 9
    again = parse_github_workflow(File("x", text))
    assert again.plain == expected_plain(dict(record.plain), kept)
    old, new = record.text.splitlines(), text.splitlines()
    assert [line for line in old if line not in new] == ["    needs: [lint, build]", "      - lint"]
    assert "  lint:   # first" in new
    assert again.job("lint").timeout == "27"
    assert again.job("unit").needs == ("build",)


def test_what_was_edited_has_nothing_left_to_edit() -> None:
    record = parse_github_workflow(read_file(SAMPLES / "usual.yml"))
    text, _ = edited(record, edits_of(improve_workflow(record, history=known)))
    again = improve_workflow(parse_github_workflow(File("x", text)), history=known)

    assert edits_of(again) == ()


def test_an_edit_that_an_alias_carries_elsewhere_is_left_out() -> None:
    record = parse_github_workflow(read_file(SAMPLES / "anchors.yml"))
    shared = Edit(record.job("base").block.line, record.job("base").block.line, "    x: y", ("jobs", "base", "x"), "y")

    assert edited(record, [shared]) == (record.text, ())


def test_line_ends_of_the_file_are_kept() -> None:
    record = workflow("on:\r\n  pull_request:\r\njobs:\r\n  a:\r\n    runs-on: x\r\n    steps: []\r\n")
    text, kept = edited(record, edits_of(improve_workflow(record)))

    assert [edit.path for edit in kept] == [("concurrency",)]
    assert text.count("\n") == text.count("\r\n") == 10


def test_no_edits_give_the_same_bytes() -> None:
    for path in sorted(SAMPLES.glob("*.yml")):
        text = path.read_bytes().decode()
        assert apply_edits(text, ()) == text


EDGE = """on: push
jobs:
  {gate}:
    runs-on: x
    steps: [{{run: a}}]
  slow:
    needs: {gate}
    runs-on: x
    strategy: {{matrix: {{v: [1, 2, 3]}}}}
    steps: [{{run: b}}]
"""


@pytest.mark.parametrize(
    ("gate", "p_fail", "edits", "says"),
    [
        pytest.param("lint", 0.01, 1, "", id="waiting does not pay"),
        pytest.param("lint", 0.5, 0, "waiting pays: 50.0% of 180 s > 60 s", id="waiting pays"),
        pytest.param("lint", None, 0, "nothing predicts", id="nothing predicted"),
        pytest.param("smoke", 0.01, 0, "a smoke gate by its name", id="smoke"),
        pytest.param("publish", 0.01, 0, "changes something outside", id="side effects"),
    ],
)
def test_an_edge_of_order_only_is_weighed(gate: str, p_fail: float | None, edits: int, says: str) -> None:
    probabilities = {} if p_fail is None else {gate: p_fail}
    found = by_rule(improve_workflow(workflow(EDGE.format(gate=gate)), p_fail=probabilities), "parallelise")

    assert len(found) == 1
    assert (len(found[0].edits), says in found[0].refused) == (edits, True)
    if edits:
        text, kept = edited(workflow(EDGE.format(gate=gate)), edits_of(found))
        assert kept
        assert "needs" not in text


def test_dropped_edges_do_not_make_each_other_redundant() -> None:
    """`c` needs `a` only through `b` once its own need is dropped; then `b` must not stop waiting for `a`."""
    text = "on: push\njobs:\n"
    for name, needs in (("a", ""), ("b", "    needs: a\n"), ("c", "    needs: [a, b]\n")):
        text += f"  {name}:\n{needs}    runs-on: x\n    steps: [{{run: {name}}}]\n"
    found = improve_workflow(workflow(text), p_fail={"a": 0.0, "b": 0.0})
    again = parse_github_workflow(File("x", edited(workflow(text), edits_of(found))[0]))

    assert [job.needs for job in again.jobs] == [(), ("a",), ("b",)]


def test_pull_requests_get_concurrency_and_called_workflows_do_not() -> None:
    job = "jobs:\n  a:\n    runs-on: x\n    steps: []\n"

    assert by_rule(improve_workflow(workflow(f"on: pull_request\n{job}")), "concurrency")
    assert not by_rule(improve_workflow(workflow(f"on: [pull_request, workflow_call]\n{job}")), "concurrency")
    assert not by_rule(improve_workflow(workflow(f"on: push\n{job}")), "concurrency")


def test_double_runs_are_edited_only_where_no_tag_is_built() -> None:
    job = "jobs:\n  a:\n    runs-on: x\n    steps: []\n"
    empty = by_rule(improve_workflow(workflow(f"on:\n  push:\n  pull_request:\n{job}")), "double-run")
    listed = by_rule(improve_workflow(workflow(f"on: [push, pull_request]\n{job}")), "double-run")
    released = by_rule(
        improve_workflow(workflow(f"on:\n  push:\n  pull_request:\n{job}".replace(" a:", " release:"))), "double-run"
    )

    assert [len(found[0].edits) for found in (empty, listed, released)] == [1, 0, 0]
    assert not by_rule(
        improve_workflow(workflow(f"on:\n  push: {{branches: [main]}}\n  pull_request:\n{job}")), "double-run"
    )


def test_the_99th_percentile_lies_beyond_the_interval() -> None:
    assert 900 < p99_s(known("x")) < 1100
    assert p99_s(Estimate(10, 10, 10, Basis.HISTORY, "")) == 10


def test_jobs_with_one_setup_are_offered_for_merging_and_equal_ones_for_deleting() -> None:
    steps = "    runs-on: x\n    steps: [{uses: actions/checkout@v4}, {run: make}, {run: %s}]\n"
    found = improve_workflow(workflow("on: push\njobs:\n  a:\n" + steps % "x" + "  b:\n" + steps % "y"))
    same = improve_workflow(workflow("on: push\njobs:\n  a:\n" + steps % "x" + "  b:\n" + steps % "x"))

    assert by_rule(found, "merge")[0].where == "a + b"
    assert not by_rule(found, "duplicate-job")
    assert by_rule(same, "duplicate-job")[0].where == "a + b"


def test_legs_of_one_name_are_told_apart() -> None:
    record = workflow(
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps: []\n"
        "    strategy: {matrix: {include: [{v: 1}, {w: 1}, {v: 2}]}}\n"
    )

    assert stages_of(record)[0].jobs() == ("a (1, 1)", "a (1, 2)", "a (2)")


def test_a_need_stays_where_the_longer_way_survives_its_failure() -> None:
    text = "on: push\njobs:\n"
    for name, more in (("a", ""), ("b", "    needs: a\n    if: ${{ always() }}\n"), ("c", "    needs: [a, b]\n")):
        text += f"  {name}:\n{more}    runs-on: x\n    steps: [{{run: {name}}}]\n"

    found = by_rule(improve_workflow(workflow(text)), "implied-need")
    assert [(one.edits, one.refused) for one in found] == [
        ((), "a job on the longer way runs whatever happened before it")
    ]


def test_gitlab_files_are_judged_and_not_edited() -> None:
    found = improve_workflow(parse_gitlab_file(read_file(SAMPLES / "gitlab.yml")), p_fail={"build": 0.0})

    assert {one.rule for one in found} == {"parallelise"}
    assert edits_of(found) == ()
