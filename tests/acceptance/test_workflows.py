"""The workflows of this repository that are generated are what their definitions give."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the store extra is not installed")

from cipredict.cli.app import main

GITHUB = Path(__file__).parents[2] / ".github"


@pytest.mark.parametrize("definition", sorted(GITHUB.glob("pipelines/*.toml")), ids=lambda path: path.stem)
def test_a_generated_workflow_has_not_drifted(definition: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = GITHUB / "workflows" / f"{definition.stem}_ci.yml"
    code = main(["pipeline", "export", str(definition), "--output", str(workflow), "--check"])
    assert 0 == code, capsys.readouterr().err
