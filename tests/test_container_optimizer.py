"""The Python API of container builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cipredict.container_optimizer import ContainerOptimizer
from cipredict.errors import InputError


@pytest.fixture(name="dockerfile")
def _dockerfile(tmp_path: Path) -> Path:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a/a\nWORKDIR /app\nCOPY . .\nRUN apk add git\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for number in range(4):
        (tmp_path / "a.py").write_text(f"{number}", encoding="utf-8")
        subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run(["git", *identity, "commit", "-qm", "c"], cwd=tmp_path, check=True)
    return path


def test_a_dockerfile_is_optimised_by_its_history(dockerfile: Path) -> None:
    result = ContainerOptimizer().optimize_dockerfile(dockerfile)

    assert result["optimized_dockerfile"] == "FROM a/a\nWORKDIR /app\nRUN apk add git\nCOPY . .\n"
    assert result["optimizations"] == ["layer_reordering"]
    assert (result["estimated_speedup"], result["window"]) == (31.0, 3)  # three times 30 s + 1 s against 1 s


def test_without_history_nothing_is_claimed(dockerfile: Path) -> None:
    result = ContainerOptimizer(history=0).optimize_dockerfile(str(dockerfile))

    assert (result["optimizations"], result["estimated_speedup"], result["window"]) == ([], 1.0, 0)


def test_what_is_no_dockerfile_raises(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello", encoding="utf-8")

    with pytest.raises(InputError, match="no instruction"):
        ContainerOptimizer().optimize_dockerfile(tmp_path / "x")


def test_kaniko_is_the_maintained_fork_with_its_flags() -> None:
    config = ContainerOptimizer(target="app").implement_kaniko_build()

    assert "ghcr.io/osscontainertools/kaniko" in str(config)
    assert "--target=app" in str(config)
    assert "parallel_pulls" not in str(config)
