"""`cipredict doctor` from end to end: whatever is broken becomes a finding, and nothing ends it early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

import cipredict
from cipredict.cli.app import main
from cipredict.cli.doctor_facts import installed_extras
from cipredict.cli.environment import ci_run
from cipredict.events import append_event
from cipredict.forecast.bundle import Manifest, Served, write_bundle
from cipredict.records import CaseBatch, CaseRun, JobRecord, RunKey, RunRecord, StepRecord, Verdict

Doctor: TypeAlias = Callable[..., tuple[int, dict[str, dict[str, str]]]]
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "CIPREDICT_FORECAST", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    ci_run.cache_clear()


@pytest.fixture(name="doctor")
def _doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run the command; give its exit code and the last finding of each check."""

    def run(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--json", *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "A bug in cipredict" not in captured.err
        document = json.loads(captured.out)
        assert document["sound"] == (code == 0)
        return code, {finding["check"]: finding for finding in document["findings"]}

    return run


def brief(finding: dict[str, str]) -> tuple[str, str]:
    return finding["level"], finding["what"]


def test_an_empty_folder_is_told_what_to_do(doctor: Doctor) -> None:
    code, found = doctor()

    assert code == 1
    assert {check for check, finding in found.items() if finding["level"] == "error"} >= {"bundle"}
    assert found["git"]["level"] == "warn"
    assert found["ids"]["remedy"] == "cipredict doctor --collect"


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path, doctor: Doctor) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cipredict]\nbogus = 1\nstore = 5\n")

    code, found = doctor()

    assert (code, found["settings"]["level"]) == (1, "error")
    assert "unknown key 'bogus'" in found["settings"]["what"]
    assert "'store' must be a string" in found["settings"]["what"]


def test_a_bundle_that_is_none_is_a_finding(tmp_path: Path, doctor: Doctor) -> None:
    (tmp_path / "broken.bundle").write_bytes(b"PK\x03\x04 not much of a zip")

    code, found = doctor("--forecast", "broken.bundle")

    assert (code, found["bundle"]["level"]) == (1, "error")
    assert "is corrupt" in found["bundle"]["what"]


def write_forecast(path: Path, *, days_old: float = 1.0, repository: str = "me/it") -> None:
    """Write a bundle of which only the front page and the ids are asked."""
    served = Served("decay10/time", {}, ("no gain over it",), {})
    manifest = Manifest(
        created_at=NOW - timedelta(days=days_old),
        repository=repository,
        default_branch="main",
        version="0.1.0",
        model_version=None,
        history_runs=60,
        history_from="2026-01-01",
        history_to="2026-03-01",
        trained_to="2026-02-01",
        features=(),
        served={"failure": served},
        sigmoid=(1.0, 0.0),
        needed_shares=(0.5,) * 30,
        coverage=0.9,
        observed_coverage={},
        conformal={},
        anchors={},
        overhead_s=0.0,
        case_members=(),
        series={},
    )
    write_bundle(path, manifest, {"cases/ids": b"a.py::test_a\0a.py::test_b", "state/x": b"sixteen or more!" * 64})


def test_a_good_forecast_makes_plans_worth_something_without_a_history(tmp_path: Path, doctor: Doctor) -> None:
    write_forecast(tmp_path / ".cipredict" / "forecast.bundle")
    (tmp_path / "cases.txt").write_text("a.py::test_a\na.py::test_b\n")

    code, found = doctor("--candidates", "cases.txt")

    assert code == 0
    assert found["bundle"]["what"] == ".cipredict/forecast.bundle: 2 cases, 1.0 of at most 30 days old, checksums good"
    assert brief(found["ids"]) == ("ok", "100.0% of 2 collected cases are known to the forecast")
    assert "decay10/time serves" in found["serving"]["what"]
    assert "needs 72 failing runs in the backtest; there are 30" in found["confidence"]["what"]


@pytest.mark.parametrize(
    ("days_old", "repository", "words"),
    [
        pytest.param(31.0, "me/it", "is 31 days old, more than 30", id="stale"),
        pytest.param(1.0, "somebody/else", "was made for somebody/else", id="foreign"),
    ],
)
def test_a_forecast_that_does_not_fit_is_a_finding(
    days_old: float, repository: str, words: str, tmp_path: Path, doctor: Doctor
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.cipredict]\nrepository = "me/it"\n')
    write_forecast(tmp_path / ".cipredict" / "forecast.bundle", days_old=days_old, repository=repository)

    code, found = doctor()

    assert (code, found["bundle"]["level"], words in found["bundle"]["what"]) == (1, "error", True)


def test_damage_inside_a_forecast_is_found_before_a_job_meets_it(tmp_path: Path, doctor: Doctor) -> None:
    path = tmp_path / "f.bundle"
    write_forecast(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("state/x")
    content[entry.header_offset + 30 + len(entry.filename) + 3] ^= 0xFF
    path.write_bytes(content)

    code, found = doctor("--forecast", "f.bundle")

    assert (code, found["bundle"]["level"]) == (1, "error")
    assert "entry state/x" in found["bundle"]["what"]


def test_events_wait_to_be_taken_in(tmp_path: Path, doctor: Doctor) -> None:
    file = append_event(tmp_path / ".cipredict" / "events", "plan", NOW, run={}, body='{"id": "1"}')
    assert brief(doctor()[1]["events"]) == ("info", "1 events in 1 files of .cipredict/events are not in the history")

    with file.open("a") as stream:
        stream.write("{broken\n")
    code = main(["doctor", "--json"])
    assert code == 1


def test_a_shallow_clone_is_told_to_deepen(tmp_path: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity}
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", str(origin)], check=True, env=environment)
    for message in "ab":
        commit = ["git", "-C", str(origin), "commit", "-q", "--allow-empty", "-m", message]
        subprocess.run(commit, check=True, env=environment)
    monkeypatch.chdir(origin)
    assert brief(doctor()[1]["git"]) == ("ok", "whole clone, commits: 2")

    subprocess.run(["git", "clone", "-q", "--depth=1", origin.as_uri(), str(clone)], check=True, env=environment)
    monkeypatch.chdir(clone)
    assert brief(doctor()[1]["git"]) == ("warn", "shallow clone, commits: 1")


def test_the_ci_system_is_recognised(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_PROJECT_PATH", "me/it")

    found = doctor()[1]["ci"]
    ci_run.cache_clear()
    assert brief(found) == ("ok", "gitlab recognised")


def test_the_packages_of_every_extra_are_looked_up() -> None:
    extras = installed_extras()
    assert {package.name for package in extras[""]} >= {"typer", "rich", "numpy", "onnxruntime"}
    assert {package.name for package in extras["store"]} >= {"duckdb", "pyarrow", "lxml"}
    assert all(package.version for package in extras[""])


def test_without_duckdb_the_rest_is_checked(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(cipredict, "store"):  # a room imported anew takes its place in the package, where it must not stay
        monkeypatch.delattr(cipredict, "store")
    for name in [name for name in sys.modules if name.startswith("cipredict.store")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    (tmp_path / "cases.txt").write_text("tests/test_a.py::test_b\n")

    _, found = doctor("--candidates", "cases.txt")

    assert found["store"]["level"] == "info"
    assert "duckdb is not installed" in found["store"]["what"]
    assert found["store"]["remedy"] == "pip install 'cipredict[store]'"
    assert {"python", "git", "bundle", "ids"} <= set(found)


def test_candidates_that_cannot_be_read_are_the_users_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--candidates", "gone.txt"]) == 2
    assert "gone.txt" in capsys.readouterr().err


def test_a_collection_that_fails_is_a_finding(tmp_path: Path, doctor: Doctor) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")

    assert doctor("--collect")[1]["ids"]["level"] == "warn"


# -- with a store ------------------------------------------------------------------------------------------------------


@pytest.mark.learn
def test_a_real_history_is_described(project: Path, doctor: Doctor) -> None:
    code, found = doctor()

    assert code == 1
    assert [check for check, finding in found.items() if finding["level"] == "error"] == ["bundle"]
    assert brief(found["store"])[1].startswith(".cipredict/history.duckdb: schema ")
    assert found["history"]["what"].startswith("60 runs with test results in ")
    assert brief(found["reports"]) == ("ok", "60 reports, all valid")
    assert found["changes"]["level"] == "ok"
    assert found["freshness"]["level"] == "warn"
    assert (project / ".cipredict" / "history.duckdb").exists()


@pytest.mark.learn
@pytest.mark.usefixtures("project")
def test_ids_are_compared_with_a_collection(tmp_path: Path, doctor: Doctor) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_split.py").write_text("def test_split_semicolon(): pass\ndef test_new(): pass\n")

    found = doctor("--collect")[1]["ids"]

    assert found["what"].startswith("50.0% of 2 collected cases are known to the history")
    assert "only collected: tests/test_split.py::test_new" in found["what"]


@pytest.mark.learn
@pytest.mark.usefixtures("project")
def test_another_root_folder_is_recognised(tmp_path: Path, doctor: Doctor) -> None:
    names = ("test_split_semicolon", "test_split_backslash", "test_split_dashcomments")
    (tmp_path / "c.txt").write_text("".join(f"backend/tests/test_split.py::{name}\n" for name in names))

    code, found = doctor("--candidates", "c.txt")

    assert (code, found["ids"]["level"]) == (1, "error")
    assert "another root folder: 'backend/' here is './' in the reports" in found["ids"]["why"]


def write(
    path: Path, *, runs: Sequence[RunRecord] = (), jobs: Sequence[JobRecord] = (), batches: Sequence[CaseBatch] = ()
) -> None:
    """Add records to the project's store."""
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_jobs, add_runs  # noqa: PLC0415

    with open_store(path) as store:
        add_runs(store, runs)
        add_jobs(store, jobs)
        add_case_batches(store, batches)


def github_run(days_ago: float) -> RunRecord:
    at = NOW - timedelta(days=days_ago)
    return RunRecord(RunKey("github", "me/it", f"old-{days_ago}"), at, at)


@pytest.mark.learn
@pytest.mark.parametrize(
    ("days_ago", "steps", "level"),
    [
        pytest.param(80, (), "warn", id="about to expire"),
        pytest.param(80, (StepRecord(1, "Set up job"),), "ok", id="stored"),
        pytest.param(70, (), "ok", id="not yet"),
        pytest.param(95, (), "ok", id="too late"),
    ],
)
def test_steps_that_are_about_to_be_lost_are_found(
    days_ago: float, steps: tuple[StepRecord, ...], level: str, project: Path, doctor: Doctor
) -> None:
    run = github_run(days_ago)
    job = JobRecord(run.key, "7", "tests", run.started_at, run.finished_at, steps=steps)
    write(project / ".cipredict" / "history.duckdb", runs=[run], jobs=[job])

    assert doctor()[1]["steps"]["level"] == level


@pytest.mark.learn
def test_runs_known_from_their_reports_only_have_no_time(project: Path, doctor: Doctor) -> None:
    batch = CaseBatch(RunKey("github", "me/it", "lost"), "r.xml", (CaseRun("a.py::b", Verdict.PASSED, 1.0),))
    write(project / ".cipredict" / "history.duckdb", batches=[batch])

    assert brief(doctor()[1]["timestamps"]) == ("warn", "1 runs have no time: only their reports are known")


def overwritten(content: bytes) -> bytes:
    """Keep the headers, which say that all is well."""
    return content[:20_000] + bytes(number % 251 for number in range(len(content) - 20_000))


@pytest.mark.learn
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"no database at all", id="text"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut in half"),
        pytest.param(overwritten, id="overwritten"),
    ],
)
def test_a_damaged_history_is_a_finding(damage: Callable[[bytes], bytes], project: Path, doctor: Doctor) -> None:
    path = project / ".cipredict" / "history.duckdb"
    path.write_bytes(damage(path.read_bytes()))

    code, found = doctor()

    assert (code, found["store"]["level"]) == (1, "error")
    assert {"bundle", "ids", "git"} <= set(found)


@pytest.mark.learn
def test_a_locked_history_names_the_holder(project: Path, doctor: Doctor) -> None:
    path = project / ".cipredict" / "history.duckdb"
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        found = doctor()[1]["store"]
        holder.communicate()

    assert found["level"] == "warn"
    assert f"process {holder.pid}" in found["what"]


@pytest.mark.learn
def test_a_foreign_database_is_a_finding(project: Path, doctor: Doctor) -> None:
    import duckdb  # noqa: PLC0415  # part of an extra

    with duckdb.connect(project / "other.duckdb") as connection:
        connection.execute("create table t (x integer)")

    code, found = doctor("--store", "other.duckdb")

    assert (code, found["store"]["level"]) == (1, "error")
    assert "not a history of cipredict" in found["store"]["what"]
