"""Text that GitHub reads: nothing can break out of its line, cell or limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.render.github import MAX_OUTPUT_BYTES, MAX_SUMMARY_BYTES, clip_summary, code, fits_output, render_outputs


def read_outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does: `key=value` or `key<<delimiter`, line by line."""
    lines, values, at = text.split("\n"), {}, 0
    assert lines.pop() == ""
    while at < len(lines):
        key, heredoc, delimiter = lines[at].partition("<<")
        if heredoc and "=" not in key:
            end = lines.index(delimiter, at + 1)
            values[key] = "\n".join(lines[at + 1 : end])
            at = end + 1
        else:
            key, _, values[key] = lines[at].partition("=")
            at += 1
    return values


@given(
    values=st.dictionaries(st.sampled_from(["a", "b", "fallback_reason"]), st.text().filter(lambda t: "\r" not in t))
)
def test_what_is_put_out_is_what_arrives(values: dict[str, str]) -> None:
    assert values == read_outputs(render_outputs(values))


def test_a_value_of_one_line_needs_no_delimiter() -> None:
    assert render_outputs({"count": "3", "reason": ""}) == "count=3\nreason=\n"


def test_a_value_cannot_end_its_own_heredoc() -> None:
    first = render_outputs({"reason": "one\ntwo"})
    delimiter = first.splitlines()[0].removeprefix("reason<<")
    attack = f"one\n{delimiter}\nhas_tests=false"
    assert read_outputs(render_outputs({"reason": attack})) == {"reason": attack}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("a" * 450_000, True, id="900 kB as UTF-16"),
        pytest.param("a" * (MAX_OUTPUT_BYTES // 2), False, id="1 MB as UTF-16"),
        pytest.param("𝄞" * (MAX_OUTPUT_BYTES // 4), False, id="four bytes each"),
    ],
)
def test_an_output_is_measured_as_github_does(text: str, *, fits: bool) -> None:
    assert fits == fits_output(text)


def test_a_summary_below_the_limit_is_left_alone() -> None:
    assert clip_summary("a\nb\n") == "a\nb\n"


@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])), max_size=30))
def test_a_clipped_summary_keeps_whole_lines_and_counts_the_others(lines: list[str]) -> None:
    markdown = "".join(f"{line}\n" for line in lines)
    clipped = clip_summary(markdown, max_bytes=100)
    if clipped != markdown:
        kept, _, notice = clipped.rpartition("\n_")
        assert markdown.startswith(kept)
        assert len(kept.encode()) <= 100
        assert notice == f"{len(lines) - kept.count(chr(10))} more lines: see the plan._\n"


def test_a_huge_summary_is_taken_by_github() -> None:
    assert len(clip_summary("ä" * 98 + "\n" * 50_000).encode()) < MAX_SUMMARY_BYTES
    assert len(clip_summary(("ä" * 98 + "\n") * 50_000).encode()) < MAX_SUMMARY_BYTES


@given(text=st.text())
def test_code_stays_in_its_cell(text: str) -> None:
    cell = code(text)
    inner = cell.removeprefix("<code>").removesuffix("</code>")
    assert not set(inner) & set("|`<>\n\r")
