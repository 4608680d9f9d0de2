"""`cipredict bootstrap` on a small real project: what it learns, leaves alone, resumes and refuses."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")
pytest.importorskip("lxml", reason="the store extra is not installed")

from cipredict.cli.app import main  # noqa: E402  # after the skips

pytestmark = pytest.mark.learn

SOURCES = {
    "shop/__init__.py": "",
    "shop/price.py": "def total(a, b):\n    return a + b\n",
    "shop/words.py": "def shout(text):\n    return text.upper()\n",
    "tests/test_price.py": "from shop.price import total\n\n\ndef test_total():\n    assert total(2, 3) == 5\n",
    "tests/test_words.py": "from shop.words import shout\n\n\ndef test_shout():\n    assert shout('a') == 'A'\n",
}
RED = {"tests/test_red.py": "def test_red():\n    assert False\n"}
IDENTITY = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")


def make_project(folder: Path, **files: str) -> Path:
    for name, text in {**SOURCES, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def bootstrap(folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a start of pytest in 0.3 s instead of 2
    return main(["bootstrap", "--store", str(store), "--repository", "me/shop", *options])


def test_faults_tie_cases_to_the_paths_they_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run shows all: links by path, a red case kept apart, untouched files, nothing left to do next time."""
    project, store = make_project(tmp_path / "project", **RED), tmp_path / "h.duckdb"
    before = digests(project)
    assert bootstrap(project, store, monkeypatch) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["cases"] == {"green": 2, "kept_apart": 1, "noticed_a_fault": 2}
    assert (summary["faults"]["killed"], summary["faults"]["tried"], summary["faults_left"]) == (3, 3, 0)
    assert digests(project) == before
    with duckdb.connect(store) as connection:
        query = "select path, case_id, count(*) from mutants join mutant_failures using (mutant_seq)"
        rows = connection.execute(f"{query} join cases using (case_seq) group by all order by all").fetchall()
        assert rows == [
            ("shop/price.py", "tests/test_price.py::test_total", 2),
            ("shop/words.py", "tests/test_words.py::test_shout", 1),
        ]
        assert connection.execute("select count(*) from runs").fetchall() == [(0,)]
    assert bootstrap(project, store, monkeypatch) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["faults"]["tried"], again["faults_known_before"]) == (0, 3)


@pytest.mark.parametrize(
    ("files", "options", "slug"),
    [
        pytest.param({}, ["--", "-k", "nothing_is_called_so"], "bootstrap-red", id="no test runs"),
        pytest.param({}, ["--sources", "lib/**"], "bootstrap-empty", id="no source"),
        pytest.param({}, ["--budget", "soon"], "--budget", id="no time"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    options: list[str],
    slug: str,
) -> None:
    project = make_project(tmp_path / "project", **files)
    assert bootstrap(project, tmp_path / "h.duckdb", monkeypatch, *options) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert slug in last


def test_tests_that_import_another_copy_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = make_project(tmp_path / "elsewhere")
    conftest = f"import sys\nsys.path.insert(0, {str(elsewhere)!r})\n"
    project = make_project(tmp_path / "project", **{"conftest.py": conftest})
    assert bootstrap(project, tmp_path / "h.duckdb", monkeypatch) == 2
    assert "bootstrap-elsewhere" in capsys.readouterr().err
