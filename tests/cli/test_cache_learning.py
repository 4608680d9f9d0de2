"""The night: commits of the store become a forecast of hits in the bundle, and `cache predict` asks it."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("xgboost", reason="needs the learn extra")
pytestmark = pytest.mark.learn

from cipredict.cli.app import main  # noqa: E402
from cipredict.cli.cache_learning import learn_cache_hits  # noqa: E402
from cipredict.forecast.bundle import Manifest, open_bundle, write_bundle  # noqa: E402
from cipredict.forecast.cache_hits import read_hit_model  # noqa: E402
from cipredict.settings import read_settings  # noqa: E402

SETTINGS = """
[tool.cipredict]
repository = "owner/name"
[tool.cipredict.cache.stages.deps]
key-files = ["uv.lock"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a checkout of 40 commits, every fifth of which is a bot's and changes the lock file."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    stream = []
    for number in range(40):
        author = "renovate[bot]" if number % 5 == 0 else "Ann"
        files = {"pyproject.toml": SETTINGS, "a.py": str(number), "uv.lock": str(number // 5)}
        stream.append(
            f"commit refs/heads/main\ncommitter {author} <a@b> {1_767_225_600 + 3600 * number} +0000\ndata 1\nx\n"
        )
        stream += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], check=True, input="".join(stream).encode())
    subprocess.run(["git", "reset", "-q", "--hard"], check=True)
    return tmp_path


def blank_manifest() -> Manifest:
    body: dict[str, object] = {key: {} for key in Manifest.__slots__}
    body |= {"created_at": datetime(2026, 3, 1, tzinfo=UTC), "repository": "owner/name", "features": ()}
    body |= {"sigmoid": (1.0, 0.0), "needed_shares": (), "case_members": ()}
    return Manifest(**body)  # type: ignore[arg-type]  # only what is read back matters


def test_a_night_adds_the_hits_of_described_caches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["ingest", "git", "--repository", "owner/name"])
    settings = read_settings(project, {})
    write_bundle(settings.forecast, blank_manifest(), {"kept": b"x"})

    learn_cache_hits(settings)

    bundle = open_bundle(settings.forecast)
    model = read_hit_model(bundle)
    assert model is not None
    state = model.stages["deps"]
    assert b"x" == bundle.read("kept")
    assert (39, 7) == (state.commits, state.all_touches)
    assert 7 == state.authors["renovate[bot]"].touches
    capsys.readouterr()
    assert 0 == main(["cache", "predict", "--format", "json"])
    [stage] = json.loads(capsys.readouterr().out)["stages"]
    assert stage["predicted_hit_rate"] == pytest.approx(state.hit_ewma)
    assert stage["historical_hit_rate"] == pytest.approx(32 / 40)
    assert 0 == main(["cache", "key"])  # no base: the forecast stands in
    expected = json.loads(capsys.readouterr().out)["expected"]
    assert ("exact", "history", False) == (expected["outcome"], expected["basis"], expected["is_deterministic"])


def test_a_project_without_caches_leaves_the_bundle_alone(project: Path) -> None:
    (project / "pyproject.toml").write_text("", encoding="utf-8")

    learn_cache_hits(read_settings(project, {}))  # neither a store nor a bundle is needed

    assert not (project / ".cipredict").exists()
