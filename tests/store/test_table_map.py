"""Column maps: what can be meant is read, what cannot is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import InputError, UsageError
from cipredict.records import Verdict
from cipredict.store.table_map import FIELDS, UNITS, WORDS, Column, make_map, parse_map, read_map_file

NEEDED = {"run_id": Column("run"), "case_id": Column("test")}
names = st.text(st.characters(exclude_characters=",=:", exclude_categories=["Z", "C"]), min_size=1)


def test_a_map_names_columns_and_units() -> None:
    assert parse_map(" run_id = build ,case_id=test,duration_s=a:b:ms,started_at=ts:x,,") == {
        "run_id": Column("build"),
        "case_id": Column("test"),
        "duration_s": Column("a:b", "ms"),
        "started_at": Column("ts:x"),
    }


@given(st.dictionaries(st.sampled_from(FIELDS), st.tuples(names, st.sampled_from(["", *UNITS]))))
def test_what_is_written_is_read(columns: dict[str, tuple[str, str]]) -> None:
    text = ",".join(f"{field}={name}{':' if unit else ''}{unit}" for field, (name, unit) in columns.items())
    assert parse_map(text) == {field: Column(name, unit) for field, (name, unit) in columns.items()}


@pytest.mark.parametrize("text", ["run_id", "=build", "run_id=", "a=b,c"])
def test_a_part_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_map(text)
    assert caught.value.slug == "table-map"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        pytest.param({}, ["run_id is needed", "case_id is needed"], id="nothing"),
        pytest.param({**NEEDED, "duraton_s": Column("d")}, ["did you mean 'duration_s'?"], id="misspelt"),
        pytest.param(NEEDED, ["without a verdict"], id="neither verdict nor measurement"),
        pytest.param({**NEEDED, "verdict": Column("a"), "failed": Column("b")}, ["one of verdict, failed"], id="two"),
        pytest.param({**NEEDED, "verdict": Column("a", "ms")}, ["verdict has no unit 'ms'"], id="unit of a word"),
        pytest.param({**NEEDED, "failed": Column("a"), "duration_s": Column("d", "h")}, ["no unit 'h'"], id="odd unit"),
    ],
)
def test_every_problem_is_named(columns: dict[str, Column], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        make_map(columns, {})
    assert [word for word in words if word not in str(caught.value)] == []


def test_numbers_and_booleans_are_no_verdicts_until_somebody_says_so() -> None:
    words = make_map({**NEEDED, "verdict": Column("v")}, {}).words
    assert {"0", "1", "true", "false"} & set(words) == set()
    assert words == WORDS


@pytest.mark.parametrize(
    ("field", "given_words", "expected"),
    [
        ("verdict", {"1": Verdict.FAILED}, {"1": Verdict.FAILED, "0": Verdict.PASSED}),
        ("verdict", {"true": Verdict.PASSED}, {"true": Verdict.PASSED, "false": Verdict.FAILED}),
        ("verdict", {"muted": Verdict.SKIPPED}, {"muted": Verdict.SKIPPED, "passed": Verdict.PASSED}),
        ("failed", {}, {"1": Verdict.FAILED, "true": Verdict.FAILED, "0": Verdict.PASSED, "0.0": Verdict.PASSED}),
        ("passed", {}, {"1": Verdict.PASSED, "yes": Verdict.PASSED, "false": Verdict.FAILED}),
        ("failed", {"2": Verdict.ERROR}, {"2": Verdict.ERROR, "1": Verdict.FAILED}),
    ],
)
def test_what_a_number_means_follows_from_the_field_or_its_opposite(
    field: str, given_words: dict[str, Verdict], expected: dict[str, Verdict]
) -> None:
    words = make_map({**NEEDED, field: Column("v")}, given_words).words
    assert {word: words[word] for word in expected} == expected


def test_every_verdict_can_be_said() -> None:
    assert set(WORDS.values()) == set(Verdict)


def test_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        '[columns]\nrun_id = "a,b=c"\nduration_s = {column = "d:s", unit = "ms"}\n[verdicts]\nfailed = ["RED", 1]\n'
    )
    columns, words = read_map_file(path)
    assert columns == {"run_id": Column("a,b=c"), "duration_s": Column("d:s", "ms")}
    assert words == {"red": Verdict.FAILED, "1": Verdict.FAILED}


@pytest.mark.parametrize(
    "text",
    ["[columns", "columns = 1", "[columns]\nrun_id = 1", "[columns]\nx = {unit = 's'}", "[verdicts]\nexploded = ['x']"],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_map_file(path)
    assert (caught.value.slug, str(caught.value).count("\n")) == ("table-map", 0)


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"map\.toml"):
        read_map_file(tmp_path / "map.toml")
