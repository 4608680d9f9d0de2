"""Keys of one run: what they are made of, what is refused, and how they fall back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.cache_stages import DESIGN_NAMES, CacheStage
from cipredict.decide.caching.designs import DESIGNS, Snapshot
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.guess import guess_stages
from cipredict.decide.caching.keys import build_keys, digest_of, gitlab_keys, idle_globs
from cipredict.errors import UsageError

STAGE = CacheStage("deps", key_files=("uv.lock",), dimensions=("os", "python"), loose=("python",), extra=("v2",))
RUNNER = {"os": "Linux", "python": "py3.12"}
AT = Snapshot("c0ffee", 1_767_225_600.0, "l0ck", "man1fest", "s0urce")


def test_a_key_names_stage_words_runner_and_lock_file() -> None:
    keys = build_keys(STAGE, AT, RUNNER)

    assert "deps-v2-Linux-py3.12-l0ck" == keys.primary
    assert ("deps-v2-Linux-py3.12-", "deps-v2-Linux-") == keys.restore


def test_a_dimension_that_is_not_loose_is_never_left_out() -> None:
    keys = build_keys(replace(STAGE, loose=()), AT, RUNNER)

    assert ("deps-v2-Linux-py3.12-",) == keys.restore


def test_loose_dimensions_come_last_whatever_their_order() -> None:
    stage = replace(STAGE, dimensions=("python", "os"))

    assert "deps-v2-Linux-py3.12-l0ck" == build_keys(stage, AT, RUNNER).primary


@pytest.mark.parametrize(
    ("design", "primary", "restore"),
    [
        ("lock", "deps-l0ck", ()),
        ("lock+restore", "deps-l0ck", ("deps-",)),
        ("lock+sha", "deps-l0ck-c0ffee", ("deps-l0ck-", "deps-")),
        ("manifest", "deps-man1fest", ("deps-",)),
        ("week", "deps-2026W01", ("deps-",)),
        ("week-lock", "deps-2026W01-l0ck", ("deps-2026W01-",)),
        ("source", "deps-l0ck-s0urce", ("deps-l0ck-", "deps-")),
    ],
)
def test_every_design_has_its_parts_and_fallbacks(design: str, primary: str, restore: tuple[str, ...]) -> None:
    keys = build_keys(CacheStage("deps", key_files=("x",), design=design, dimensions=()), AT, {})

    assert (primary, restore) == (keys.primary, keys.restore)


def test_settings_and_designs_know_the_same_names() -> None:
    assert DESIGN_NAMES == tuple(DESIGNS)


@pytest.mark.parametrize(("design", "glob"), [("lock", "uv.lock"), ("manifest", "no glob"), ("source", "src/")])
def test_a_key_that_would_never_change_is_refused_and_the_glob_is_named(design: str, glob: str) -> None:
    stage = CacheStage("deps", key_files=("uv.lock",), source_files=("src/",), design=design, dimensions=())

    with pytest.raises(UsageError, match=glob) as caught:
        build_keys(stage, replace(AT, lock="" if design == "lock" else "x", manifest="", source=""), {})

    assert "cache-key-constant" == caught.value.slug


def test_a_week_needs_no_file() -> None:
    assert build_keys(CacheStage("deps", design="week", dimensions=()), replace(AT, lock=""), {}).primary


def test_a_key_beyond_github_s_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 512"):
        build_keys(replace(STAGE, extra=("x" * 500,)), AT, RUNNER)


@given(st.lists(st.text(min_size=1, max_size=20), max_size=12))
def test_keys_keep_github_s_limits_whatever_the_runner_says(values: list[str]) -> None:
    names = [f"env:V{number}" for number in range(len(values))]
    stage = CacheStage("deps", key_files=("x",), dimensions=tuple(names), loose=tuple(names))
    keys = build_keys(stage, AT, dict(zip(names, values, strict=True)))

    assert len(keys.restore) <= 9
    assert not any("," in key or " " in key or "\n" in key for key in (keys.primary, *keys.restore))
    assert all(keys.primary.startswith(prefix) for prefix in keys.restore)


def test_gitlab_s_fallbacks_are_whole_earlier_keys() -> None:
    keys = gitlab_keys("k0", ["k1", "k0", "k1", "k2", "k3", "k4", "k5", "k6"])

    assert ("k1", "k2", "k3", "k4", "k5") == keys.restore


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5))
def test_a_digest_ignores_the_order_of_files(ids: dict[str, str]) -> None:
    assert digest_of(ids) == digest_of(dict(reversed(ids.items())))
    assert (digest_of(ids) == "") == (not ids)


def test_a_digest_tells_paths_and_contents_apart() -> None:
    digests = {digest_of({"a": "1"}), digest_of({"b": "1"}), digest_of({"a": "2"}), digest_of({"a": "1", "b": "1"})}

    assert 4 == len(digests)


def test_globs_that_match_nothing_are_named() -> None:
    assert ["b"] == idle_globs(["a", "b", "!c"], {"a": ["a"], "b": []})


@pytest.mark.parametrize(
    ("patterns", "path", "is_key_file"),
    [
        (["**/uv.lock"], "uv.lock", True),
        (["**/uv.lock"], "a/b/uv.lock", True),
        (["uv.lock"], "a/uv.lock", False),
        (["./uv.lock"], "uv.lock", True),
        (["requirements"], "requirements/base.txt", True),
        (["**/*.txt", "!**/test.txt"], "a/test.txt", False),
        (["!a.txt", "a.txt"], "a.txt", True),
        ([], "a.txt", False),
    ],
)
def test_globs_mean_what_hash_files_means(patterns: list[str], path: str, *, is_key_file: bool) -> None:
    assert is_key_file == key_files_matcher(patterns)(path)


def test_stages_are_guessed_from_lock_files_but_not_from_dependencies_own() -> None:
    stages = guess_stages(["uv.lock", "web/package-lock.json", "node_modules/x/yarn.lock", "tests/testdata/go.sum"])

    assert ["uv", "npm-web"] == list(stages)
    assert ("web/package.json",) == stages["npm-web"].manifest_files
