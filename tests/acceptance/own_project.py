"""A small project under the workflows of this repository, and the GitHub that it lives on."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cipredict.events import append_event
from tests.acceptance.small_runner import Done, Runner

ROOT = Path(__file__).parents[2]
REPOSITORY = "octo/shop"
HISTORY = ROOT / "data" / "sqlparse-ci"
Json = Any  # whatever the API says

_SHOP = '"""A shop."""\n\n\ndef price(n: int) -> int:\n    """Give a price."""\n    return 2 * n\n'
_SUITE = (
    "import pytest\n\n\n@pytest.mark.parametrize('n', range(4))\ndef test_price(n: int) -> None:\n    assert n >= 0\n"
)
_MAKE = f"""
set -e
case "$*" in -*) exit 2;; esac
/usr/bin/make -C {ROOT} -n "$@" > /dev/null  # the target exists
mkdir -p .venv/bin
ln -sf {{programs}}/python .venv/bin/python
ln -sf {{programs}}/cipredict .venv/bin/cipredict
for tool in ruff mypy; do ln -sf {Path(sys.executable).parent}/$tool .venv/bin/$tool; done
"""
_PYTHON = f"""
if [ "$1 $2" = "-m pip" ]; then echo "$*" >> {{log}}; exit 0; fi
exec env PYTHONPATH={ROOT} {sys.executable} -P "$@"
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class OwnProject:
    """The project, the runner of its workflows, and what an API tells of their runs."""

    folder: Path
    runs: list[Json] = field(default_factory=list)
    jobs: dict[str, list[Json]] = field(default_factory=dict)
    zips: dict[str, bytes] = field(default_factory=dict)
    artifacts: dict[str, list[Json]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the repository and the programs that its jobs find."""
        origin = self.origin
        for name in (".github", "pyproject.toml", "constraints.txt", "Makefile"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, origin / name)
            else:
                origin.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, origin / name)
        for path, text in {
            "cipredict/__init__.py": _SHOP,
            "tests/test_a.py": _SUITE,
            "tests/test_b.py": _SUITE,
        }.items():
            (origin / path).parent.mkdir(exist_ok=True)
            (origin / path).write_text(text, encoding="utf-8")
        (origin / ".gitignore").write_text(".cipredict/\n.venv/\n__pycache__/\nreport/\n")
        git(origin, "init", "-q", "-b", "main")
        self.commit("README.md")
        self.commit("README.md")
        programs = self.folder / "bin"
        programs.mkdir()
        cipredict = f'PYTHONPATH={ROOT} exec {sys.executable} -P -m cipredict "$@"'
        bodies = {
            "make": _MAKE.format(programs=programs),
            "python": _PYTHON.format(log=self.folder / "installed.txt"),
            "cipredict": cipredict,
        }
        for name, body in bodies.items():
            (programs / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
            (programs / name).chmod(0o755)

    @property
    def origin(self) -> Path:
        return self.folder / "origin"

    def commit(self, name: str) -> None:
        with (self.origin / name).open("a", encoding="utf-8") as file:
            file.write("# Changed.\n")
        git(self.origin, "add", ".")
        git(self.origin, "commit", "-qm", "Change")

    def runner(self, api_url: str = "") -> Runner:
        sha, before = git(self.origin, "rev-list", "-n2", "HEAD").split()
        env = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(101 + len(self.runs)),
            "GITHUB_SHA": sha,
            "GITHUB_REF_NAME": "main",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_API_URL": api_url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        github = {"event_name": "push", "ref": "refs/heads/main", "event": {"before": before}}
        runner = Runner(self.origin, self.folder / "services", env, github, secrets={"GITHUB_TOKEN": "s3cret"})
        runner.run_id = 100 + len(list((self.folder / "services").glob("run-*")))
        return runner

    def run(self, workflow: str, api_url: str = "", *, only: str = "") -> dict[str, Done]:
        """Run a workflow, or one of its jobs that needs no other."""
        import yaml  # noqa: PLC0415  # an extra

        text = (self.origin / ".github" / "workflows" / workflow).read_text(encoding="utf-8")
        runner = self.runner(api_url)
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # texts only: `on` stays one
        if only:
            return runner.run_workflow({"jobs": {only: document["jobs"][only]}})
        done = runner.run_workflow(document)
        if workflow == "ci.yml":
            self._tell(done, self.folder / "services" / f"artifacts-{runner.run_id}", sha=runner.env["GITHUB_SHA"])
        return done

    def tell_run(self) -> None:
        """Let a CI run have ended whose first shard left its report and whose plan job its events."""
        folder = self.folder / f"told-{len(self.runs)}"
        (folder / "gates-tests-1").mkdir(parents=True)
        cases = "".join(f'<testcase classname="tests.test_a" name="test_price[{n}]" time="0.1"/>' for n in range(4))
        (folder / "gates-tests-1" / "junit-1.xml").write_text(f"<testsuite>{cases}</testsuite>")
        (folder / "pipeline-plan" / "events").mkdir(parents=True)
        append_event(folder / "pipeline-plan" / "events", "note", datetime.now(UTC), run={}, body="{}")
        self._tell({"tests": Done("success")}, folder, sha=git(self.origin, "rev-parse", "HEAD"))

    def workspace(self, job: str) -> Path:
        """Give where the last run of a job worked."""
        return max((self.folder / "services").glob(f"run-*/{job}-0"))

    def _tell(self, done: dict[str, Done], folder: Path, *, sha: str) -> None:
        """Let the API know a run that has ended."""
        number = str(101 + len(self.runs))
        began = datetime.now(UTC) - timedelta(hours=20 - len(self.runs))
        at, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (began, began + timedelta(minutes=5)))
        common = {"head_branch": "main", "head_sha": sha, "run_attempt": 1, "status": "completed"}
        run = {
            **common, "id": int(number), "name": "ci", "path": ".github/workflows/ci.yml", "event": "push",
            "conclusion": "success", "workflow_id": 9, "created_at": at, "run_started_at": at, "updated_at": end,
            "repository": {"full_name": REPOSITORY}, "head_repository": {"full_name": REPOSITORY}, "pull_requests": [],
        }  # fmt: skip
        self.runs.append(run)
        self.jobs[number] = [
            {
                **common, "id": int(number) * 100 + place, "run_id": int(number), "name": name,
                "conclusion": one.result, "created_at": at, "started_at": at, "completed_at": end, "steps": [],
            }
            for place, (name, one) in enumerate(done.items())
        ]  # fmt: skip
        self.artifacts[number] = []
        for place, artifact in enumerate(sorted(folder.iterdir())):
            listed = int(number) * 1000 + place
            self.zips[str(listed)] = _zipped(artifact)
            self.artifacts[number].append({"id": listed, "name": artifact.name, "expired": False, "created_at": end})

    def route(self, path: str, query: Mapping[str, str]) -> Json:
        """Answer as GitHub's API does."""
        self.asked.append(path)
        path = path.removeprefix(f"repos/{REPOSITORY}/actions/")
        if path == "runs":
            since, until = query["created"].split("..")
            return _listed("workflow_runs", [run for run in self.runs if since <= run["created_at"] <= until])
        if found := re.fullmatch(r"runs/(\d+)/attempts/1/jobs", path):
            return _listed("jobs", self.jobs[found[1]])
        if found := re.fullmatch(r"runs/(\d+)/artifacts", path):
            return _listed("artifacts", self.artifacts[found[1]])
        if found := re.fullmatch(r"artifacts/(\d+)/zip", path):
            return self.zips.get(found[1])
        return None


def _listed(name: str, items: list[Json]) -> Json:
    return {"total_count": len(items), name: items}


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return stream.getvalue()


def cut_history(folder: Path, runs: int) -> Path:
    """Write the first runs of the bundled history."""
    with (HISTORY / "runs.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["started_at"])[:runs]
    kept = {row["run_id"] for row in rows}
    (folder / "junit").mkdir(parents=True)
    with (folder / "runs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    shutil.copy(HISTORY / "changes.csv", folder)
    with tarfile.open(HISTORY / "junit.tar.xz") as archive:
        for member in archive:
            if Path(member.name).stem in kept and (stream := archive.extractfile(member)):
                (folder / "junit" / Path(member.name).name).write_bytes(stream.read())
    return folder


def seed(project: OwnProject, *, runs: int) -> None:
    """Leave a past in the cache that a night begins with: the bundled history, as this repository's."""
    past = project.folder / "past"
    cut_history(past, runs)
    cache = project.folder / "services" / "caches" / "cipredict-history-0-1"
    store = cache / "files" / ".cipredict" / "history.duckdb"
    command = ["ingest", "history", str(past), "--repository", REPOSITORY, "--store", str(store)]
    subprocess.run([sys.executable, "-m", "cipredict", *command], cwd=project.folder, check=True, capture_output=True)
    text = (project.origin / ".github" / "workflows" / "retrain.yml").read_text(encoding="utf-8")
    found = re.search(r"Restore the history\n.*?path: \|\n(.*?)\n +key:", text, re.DOTALL)
    assert found is not None
    (cache / "paths").write_text("".join(f"{line.strip()}\n" for line in found[1].splitlines()), encoding="utf-8")


def night_of(project: OwnProject) -> Json:
    """Give what the last night wrote down."""
    return json.loads((project.workspace("retrain") / ".cipredict" / "night.json").read_text(encoding="utf-8"))
