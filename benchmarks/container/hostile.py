"""Hypothesis strategies of Dockerfiles that BuildKit reads in ways one does not expect; parser and replay use them."""

from __future__ import annotations

from hypothesis import strategies as st

_WORDS = [
    *("a", "b/c", "./", "/app/", "*.txt", "$A", "${A:-b c}", "${A}", "$", "${", "${A#x}", "é", "\u00a0x", "日本", "ÿ"),
    *(
        "'q r'",
        '"q r"',
        "'open",
        '"open',
        '"\\""',
        "\\ ",
        "\\",
        "`",
        "\\\\",
        "--",
        "--x",
        "-x",
        "#no",
        "a#b",
        "=",
        "k=v",
    ),
    *('k="v w"', "'k l'=m", "k=\\ v", "&&", "|", ";", "<<", "<", "<<<x", "NONE", "CMD", "AS", "x", "${A:-<<E}", "\x85"),
]
_HEREDOC_MARKS = [
    *(
        "<<EOF",
        "<<-EOF",
        "<<'EOF'",
        '<<"EOF"',
        "3<<EOF",
        "<<E'O'F",
        "<<EOF>x",
        "<< EOF",
        "x<<EOF",
        "<<\\EOF",
        "<<'E F'",
    ),
    *("<<''", "<<$A", "<<E;", "12<<-'EOF'", "<<EOF|cat", '"<<EOF"', "<<<EOF", "<<E<F"),
]
_JSON = [
    *('["a", "b"]', "[]", '["a"', '["a", 1]', "['a']", '["\\u00e9\\ud800"]', '["a"] x', "[1e999]", '["a",]', '[ "a" ]'),
    *('["\\n", "\t"]', "[NaN]", "[null]", '[["a"]]', '{"a": 1}', '["a"]\v', '\f["a"]', '["a\\qb"]', "[", "]"),
]
_KEYWORDS = [
    *("FROM", "RUN", "COPY", "ADD", "ENV", "LABEL", "ARG", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK", "ONBUILD"),
    *(
        "EXPOSE",
        "VOLUME",
        "USER",
        "WORKDIR",
        "STOPSIGNAL",
        "MAINTAINER",
        "run",
        "Copy",
        "FOO",
        "",
        "R\\UN",
        "ONBUILD RUN",
    ),
    *("ONBUILD COPY", "ONBUILD ONBUILD RUN", "onbuild add", "RUN\u00a0x", "RU"),
]
_FLAGS = [
    *(
        "--from=a",
        "--mount=type=bind,from=a",
        "--x",
        "--link",
        '--c="d e"',
        "--c='d",
        "--c=\\ d",
        "--é=à",
        "--",
        "--interval=5s",
    ),
    *('""', "''", "--a b", "--=", "---", "--x\\"),
]
_SPACES = [" ", "  ", "\t", " \t", "\v", "\f", "\r", "\u2003"]
_LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\n\n", " \n", "\r\r\n", "\x0b\n"]
_CONTINUATIONS = [
    *(
        "\\\n",
        "\\ \t\n",
        "\\\r\n",
        "\\\n# comment\n",
        "\\\n\n",
        "\\\n   # comment \\\n  \n",
        "\\\\\n",
        "`\n",
        "` \n",
        "\\\n\\\n",
    ),
    *(" \\\n#\n\t", "\\\v\n", "\\\n\\"),
]
_TOPS = [
    *(
        "",
        "",
        "",
        "\ufeff",
        "# escape=`\n",
        "#escape = \\ \n",
        "# syntax=docker/dockerfile:1\n",
        "# ESCAPE=`\n# syntax=x\n",
    ),
    *(
        "\n# escape=`\n",
        "# comment\n# escape=`\n",
        "# escape=x\n",
        "# escape=`\n#escape=`\n",
        "\ufeff# escape=`\n",
        "  # escape=`\n",
    ),
    *("# unknown=1\n# escape=`\n", "#syntax=a\n\n#escape=`\n"),
]


@st.composite
def _logical_lines(draw: st.DrawFn) -> str:
    """Write an instruction, its continuations and what should close its heredocs."""
    pieces = [draw(st.sampled_from(["", "", " ", "\t", "\u00a0", "\x1c"])), draw(st.sampled_from(_KEYWORDS))]
    marks = []
    for _ in range(draw(st.integers(0, 6))):
        gap = draw(st.sampled_from(_SPACES) | st.sampled_from(_CONTINUATIONS))
        kind = draw(st.integers(0, 9))
        pool = _HEREDOC_MARKS if kind == 0 else _FLAGS if kind == 1 else _JSON if kind == 2 else _WORDS
        word = draw(st.sampled_from(pool))
        marks.append(kind == 0)
        pieces += [gap, word]
    pieces.append(draw(st.sampled_from(_LINE_ENDS)))
    if any(marks) or draw(st.integers(0, 12)) == 0:
        pieces.append(draw(_documents(sum(marks))))
    return "".join(pieces)


@st.composite
def _documents(draw: st.DrawFn, count: int) -> str:
    lines = []
    for _ in range(count + draw(st.integers(0, 1))):
        lines += draw(
            st.lists(st.sampled_from(["x", "# y", "\tz", "", " EOF", "EOF x", "RUN q \\", "'", "<<EOF"]), max_size=3)
        )
        lines.append(draw(st.sampled_from(["EOF", "EOF", "EOF", "\tEOF", "EOF\r", "E F", "E;", "EOF>x", "$A", ""])))
    return "\n".join(lines) + draw(st.sampled_from(["\n", "\n", ""]))


_FILLERS = st.sampled_from(["", "\n", "# comment\n", "  # comment\n", "\t\n", "#\n", "\\\n", "# x \\\n", "\r\n", "`\n"])


@st.composite
def hostile_files(draw: st.DrawFn) -> str:
    """Write a file of up to eight instructions."""
    parts = [draw(st.sampled_from(_TOPS))]
    for line in draw(st.lists(_logical_lines(), max_size=8)):
        parts += [draw(_FILLERS), line]
    text = "".join(parts)
    return text.rstrip("\n") if draw(st.integers(0, 5)) == 0 else text
