"""The dashboard against the types that Grafana publishes and the grammar that Prometheus publishes.

`npm ci` in this folder installs both. What they do not know: options of panels, and whether a running Grafana shows it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cipredict.render.grafana import render_dashboard

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="no node is installed"),
    pytest.mark.skipif(not (HERE / "node_modules" / "typescript").is_dir(), reason="run `npm ci` in tests/grafana"),
]


def problems(tmp_path: Path, text: str) -> dict[str, list[str]]:
    (tmp_path / "board.json").write_text(text)
    command = ["node", str(HERE / "check.mjs"), str(tmp_path / "board.json")]
    found: dict[str, list[str]] = json.loads(
        subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    )
    return found


def test_the_dashboard_is_one_to_grafana_and_its_queries_to_prometheus(tmp_path: Path) -> None:
    assert problems(tmp_path, json.dumps(render_dashboard())) == {"types": [], "grammar": []}


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        pytest.param('"schemaVersion": 39', '"schemaVersion": "39"', id="another type"),
        pytest.param('"gridPos"', '"gridPosition"', id="a field that is none"),
        pytest.param('"refresh": 2', '"refresh": 7', id="a value that is none"),
    ],
)
def test_the_types_can_refuse(tmp_path: Path, part: str, instead: str) -> None:
    text = json.dumps(render_dashboard())

    assert part in text
    assert problems(tmp_path, text.replace(part, instead))["types"]


def test_the_grammar_can_refuse(tmp_path: Path) -> None:
    text = json.dumps(render_dashboard()).replace("sum by (le)", "sum by le", 1)

    assert len(problems(tmp_path, text)["grammar"]) == 1


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "\"'}], {{x}}", "\u202egnp", 10_000 * "x"])
def test_a_hostile_title_is_a_string(tmp_path: Path, title: str) -> None:
    board = render_dashboard(title)

    assert json.loads(json.dumps(board))["title"] == title
    assert problems(tmp_path, json.dumps(board)) == {"types": [], "grammar": []}
