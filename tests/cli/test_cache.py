"""`cipredict cache` from the command line: keys, advice, forecasts, explanations, and everything that can be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cipredict.cli.app import main

_IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=a@b.example")
SETTINGS = """
[tool.cipredict.cache.stages.deps]
key-files = ["**/requirements.txt"]
manifest-files = ["pyproject.toml"]
source-files = ["src/**"]
paths = ["~/.cache/pip", ".venv"]
dimensions = ["os", "env:FLAVOUR"]
rebuild-s = 60
restore-s = 4
save-s = 6
"""
WORKFLOW = """
jobs:
  test:
    steps:
      - uses: actions/cache@v4
        with: {path: x, key: "pip-${{ hashFiles('pyproject.toml') }}", restore-keys: pip-}
"""


def git(folder: Path, *arguments: str, at_s: int = 1_767_225_600) -> str:
    dates = {"GIT_COMMITTER_DATE": f"{at_s} +0000", "GIT_AUTHOR_DATE": f"{at_s} +0000"}
    done = subprocess.run(
        ["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=os.environ | dates
    )
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str], *, hours: int = 0) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x", at_s=1_767_225_600 + 3600 * hours)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a checkout of 13 commits whose requirements changed once, and work in it."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "RUNNER_OS", "CIPREDICT_FORECAST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("RUNNER_OS", "Linux")
    monkeypatch.setenv("FLAVOUR", "a,b")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(
        folder,
        {"pyproject.toml": SETTINGS, "requirements.txt": "a==1\nb==1\n", "src/a.py": "0", ".gitignore": ".cipredict\n"},
    )
    for number in range(1, 12):
        pins = "a==2\nb==1\n" if number > 5 else "a==1\nb==1\n"
        commit(folder, {"src/a.py": str(number), "requirements.txt": pins}, hours=number)
    monkeypatch.chdir(folder)
    return folder


def plan_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert 0 == main(["cache", "key", *arguments])
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_key_is_printed_with_what_else_may_be_restored(capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_of(capsys, "--stage", "deps", "--base", "HEAD~1")

    assert str(plan["primary"]).startswith("deps-Linux-a_b-")
    assert ("deps-Linux-a_b-", []) == (plan["secondary"], plan["fallback_keys"])
    assert ["requirements.txt"] == list(plan["files"])  # type: ignore[call-overload]  # an object
    expected = plan["expected"]
    assert isinstance(expected, dict)
    assert ("exact", True, "change") == (expected["outcome"], expected["is_deterministic"], expected["basis"])


def test_a_changed_lock_file_is_a_prefix_hit(capsys: pytest.CaptureFixture[str]) -> None:
    before = plan_of(capsys, "--base", "HEAD")
    Path("requirements.txt").write_text("c==3\n", encoding="utf-8")
    after = plan_of(capsys, "--base", "HEAD")

    assert before["primary"] != after["primary"]
    assert before["secondary"] == after["secondary"]
    assert "prefix" == after["expected"]["outcome"]  # type: ignore[index]  # an object


def test_a_commit_in_the_key_never_hits_and_says_why(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    commit(project, {"pyproject.toml": SETTINGS + "design = 'lock+sha'\n"}, hours=12)
    expected = plan_of(capsys, "--base", "HEAD~1")["expected"]

    assert isinstance(expected, dict)
    assert ("prefix", "the commit is in the key, so no key is met twice") == (expected["outcome"], expected["reason"])


def test_the_same_content_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan_of(capsys, "--base", "HEAD~1") == plan_of(capsys, "--base", "HEAD~1")


def test_github_reads_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["cache", "key", "--base", "HEAD", "--format", "github"])
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].startswith("key=deps-Linux-a_b-")
    assert "restore-keys=deps-Linux-a_b-" == lines[1]
    assert "~/.cache/pip" in lines
    assert "predicted=exact" == lines[-1]


def test_gitlab_falls_back_to_keys_that_were_saved(capsys: pytest.CaptureFixture[str]) -> None:
    Path("requirements.txt").write_text("c==3\n", encoding="utf-8")
    assert 0 == main(["cache", "key", "--base", "HEAD", "--format", "gitlab"])
    text = capsys.readouterr().out

    fallbacks = [line for line in text.splitlines() if line.startswith('    - "deps-')]
    assert 2 == len(fallbacks)  # of the two versions that the history holds
    assert all(len(line) == len(fallbacks[0]) for line in fallbacks)
    assert text.startswith('cache:\n  key: "deps-')


def test_a_key_is_remembered_for_the_night_and_for_explain(capsys: pytest.CaptureFixture[str]) -> None:
    first = plan_of(capsys)["primary"]
    Path("requirements.txt").write_text("c==3\n", encoding="utf-8")
    second = plan_of(capsys)["primary"]
    [events] = Path(".cipredict/events").glob("cache-key-*.jsonl")

    assert [first, second] == [json.loads(line)["body"]["primary"] for line in events.read_text().splitlines()]
    assert 0 == main(["cache", "explain", "--key", str(second), "--format", "json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert any(one["kind"] == "key" and one["text"].startswith("requirements.txt changed") for one in findings)


def test_explain_reads_github_s_list(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    key = plan_of(capsys)["primary"]
    entry = {
        "key": key,
        "ref": "refs/pull/8/merge",
        "version": "x",
        "created_at": "2026-03-01T00:00:00.123Z",
        "size_in_bytes": 5,
    }
    listed = tmp_path / "caches.json"
    listed.write_text(json.dumps({"total_count": 1, "actions_caches": [entry]}) * 2, encoding="utf-8")

    assert 0 == main(["cache", "explain", "--key", str(key), "--caches", str(listed), "--ref", "refs/pull/7/merge"])
    assert "scope: the entry belongs to refs/pull/8/merge" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "7", '[{"key": 1}]', '{"actions_caches": 3}'])
def test_what_is_no_list_of_caches_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    (tmp_path / "caches.json").write_text(text, encoding="utf-8")

    assert 2 == main(["cache", "explain", "--key", "x", "--caches", str(tmp_path / "caches.json")])
    error = capsys.readouterr().err
    assert "[cache-list]" in error
    assert 1 == len(error.splitlines())


def test_advice_compares_the_present_key(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    pytest.importorskip("yaml", reason="needs the store extra")
    commit(project, {".github/workflows/ci.yml": WORKFLOW.replace("pyproject.toml", "requirements.txt")}, hours=12)

    assert 0 == main(["cache", "advise", "--format", "json"])
    [stage] = json.loads(capsys.readouterr().out)["stages"]
    options = {option["design"]: option for option in stage["options"]}
    assert 13 == stage["commits"]
    assert options["lock+restore"]["exact"] == pytest.approx(11 / 13, abs=1e-4)
    assert options["lock+restore"]["coverage"] == pytest.approx((11 + 0.5) / 13, abs=1e-4)
    assert 0 == options["lock+restore"]["stale"] < options["week"]["stale"]
    assert ("cache", "present") == (stage["recommendation"], stage["design"])


def test_advice_guesses_stages_where_none_is_described(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    pytest.importorskip("yaml", reason="needs the store extra")
    commit(project, {"pyproject.toml": ""}, hours=12)

    assert 0 == main(["cache", "advise"])
    assert "pip: requirements.txt, 13 commits" in capsys.readouterr().err


def test_an_unreadable_lock_file_is_one_line_and_the_others_count(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    pytest.importorskip("yaml", reason="needs the store extra")
    commit(project, {"requirements.txt": "<<<<<<< HEAD\na==1\n"}, hours=12)

    assert 0 == main(["cache", "advise", "--format", "json"])
    outcome = capsys.readouterr()
    [stage] = json.loads(outcome.out)["stages"]
    [warning] = [line for line in outcome.err.splitlines() if line.startswith("cipredict: ")]
    assert "requirements.txt is not a lock file that can be read: it holds the marks" in warning
    assert 13 == stage["commits"]
    assert stage["options"][0]["coverage"] is not None


def test_a_shallow_clone_says_how_to_deepen(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("yaml", reason="needs the store extra")
    git(tmp_path, "clone", "-q", "--depth", "1", project.as_uri(), "shallow")
    monkeypatch.chdir(tmp_path / "shallow")

    assert 0 == main(["cache", "advise"])
    assert "git fetch --unshallow" in capsys.readouterr().err
    assert 0 == main(["cache", "key", "--base", "HEAD~3"])
    outcome = capsys.readouterr()
    assert "unknown" == json.loads(outcome.out)["expected"]["outcome"]
    assert "fetch-depth: 0" in outcome.err


def test_a_forecast_before_and_after_the_change_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["cache", "predict", "--format", "json"])
    [before] = json.loads(capsys.readouterr().out)["stages"]
    assert 0 == main(["cache", "predict", "--base", "HEAD~8", "--format", "json"])
    [after] = json.loads(capsys.readouterr().out)["stages"]

    assert ("ewma", False) == (before["served_by"], before["is_deterministic"])
    assert before["historical_hit_rate"] == pytest.approx(10 / 12)
    assert ("change", True, 0.0, 0.5) == (
        after["served_by"], after["is_deterministic"], after["predicted_hit_rate"], after["expected_coverage"]
    )  # fmt: skip
    assert after["cache_benefit_score"] == pytest.approx(0.5 * 60 - 4 - 6)


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        (["key", "--stage", "none"], "cache-stage"),
        (["key", "--format", "xml"], "unknown-format"),
        (["advise", "--format", "xml"], "unknown-format"),
        (["predict", "--format", "xml"], "unknown-format"),
        (["advise", "--quota", "10"], "bytes"),
        (["explain", "--key", "x", "--format", "xml"], "unknown-format"),
    ],
)
def test_a_wrong_wish_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], slug: str) -> None:
    pytest.importorskip("yaml", reason="needs the store extra")

    assert 2 == main(["cache", *arguments])
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith(f"[{slug}]")


def test_a_key_that_would_be_constant_names_its_glob(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "pyproject.toml").write_text(SETTINGS.replace("**/requirements.txt", "**/uv.lock"), encoding="utf-8")

    assert 2 == main(["cache", "key"])
    error = capsys.readouterr().err
    assert "no file matches **/uv.lock" in error
    assert "[cache-key-constant]" in error


def test_a_loop_of_links_gives_a_key_of_its_own(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "web").mkdir()
    (project / "web" / "requirements.txt").symlink_to("requirements.txt")

    first, second = plan_of(capsys), plan_of(capsys)

    assert first["primary"] != second["primary"]
    assert ["web/requirements.txt cannot be read (a loop of links): this run gets a key of its own."] == first["notes"]


def test_what_breaks_inside_leaves_the_run_uncached(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cipredict.cli.cache_keying.working_files", lambda *_: 1 / 0)

    assert 0 == main(["cache", "key"])
    outcome = capsys.readouterr()
    plan = json.loads(outcome.out)
    assert ("", "miss") == (plan["secondary"], plan["expected"]["outcome"])
    assert "The run goes on without a cache" in outcome.err
    assert 2 == main(["cache", "key", "--strict"])


def test_a_folder_without_git_still_has_keys(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (plain / "requirements.txt").write_text("a==2\nb==1\n", encoding="utf-8")
    inside = plan_of(capsys)["primary"]
    monkeypatch.chdir(plain)

    assert inside == plan_of(capsys)["primary"]


def test_a_key_of_many_files_is_quick(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    """100,000 files are in benchmarks/cache/key_files.py; the index is asked, no file is read."""
    for folder in range(20):
        (project / "src" / str(folder)).mkdir()
        for number in range(100):
            (project / "src" / str(folder) / f"{number}.py").write_text("x", encoding="utf-8")
    commit(project, {"pyproject.toml": SETTINGS + "design = 'source'\n"}, hours=12)
    began = time.process_time()
    plan = plan_of(capsys)

    assert str(plan["primary"]).count("-") == 4
    assert time.process_time() - began < 1.0


def test_a_key_needs_no_heavy_library() -> None:
    probe = (
        "import json, sys\nfrom cipredict.cli.app import main\ncode = main(['cache', 'key'])\n"
        "print('\\n' + json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])

    assert 0 == code
    assert set() == set(modules) & {"numpy", "onnxruntime", "duckdb", "pyarrow", "yaml", "pandas", "rich"}
