"""The brief's `IntelligentCacheManager` over a real checkout."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import cipredict
from cipredict.cache_manager import IntelligentCacheManager
from cipredict.errors import SettingsError, UsageError

_GIT = ("git", "-c", "user.name=Ann", "-c", "user.email=a@b.example")
GIGABYTE = 10**9


@dataclass(frozen=True)
class Stage:
    name: str
    cache: dict[str, object] | None = None


@dataclass(frozen=True)
class Pipeline:
    stages: list[Stage] = field(default_factory=list)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    subprocess.run([*_GIT, "init", "-q"], cwd=tmp_path, check=True)
    for number in range(6):
        pins = "b==1\n" if number < 3 else "b==2\n"
        (tmp_path / "requirements.txt").write_text(f"a==1\n{pins}", encoding="utf-8")
        subprocess.run([*_GIT, "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run([*_GIT, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    return tmp_path


DEPS: dict[str, object] = {
    "key_files": ["requirements.txt"],
    "paths": (".venv",),
    "dimensions": ["os"],
    "rebuild_s": 60,
}
LINUX = {"environment": {"RUNNER_OS": "Linux"}, "branch": "main", "commit_hash": "c0ffee00"}


def test_a_key_is_hierarchical_and_made_of_content(checkout: Path) -> None:
    manager = IntelligentCacheManager(10 * GIGABYTE, checkout)
    keys = manager.determine_cache_key({"name": "deps", **DEPS}, LINUX)
    (checkout / "requirements.txt").write_text("a==9\n", encoding="utf-8")
    changed = manager.determine_cache_key({"name": "deps", **DEPS}, LINUX)

    assert {"primary", "secondary", "fallback_keys"} == set(keys)
    assert keys["primary"].startswith("deps-Linux-")
    assert "deps-Linux-" == keys["secondary"] == changed["secondary"]
    assert keys["primary"] != changed["primary"]


def test_the_commit_is_in_the_key_only_where_the_design_says_so(checkout: Path) -> None:
    manager = IntelligentCacheManager(10 * GIGABYTE, checkout)
    keys = manager.determine_cache_key({"name": "deps", **DEPS, "design": "lock+sha"}, LINUX)

    assert keys["primary"].endswith("-c0ffee00")
    assert ["deps-Linux-"] == keys["fallback_keys"]


def test_effectiveness_has_the_fields_of_the_brief(checkout: Path) -> None:
    pipeline = Pipeline([Stage("deps", DEPS), Stage("deploy")])
    found = IntelligentCacheManager(10 * GIGABYTE, checkout).predict_cache_effectiveness(pipeline)

    deps = found["deps"]
    assert deps["historical_hit_rate"] == pytest.approx(4 / 6)
    assert deps["predicted_hit_rate"] is not None
    assert deps["cache_benefit_score"] is not None
    assert deps["cache_benefit_score"] > 0
    assert "cache" == deps["recommendation"]
    assert "no_cache" == found["deploy"]["recommendation"]


def test_stages_are_found_in_the_project_s_settings(checkout: Path) -> None:
    text = "[tool.cipredict.cache.stages.deps]\nkey-files = ['requirements.txt']\n"
    (checkout / "pyproject.toml").write_text(text, encoding="utf-8")
    found = IntelligentCacheManager(GIGABYTE, checkout).predict_cache_effectiveness(Pipeline([Stage("deps")]))

    assert found["deps"]["historical_hit_rate"] is not None
    assert found["deps"]["cache_benefit_score"] is None  # no seconds are set


def test_a_pipeline_without_stages_has_no_forecasts(checkout: Path) -> None:
    assert {} == IntelligentCacheManager(GIGABYTE, checkout).predict_cache_effectiveness(Pipeline())


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_holds_nothing_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match="cache_size_limit"):
        IntelligentCacheManager(limit)


def test_a_bad_configuration_lists_its_problems(checkout: Path) -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'x'.*needs key-files"):
        IntelligentCacheManager(GIGABYTE, checkout).determine_cache_key({"name": "deps", "x": 1})


def test_it_is_part_of_the_public_api() -> None:
    assert cipredict.IntelligentCacheManager is IntelligentCacheManager
