"""The parser against BuildKit's own, on samples of every form and on generated hostile files."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, reject, settings

from cipredict.dockerfile.parser import Dockerfile, DockerfileError, parse_dockerfile

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "data" / "samples" / "dockerfiles").rglob("Dockerfile.*"))


def _benchmark(name: str) -> ModuleType:
    """Give a script of the benchmarks, which are no package."""
    place = str(ROOT / "benchmarks" / "container")
    sys.path.insert(0, place)
    try:
        return import_module(name)
    finally:
        sys.path.remove(place)


hostile_files = _benchmark("hostile").hostile_files


@pytest.fixture(name="oracle", scope="module")
def _oracle() -> ModuleType:
    pytest.importorskip("dockerfile", reason="BuildKit's parser is not installed (pip install dockerfile)")
    return _benchmark("oracle")


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def parsed(text: str) -> Dockerfile:
    return parse_dockerfile(text)


def test_there_are_samples_of_every_form() -> None:
    assert len(SAMPLES) >= 60


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in SAMPLES])
def test_samples_are_read_as_buildkit_reads_them(path: Path, oracle: ModuleType) -> None:
    text = path.read_bytes().decode("utf-8", "replace")

    assert oracle.our_rows(text) == oracle.buildkit_rows(text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(text=hostile_files())
def test_hostile_files_are_read_as_buildkit_reads_them(text: str, oracle: ModuleType) -> None:
    """The same files every time; benchmarks/container/parser.py draws thousands at random."""
    try:
        expected = oracle.buildkit_rows(text)
    except UnicodeDecodeError:  # BuildKit has cut a character in two, which the wheel cannot show
        reject()
    assert oracle.our_rows(text) == expected


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=hostile_files())
def test_spans_cut_the_text_into_instructions_in_order(text: str) -> None:
    try:
        instructions = parse_dockerfile(text).instructions
    except DockerfileError:
        return
    ends = [0, *(one.end for one in instructions)]
    for end, one in zip(ends, instructions, strict=False):
        assert end <= one.start < one.end <= len(text)
        assert text.count("\n", 0, one.start) == one.start_line - 1
        assert text.count("\n", 0, one.end - 1) == one.end_line - 1


@pytest.mark.parametrize("path", [path for path in SAMPLES if "refused" in path.parts])
def test_refused_samples_name_a_line(path: Path) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile(read(path))

    assert 1 <= caught.value.line <= max(1, read(path).count("\n"))


def test_bytes_that_are_no_utf8_survive() -> None:
    text = b"FROM a\nRUN echo \xe9\n".decode("utf-8", "surrogateescape")

    assert parsed(text).instructions[1].values[0].encode("utf-8", "surrogateescape") == b"echo \xe9"


def test_heredocs_know_quotes_tabs_and_descriptor() -> None:
    run = parsed("FROM a\nRUN 3<<-'E' cat <<F\n\tx\n\tE\ny\nF\n").instructions[1]

    assert [(one.name, one.strips_tabs, one.is_expanded, one.descriptor) for one in run.heredocs] == [
        ("E", True, False, 3),
        ("F", False, True, 0),
    ]
    assert run.heredocs[0].content == "\tx\n"


def test_onbuild_keeps_flags_and_heredocs_of_what_it_holds() -> None:
    trigger = parsed("FROM a\nONBUILD COPY --from=b <<E /x\nt\nE\n").instructions[1]

    assert trigger.sub is not None
    assert (trigger.sub.keyword, trigger.sub.flags) == ("COPY", ("--from=b",))
    assert [one.content for one in trigger.heredocs] == ["t\n"]


def test_later_buildkits_read_a_space_before_the_name_of_a_heredoc() -> None:
    text = "FROM a\nRUN cat << EOF > /x ${y##*/}\nz\nEOF\n"

    assert [one.keyword for one in parse_dockerfile(text).instructions] == ["FROM", "RUN", "Z", "EOF"]
    [_, run] = parse_dockerfile(text, is_modern=True).instructions
    assert run.heredocs[0].content == "z\n"


def test_directives_are_read_at_the_very_top_only() -> None:
    assert parsed("# syntax=x\n# Escape=`\n# check=y\nFROM a").directives == {
        "syntax": "x",
        "escape": "`",
        "check": "y",
    }
    assert parsed("\n# syntax=x\nFROM a").directives == {}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        pytest.param("FROM a\nRUN <<EOF\nx", 2, "'EOF' does not end", id="heredoc"),
        pytest.param("FROM a\n\nENV A", 3, "name and a value", id="env"),
        pytest.param("FROM a\nRUN " + "x" * 70_000, 2, "70,004 bytes", id="long line"),
        pytest.param("# escape=x\nFROM a", 1, "escape character", id="escape"),
        pytest.param("# only\n", 1, "no instruction", id="nothing"),
    ],
)
def test_a_refusal_says_what_and_where(text: str, line: int, part: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile(text)

    assert caught.value.line == line
    assert part in caught.value.message


def test_a_line_of_ten_megabytes_is_refused_at_once() -> None:
    with pytest.raises(DockerfileError, match="bytes long"):
        parse_dockerfile("FROM a\nRUN " + "x" * 10_000_000)
