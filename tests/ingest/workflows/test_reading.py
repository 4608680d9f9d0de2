"""Workflows are read with their lines, or refused with file and line; text that nobody edits stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import InputError

pytest.importorskip("yaml")

from cipredict.ingest.workflows.github import parse_github_workflow
from cipredict.ingest.workflows.gitlab import parse_gitlab_file
from cipredict.ingest.workflows.matrix import DynamicMatrix, expand_matrix
from cipredict.ingest.workflows.nodes import File, read_file
from cipredict.workflow_records import WorkflowRecord

SAMPLES = Path(__file__).parents[3] / "data" / "samples" / "workflows"
JOB = "    runs-on: x\n    steps: []\n"


def github(text: str) -> WorkflowRecord:
    return parse_github_workflow(File("ci.yml", text))


def test_jobs_know_their_lines_needs_and_legs() -> None:
    workflow = parse_github_workflow(read_file(SAMPLES / "usual.yml"))

    lines = workflow.text.splitlines()
    assert [job.job_id for job in workflow.jobs] == ["lint", "build", "unit", "e2e", "slow", "deploy"]
    for job in workflow.jobs:
        assert lines[job.block.line].startswith(" " * job.block.column)
        assert lines[job.block.line].strip() in {"runs-on: ubuntu-latest", "needs: [unit, e2e, build]"}
    assert workflow.job("e2e").legs == ({"os": "a", "extra": "1"}, {"os": "c"})
    assert workflow.job("deploy").environment == "production"
    assert workflow.job("deploy").reads == {"build"}
    assert set(workflow.events) == {"push", "pull_request"}


def test_aliases_reusable_workflows_and_matrices_of_the_run() -> None:
    workflow = parse_github_workflow(read_file(SAMPLES / "anchors.yml"))

    assert workflow.job("again").plain == workflow.job("base").plain
    assert workflow.job("flow").block.column == -1
    assert workflow.job("shard").legs is None
    assert workflow.job("called").uses == "./.github/workflows/release.yml"
    assert workflow.job("report").reads == {"plan", "shard", "called"}
    assert set(workflow.events) == {"push", "pull_request"}


def test_on_is_no_truth_value_and_versions_are_no_numbers() -> None:
    workflow = github("on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {matrix: {python: [3.10, 3.9]}}\n")

    assert workflow.job("a").legs == ({"python": "3.10"}, {"python": "3.9"})
    assert list(workflow.events) == ["push"]


def test_gitlab_jobs_extend_merge_and_wait_for_the_stage_before() -> None:
    workflow = parse_gitlab_file(read_file(SAMPLES / "gitlab.yml"))

    assert [job.job_id for job in workflow.jobs] == ["build", "unit", "lint", "release"]
    assert workflow.job("unit").needs == ("build",)
    assert workflow.job("lint").needs == ()
    assert workflow.job("release").needs == ("unit", "lint")
    assert workflow.job("release").is_manual
    assert workflow.job("unit").width == 3
    assert workflow.job("lint").width == 2
    assert workflow.job("build").plain["retry"] == "1"
    assert workflow.job("unit").plain["image"] == "python:3.11"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: [1\nb: 2\n", "ci.yml:2: not YAML", id="not yaml"),
        pytest.param("- a\n", "ci.yml:1: a workflow is a mapping", id="a list"),
        pytest.param("on: push\n", "ci.yml:1: a workflow has jobs", id="no jobs"),
        pytest.param(f"on: push\njobs:\n  a:\n{JOB}  a:\n{JOB}", "ci.yml:6: the key 'a' stands twice", id="twice"),
        pytest.param(f"jobs:\n  a:\n    needs: b\n{JOB}", "ci.yml:2: the job 'a' needs 'b'", id="unknown need"),
        pytest.param(
            f"jobs:\n  a:\n    needs: b\n{JOB}  b:\n    needs: a\n{JOB}",
            "ci.yml:2: the jobs a, b need each other",
            id="cycle",
        ),
        pytest.param("jobs:\n  a: {}\n", "ci.yml:2: the job 'a' has neither", id="empty job"),
        pytest.param("jobs:\n  a b: {runs-on: x}\n", "ci.yml:2: 'a b' is no id", id="bad id"),
        pytest.param("jobs:\n  a:\n    runs-on: ${{ x\n", "ci.yml:3: an expression begins", id="open expression"),
        pytest.param(
            "jobs:\n  a:\n    runs-on: x\n    strategy:\n      matrix:\n        v: []\n",
            "ci.yml:6: the matrix has no combination",
            id="empty matrix",
        ),
        pytest.param(
            f"jobs:\n  a:\n    runs-on: x\n    strategy: {{matrix: {{v: {list(range(300))}}}}}\n",
            "ci.yml:4: the matrix has 300 combinations",
            id="wide matrix",
        ),
        pytest.param("a: &a\n  b: *a\njobs: {}\n", "ci.yml:1: an alias that contains itself", id="self alias"),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_and_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        github(text)

    assert caught.value.message.startswith(says)
    assert "\n" not in caught.value.message


def test_aliases_that_multiply_are_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 9)]

    with pytest.raises(InputError, match="more than 200,000 nodes"):
        github("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a:\n  stage: x\n  script: y\n", "ci.yml:1: the job 'a' is in the stage 'x'", id="stage"),
        pytest.param("a:\n  extends: .b\n  script: y\n", "ci.yml:1: 'a' extends '.b'", id="extends"),
        pytest.param("a:\n  extends: a\n  script: y\n", "ci.yml:1: 'a' extends itself", id="itself"),
        pytest.param("a:\n  needs: [b]\n  script: y\n", "ci.yml:1: the job 'a' needs 'b'", id="need"),
    ],
)
def test_gitlab_files_are_refused_with_file_and_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_gitlab_file(File("ci.yml", text))

    assert caught.value.message.startswith(says)


def test_a_workflow_of_two_thousand_lines_is_read() -> None:
    text = "on: push\njobs:\n" + "".join(
        f"  j{at}:\n    needs: [{f'j{at - 1}' if at else ''}]\n{JOB}" for at in range(520)
    )

    assert len(text.splitlines()) > 2000
    assert len(github(text).jobs) == 520


def test_include_joins_legs_it_does_not_contradict_and_is_one_of_its_own_otherwise() -> None:
    """The example of GitHub's documentation."""
    matrix = expand_matrix(
        {
            "fruit": ["apple", "pear"],
            "animal": ["cat", "dog"],
            "include": [
                {"color": "green"},
                {"color": "pink", "animal": "cat"},
                {"fruit": "apple", "shape": "circle"},
                {"fruit": "banana"},
                {"fruit": "banana", "animal": "cat"},
            ],
        }
    )

    assert matrix == (
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    )


def test_an_expression_makes_a_matrix_dynamic() -> None:
    with pytest.raises(DynamicMatrix):
        expand_matrix({"a": ["${{ inputs.x }}"]})


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        assert github(text).text == text
    except InputError as error:
        assert error.message.startswith("ci.yml")
        assert "\n" not in error.message
