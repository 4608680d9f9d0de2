"""The composite action, run: it always gives a matrix, and what it gives runs every test that must run, once."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest

pytest.importorskip("yaml", reason="the store extra is not installed")

import yaml

from cipredict.forecast.bundle import Manifest, Served, write_bundle
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES
from cipredict.forecast.state import State
from cipredict.forecast.state_codec import encode_state
from cipredict.render.pipelines.actions import PINS
from tests.acceptance.small_runner import Done, Runner

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOSTILE = "a$(touch pwned)`touch pwned`';touch pwned;'::set-output name=count::9 <b> <<x | %0A"
SUITE = f"""
import pytest

@pytest.mark.parametrize("name", [{HOSTILE!r}, "b"])
def test_names(name): pass

@pytest.mark.parametrize("n", range(8))
def test_numbers(n): pass
"""
FILES = ("tests/test_one.py", "tests/test_two.py")
Run = Callable[..., Done]


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    for name in FILES:
        (project / name).write_text(SUITE, encoding="utf-8")
    (project / "pyproject.toml").write_text("[tool.cipredict]\nmin_history_runs = 1\nfull_run_share = 0\n")
    (project / ".gitignore").write_text(".cipredict/\n__pycache__/\n")
    git(project, "init", "-q", "-b", "main")
    commit(project, "README.md")
    return project


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(project: Path, name: str) -> str:
    """Change a file, and give the commit before."""
    (project / name).write_text(f"# {datetime.now(UTC)}\n" + SUITE * name.endswith(".py"), encoding="utf-8")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    return git(project, "rev-list", "-n1", "--skip=1", "HEAD")


@pytest.fixture(name="run")
def _run(project: Path, tmp_path: Path) -> Run:
    """Run the action in a checkout; `is_installable`: pip can install cipredict."""

    def run(*, before: str = "", is_installable: bool = True, **inputs: str) -> Done:
        programs = tmp_path / f"bin-{is_installable}"
        programs.mkdir(exist_ok=True)
        put(programs / "python", f"exit {0 if is_installable else 1}")
        if is_installable:
            put(programs / "cipredict", f'PYTHONPATH={ROOT} exec {sys.executable} -m cipredict "$@"')
        env = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)}
        github = {"event": {"before": before}, "event_name": "push"}
        runner = Runner(project, tmp_path / "services", env, github)
        return runner.run_action(ACTION, {**inputs, **BASE_INPUTS}, workspace=project, action_path=ROOT)

    return run


BASE_INPUTS = {"forecast-key": ""}  # the bundle is there, or is not


def put(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def collected() -> list[str]:
    names = [f"test_names[{HOSTILE}]", "test_names[b]", *(f"test_numbers[{n}]" for n in range(8))]
    return [f"{file}::{name}" for file in FILES for name in names]


def write_forecast(project: Path, *, repository: str = "") -> None:
    """Publish what 50 runs would have taught: the first file fails now and then, the second never."""
    ids = sorted(collected())
    state = State.blank(ids)
    state.tick = 50
    state.columns["last_tick"][:] = 50
    state.columns["runs"][:] = 50
    state.columns["decayed_runs_10"][:] = 10
    in_first = [at for at, case_id in enumerate(ids) if case_id.startswith(FILES[0])]
    state.columns["failures"][in_first] = 5
    state.columns["decayed_failures_10"][in_first] = 2
    seconds = {"expected_s": 2.0, "low_s": 1.0, "high_s": 4.0, "planned_s": 2.0, "runs": 50.0, "peak_memory_bytes": 0.0}
    columns = {f"cases/{name}.f32": b"".join(_float(value) for _ in ids) for name, value in seconds.items()}
    served = {name: Served("prior/time", {}, (), {}) for name in ("failure", "case_time", "run_time")}
    interval = {"coverage": 0.9, "offset_s": 1.0, "bands_s": [10.0], "low": [0.5, 0.8], "high": [2.0, 1.2]}
    manifest = Manifest(
        created_at=datetime.now(UTC), repository=repository, default_branch="main", version="0.1.0", model_version="1",
        history_runs=50, history_from="", history_to="", trained_to="", features=FEATURES, served=served,
        sigmoid=(1.0, 0.0), needed_shares=(0.1,) * 80, coverage=0.9, observed_coverage={},
        conformal={"case_time": interval, "run_time": interval}, anchors={"case_time": "last", "run_time": "last"},
        overhead_s=0.0, case_members=(), series={},
    )  # fmt: skip
    place = project / ".cipredict" / "forecast.bundle"
    place.parent.mkdir(exist_ok=True)
    contents = {"cases/ids": "\0".join(ids).encode(), **columns, **encode_state(state, build_case_index(ids))}
    write_bundle(place, manifest, contents)


def _float(value: float) -> bytes:
    return struct.pack("<f", value)


def ran(project: Path, done: Done) -> list[str]:
    """Run what every job of the matrix would, and give the cases that ran."""
    found = []
    for entry in json.loads(done.outputs["matrix"])["include"]:
        report = project / f"report-{entry['shard']}.jsonl"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "cipredict.pytest_plugin", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        finished = subprocess.run(
            [*command, "--cipredict-report", str(report), *entry["args"].split()],
            cwd=project, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout + finished.stderr
        lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
        found += [line["nodeid"] for line in lines if line.get("when") == "call"]
    return sorted(found)


def test_selected_cases_are_divided_among_jobs(run: Run, project: Path) -> None:
    write_forecast(project)
    done = run(before=commit(project, FILES[0]), target="60%", shards="2")

    assert (done.result, done.outputs["fallback"], done.outputs["has_tests"]) == ("success", "false", "true"), done.log
    assert done.outputs["count"] == "2"
    seconds, saved = float(done.outputs["est_seconds"]), float(done.outputs["est_saved_seconds"])
    assert seconds + saved == pytest.approx(40)
    assert seconds < 30
    cases = ran(project, done)
    assert {case for case in collected() if case.startswith(FILES[0])} <= set(cases) < set(collected())
    assert len(cases) == len(set(cases))
    assert "### Test selection" in done.summary
    assert "<b>" not in done.summary, "names are text in summaries"
    assert "### Shards" in done.summary


def test_observing_runs_everything(run: Run, project: Path) -> None:
    write_forecast(project)
    done = run(before=commit(project, FILES[0]), mode="observe", target="30%", shards="2", cases="known")

    assert done.outputs["fallback"] == "false", done.log
    assert ran(project, done) == sorted(collected())


def test_one_job_follows_the_selection(run: Run, project: Path) -> None:
    write_forecast(project)
    done = run(before=commit(project, FILES[0]), mode="select", target="60%")

    assert done.outputs["count"] == "1"
    assert set(ran(project, done)) < set(collected())


@pytest.mark.parametrize(
    ("mode", "cases"), [("select-shard", "collect"), ("shard", "collect"), ("select", "known"), ("observe", "known")]
)
def test_without_a_bundle_everything_runs(run: Run, project: Path, mode: str, cases: str) -> None:
    done = run(before=commit(project, FILES[0]), mode=mode, shards="3", cases=cases)

    assert (done.result, done.outputs["fallback"], done.outputs["has_tests"]) == ("success", "true", "true"), done.log
    assert len(json.loads(done.outputs["matrix"])["include"]) == int(done.outputs["count"]) >= 1
    if mode == "select-shard":
        assert ran(project, done) == sorted(collected())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not whole", b"\0" * 999])
def test_a_corrupt_bundle_runs_everything(run: Run, project: Path, content: bytes) -> None:
    (project / ".cipredict").mkdir()
    (project / ".cipredict" / "forecast.bundle").write_bytes(content)
    done = run(before=commit(project, FILES[0]), shards="2")

    assert (done.result, done.outputs["fallback"], done.outputs["count"]) == ("success", "true", "2"), done.log


def test_a_suite_that_cannot_be_collected_runs_in_equal_shares(run: Run, project: Path) -> None:
    """pytest itself then says what is wrong, in the jobs that run it."""
    (project / "conftest.py").write_text("raise RuntimeError\n")
    done = run(shards="2")

    assert (done.result, done.outputs["has_tests"], done.outputs["fallback"]) == ("success", "true", "true"), done.log
    assert [entry["args"] for entry in json.loads(done.outputs["matrix"])["include"]] == [
        "--cipredict-shard 1/2",
        "--cipredict-shard 2/2",
    ]


def test_nothing_to_test_is_one_job_that_does_nothing(run: Run, project: Path) -> None:
    write_forecast(project)
    done = run(before=commit(project, "README.md"), shards="3")

    assert (done.outputs["has_tests"], done.outputs["fallback"], done.outputs["count"]) == ("false", "false", "1")
    assert ran(project, done) == []


def test_what_cannot_be_installed_leaves_one_job_that_runs_everything(run: Run) -> None:
    done = run(is_installable=False, shards="3")

    assert done.result == "success"
    assert {"has_tests": "true", "count": "1", "fallback": "true", "est_seconds": "", "est_saved_seconds": ""} == {
        key: value for key, value in done.outputs.items() if key != "matrix"
    }
    assert json.loads(done.outputs["matrix"]) == {"include": [{"shard": 1, "index": 0, "of": 1, "args": ""}]}
    assert "::warning::" in done.log


@pytest.mark.parametrize("place", ["base", "before"])
def test_hostile_names_are_data(run: Run, project: Path, place: str) -> None:
    write_forecast(project)
    base = "main\nfallback=false\n$(touch pwned)'\";touch pwned"
    done = run(shards="2", **{place: base})

    assert not list(project.rglob("pwned"))
    assert (done.result, done.outputs["fallback"]) == ("success", "true"), done.log
    assert ran(project, done) == sorted(collected())


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        pytest.param({"mode": "everything"}, "unknown 'everything': choose from select", id="mode"),
        pytest.param({"shards": "0"}, "--shards: '0' is not auto", id="no shards"),
        pytest.param({"shards": "9999"}, "a number from 1 to 256", id="more than a matrix takes"),
        pytest.param({"target": "30"}, "", id="a number of seconds"),
        pytest.param({"target": "30%", "confidence": "95%"}, "Give one of", id="two goals"),
    ],
)
def test_a_mistake_in_the_inputs_is_shown(run: Run, inputs: dict[str, str], said: str) -> None:
    done = run(**inputs)

    assert done.result == ("failure" if said else "success")
    assert said in done.log


def test_actions_are_those_of_the_table() -> None:
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]

    assert [PINS["/".join(action.split("/")[:2])].commit for action, _, _ in (use.partition("@") for use in used)] == [
        use.partition("@")[2] for use in used
    ]


def test_no_expression_stands_in_a_script() -> None:
    assert all("${{" not in step.get("run", "") for step in ACTION["runs"]["steps"])


@pytest.mark.parametrize(
    "command",
    [("check-jsonschema", "--builtin-schema", "vendor.github-actions"), ("zizmor", "--offline", "--no-progress")],
    ids=lambda command: command[0],
)
def test_the_action_passes_the_official_schema_and_zizmor(command: tuple[str, ...]) -> None:
    if which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([*command, str(ROOT / "action.yml")], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
