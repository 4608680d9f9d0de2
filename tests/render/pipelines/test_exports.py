"""Exports have golden bytes, keep to the official schemas, pass zizmor, and never deploy what did not pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.pipelines.parsing import parse_pipeline
from cipredict.decide.pipelines.standard import standard_pipeline
from cipredict.errors import UsageError
from cipredict.plans.pipeline_model import Pipeline, Stage
from cipredict.plans.pipeline_parts import When
from cipredict.render.pipelines.actions import PINS
from cipredict.render.pipelines.github_workflow import render_github_workflow, render_plan_outputs
from cipredict.render.pipelines.gitlab_file import render_gitlab_child, render_gitlab_file
from cipredict.render.pipelines.yaml_text import Commented, to_yaml

GOLDEN = Path(__file__).parents[2] / "golden"


def full(*, condition: str = "github.repository == 'a/b'") -> Pipeline:
    return parse_pipeline(
        {
            "name": "shop",
            "gates": {"test_coverage": 85},
            "setup": "python -m pip install -e .",
            "resources": {"gpu": 1},
            "stages": {
                "lint": {"run": "make lint\nmake type-check", "timeout": "10m"},
                "unit": {
                    "run": 'pytest --shard "$SHARD/$SHARDS"',
                    "shards": 4,
                    "needs": ["lint"],
                    "cache": ["~/.cache/pip", ".venv"],
                    "cache_key": ["constraints.txt", "pyproject.toml"],
                    "artifacts": ["reports/"],
                    "retention_days": 3,
                    "env": {"COLOR": "no"},
                },
                "e2e": {
                    "run": "make e2e",
                    "needs": ["lint"],
                    "matrix": {"browser": ["firefox", "3.10"]},
                    "services": {"db": "postgres:16"},
                    "allow_failure": True,
                    "if": condition,
                },
                "model": {"script": "tests/model.py", "runs_on": ["self-hosted", "gpu"], "resources": {"gpu": 1}},
                "sign-off": {"run": "true", "needs": ["unit"], "environment": "staging", "approval": True},
            },
            "deployment": {"strategy": "blue_green", "branches": ["main", "hotfix"]},
        },
        source="test",
    )


def on_gitlab() -> Pipeline:
    return full(condition='$CI_PROJECT_PATH == "a/b"')


EXPORTS: dict[str, Callable[[], str]] = {
    "pipeline_github.yml": lambda: render_github_workflow(full()),
    "pipeline_github_static.yml": lambda: render_github_workflow(standard_pipeline(), is_dynamic=False),
    "pipeline_gitlab.yml": lambda: render_gitlab_file(on_gitlab()),
    "pipeline_gitlab_child.yml": lambda: render_gitlab_child(on_gitlab()),
}


def load(text: str) -> dict[str, Any]:  # whatever YAML holds
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_have_the_bytes_of_the_golden_files(name: str, tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / name
    actual.write_text(EXPORTS[name](), encoding="utf-8")

    assert actual.read_bytes() == (GOLDEN / name).read_bytes(), actual


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_keep_to_the_official_schemas(name: str) -> None:
    tool = which("check-jsonschema")
    if tool is None:
        pytest.skip("check-jsonschema is not installed")
    is_github = "github" in name
    schema = ["vendor.github-workflows"] if is_github else ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    done = run(tool, "--builtin-schema", *schema, str(GOLDEN / name))

    assert done.returncode == 0, done.stdout


def test_the_schema_check_can_fail(tmp_path: Path) -> None:
    tool = which("check-jsonschema")
    if tool is None:
        pytest.skip("check-jsonschema is not installed")
    broken = tmp_path / "broken.yml"
    broken.write_text(EXPORTS["pipeline_github.yml"]().replace("runs-on:", "runs-in:"), encoding="utf-8")

    assert run(tool, "--builtin-schema", "vendor.github-workflows", str(broken)).returncode == 1


def test_workflows_pass_zizmor(tmp_path: Path) -> None:
    tool = which("zizmor")
    if tool is None:
        pytest.skip("zizmor is not installed")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name in ("pipeline_github.yml", "pipeline_github_static.yml"):
        (folder / name).write_bytes((GOLDEN / name).read_bytes())
    done = run(tool, "--offline", "--no-progress", str(folder))
    assert done.returncode == 0, done.stdout

    unpinned = EXPORTS["pipeline_github.yml"]().replace(PINS["actions/checkout"].commit, "v6")
    (folder / "pipeline_github.yml").write_text(unpinned, encoding="utf-8")
    assert run(tool, "--offline", "--no-progress", str(folder)).returncode != 0


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = load(EXPORTS["pipeline_github.yml"]())["jobs"]
    return found


def test_a_deployment_follows_success_only() -> None:
    """A stage that is skipped behind a failed one did not fail; a gate would pass, and a deployment follow."""
    deploy, gates = jobs()["deploy"], jobs()["quality-gates"]

    assert "needs.quality-gates.result == 'success'" in deploy["if"]
    assert set(gates["needs"]) >= {"lint", "unit", "e2e", "model", "sign-off"}
    assert "!contains(needs.*.result, 'failure')" in gates["if"]
    assert "github.ref == 'refs/heads/main' || github.ref == 'refs/heads/hotfix'" in deploy["if"]
    assert deploy["concurrency"]["cancel-in-progress"] == "false"


def test_environments_are_reached_by_pushes_only() -> None:
    assert all("github.event_name == 'push'" in job["if"] for job in jobs().values() if "environment" in job)
    child = load(EXPORTS["pipeline_gitlab_child.yml"]())
    assert all(rule["if"].startswith("$CI_COMMIT_BRANCH ==") for rule in child["sign-off"]["rules"])


def test_gates_see_the_artifacts_of_all_stages() -> None:
    names = [
        step["with"].get("pattern") for step in jobs()["quality-gates"]["steps"] if "download" in step.get("uses", "")
    ]
    child = load(EXPORTS["pipeline_gitlab_child.yml"]())

    assert names == ["unit-*", "gates-*"]
    assert {".cipredict/gates/"} == {child[name]["artifacts"]["paths"][-1] for name in ("lint", "unit", "e2e", "model")}
    assert {need["job"] for need in child["quality-gates"]["needs"]} == {"lint", "unit", "e2e", "model", "sign-off"}


def test_an_approval_is_asked_once() -> None:
    guarded = [job for job in jobs().values() if "environment" in job]

    assert [job["environment"] for job in guarded] == ["staging", "production"]
    assert all("strategy" not in job for job in guarded)


def test_every_job_has_a_timeout_and_least_permissions_and_pinned_actions() -> None:
    document = load(EXPORTS["pipeline_github.yml"]())

    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert int(job["timeout-minutes"]) > 0
        assert set(job["permissions"]) <= {"contents"}
        for step in job["steps"]:
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert PINS[action].commit == commit
                assert len(commit) == 40
            assert "${{" not in step.get("run", "")


def test_the_one_check_to_require_fails_with_any_stage(tmp_path: Path) -> None:
    result = jobs()["result"]
    script = tmp_path / "result.sh"
    script.write_text(result["steps"][0]["run"], encoding="utf-8")

    def code(results: str) -> int:
        return subprocess.run(
            ["sh", str(script)], env={"RESULTS": results}, check=False, capture_output=True
        ).returncode

    assert set(result["needs"]) == set(jobs()) - {"result"}
    assert [code("success skipped"), code("success failure"), code("cancelled"), code("")] == [0, 1, 1, 0]


def test_outputs_of_the_plan_never_hold_an_empty_matrix() -> None:
    outputs = render_plan_outputs(full(), [])

    assert outputs["stages"] == "[]"
    assert [entry["shard"] for entry in json.loads(outputs["matrix_unit"])["include"]] == [1, 2, 3, 4]
    assert set(outputs) == {"stages", "matrix_unit"}


def test_gitlab_blocks_at_manual_jobs_and_deploys_one_at_a_time() -> None:
    child = load(EXPORTS["pipeline_gitlab_child.yml"]())

    assert child["deploy"]["rules"][0] == {"if": '$CI_COMMIT_BRANCH == "main"', "when": "manual"}
    assert "when" not in child["deploy"]
    assert child["deploy"]["resource_group"] == "production"
    assert child["unit"]["parallel"] == "4"
    assert child["e2e"]["parallel"] == {"matrix": [{"BROWSER": ["firefox", "3.10"]}]}
    assert child["unit"]["artifacts"]["expire_in"] == "3 days"


def test_a_child_of_few_stages_needs_only_those_and_one_of_none_still_has_a_job() -> None:
    child = load(render_gitlab_child(on_gitlab(), ["unit", "quality-gates"]))
    assert child["unit"]["needs"] == []
    assert [need["job"] for need in child["quality-gates"]["needs"]] == ["unit"]

    empty = load(render_gitlab_child(on_gitlab(), []))
    assert empty["nothing-to-do"]["script"]


@pytest.mark.parametrize(
    ("retries", "render"),
    [pytest.param(1, render_github_workflow, id="github"), pytest.param(3, render_gitlab_file, id="gitlab")],
)
def test_what_a_provider_cannot_do_is_refused(retries: int, render: Callable[[Pipeline], str]) -> None:
    pipeline = Pipeline(stages=(Stage("a", run="x", retries=retries),))

    with pytest.raises(UsageError) as caught:
        render(pipeline)
    assert caught.value.slug == "export-gap"


def test_conditions_of_the_other_provider_are_refused() -> None:
    with pytest.raises(UsageError, match="'if' is no condition of GitLab: e2e"):
        render_gitlab_child(full())
    with pytest.raises(UsageError, match="'if' is no condition of GitHub: e2e"):
        render_github_workflow(on_gitlab())


def test_gitlab_ci_local_runs_the_child(tmp_path: Path) -> None:
    """Needs gitlab-ci-local (npm) with Node 22 and rsync on the path; jobs run in shells, with needs and artifacts."""
    tool = which("gitlab-ci-local")
    if tool is None or which("rsync") is None:
        pytest.skip("gitlab-ci-local or rsync is not installed")
    pipeline = Pipeline(
        stages=(
            Stage("make", run="mkdir out\necho $WORD > out/word", matrix={"word": ("one",)}, artifacts=("out/",)),
            Stage("use", run="grep one out/word", needs=("make",), shards=2),
            Stage("sweep", run="touch swept", needs=("use",), when=When.FAILURE),
            Stage("tell", run="test ! -e swept", needs=("use",), when=When.ALWAYS, secrets={"HERE": "PWD"}),
        )
    )
    (tmp_path / ".gitlab-ci.yml").write_text(render_gitlab_child(pipeline), encoding="utf-8")
    for command in (["init", "-q"], ["remote", "add", "origin", "git@localhost:a/b.git"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, "commit", "-qm", "x"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [tool, "--force-shell-executor"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASS") == 4


def test_pins_say_where_they_were_seen() -> None:
    for action, pin in PINS.items():
        assert action == pin.action
        assert int(pin.commit, 16) >= 0
        assert " at " in pin.seen_in


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=30)
values = st.recursive(
    texts | st.lists(texts, max_size=3),
    lambda inner: (
        st.dictionaries(texts, inner, max_size=3)
        | st.lists(st.dictionaries(texts, inner, min_size=1, max_size=2), max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_reads_back(document: dict[str, Any]) -> None:
    """Whatever text stands where; a final line end of a block and characters that YAML reads as line ends aside."""

    def spelled(value: object) -> object:
        if isinstance(value, str):
            return value.rstrip("\n")
        if isinstance(value, list):
            return [spelled(one) for one in value]
        assert isinstance(value, dict)
        return {key: spelled(one) for key, one in value.items()}

    found = load(to_yaml(document)) or {}
    assert spelled(found) == spelled(document)


def test_comments_stand_behind_their_text() -> None:
    assert to_yaml({"uses": Commented("a@b", "v1")}) == "uses: a@b # v1\n"


if __name__ == "__main__":  # accept all golden files at once
    for name, make in EXPORTS.items():
        (GOLDEN / name).write_text(make(), encoding="utf-8")
    sys.stdout.write(f"{len(EXPORTS)} written\n")
