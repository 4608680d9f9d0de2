"""What cannot be read says why, and in whose words."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.errors import cannot_read


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("gone", "gone does not exist. [input-missing]", id="missing"),
        pytest.param("folder", "Cannot read folder: Is a directory. [input-unreadable]", id="a folder"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(
    path: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(OSError) as caught:
        Path(path).read_bytes()
    assert words == str(cannot_read(Path(path), caught.value))
