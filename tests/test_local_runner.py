"""GPUs of a pipeline on this machine: shared out, or said to be missing, never ignored."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cipredict.errors import SettingsError, UsageError
from cipredict.local_runner import LocalExecution, LocalRunner
from cipredict.pipeline import PipelineManager

STAGE = '[resources]\ngpu = {total}\n[stages.model]\nrun = "echo [$CUDA_VISIBLE_DEVICES] > seen"\n{more}\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".gitignore").write_text("seen\n.cipredict/\n")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


def run(
    folder: Path, more: str, *, gpus: str, total: int = 2, skip: Mapping[str, str] | None = None
) -> tuple[LocalExecution, list[str]]:
    (folder / "pipeline.toml").write_text(STAGE.format(total=total, more=more))
    told: list[str] = []
    runner = LocalRunner(tell=told.append, environment={"CUDA_VISIBLE_DEVICES": gpus}, skip=skip or {}, slots=1)
    execution = PipelineManager(folder, runner=runner).execute()
    assert isinstance(execution, LocalExecution)
    return execution, told


@pytest.mark.parametrize(
    ("more", "gpus", "seen"),
    [
        pytest.param("resources = {gpu = 1}", "3,5", "[3]", id="one of two"),
        pytest.param("resources = {gpu = 2}", "3,5,6", "[3,5]", id="as many as the pipeline has"),
        pytest.param("", "3,5", "[]", id="none for a stage that asks for none"),
    ],
)
def test_a_stage_sees_the_gpus_it_holds(repository: Path, more: str, gpus: str, seen: str) -> None:
    execution, told = run(repository, more, gpus=gpus)
    assert ("success", []) == (execution.status, told)
    assert seen == (repository / "seen").read_text().strip()


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        ("", "Stage 'model' needs 2 gpu, and there is no GPU here; without_gpu = 'cpu' lets it run without."),
        ("0", "Stage 'model' needs 2 gpu, and no machine has more than 1; without_gpu = 'cpu' lets it run without."),
    ],
)
def test_a_stage_without_its_gpu_is_refused_in_one_line(repository: Path, gpus: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        run(repository, "resources = {gpu = 2}", gpus=gpus)
    assert (message, "stage-gpu") == (refusal.value.message, refusal.value.slug)
    assert not (repository / "seen").exists()


def test_a_stage_falls_back_to_the_cpu_only_where_it_says_so(repository: Path) -> None:
    execution, told = run(repository, 'resources = {gpu = 1}\nwithout_gpu = "cpu"', gpus="")
    assert ("success", "[]\n") == (execution.status, (repository / "seen").read_text())
    assert ["Stage 'model' runs on the CPU: it asks for 1 gpu, and there is no GPU here."] == told


def test_a_caller_in_python_is_warned(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    definition = STAGE.format(total=1, more='resources = {gpu = 1}\nwithout_gpu = "cpu"')
    (repository / "pipeline.toml").write_text(definition)
    with pytest.warns(UserWarning, match="Stage 'model' runs on the CPU"):
        PipelineManager(repository).execute()


def test_a_stage_that_the_change_does_not_need_needs_no_gpu(repository: Path) -> None:
    execution, told = run(repository, "resources = {gpu = 1}", gpus="", skip={"model": "no path changed"})
    assert ("success", []) == (execution.status, told)


def test_what_to_do_without_a_gpu_is_for_stages_that_ask_for_one(repository: Path) -> None:
    with pytest.raises(SettingsError, match="'without_gpu' is for stages that hold a 'gpu'"):
        run(repository, 'without_gpu = "cpu"', gpus="")
    with pytest.raises(SettingsError, match="'without_gpu' is one of refuse, cpu"):
        run(repository, 'resources = {gpu = 1}\nwithout_gpu = "maybe"', gpus="")
