"""The workflows of this repository are what their definitions give, and pass the official schema and zizmor."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from shutil import copytree, which

import pytest

pytest.importorskip("yaml", reason="the store extra is not installed")

import yaml

from cipredict.cli.app import main
from cipredict.render.pipelines.actions import PINS

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = {
    "ci": "ci.yml",
    "retrain": "retrain.yml",
    "audio_enhancement": "audio_enhancement_ci.yml",
}


@pytest.fixture(autouse=True)
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_every_workflow_has_a_definition() -> None:
    assert {path.name for path in (GITHUB / "workflows").glob("*.y*ml")} == set(WORKFLOWS.values())
    assert {path.stem for path in (GITHUB / "pipelines").glob("*.toml")} == set(WORKFLOWS)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_generated_workflow_has_not_drifted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = GITHUB / "workflows" / WORKFLOWS[name]
    code = main(["pipeline", "export", f".github/pipelines/{name}.toml", "--output", str(workflow), "--check"])
    assert 0 == code, capsys.readouterr().err


def test_an_edited_workflow_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = tmp_path / "ci.yml"
    edited.write_text(
        (GITHUB / "workflows" / "ci.yml").read_text().replace("timeout-minutes: 30", "timeout-minutes: 31")
    )
    code = main(["pipeline", "export", ".github/pipelines/ci.toml", "--output", str(edited), "--check"])
    assert 1 == code, capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [("check-jsonschema", "--builtin-schema", "vendor.github-workflows"), ("zizmor", "--offline", "--no-progress")],
    ids=lambda command: command[0],
)
def test_workflows_pass_the_official_schema_and_zizmor(command: tuple[str, ...], tmp_path: Path) -> None:
    if which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    folder = tmp_path / ".github" / "workflows"  # where zizmor knows them by
    copytree(GITHUB / "workflows", folder)
    files = sorted(map(str, folder.iterdir()))
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    broken = {"zizmor": (PINS["actions/checkout"].commit, "v6")}.get(command[0], ("runs-on", "runs-at"))
    (folder / "ci.yml").write_text((folder / "ci.yml").read_text().replace(*broken))
    assert subprocess.run([*command, *files], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("workflow", WORKFLOWS.values())
def test_no_action_is_guessed_and_no_expression_stands_in_a_script(workflow: str) -> None:
    document = yaml.safe_load((GITHUB / "workflows" / workflow).read_text(encoding="utf-8"))
    steps = [step for job in document["jobs"].values() for step in job["steps"]]

    for action, _, commit in (step["uses"].partition("@") for step in steps if "uses" in step):
        assert PINS["/".join(action.split("/")[:2])].commit == commit
    assert all("${{" not in step.get("run", "") for step in steps)


def test_ci_restores_the_forecast_that_the_night_saves() -> None:
    """A cache on GitHub is found by the beginning of its key and by exactly the same paths."""
    night, ci = (tomllib.loads((GITHUB / "pipelines" / f"{name}.toml").read_text()) for name in ("retrain", "ci"))
    steps = [
        step
        for name, job in (("retrain.yml", "retrain"), ("ci.yml", "plan"))
        for step in yaml.safe_load((GITHUB / "workflows" / name).read_text())["jobs"][job]["steps"]
        if step.get("name", "").endswith("the forecast")
    ]

    assert night["stages"]["retrain"]["caches"]["forecast"]["key"].startswith(ci["forecast_key"])
    assert len({step["with"]["path"] for step in steps}) == 1
    assert [step["name"] for step in steps] == ["Save the forecast", "Restore the forecast"]


def test_the_full_pipeline_has_its_stages_gates_approval_and_way_back() -> None:
    jobs = yaml.safe_load((GITHUB / "workflows" / "audio_enhancement_ci.yml").read_text())["jobs"]

    assert list(jobs) == [
        "plan", "quality-checks", "tests", "audio-validation", "performance", "quality-gates", "deploy", "result",
    ]  # fmt: skip
    assert jobs["tests"]["strategy"]["matrix"] == {"suite": ["unit", "integration", "quality", "performance"]}
    assert {"audio-validation", "performance"} <= set(jobs["quality-gates"]["needs"])
    assert jobs["deploy"]["environment"] == "production"
    assert jobs["deploy"]["steps"][-1] == {
        "name": "Finish or take back",
        "if": "${{ failure() || cancelled() }}",
        "run": "cipredict deploy resume",
    }
