"""The report in a real browser: Debian's Chromium, driven by playwright-core, judged by axe-core.

`npm ci` in this folder installs the two; nothing else downloads a browser. REPORT_SHOTS names a folder for screenshots.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cipredict.cli.app import main

pytest.importorskip("duckdb", reason="the store extra is not installed")

from tests.cli.report_history import HOSTILE, fill, write_forecast  # after the skip
from tests.cli.stored_history import store_history

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.learn,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no node is installed"),
    pytest.mark.skipif(not (HERE / "node_modules" / "axe-core").is_dir(), reason="run `npm ci` in tests/browser"),
]
Seen = dict[str, Any]  # JSON


def look(page: Path, *, search: str) -> Seen:
    shots = os.environ.get("REPORT_SHOTS")
    folder = Path(shots or page.parent) / page.parent.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    command = ["node", str(HERE / "look.mjs"), str(page), str(CHROMIUM), str(folder)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, env={**os.environ, "SEARCH": search}
    )
    assert done.returncode == 0, done.stderr
    seen: Seen = json.loads(done.stdout)
    return seen


@pytest.fixture(scope="session", name="full")
def _full(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("full")
    fill(folder / "h.duckdb")
    write_forecast(folder / "f.bundle")
    options = ["--store", str(folder / "h.duckdb"), "--forecast", str(folder / "f.bundle")]
    assert main(["report", "html", "-o", str(folder / "report"), *options]) == 0
    return look(folder / "report" / "index.html", search="TEST_11.py test_119")


@pytest.fixture(scope="session", name="bundled")
def _bundled(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("bundled")
    store = store_history(tmp_path_factory)
    options = ["--store", str(store), "--forecast", str(folder / "none")]
    assert main(["report", "html", "-o", str(folder / "report"), *options]) == 0
    return look(folder / "report" / "index.html", search="test_format strip")


@pytest.fixture(name="seen", params=["full", "bundled"])
def _seen(request: pytest.FixtureRequest) -> Seen:
    seen: Seen = request.getfixturevalue(request.param)
    return seen


def test_the_console_is_silent_and_nothing_is_fetched(seen: Seen) -> None:
    assert (seen["problems"], seen["requests"], seen["dialogs"]) == ([], [], [])


def test_every_chart_is_drawn_at_every_size_and_in_both_themes(seen: Seen) -> None:
    assert [(look["size"], look["scheme"]) for look in seen["looks"]] == [
        ("desktop", "light"),
        ("phone", "light"),
        ("desktop", "dark"),
        ("phone", "dark"),
    ]
    assert all(len(look["charts"]) >= 2 and min(look["charts"]) > 1000 for look in seen["looks"])


def test_every_part_has_its_charts(full: Seen) -> None:
    """Three of runs, two of selection, three of trust, shards, two of caches, gates, benchmark, deployments."""
    assert [len(look["charts"]) for look in full["looks"]] == [14, 14, 14, 14]


def test_a_choice_draws_its_chart_and_a_gate_shows_where_it_failed(full: Seen) -> None:
    assert full["chosen"] == [
        {"part": "overview", "options": 3, "charts": 3},
        {"part": "runs", "options": 30, "charts": 0},
        {"part": "shards", "options": 40, "charts": 1},
        {"part": "caches", "options": 3, "charts": 2},
        {"part": "gates", "options": 4, "charts": 2},
        {"part": "performance", "options": 3, "charts": 1},
    ]


def test_the_critical_path_is_told_in_words(full: Seen) -> None:
    assert full["path"].startswith(f"Critical path: lint → {HOSTILE[0]}: 5m30s, 0 s of it between jobs.")


def test_hostile_names_of_gates_and_caches_are_text(full: Seen) -> None:
    assert HOSTILE[0] in full["gates"]
    assert HOSTILE[2] in full["caches"]


def test_axe_finds_nothing(seen: Seen) -> None:
    assert [look["violations"] for look in seen["looks"]] == [[], [], [], []]


def test_the_page_is_never_wider_than_the_screen(seen: Seen) -> None:
    assert [look["wide"] for look in seen["looks"]] == [0, 0, 0, 0]


def test_search_finds_all_words_and_only_them(full: Seen) -> None:
    assert full["found"] == ["tests/test_11.py::test_119"]
    assert full["said"] == "1 of 126 rows"
    assert full["none"] == []


def test_search_works_on_the_bundled_history(bundled: Seen) -> None:
    assert bundled["found"]
    assert all("test_format" in name and "strip" in name for name in bundled["found"])


def test_a_heading_sorts_by_the_keyboard(bundled: Seen) -> None:
    assert bundled["sorted"] == "ascending"
    assert bundled["by_name"] == sorted(bundled["by_name"])
    assert bundled["page"].startswith("Page 2 of ")


def test_a_chart_has_a_table(full: Seen) -> None:
    assert full["fallback_rows"] == 48  # the days on which `ci` ran


def test_the_theme_is_the_readers_choice(full: Seen) -> None:
    assert full["theme"] == "dark"


def test_hostile_names_are_text(full: Seen) -> None:
    assert full["injected"] is False
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[4]} <= set(full["first"])


def test_what_turns_the_direction_of_text_is_written_out(full: Seen) -> None:
    assert "tests/test_\\u202egnp.exe::test_שלום_مرحبا" in full["first"]


def test_a_monstrous_name_is_folded(full: Seen) -> None:
    [folded] = [name for name in full["first"] if "characters)" in name]
    assert folded.startswith("tests/test_long.py::test[xxx")
    assert len(folded) < 120
