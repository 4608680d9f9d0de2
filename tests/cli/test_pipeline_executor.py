"""`pipeline run --executor`: what cannot be meant, or is not installed, is one line before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cipredict.cli.app import main


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--executor", "ray"], "Unknown executor 'ray': choose from local, dask. [unknown-executor]"),
        (["--dask-scheduler", "tcp://127.0.0.1:1"], "--dask-scheduler needs --executor dask. [unknown-executor]"),
        (["--executor", "dask"], "This command needs distributed: pip install 'cipredict[dask]'. [missing-extra]"),
    ],
)
def test_an_executor_that_is_not_there_is_one_line(
    options: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert 2 == main(["pipeline", "run", *options])
    assert f"cipredict: {words}\n" == capsys.readouterr().err
