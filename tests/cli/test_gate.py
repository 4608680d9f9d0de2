"""`cipredict gate` from files to exit code: what blocks, what is never green, who may approve, what is left behind."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cipredict.cli.app import main
from cipredict.cli.environment import ci_run
from cipredict.cli.gate import spread
from cipredict.plans.gate_document import read_gate_plan
from tests.architecture.test_imports import HEAVY, modules_after

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "gates"
KEY = "0123456789abcdef0123456789abcdef"
GATES = """
[tool.cipredict.gates]
p99_latency = "10ms"
[tool.cipredict.gates.regression_gate]
metric = "performance_regression"
threshold = "5%"
comparison = "less_than"
action = "require_approval"
approvers = ["tech_lead", "carol"]
exceptions = ["hotfix"]
[tool.cipredict.approvers]
tech_lead = ["@Alice"]
"""


@pytest.fixture(name="project", autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with gates, outside of any CI and of any repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH", "GITHUB_ACTOR"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("CIPREDICT_APPROVAL_KEY", "GITLAB_USER_LOGIN", "CI_MERGE_REQUEST_LABELS"):
        monkeypatch.delenv(variable, raising=False)
    ci_run.cache_clear()
    (tmp_path / "pyproject.toml").write_text(GATES)
    (tmp_path / "good.json").write_text('{"p99_latency": "8ms", "performance_regression": "1%"}')
    (tmp_path / "slow.json").write_text('{"p99_latency": "8ms", "performance_regression": "7%"}')
    (tmp_path / "bad.json").write_text('{"p99_latency": "12ms", "performance_regression": "7%"}')
    return tmp_path


def gates(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.cipredict.gates]\n{text}\n")


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        (["--metrics", "good.json"], 0, "passed"),
        (["--metrics", "slow.json"], 3, "approval_needed"),
        (["--metrics", "bad.json"], 1, "blocked"),
        (["--metrics", "slow.json", "--label", "hotfix"], 0, "warned"),
        (["--metrics", "slow.json", "--label", "other"], 3, "approval_needed"),
        ([], 1, "blocked"),
        (["--metrics", "good.json", "nowhere.json"], 4, "inconclusive"),
        (["--metrics", "good.json", "slow.json"], 3, "approval_needed"),
    ],
)
def test_verdicts_and_exit_codes(
    arguments: list[str], code: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == main(["gate", *arguments])
    assert f"{verdict}\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "[gate-none]"),
        ("[tool.cipredict.gates]\nspeed = 5\n", "[gate-definition]"),
        ("[tool.cipredict.gates", "[settings-toml]"),
        ("[tool.cipredict]\ngates = 5\n", "[settings-value]"),
        ("[tool.cipredict.gates]\ntest_coverage = 1\n[tool.cipredict.approvers]\nlead = 'a'\n", "must be a list"),
        ("[tool.cipredict.gates]\ntest_coverage = 1\n[tool.cipredict.metrics.x]\nfile = 'a'\n", "needs 'file', and"),
        ("[tool.cipredict.gates]\ntest_coverage = 1\n[tool.cipredict.metrics.x]\nfiel = 'a'\n", "unknown key 'fiel'"),
    ],
)
def test_settings_that_cannot_be_meant(content: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text(content)
    assert main(["gate"]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        (["--config", "nowhere.toml"], "input-missing"),
        (["--scope", "moon"], "unknown-format"),
        (["--format", "xml"], "unknown-format"),
        (["--metrics", "good.json", "--sarif", "/proc/nowhere/x.sarif"], "output-unwritable"),
        (["approve", "plan.json", "--as", "a", "--reason", "b"], "approval-key"),
    ],
)
def test_options_that_cannot_be_meant(arguments: list[str], slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", *arguments]) == 2
    assert f"[{slug}]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"a/junit.json": '{"tests_failed": 0}', "b/c/more.json": '{"type_errors": 0}'}, 0, id="all hold"),
        pytest.param({"a/junit.json": '{"tests_failed": 2}', "b/c/more.json": '{"type_errors": 0}'}, 1, id="one fails"),
        pytest.param({"a/junit.json": '{"tests_failed": 0}'}, 1, id="one was not measured"),
        pytest.param({}, 1, id="an empty folder"),
    ],
)
def test_a_folder_of_metrics_is_judged_by_the_gates_of_a_pipeline(
    project: Path, files: dict[str, str], code: int
) -> None:
    (project / "kept").mkdir()
    for name, text in files.items():
        (project / "kept" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "kept" / name).write_text(text)
    gates_of_pipeline = "gates = { tests_failed = 0, type_errors = 0 }\n[stages.a]\nrun = 'true'\n"
    (project / "ci.toml").write_text(gates_of_pipeline)
    (project / "pyproject.toml").write_text(f"[tool.cipredict.pipeline]\n{gates_of_pipeline.splitlines()[0]}\n")

    assert code == main(["gate", "--config", "ci.toml", "--metrics", "kept"])
    assert code == main(["gate", "--metrics", "kept"])


def test_a_file_of_gates_alone() -> None:
    Path("gates.toml").write_text('[gates]\np99_latency = "10ms"\n')
    assert main(["gate", "--config", "gates.toml", "--metrics", "good.json"]) == 0


def test_every_export_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"output": "p.json", "sarif": "s.sarif", "code-quality": "q.json", "junit": "j.xml"}
    options = [part for name, file in names.items() for part in (f"--{name}", f"out/{file}")]
    assert (
        main(["gate", "--metrics", "slow.json", *options, "--approval-request", "out/r.json", "--format", "json"]) == 3
    )

    plan = read_gate_plan(project / "out" / "p.json")
    assert plan.to_document() == json.loads(capsys.readouterr().out)
    assert {"p.json", "s.sarif", "q.json", "j.xml", "r.json"} == {path.name for path in (project / "out").iterdir()}
    assert (project / "out" / "r.json").read_text().count("tech_lead") >= 1


def test_the_plan_is_remembered_for_the_nightly_job(project: Path) -> None:
    main(["gate", "--metrics", "good.json"])
    [file] = (project / ".cipredict" / "events").glob("plan-*.jsonl")
    assert "cipredict.gate-plan/1" == json.loads(file.read_text())["body"]["schema"]


def test_github_is_told(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary.md"))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(project / "event.json"))
    event = {"pull_request": {"user": {"login": "bob"}, "labels": [{"name": "hotfix"}], "base": {"sha": "a"}}}
    event["pull_request"]["head"] = {"sha": "b" * 40}
    (project / "event.json").write_text(json.dumps(event))
    ci_run.cache_clear()
    assert main(["gate", "--metrics", "slow.json", "--format", "github", "--output", "p.json"]) == 0

    captured = capsys.readouterr()
    assert "verdict=warned\n" in captured.out
    assert "::warning title=gate regression_gate::exempt" in captured.err
    assert "### Gates: Passed with warnings." in (project / "summary.md").read_text(encoding="utf-8")
    subject = read_gate_plan(project / "p.json").subject
    assert ("bob", ("hotfix",), "b" * 40) == (subject.author, subject.labels, subject.commit)
    ci_run.cache_clear()


def test_real_reports_of_real_tools(capsys: pytest.CaptureFixture[str]) -> None:
    gates("lint_findings = 2\ntype_errors = 1\nformat_findings = 2\nsecurity_vulnerabilities = 7\ntest_coverage = 33")
    named = ["ruff.json", "mypy.txt", "bandit.json", "pip_audit.json", "coverage.json", "k6_summary.json"]
    files = [str(SAMPLES / name) for name in named]
    formatted = [f"black={SAMPLES / 'black.txt'}", f"ruff-format={SAMPLES / 'ruff_format.txt'}"]
    assert main(["gate", "--metrics", *files, *formatted]) == 0
    gates("security_vulnerabilities = 6")
    assert main(["gate", "--metrics", *files]) == 1
    assert "7 is not <= 6" in capsys.readouterr().err


def test_what_is_new_against_the_base() -> None:
    gates("new_security_vulnerabilities = 0")
    after, before = str(SAMPLES / "bandit.json"), str(SAMPLES / "bandit_clean.json")
    assert main(["gate", "--metrics", after, "--base-metrics", after]) == 0
    assert main(["gate", "--metrics", after, "--base-metrics", before]) == 1
    assert main(["gate", "--metrics", after]) == 1  # no base: nothing measured it


def test_a_drop_against_the_base() -> None:
    gates('drop = {metric = "test_coverage", pass = ">= -1%", against_base = "difference"}')
    Path("a.json").write_text('{"test_coverage": "84.5%"}')
    Path("b.json").write_text('{"test_coverage": "86%"}')
    assert main(["gate", "--metrics", "a.json", "--base-metrics", "b.json"]) == 1
    assert main(["gate", "--metrics", "b.json", "--base-metrics", "a.json"]) == 0


def test_values_are_picked_out_of_reports(capsys: pytest.CaptureFixture[str]) -> None:
    pick = 'file = "r.json"\npath = "$.runs[*].p99"\nunit = "ms"\ntake = "max"'
    gates(f'p99_latency = "10ms"\n[tool.cipredict.metrics.p99_latency]\n{pick}')
    Path("r.json").write_text('{"runs": [{"p99": 4}, {"p99": 9.5}]}')
    assert main(["gate"]) == 0
    Path("r.json").unlink()
    assert main(["gate"]) == 1
    assert "r.json: No such file or directory" in capsys.readouterr().err


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_benchmark_results_are_judged_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    results = SAMPLES.parent / "benchmarks" / "pytest_benchmark.json"
    gates(
        'p99_latency = "5us"\n'
        'dumps = {metric = "benchmark:test_b.py::test_dumps", comparison = "less_than", threshold = "1ms"}\n'
        "[tool.cipredict.metrics.p99_latency]\n"
        f'file = "{results}"\nbenchmark = "test_b.py::test_dumps"\ntake = "p99"'
    )
    assert 1 == main(["gate", "--metrics", str(results)])
    told = capsys.readouterr().err
    assert ["fail", "pass"] == re.findall(r"^(?:p99_latency|dumps) +(\w+)", told, re.MULTILINE), told


def test_coverage_of_the_change_asks_git(capsys: pytest.CaptureFixture[str]) -> None:
    gates("diff_coverage = 60")
    git("init", "-q", "-b", "main")
    Path("src").mkdir()
    Path("src/a.py").write_text("a = 1\nb = 2\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("switch", "-qc", "feature")
    Path("src/a.py").write_text("a = 1\nb = 3\nc = 4\nd = 5\n")
    git("commit", "-qam", "two")
    report = {"executed_lines": [1, 2, 3], "missing_lines": [4], "summary": {}}
    Path("c.json").write_text(json.dumps({"files": {"src/a.py": report}, "totals": {"percent_covered": 75.0}}))
    assert main(["gate", "--metrics", "c.json", "--base", "main"]) == 0
    assert main(["gate", "--metrics", "c.json", "--base", "main", "--format", "json"]) == 0
    assert "2 of 3 changed lines" in capsys.readouterr().out
    Path("d.diff").write_text("--- a/src/a.py\n+++ b/src/a.py\n@@ -3,0 +4 @@\n+d = 5\n")
    assert main(["gate", "--metrics", "c.json", "--diff", "d.diff"]) == 1
    assert main(["gate", "--metrics", "c.json", "--base", "nowhere"]) == 1
    assert "git knows no commit 'nowhere'" in capsys.readouterr().err


def test_a_change_cannot_loosen_the_gates_that_it_is_judged_by(capsys: pytest.CaptureFixture[str]) -> None:
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    gates('p99_latency = "10h"')
    assert main(["gate", "--metrics", "bad.json"]) == 0
    assert main(["gate", "--metrics", "bad.json", "--config-from", "main"]) == 1
    assert main(["gate", "--metrics", "bad.json", "--config-from", "nowhere"]) == 2
    assert main(["gate", "--metrics", "bad.json", "--config-from", "main", "--config", "nowhere.toml"]) == 2
    assert "[git-unknown-base]" in capsys.readouterr().err


class TestApproval:
    """A yes to one decision, by somebody who may, with a key; and nothing else."""

    @pytest.fixture(autouse=True)
    def _waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CIPREDICT_APPROVAL_KEY", KEY)
        assert self.judge() == 3

    def judge(self, *more: str, author: str = "bob") -> int:
        return main(["gate", "--metrics", "slow.json", "--author", author, "--output", "plan.json", *more])

    def approve(self, user: str = "alice", *more: str) -> int:
        return main(["gate", "approve", "plan.json", "--as", user, "--reason", "measured again by hand", *more])

    def test_an_approved_change_passes_and_says_by_whom(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.approve() == 0
        assert self.judge() == 0
        assert "approved by alice" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("user", "complaint"),
        [("mallory", "mallory is none of them"), ("bob", "bob is none of them"), (" ", "none of them")],
    )
    def test_who_may_not_approve_is_refused(
        self, user: str, complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.approve(user) == 2
        assert complaint in capsys.readouterr().err
        assert self.judge() == 3

    def test_the_author_may_not_approve_the_own_change(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.judge(author="ALICE") == 3
        assert self.approve("@alice") == 2
        assert "may not be approved by its author" in capsys.readouterr().err

    def test_an_unknown_author_may_be_anybody(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["gate", "--metrics", "slow.json", "--output", "plan.json"]) == 3
        assert self.approve() == 2
        assert "does not say who made the change" in capsys.readouterr().err

    def test_self_approval_can_be_allowed(self, project: Path) -> None:
        text = GATES.replace('exceptions = ["hotfix"]', "self_approval = true")
        (project / "pyproject.toml").write_text(text)
        assert self.judge(author="alice") == 3
        assert self.approve() == 0
        assert self.judge(author="alice") == 0

    def test_an_approval_ends_when_the_measurement_changes(self, project: Path) -> None:
        self.approve()
        (project / "slow.json").write_text('{"p99_latency": "8ms", "performance_regression": "7.1%"}')
        assert self.judge() == 3

    def test_two_approvals_are_two_people(self, project: Path) -> None:
        text = GATES.replace('exceptions = ["hotfix"]', "approvals_required = 2")
        (project / "pyproject.toml").write_text(text)
        self.judge()
        self.approve("alice")
        self.approve("@Alice")
        assert self.judge() == 3
        self.approve("carol")
        assert self.judge() == 0

    def test_without_a_reason_nothing_is_recorded(self) -> None:
        assert main(["gate", "approve", "plan.json", "--as", "alice"]) == 2
        assert main(["gate", "approve", "plan.json", "--as", "alice", "--reason", "  "]) == 2

    def test_a_forged_record_does_not_count(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.approve()
        [file] = (project / ".cipredict" / "events").glob("approval-*.jsonl")
        file.write_text(file.read_text().replace('"user":"alice"', '"user":"carol"'))
        assert self.judge() == 3
        assert "not signed with this key" in capsys.readouterr().err

    def test_without_the_key_no_approval_counts(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.approve()
        monkeypatch.delenv("CIPREDICT_APPROVAL_KEY")
        assert self.judge() == 3
        assert "cannot be checked without CIPREDICT_APPROVAL_KEY" in capsys.readouterr().err

    def test_a_short_key_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CIPREDICT_APPROVAL_KEY", "secret")
        assert self.approve() == 2

    def test_a_plan_changed_by_hand_cannot_be_approved(self, project: Path) -> None:
        text = (project / "plan.json").read_text().replace('"bob"', '"eve"')
        (project / "plan.json").write_text(text)
        assert self.approve() == 2

    def test_a_plan_that_waits_for_nobody_cannot_be_approved(self) -> None:
        assert main(["gate", "--metrics", "good.json", "--output", "plan.json"]) == 0
        assert self.approve() == 2

    @pytest.mark.parametrize(
        ("reviews", "code"),
        [
            ([("alice", "APPROVED", "c")], 0),
            ([("alice", "APPROVED", "c"), ("alice", "COMMENTED", "c")], 0),
            ([("alice", "APPROVED", "c"), ("alice", "CHANGES_REQUESTED", "c")], 2),
            ([("alice", "APPROVED", "other")], 2),
            ([("mallory", "APPROVED", "c")], 2),
            ([("mallory", "APPROVED", "c"), ("alice", "APPROVED", "c")], 0),
            ([], 2),
        ],
    )
    def test_reviews_of_github_are_approvals_of_their_commit(
        self, project: Path, reviews: list[tuple[str, str, str]], code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cipredict.cli.gate_subject._head", self._head)
        assert self.judge() == 3
        listed: list[dict[str, Any]] = [
            {"user": {"login": user}, "state": state, "commit_id": commit} for user, state, commit in reviews
        ]
        (project / "reviews.json").write_text(json.dumps(listed))
        assert code == main(["gate", "approve", "plan.json", "--reviews", "reviews.json"])
        assert (0 if code == 0 else 3) == self.judge()

    @staticmethod
    def _head() -> Any:  # noqa: ANN401  # the door's own type
        from cipredict.act.git import Head  # noqa: PLC0415

        return Head("c", "", "")

    def test_gitlabs_approvals_count(self, project: Path) -> None:
        (project / "a.json").write_text(json.dumps({"approved_by": [{"user": {"username": "carol"}}]}))
        assert main(["gate", "approve", "plan.json", "--reviews", "a.json"]) == 0
        assert self.judge() == 0

    @pytest.mark.parametrize("text", ["{", "{}", '{"approved_by": 7}', "[7]", '[{"user": 1}]'])
    def test_what_holds_no_reviews_is_refused(self, project: Path, text: str) -> None:
        (project / "a.json").write_text(text)
        assert main(["gate", "approve", "plan.json", "--reviews", "a.json"]) == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--metrics a b --scope merge", "--metrics a --metrics b --scope merge"),
        ("-m a -m b c", "-m a -m b -m c"),
        ("--metrics approve x --base-metrics y z", "--metrics approve --metrics x --base-metrics y --base-metrics z"),
        ("approve plan --as a", "approve plan --as a"),
        ("--metrics a approve plan", "--metrics a approve plan"),
        ("--diff -", "--diff -"),
    ],
)
def test_an_option_takes_several_files(typed: str, meant: str) -> None:
    assert meant.split() == spread(typed.split(), commands=frozenset({"approve"}))


def test_a_gate_imports_nothing_heavy(project: Path) -> None:
    code, modules = modules_after(["gate", "--metrics", "good.json", str(SAMPLES / "coverage.xml")], cwd=project)
    assert code == 0
    assert modules & {*HEAVY, "lxml", "numpy", "onnxruntime", "rich", "soundfile"} == set()
