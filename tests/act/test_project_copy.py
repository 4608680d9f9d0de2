"""Copies hold what the tests need, and nothing done to them reaches the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cipredict.act.project_copy import look_at_project, project_copies
from cipredict.errors import InputError


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def repository(folder: Path) -> Path:
    write(folder, **{".gitignore": "*.so\n_version.py\n*.log\nvenv/\n", "data.txt": "3"})
    write(folder, **{"pkg/a.py": "1", "part/b.py": "2"})
    write(folder, **{"pkg/_version.py": "4", "pkg/fast.so": "5", "run.log": "6", "venv/lib/c.py": "7"})
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True, capture_output=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True, capture_output=True)
    write(folder, **{"untracked.py": "8"})
    return folder


def test_a_copy_has_tracked_and_untracked_files_and_what_is_imported(tmp_path: Path) -> None:
    project = look_at_project(repository(tmp_path))
    assert [path.as_posix() for path in project.files] == [
        ".gitignore",
        "data.txt",
        "part/b.py",
        "pkg/_version.py",
        "pkg/a.py",
        "pkg/fast.so",
        "untracked.py",
    ]


def test_a_folder_of_a_repository_is_tested_there_with_all_of_it_around(tmp_path: Path) -> None:
    project = look_at_project(repository(tmp_path) / "part")
    assert project.own_sources() == ["b.py"]
    with project_copies(project, 1) as [copy]:
        assert (copy / "b.py").read_text(encoding="utf-8") == "2"
        assert (copy / ".." / "data.txt").read_text(encoding="utf-8") == "3"


def test_copies_are_apart_and_gone_afterwards(tmp_path: Path) -> None:
    write(tmp_path, **{"a.py": "1", "__pycache__/a.pyc": "0"})  # no repository: everything but what is never ours
    with project_copies(look_at_project(tmp_path), 2) as copies:
        (copies[0] / "a.py").write_text("broken", encoding="utf-8")
        assert [(copy / "a.py").read_text(encoding="utf-8") for copy in copies] == ["broken", "1"]
        assert not (copies[1] / "__pycache__").exists()
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "1"
    assert not any(copy.exists() for copy in copies)


def test_a_deleted_file_is_no_file_and_an_empty_folder_no_project(tmp_path: Path) -> None:
    folder = repository(tmp_path / "project")
    (folder / "data.txt").unlink()
    assert "data.txt" not in [path.as_posix() for path in look_at_project(folder).files]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        look_at_project(tmp_path / "empty")
