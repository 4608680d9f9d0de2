"""The documentation site: it builds strictly, asks no other server, and knows every command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]+src=["']?(?:https?:)?//|<link[^>]+rel=["']?(?:stylesheet|preconnect|icon)[^>]+href=["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # our own words
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    assert site / "index.html" in pages
    assert [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []


def test_every_command_of_the_outline_has_its_section(site: Path) -> None:
    from cipredict.cli.app import OUTLINE  # noqa: PLC0415

    page = (site / "commands/index.html").read_text(encoding="utf-8")
    assert [name for name in OUTLINE if f'id="{name}"' not in page] == []
    assert "--shards" in page


def test_a_group_that_acts_by_itself_shows_its_own_options(site: Path) -> None:
    page = (site / "commands/index.html").read_text(encoding="utf-8")
    assert "<code>cipredict gate</code>" in page
    assert "--base-metrics" in page


def test_what_loads_from_another_server_is_recognised() -> None:
    assert LOADED.search('<script src="https://cdn.example/x.js">')
    assert LOADED.search('<link rel="stylesheet" href="//fonts.example/x.css">')
    assert not LOADED.search('<script src="assets/x.js">')


@pytest.mark.parametrize("page", ["getting-started", "operations"])
def test_every_option_that_a_page_uses_exists(page: str, site: Path) -> None:
    commands = (site / "commands/index.html").read_text(encoding="utf-8")
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    used = re.findall(r"^\$ cipredict .*", text, re.MULTILINE)
    assert used
    assert [option for line in used for option in re.findall(r"--[a-z-]+", line) if option not in commands] == []
