"""`cipredict pipeline`: from files to plans, findings and exports; bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copy

import pytest

from cipredict.cli.app import main

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "workflows"
DEFINITION = """
name = "shop"
[stages.lint]
run = "make lint"
[stages.unit]
run = "make unit"
paths = ["src/**"]
shards = 2
[stages.web]
run = "make web"
paths = ["web/**"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pipeline.toml").write_text(DEFINITION, encoding="utf-8")
    return tmp_path


def test_a_plan_names_the_stages_of_a_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["pipeline", "plan", "--changed", "src/a.c", "--output", "plan.json", "--svg", "plan.svg"])

    shown = capsys.readouterr()
    assert (code, shown.out) == (0, "lint\nunit\n")
    assert "Skipped: web: no change to web/**." in shown.err
    assert json.loads((project / "plan.json").read_text())["schema"] == "cipredict.pipeline-plan/1"
    assert (project / "plan.svg").read_text().startswith("<svg")


@pytest.mark.usefixtures("project")
def test_outputs_for_a_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    main(["pipeline", "plan", "--changed", "web/x.js", "--format", "github"])

    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert json.loads(lines["stages"]) == ["lint", "web"]
    assert len(json.loads(lines["matrix_unit"])["include"]) == 2


def test_a_file_that_imports_what_changed_runs_its_stage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, text in {"src/page.py": "import lib.net\n", "lib/net.py": "", "lib/__init__.py": ""}.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text)
    main(["pipeline", "plan", "--changed", "lib/net.py"])

    shown = capsys.readouterr()
    assert "unit" in shown.out.split()
    assert "unit: src/page.py imports lib/net.py, which changed" in shown.err


@pytest.mark.usefixtures("project")
def test_where_git_cannot_tell_everything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["pipeline", "plan", "--base", "nowhere"])

    shown = capsys.readouterr()
    assert (code, set(shown.out.split())) == (0, {"lint", "unit", "web"})
    assert "Every stage runs." in shown.err


@pytest.mark.usefixtures("project")
def test_show_lays_out_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline", "show", "--max-parallel", "1"]) == 0

    shown = capsys.readouterr().out
    assert "unit (1/2)" in shown
    assert "parallel jobs 100.0% of 1" in shown


def test_an_export_is_checked_for_drift(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline", "export", "--output", "ci.yml"]) == 0
    assert main(["pipeline", "export", "--output", "ci.yml", "--check"]) == 0
    (project / "ci.yml").write_text("other", encoding="utf-8")
    assert main(["pipeline", "export", "--output", "ci.yml", "--check"]) == 1
    assert "ci.yml is not what the pipeline exports" in capsys.readouterr().err


def test_a_child_pipeline_holds_what_the_change_needs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["pipeline", "export", "--target", "gitlab-child", "--changed", "web/x.js", "--dotenv", "plan.env"])

    shown = capsys.readouterr().out
    assert "web:" in shown
    assert "unit:" not in shown
    assert (project / "plan.env").read_text() == "STAGES=lint,web\nCOUNT=2\n"


def test_imported_workflows_come_out_as_they_were(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml")
    for name, target in (("usual.yml", "github"), ("anchors.yml", "github"), ("gitlab.yml", "gitlab")):
        assert main(["pipeline", "export", str(SAMPLES / name), "--target", target, "--output", "out.yml"]) == 0
        assert (project / "out.yml").read_bytes() == (SAMPLES / name).read_bytes()
    assert main(["pipeline", "export", str(SAMPLES / "usual.yml"), "--target", "gitlab"]) == 2
    assert "[export-gap]" in capsys.readouterr().err


def test_a_bad_workflow_does_not_sink_the_good_ones(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml")
    (project / "bad.yml").write_text("jobs: [\n", encoding="utf-8")

    code = main(["pipeline", "import", "bad.yml", str(SAMPLES / "usual.yml"), "--format", "json"])

    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert code == 2
    assert [job["job_id"] for job in found["files"][0]["jobs"]][:2] == ["lint", "build"]
    assert len(found["refused"]) == 1
    assert "bad.yml:" in shown.err


def test_optimising_edits_only_where_asked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml")
    copy(SAMPLES / "usual.yml", project / "ci.yml")
    before = (project / "ci.yml").read_bytes()

    assert main(["pipeline", "optimize", "ci.yml", "--patch", "p.diff"]) == 0
    assert (project / "ci.yml").read_bytes() == before
    assert "+concurrency:" in (project / "p.diff").read_text()
    assert "left to you: it reads needs.build" in capsys.readouterr().out

    main(["pipeline", "optimize", "ci.yml", "--write", "--format", "json"])
    assert (project / "ci.yml").read_bytes() != before
    assert {one["rule"] for one in json.loads(capsys.readouterr().out)["ci.yml"]} >= {"timeout", "implied-need"}


@pytest.mark.usefixtures("project")
def test_a_workflow_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("yaml")

    assert main(["pipeline", "show", str(SAMPLES / "usual.yml"), "--max-parallel", "2"]) == 0
    assert "The end hangs on: lint -> build ->" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        pytest.param(["show", "nowhere.toml"], "input-missing", id="missing"),
        pytest.param(["plan", "--format", "xml"], "unknown-format", id="format"),
        pytest.param(["export", "--target", "jenkins"], "unknown-format", id="target"),
        pytest.param(["export", "--check"], "export-check", id="check"),
        pytest.param(["optimize", "x.yml", "--p-fail", "lint=often"], "probability", id="probability"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    if arguments[0] == "optimize":
        pytest.importorskip("yaml")  # in the extra `store`
    assert main(["pipeline", *arguments]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith(f"[{slug}]")
