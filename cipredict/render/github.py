"""What GitHub Actions reads: lines for `$GITHUB_OUTPUT` and Markdown for `$GITHUB_STEP_SUMMARY`, within its limits.

Pure text. GitHub drops a whole summary above 1 MiB, and refuses outputs above 1 MB per job, counted as UTF-16.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

MAX_OUTPUT_BYTES = 1_000_000
MAX_SUMMARY_BYTES = 1 << 20
MAX_COMMENT_BYTES = 65_000
"""GitHub takes 65,536 characters, and a character has at least a byte."""
_KEPT_FREE_BYTES = 16_384
"""For what else the job puts out, and for what other commands of the step append to the summary."""


def render_outputs(values: Mapping[str, str]) -> str:
    """Give the lines that set these outputs: `key=value`, and the heredoc form where a value has several lines.

    The delimiter is a digest of the value, so that no value can hold the line that ends it and go on with outputs
    of its own making.
    """
    return "".join(_output(key, value) for key, value in values.items())


def _output(key: str, value: str) -> str:
    if value.splitlines() in ([], [value]):
        return f"{key}={value}\n"
    delimiter = f"ends_{hashlib.sha256(value.encode()).hexdigest()}"
    return f"{key}<<{delimiter}\n{value}\n{delimiter}\n"


def fits_output(value: str) -> bool:
    """Tell whether GitHub takes a value as an output."""
    return len(value.encode("utf-16-le")) <= MAX_OUTPUT_BYTES - _KEPT_FREE_BYTES


def clip_summary(markdown: str, *, max_bytes: int = MAX_SUMMARY_BYTES - _KEPT_FREE_BYTES, see: str = "the plan") -> str:
    r"""Cut Markdown between lines so that GitHub takes it, and say how many lines are missing.

    >>> print(clip_summary("one\ntwo\nthree\n", max_bytes=9), end="")
    one
    two
    <BLANKLINE>
    _1 more lines: see the plan._
    """
    lines = markdown.splitlines(keepends=True)
    kept, size = 0, 0
    for line in lines:
        size += len(line.encode())
        if size > max_bytes:
            break
        kept += 1
    if kept == len(lines):
        return markdown
    return "".join(lines[:kept]) + f"\n_{len(lines) - kept} more lines: see {see}._\n"


def code(text: str) -> str:
    """Give text as code that stays within its cell of a Markdown table, whatever it holds.

    >>> code("test_a[x|`y`]")
    '<code>test_a[x&#124;&#96;y&#96;]</code>'
    """
    one_line = " ".join(text.split())
    from html import escape  # noqa: PLC0415  # 1 ms, and only a summary needs it

    return f"<code>{escape(one_line).replace('|', '&#124;').replace('`', '&#96;')}</code>"
