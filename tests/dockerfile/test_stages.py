"""Stages: references by name and number, scopes of arguments, what a target needs, and what is missing."""

from __future__ import annotations

import pytest

from cipredict.dockerfile.parser import DockerfileError, parse_dockerfile
from cipredict.dockerfile.stages import Stages, read_stages


def stages_of(text: str, **more: object) -> Stages:
    return read_stages(parse_dockerfile(text), **more)  # type: ignore[arg-type]  # passed through


def test_names_ignore_case_and_numbers_count_from_zero() -> None:
    stages = stages_of("FROM a/a AS Build\nFROM b/b\nCOPY --from=BUILD /x /x\nFROM c/c\nCOPY --from=1 /y /y\n")

    assert [stage.needs for stage in stages.stages] == [(), (0,), (1,)]


def test_a_stage_may_be_built_from_another_and_mount_a_third() -> None:
    text = "FROM a/a AS one\nFROM b/b AS two\nFROM one\nRUN --mount=type=bind,from=two,target=/t x\n"

    assert stages_of(text).stages[2].needs == (0, 1)
    assert stages_of(text).stages[2].base == ""


def test_images_and_named_contexts_are_no_stages() -> None:
    text = "FROM a/a\nCOPY --from=nginx /x /x\nCOPY --from=reg.org/i:1 /y /y\nCOPY --from=src /z /z\n"

    assert stages_of(text, contexts=["src"]).stages[0].needs == ()


def test_only_what_the_target_needs_is_built_and_in_order() -> None:
    text = "FROM a/a AS one\nFROM a/a AS unused\nFROM a/a AS two\nCOPY --from=one /x /x\nFROM two AS three\nRUN y\n"
    stages = stages_of(text)

    assert [stage.name for stage in stages.order(stages.stages[-1])] == ["one", "two", "three"]


def test_arguments_before_the_first_from_are_put_into_from_only() -> None:
    stages = stages_of("ARG V=3\nARG I=alpine:$V\nFROM $I AS x\nFROM ${W:-b}/c\n", build_args={"V": "4"})

    assert [stage.base for stage in stages.stages] == ["alpine:4", "b/c"]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        pytest.param("FROM a AS build\nFROM b\nCOPY --from=biuld /x /x\n", 3, "Did you mean 'build'", id="typo"),
        pytest.param("FROM b\n\nCOPY --from=nowhere /x /x\n", 3, "build-context", id="missing"),
        pytest.param("FROM a\nCOPY --from=0 /x /x\n", 2, "count from 0", id="itself"),
        pytest.param("FROM a\nRUN --mount=from=7,target=/x y\n", 2, "count from 0", id="number"),
        pytest.param("RUN x\nFROM a\n", 1, "base image", id="begins with RUN"),
        pytest.param("lorem ipsum\nthis is text\n", 1, "Give a Dockerfile", id="text"),
        pytest.param("FROM a\nRUNN x\n", 2, "Did you mean RUN", id="misspelt"),
        pytest.param("ARG A\n", 1, "base image", id="no FROM"),
        pytest.param("FROM a b\n", 1, "", id="two images"),
    ],
)
def test_what_is_no_dockerfile_says_where_and_what_to_do(text: str, line: int, part: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        stages_of(text)

    assert caught.value.line == line
    assert part in f"{caught.value.message}. {caught.value.remedy}"
