from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.cache_stages import CacheStage, choose_stage, read_cache_stages
from cipredict.errors import SettingsError, UsageError

HEAD = "[tool.cipredict.cache.stages.deps]\n"


def stages_of(tmp_path: Path, text: str) -> dict[str, CacheStage]:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_cache_stages(tmp_path)


def test_a_stage_is_read_with_its_defaults(tmp_path: Path) -> None:
    stages = stages_of(tmp_path, HEAD + "key-files = ['uv.lock']\nrebuild-s = 60\nsize-bytes = 1000\nloose = ['os']\n")

    assert {"deps": CacheStage("deps", key_files=("uv.lock",), rebuild_s=60, size_bytes=1000, loose=("os",))} == stages


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "[tool.cipredict]\nstore = 'x'\n"])
def test_a_project_may_describe_none(tmp_path: Path, text: str) -> None:
    assert {} == stages_of(tmp_path, text)
    assert {} == read_cache_stages(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("key-files = 'uv.lock'", "'deps.key-files' must be a list of strings"),
        ("key-files = []", "needs key-files"),
        ("key-files = ['x']\ncolour = 1", "unknown key 'colour'"),
        ("key-files = ['x']\ndesign = 'best'", "knows no design 'best'"),
        ("key-files = ['x']\ndesign = 1", "must be a string"),
        ("key-files = ['x']\ndimensions = ['moon']", "knows no dimension 'moon'"),
        ("key-files = ['x']\nloose = ['python']", "'python' in loose, but not in dimensions"),
        ("key-files = ['x']\nrebuild-s = -1", "must be a number of seconds"),
        ("key-files = ['x']\nrebuild-s = true", "must be a number of seconds"),
        ("key-files = ['x']\nsize-bytes = 1.5", "must be a whole number of bytes"),
    ],
)
def test_a_bad_value_is_refused_by_name(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match="stages") as caught:
        stages_of(tmp_path, HEAD + line)

    assert complaint in caught.value.message


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        stages_of(tmp_path, HEAD + "x = 1\ny = 2\n")

    assert "'x'" in caught.value.message
    assert "'y'" in caught.value.message


@pytest.mark.parametrize(
    "text", ["x =", "[tool.cipredict.cache]\nstages = 1\n", "[tool.cipredict.cache.stages]\ndeps = 1\n"]
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        stages_of(tmp_path, text)


def test_the_only_stage_needs_no_name() -> None:
    one, two = CacheStage("a"), CacheStage("b")

    assert one == choose_stage({"a": one}, None)
    assert two == choose_stage({"a": one, "b": two}, "b")


@pytest.mark.parametrize(("names", "wanted"), [((), None), ((), "a"), (("a", "b"), None), (("a",), "c")])
def test_a_choice_that_cannot_be_made_lists_the_names(names: tuple[str, ...], wanted: str | None) -> None:
    with pytest.raises(UsageError, match=r"known are (a|none)"):
        choose_stage({name: CacheStage(name) for name in names}, wanted)
