"""Settings are checked once, every problem at once, naming file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.errors import SettingsError
from cipredict.settings import Settings, read_settings


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}) == Settings()


def test_the_file_overrides_defaults_and_the_environment_the_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.cipredict]\nstore = "a.db"\nmust-run = ["tests/smoke/**"]\n')

    settings = read_settings(tmp_path, {"CIPREDICT_STORE": "b.db"})

    assert settings.store == Path("b.db")
    assert settings.must_run == ("tests/smoke/**",)


@pytest.mark.parametrize("share", ["0", "0.2", "1"])
def test_a_share_may_be_nothing_or_all(share: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.cipredict]\nfull-run-share = {share}\n")

    assert read_settings(tmp_path, {}).full_run_share == float(share)


def test_tables_of_other_capabilities_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cipredict.gates.coverage]\nthreshold = '85%'\n")

    assert read_settings(tmp_path, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[tool.cipredict", "not valid TOML", id="toml"),
        pytest.param("[tool]\ncipredict = 3", "[tool.cipredict] must be a table", id="no table"),
        pytest.param("[tool.cipredict]\nstore = 3", "'store' must be a string, not 3", id="string"),
        pytest.param("[tool.cipredict]\nmust_run = 'a'", "'must_run' must be a list of strings", id="list"),
        pytest.param("[tool.cipredict]\nmin_history_runs = 1.5", "must be a whole number", id="whole"),
        pytest.param("[tool.cipredict]\nmax_forecast_age_days = -1", "must be a positive number", id="positive"),
        pytest.param("[tool.cipredict]\nfull_run_share = 5", "a share between 0 and 1, not 5", id="share"),
        pytest.param("[tool.cipredict]\nfull_run_share = true", "a share between 0 and 1", id="share, not a flag"),
        pytest.param("[tool.cipredict]\nsource = 'x'", "unknown key 'source'", id="not a setting"),
    ],
)
def test_a_bad_value_names_file_and_key(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path, {})

    assert str(tmp_path / "pyproject.toml") in str(caught.value)
    assert words in str(caught.value)


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cipredict]\nstore = 1\nnope = 2\n")

    with pytest.raises(SettingsError, match=r"'store'.*'nope'"):
        read_settings(tmp_path, {})
