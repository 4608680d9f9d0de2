"""The manifest of data/ names every file, and its bytes are those that were recorded."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

DATA = Path(__file__).parents[2] / "data"


def test_the_manifest_names_every_file_with_its_checksum() -> None:
    manifest = tomllib.loads((DATA / "manifest.toml").read_text(encoding="utf-8"))["file"]
    expected = {
        path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.rglob("*")
        if path.is_file() and path.name not in {"README.md", "manifest.toml"} and "__pycache__" not in path.parts
    }
    assert expected == {entry["path"]: entry["sha256"] for entry in manifest}
    assert all(entry["licence"] and entry["source"] for entry in manifest)
