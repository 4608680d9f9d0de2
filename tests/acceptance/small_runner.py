"""A small GitHub runner for the tests: jobs and composite actions, their `run` steps in real shells.

Contexts, conditions, matrices, outputs, environment files, caches and artifacts behave as on GitHub; what a step `uses`
is stood in for by copying folders. Jobs run one after the other, each in a clone of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

from tests.acceptance.expressions import fill, is_true, spell

Document = Mapping[str, Any]  # whatever YAML holds
_STATUS = re.compile(r"\b(always|success|failure|cancelled)\s*\(")


@dataclass
class Done:
    """What became of one job, or of one leg of it."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    steps: dict[str, str] = field(default_factory=dict)  # name or action → outcome


@dataclass
class Job:
    """A running job: where it works and what its expressions see."""

    runner: Runner
    workspace: Path
    contexts: dict[str, Any]
    env: dict[str, str]
    done: Done = field(default_factory=lambda: Done("success"))
    after: list[Callable[[], object]] = field(default_factory=list)

    def fill(self, value: Any) -> Any:  # noqa: ANN401  # whatever YAML holds
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        return fill(value, self.contexts, self._functions()) if isinstance(value, str) else value

    def allows(self, condition: str) -> bool:
        """Judge an `if`, which asks for success unless it asks for another status."""
        text = condition.strip().removeprefix("${{").removesuffix("}}") if condition else "success()"
        value = fill(f"${{{{{text}}}}}", self.contexts, self._functions())
        return is_true(value) and (bool(_STATUS.search(text)) or self.done.result == "success")

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "always": lambda: True,
            "success": lambda: self.done.result == "success",
            "failure": lambda: self.done.result == "failure",
            "cancelled": lambda: False,
            "hashFiles": lambda *globs: str(
                sum(len(path.read_bytes()) for glob in globs for path in self.workspace.glob(glob))
            ),
        }


@dataclass
class Runner:
    """Runs workflows and composite actions of a repository.

    Attributes
    ----------
    repository : what `actions/checkout` clones
    folder : for workspaces, caches and artifacts; caches stay from run to run, artifacts belong to one
    env : what every step finds in its environment; nothing else is handed on
    """

    repository: Path
    folder: Path
    env: dict[str, str]
    github: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    run_id: int = 0

    def run_workflow(self, document: Document) -> dict[str, Done]:
        """Run every job in the order in which it stands, which is that of their needs in what we generate."""
        self.run_id += 1
        finished: dict[str, Done] = {}
        for name, job in document["jobs"].items():
            finished[name] = self._run_job(name, job, finished)
        return finished

    def _run_job(self, name: str, job: Document, finished: Mapping[str, Done]) -> Done:
        needs = {
            need: {"result": finished[need].result, "outputs": finished[need].outputs} for need in job.get("needs", [])
        }
        asked = self._job({"needs": needs, "matrix": {}})
        if any(need["result"] != "success" for need in needs.values()):
            asked.done.result = "failure"
        if not asked.allows(str(job.get("if", ""))):
            return Done("skipped")
        asked.done.result = "success"
        legs = [
            self._run_leg(f"{name}-{at}", job, {"needs": needs, "matrix": leg})
            for at, leg in enumerate(_legs(asked.fill(job.get("strategy", {})).get("matrix")))
        ]
        results = [leg.result for leg in legs]
        return Done(
            "failure" if "failure" in results else "success",
            {key: value for leg in legs for key, value in leg.outputs.items()},
            "\n".join(leg.log for leg in legs),
            "\n".join(leg.summary for leg in legs),
            {f"{at} {step}": outcome for at, leg in enumerate(legs) for step, outcome in leg.steps.items()},
        )

    def _run_leg(self, name: str, job: Document, contexts: dict[str, Any]) -> Done:
        running = self._job(contexts, workspace=self.folder / f"run-{self.run_id}" / name)
        running.env |= {key: spell(running.fill(value)) for key, value in job.get("env", {}).items()}
        self.run_steps(running, job["steps"])
        running.done.outputs = {key: spell(running.fill(value)) for key, value in job.get("outputs", {}).items()}
        return running.done

    def run_action(self, action: Document, inputs: Mapping[str, str], *, workspace: Path, action_path: Path) -> Done:
        """Run a composite action with these inputs and the defaults of the others."""
        self.run_id += 1
        unknown = inputs.keys() - action["inputs"].keys()
        assert not unknown, unknown
        given = {name: inputs.get(name, str(one.get("default", ""))) for name, one in action["inputs"].items()}
        job = self._job({"inputs": given}, workspace=workspace)
        job.contexts["github"]["action_path"] = str(action_path)
        self.run_steps(job, action["runs"]["steps"])
        job.done.outputs = {name: spell(job.fill(one["value"])) for name, one in action["outputs"].items()}
        return job.done

    def _job(self, contexts: dict[str, Any], *, workspace: Path | None = None) -> Job:
        place = workspace or self.folder
        place.mkdir(parents=True, exist_ok=True)
        github = {"run_id": str(self.run_id), "run_attempt": "1", "event": {}, "workflow": "w", **self.github}
        common = {"github": github, "runner": {"os": "Linux"}, "steps": {}, "secrets": self.secrets}
        return Job(self, place, {**common, **contexts}, dict(self.env))

    def run_steps(self, job: Job, steps: list[Document]) -> None:
        """Run steps in order; a failed one leaves those that ask for it."""
        for at, step in enumerate(steps):
            name = str(step.get("name") or step.get("uses", "").partition("@")[0] or step.get("run", ""))
            if not job.allows(str(step.get("if", ""))):
                job.done.steps[name] = "skipped"
                continue
            outputs: dict[str, str] = {}
            is_well = self._use(job, step) if "uses" in step else _run(job, step, outputs, at)
            job.contexts["steps"][step.get("id", f"step {at}")] = {"outputs": outputs}
            job.done.steps[name] = "success" if is_well else "failure"
            if not is_well and str(step.get("continue-on-error", "")).lower() != "true":
                job.done.result = "failure"
        for act in job.after:
            if job.done.result == "success":
                act()

    def _use(self, job: Job, step: Document) -> bool:
        action = step["uses"].partition("@")[0]
        inputs = {key: spell(job.fill(str(value))) for key, value in step.get("with", {}).items()}
        return _ACTIONS[action](job, inputs)


def _legs(matrix: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # whatever YAML or a plan holds
    if not matrix:
        return [{}]
    axes = {key: values for key, values in matrix.items() if key != "include"}
    legs = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    found = [*legs, *matrix.get("include", [])]
    assert found, "GitHub refuses a matrix without entries"
    return found


def _run(job: Job, step: Document, outputs: dict[str, str], at: int) -> bool:
    assert "${{" not in step["run"], "values reach shells through the environment only"
    papers = job.workspace.parent / f"{job.workspace.name}.papers-{at}"
    papers.mkdir(parents=True, exist_ok=True)
    places = {
        name: papers / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
    }
    for place in places.values():
        place.touch()
    script = papers / "script.sh"
    script.write_text(step["run"], encoding="utf-8")
    environment = {**job.env, **{key: spell(job.fill(str(value))) for key, value in step.get("env", {}).items()}}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=job.workspace,
        env={**environment, **{name: str(place) for name, place in places.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    job.done.log += f"$ {step['run']}\n{done.stdout}{done.stderr}[{done.returncode}]\n"
    job.done.summary += places["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    outputs |= parse_outputs(places["GITHUB_OUTPUT"].read_text(encoding="utf-8"))
    job.env |= parse_outputs(places["GITHUB_ENV"].read_text(encoding="utf-8"))
    for line in places["GITHUB_PATH"].read_text(encoding="utf-8").split():
        job.env["PATH"] = f"{line}:{job.env['PATH']}"
    return done.returncode == 0


def parse_outputs(text: str) -> dict[str, str]:
    """Read `key=value` lines and values between delimiters, as GitHub reads its files."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        key, sign, rest = re.split(r"(=|<<)", line, maxsplit=1)
        if sign == "<<":
            body = []
            while (inner := next(lines)) != rest:
                body.append(inner)
            rest = "\n".join(body)
        found[key] = rest
    return found


def _checkout(job: Job, inputs: Mapping[str, str]) -> bool:
    depth = [] if inputs.get("fetch-depth") == "0" else ["--depth", "1"]
    command = ["git", "clone", "--quiet", *depth, job.runner.repository.as_uri(), str(job.workspace)]
    subprocess.run(command, check=True, capture_output=True)
    return True


def _restore(job: Job, inputs: Mapping[str, str]) -> bool:
    caches = sorted((job.runner.folder / "caches").glob("*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for prefix in (inputs["key"], *inputs.get("restore-keys", "").split()):
        for cache in caches:
            same_paths = (cache / "paths").read_text(encoding="utf-8") == inputs["path"]  # its version, on GitHub
            if cache.name.startswith(prefix) and same_paths:
                shutil.copytree(cache / "files", job.workspace, dirs_exist_ok=True)
                return True
    return True


def _save(job: Job, inputs: Mapping[str, str]) -> bool:
    cache = job.runner.folder / "caches" / inputs["key"]
    if not cache.exists():  # a key is saved once
        _copy(job.workspace, inputs["path"].split(), cache / "files")
        (cache / "paths").write_text(inputs["path"], encoding="utf-8")
    return True


def _cache(job: Job, inputs: Mapping[str, str]) -> bool:
    if "~" in inputs["path"]:
        return True  # the runner's home is nobody's here
    job.after.append(lambda: _save(job, inputs))
    return _restore(job, inputs)


def _copy(root: Path, names: list[str], target: Path, *, strip: str = "") -> int:
    target.mkdir(parents=True, exist_ok=True)
    copied = 0
    for name in names:
        for source in [root / name, *root.glob(f"{name.rstrip('/')}/**/*")]:
            if source.is_file():
                place = target / source.relative_to(root / strip)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)
                copied += 1
    return copied


def _artifacts(job: Job) -> Path:
    return job.runner.folder / f"artifacts-{job.runner.run_id}"


def _upload(job: Job, inputs: Mapping[str, str]) -> bool:
    names = inputs["path"].split()
    if inputs.get("include-hidden-files", "").lower() != "true":
        names = [name for name in names if not any(part.startswith(".") for part in Path(name).parts)]
    target = _artifacts(job) / inputs["name"]
    assert not target.exists(), f"two artifacts are called {inputs['name']}"
    if not _copy(job.workspace, names, target, strip=_common([Path(name) for name in names])):
        shutil.rmtree(target)
    return True


def _common(paths: list[Path]) -> str:
    """Give the least common ancestor of what is uploaded, which is the root of the artifact."""
    if not paths:
        return ""
    folders = [path if not path.suffix else path.parent for path in paths]
    parts = [folder.parts for folder in folders]
    shared = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return str(Path(*shared)) if shared else ""


def _download(job: Job, inputs: Mapping[str, str]) -> bool:
    found = list(_wanted(job, inputs))
    if "name" in inputs and not found:
        job.done.log += f"Artifact not found: {inputs['name']}\n"
        return False
    for artifact in found:
        place = job.workspace / inputs["path"] / ("" if "name" in inputs else artifact.name)
        shutil.copytree(artifact, place, dirs_exist_ok=True)
    return True


def _wanted(job: Job, inputs: Mapping[str, str]) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        for artifact in sorted(_artifacts(job).iterdir()):
            if fnmatchcase(artifact.name, inputs.get("name") or inputs.get("pattern", "*")):
                yield artifact


_ACTIONS: dict[str, Callable[[Job, Mapping[str, str]], bool]] = {
    "actions/checkout": _checkout,
    "actions/setup-python": lambda _, __: True,
    "actions/cache": _cache,
    "actions/cache/restore": _restore,
    "actions/cache/save": _save,
    "actions/upload-artifact": _upload,
    "actions/download-artifact": _download,
}
