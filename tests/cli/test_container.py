"""`cipredict container` on small repositories: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cipredict.cli.app import main

DOCKERFILE = (
    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt ./\n# tools\n"
    "RUN apt-get update && apt-get install -y gcc\nRUN pip install -r requirements.txt\nCOPY . .\nCMD ['x']\n"
)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture(name="repository")
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository of 11 commits, three of which change the requirements, two the documents."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    for number in range(11):
        name = "requirements.txt" if number % 4 == 0 else "README.md" if number % 5 == 1 else "app.py"
        (tmp_path / name).write_text(f"a=={number}\n", encoding="utf-8")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", f"{number}")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["container", *arguments])


@pytest.mark.usefixtures("repository")
def test_analyze_shows_what_is_read_and_rebuilt(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", "docker/Dockerfile") == 0

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "context: . (guessed" in shown.err
    assert "Replay of 10 commits" in shown.err
    assert "raise-install (line 5," in shown.err
    assert "~ assumed" in shown.err


@pytest.mark.usefixtures("repository")
def test_analyze_as_json_has_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", "docker/Dockerfile", "--format", "json") == 0

    [document] = json.loads(capsys.readouterr().out)
    by_line = {row["line"]: row for row in document["instructions"]}
    assert [by_line[3]["rebuilds"], by_line[5]["rebuilds"], by_line[5]["input_changes"]] == [20.0, 20.0, 0.0]
    assert by_line[5]["lost_s"] == 600.0
    assert by_line[3]["size_bytes"] == 5
    assert document["findings"][0]["rule"] == "raise-install"
    assert document["stages"] == {"0": ["python:3.12-slim"]}


@pytest.mark.usefixtures("repository")
def test_measured_seconds_replace_assumed_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "[3/5] RUN apt-get update && apt-get install -y gcc"
    times = {"started": "2026-01-01T00:00:00Z", "completed": "2026-01-01T00:01:40Z"}
    (tmp_path / "log").write_text(json.dumps({"vertexes": [{"name": name, **times}]}), encoding="utf-8")

    assert run("analyze", "docker/Dockerfile", "--progress", "log", "--format", "json") == 0
    [document] = json.loads(capsys.readouterr().out)
    [row] = [row for row in document["instructions"] if row["line"] == 5]
    assert (row["seconds"], row["basis"]) == (100.0, "measured")


def test_optimize_prints_a_patch_that_git_applies(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimize", "docker/Dockerfile") == 0

    shown = capsys.readouterr()
    subprocess.run(["git", "apply", "-"], cwd=repository, input=shown.out.encode(), check=True)
    text = (repository / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert text.index("# tools\nRUN apt-get") < text.index("COPY requirements.txt")
    assert (repository / ".dockerignore").read_text(encoding="utf-8") == "README.md\n"
    assert "proved: the RUN reads nothing that line 3 copies" in shown.err
    assert "RUNs rebuilt 4 -> 2" in shown.err


def test_optimize_writes_in_place_and_then_has_nothing_to_do(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".dockerignore").write_bytes(b"*.log")
    assert run("optimize", "docker/Dockerfile", "--write") == 0
    assert (repository / ".dockerignore").read_bytes() == b"*.log\nREADME.md\n"
    capsys.readouterr()

    assert run("optimize", "docker/Dockerfile") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Nothing to do in 10 commits" in shown.err


@pytest.mark.usefixtures("repository")
def test_optimize_as_json_and_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimize", "docker/Dockerfile", "--format", "json", "--patch", "p.diff") == 0

    document = json.loads(capsys.readouterr().out)
    assert document["patch"] == (tmp_path / "p.diff").read_text(encoding="utf-8")
    assert document["after"]["run_rebuilds"] < document["before"]["run_rebuilds"]
    assert document["estimated_speedup"] == document["before"]["seconds"] / document["after"]["seconds"]
    assert {one["standing"] for one in document["applied"][0]["conditions"]} == {"proved", "assumed"}


def test_another_dockerfile_of_the_context_keeps_what_it_needs(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("FROM a/a\nCOPY README.md /d\n", "FROM a/a\nCOPY --chown=1 . /d\n"):
        (repository / "other.dockerfile").write_text(text, encoding="utf-8")
        git(repository, "add", "-A")
        assert run("optimize", "docker/Dockerfile") == 0
        shown = capsys.readouterr()
        assert ".dockerignore" not in shown.out
        assert "other.dockerfile" in shown.err

    (repository / "other.dockerfile.dockerignore").write_text("x\n", encoding="utf-8")
    git(repository, "add", "-A")
    assert run("optimize", "docker/Dockerfile") == 0
    assert "+README.md" in capsys.readouterr().out


def test_output_that_cannot_be_written_is_said(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimize", "docker/Dockerfile", "--patch", str(repository / "no" / "p")) == 2
    assert capsys.readouterr().err.endswith("[container-output]\n")


def test_without_history_nothing_is_estimated_or_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("a", encoding="utf-8")

    assert run("optimize", "Dockerfile") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "nothing is applied" in shown.err
    assert run("analyze", "Dockerfile", "--history", "0") == 0
    assert "not estimated without history" in capsys.readouterr().err


def test_volatile_arguments_are_guessed_by_name_or_given(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "FROM a/a\nARG GIT_COMMIT\nRUN apk add git\nRUN build $GIT_COMMIT\n"
    (repository / "Dockerfile").write_text(text, encoding="utf-8")

    for more, runs in (([], 20), (["--build-arg", "GIT_COMMIT=x"], 0)):
        assert run("analyze", "Dockerfile", "--format", "json", *more) == 0
        [document] = json.loads(capsys.readouterr().out)
        assert document["replay"]["run_rebuilds"] == runs


def test_a_heredoc_of_later_buildkits_is_read(repository: Path) -> None:
    (repository / "Dockerfile").write_text("FROM a/a\nRUN cat << EOF > /x\nhello\nEOF\nRUN y\n", encoding="utf-8")

    assert run("analyze", "Dockerfile") == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"lorem ipsum\n", "D:1: 'lorem' is no instruction. Give a Dockerfile", id="no Dockerfile"),
        pytest.param(b"FROM a\nRUN <<EOF\nx\n", "D:2: the heredoc 'EOF' does not end. Close it", id="heredoc"),
        pytest.param(b"FROM a/a\nCOPY --from=nope /x /\n", "D:2: there is no stage 'nope'. Name one", id="stage"),
        pytest.param(b"\x7fELF\n\0\0", "D:2: it is no text", id="binary"),
        pytest.param("FROM a".encode("utf-16"), "Save it as UTF-8", id="utf-16"),
        pytest.param(b"FROM a\nRUN " + b"x" * 10_000_000 + b"\n", "D:2: the line is 10,000,004 bytes", id="10 MB line"),
        pytest.param(b"", "D:1: there is no instruction in it", id="empty"),
    ],
)
def test_bad_input_is_one_line_with_place_and_remedy(
    content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "D").write_bytes(content)

    for command in ("analyze", "optimize"):
        assert run(command, "D") == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.count("\n") == 1
        assert words in shown.err
        assert shown.err.endswith("[dockerfile-invalid]\n")


def test_one_bad_file_does_not_sink_the_others(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "bad").write_bytes(b"hello\n")

    assert run("analyze", "bad", "docker/Dockerfile", "--format", "json") == 2
    shown = capsys.readouterr()
    assert [one["dockerfile"] for one in json.loads(shown.out)] == ["docker/Dockerfile"]
    assert "bad:1:" in shown.err


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        pytest.param(["analyze", "nowhere"], "input-missing", id="missing"),
        pytest.param(["analyze", "docker"], "input-unreadable", id="folder"),
        pytest.param(["analyze", "docker/Dockerfile", "--context", "nowhere"], "container-context", id="context"),
        pytest.param(["analyze", "docker/Dockerfile", "--target", "x"], "dockerfile-invalid", id="target"),
        pytest.param(["analyze", "docker/Dockerfile", "--builder", "x"], "container-builder", id="builder"),
        pytest.param(["analyze", "docker/Dockerfile", "--build-arg", "x"], "container-build-arg", id="build-arg"),
        pytest.param(["analyze", "docker/Dockerfile", "--progress", "app.py"], "container-progress", id="progress"),
        pytest.param(["analyze", "docker/Dockerfile", "--format", "x"], "unknown-format", id="format"),
        pytest.param(["optimize", "docker/Dockerfile", "--write", "--patch", "x"], "container-output", id="both"),
        pytest.param(["build-config", "--builder", "x"], "container-builder", id="build-config"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_options_that_cannot_be_meant(arguments: list[str], slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().err.endswith(f"[{slug}]\n")


def test_build_config_prints_yaml_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build-config", "--builder", "kaniko", "--ci", "gitlab") == 0
    assert capsys.readouterr().out.startswith("# Written by `cipredict container build-config --builder kaniko")
