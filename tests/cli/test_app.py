"""What a person sees who types something wrong: one line, exit 2, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.cli.app import OUTLINE, main

CASES = "".join(f"tests/test_{name}.py::test_{number}\n" for name in "ab" for number in range(5))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "CIPREDICT_FORECAST", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(name="cases")
def _cases(tmp_path: Path) -> str:
    path = tmp_path / "cases.txt"
    path.write_text(CASES)
    return str(path)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    out = capsys.readouterr().out
    assert [name for name in OUTLINE if name not in out] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["selct-tests"], "Did you mean 'select-tests'?", id="misspelt command"),
        pytest.param(["shard", "--nope"], "No such option: --nope", id="unknown option"),
        pytest.param(["shard", "--shards", "0", "--candidates", "cases.txt"], "0 shards", id="no shards"),
        pytest.param(["shard", "--shards", "x"], "'x' is not a valid integer, nor auto", id="not a number"),
        pytest.param(["shard", "--candidates", "cases.txt"], "--shards and --target-time", id="no number of shards"),
        pytest.param(
            ["shard", "--shards", "2", "--strategy", "best", "--candidates", "cases.txt"],
            "Unknown strategy 'best': choose from optimal, predictive, round_robin",
            id="unknown strategy",
        ),
        pytest.param(["shard", "--shards", "2", "--index", "2", "--candidates", "cases.txt"], "--index 2", id="index"),
        pytest.param(
            ["shard", "--shards", "2", "--tail", "15", "--candidates", "cases.txt"], "--tail: '15'", id="tail"
        ),
        pytest.param(["shard", "--shards", "2", "--candidates", "gone.txt"], "gone.txt", id="missing file"),
        pytest.param(["shard", "--target-time", "soon", "--candidates", "cases.txt"], "'soon'", id="wrong duration"),
        pytest.param(["select-tests", "--target", "30", "--candidates", "cases.txt"], "--target: '30'", id="percent"),
        pytest.param(["select-tests", "--target", "0%", "--candidates", "cases.txt"], "'0%'", id="nothing"),
        pytest.param(
            ["select-tests", "--target", "30%", "--time", "5m", "--candidates", "cases.txt"],
            "one of --target, --time and --confidence",
            id="two goals",
        ),
        pytest.param(
            ["select-tests", "--format", "xml", "--candidates", "cases.txt"], "Unknown format 'xml'", id="format"
        ),
        pytest.param(
            ["select-tests", "--changed", "a.py", "--base", "main", "--candidates", "cases.txt"],
            "one of --base, --changed and --diff",
            id="two changes",
        ),
        pytest.param(["select-tests", "--collect", "--known"], "--candidates, --collect and --known", id="candidates"),
    ],
)
@pytest.mark.usefixtures("cases")
def test_a_mistake_costs_one_line_and_exit_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_wrong_settings_name_file_and_key(tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cipredict]\nmin_history_runs = 'many'\nmisspelt = 1\n")

    assert main(["select-tests", "--changed", "a.py", "--candidates", cases]) == 2

    message = capsys.readouterr().err
    assert str(tmp_path / "pyproject.toml") in message
    assert "'min_history_runs' must be a positive number" in message
    assert "unknown key 'misspelt'" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "No forecast bundle", id="missing"),
        pytest.param(b"PK\3\4 not a zip", "corrupt", id="broken"),
        pytest.param(b"", "corrupt", id="empty"),
    ],
)
def test_select_tests_runs_everything_without_a_usable_bundle(
    content: bytes | None, words: str, tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "forecast.bundle").write_bytes(content)

    arguments = ["select-tests", "--changed", "a.py", "--candidates", cases, "--forecast", "forecast.bundle"]
    assert main([*arguments, "--output", "plan.json"]) == 0

    captured = capsys.readouterr()
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert sorted(captured.out.splitlines()) == sorted(CASES.splitlines())
    assert plan["fallback"] is True
    assert words in plan["fallback_reason"]
    assert sum(line.startswith("cipredict: ") for line in captured.err.splitlines()) == 1


def test_select_tests_runs_everything_outside_a_repository(
    tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select-tests", "--base", "main", "--candidates", cases, "--output", "plan.json"]) == 0

    plan = json.loads((tmp_path / "plan.json").read_text())
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(CASES.splitlines())
    assert plan["fallback"] is True
    assert "git" in plan["fallback_reason"]


def test_strict_turns_a_fallback_into_a_failure(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select-tests", "--changed", "a.py", "--candidates", cases, "--strict"]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No forecast bundle" in captured.err


def test_shard_splits_evenly_without_a_bundle(tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shard", "--shards", "3", "--candidates", cases, "--output", "plan.json"]) == 0

    plan = json.loads((tmp_path / "plan.json").read_text())
    printed = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
    assert sorted(printed) == sorted(CASES.splitlines())
    assert plan["fallback"] is True
    assert sorted(len(shard["tests"]) for shard in plan["shards"]) == [3, 3, 4]


def test_shard_prints_one_shard_by_index(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for index in range(3):
        assert main(["shard", "--shards", "3", "--candidates", cases, "--index", str(index)]) == 0
        printed += capsys.readouterr().out.splitlines()

    assert sorted(printed) == sorted(CASES.splitlines())


def test_the_github_matrix_is_never_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none.txt").write_text("")

    assert main(["shard", "--shards", "3", "--candidates", "none.txt", "--format", "github"]) == 0

    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["has_tests"] == "false"
    assert len(json.loads(lines["matrix"])["include"]) == 1


def test_a_plan_that_cannot_be_written_is_the_users_mistake(
    tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert main(["shard", "--shards", "2", "--candidates", cases, "--output", "file/plan.json"]) == 2

    assert "file/plan.json" in capsys.readouterr().err


def test_a_plan_is_remembered_for_the_nightly_job(tmp_path: Path, cases: str) -> None:
    assert main(["shard", "--shards", "2", "--candidates", cases]) == 0

    (file,) = (tmp_path / ".cipredict" / "events").glob("plan-*.jsonl")
    assert json.loads(file.read_text())["body"]["schema"] == "cipredict.shard-plan/1"


def test_events_that_cannot_be_written_cost_a_warning_only(
    tmp_path: Path, cases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")

    assert main(["shard", "--shards", "2", "--candidates", cases, "--events", "taken/events"]) == 0

    assert "The plan is not remembered" in capsys.readouterr().err


@pytest.mark.parametrize(
    "function", ["render_selection", "say_selection", "render_explanation", "render_step_summary"], ids=str
)
def test_a_bug_in_what_people_read_costs_a_warning_only(
    function: str, cases: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError(function)

    monkeypatch.setattr(f"cipredict.cli.selecting.{function}", fail)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")

    assert main(["select-tests", "--changed", "a.py", "--candidates", cases, "--explain"]) == 0

    captured = capsys.readouterr()
    assert sorted(captured.out.splitlines()) == sorted(CASES.splitlines())
    assert f"ZeroDivisionError('{function}')" in captured.err


def test_a_plan_with_a_tail_holds_a_queue(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shard", "--shards", "2", "--tail", "20%", "--candidates", cases, "--format", "json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert sum(len(batch["tests"]) for batch in document["queue"]) == 10
    assert sum(len(batch["tests"]) for batch in document["queue"] if batch["shard"] is None) == 2


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("opentelemetry", "otel"),
        ("opentelemetry.sdk", "otel"),
        ("duckdb", "store"),
        ("lxml.etree", "store"),
        ("torch", "learn"),
    ],
)
def test_a_missing_extra_is_named(
    name: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr("cipredict.cli.app.import_module", missing)
    assert main(["shard"]) == 2
    expected = f"cipredict: This command needs {name}: pip install 'cipredict[{extra}]'. [missing-extra]\n"
    assert capsys.readouterr().err == expected
