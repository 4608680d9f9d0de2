"""A cut of the bundled real history, ingested once for the commands that look at a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.stored_history import store_history


@pytest.fixture(scope="session", name="stored")
def _stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store with the last runs of the bundled history."""
    return store_history(tmp_path_factory)


@pytest.fixture(name="project")
def _project(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project with a copy of that store, outside of any CI."""
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "CIPREDICT_FORECAST", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / ".cipredict").mkdir()
    shutil.copy(stored, tmp_path / ".cipredict" / "history.duckdb")
    return tmp_path
