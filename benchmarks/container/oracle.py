"""BuildKit's own parser, through the wheel `dockerfile`, beside ours: both as rows that can be compared."""

from __future__ import annotations

import dockerfile

from cipredict.dockerfile.parser import DockerfileError, Instruction, parse_dockerfile

Row = tuple[object, ...]
Rows = list[Row] | None
"""None where the file is refused."""


def buildkit_rows(text: str) -> Rows:
    """Give what BuildKit reads. The wheel shows the sub-command of ONBUILD without its flags and heredocs."""
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError:
        return None
    return [
        (
            (command.cmd or "").upper() if (command.cmd or "").isascii() else command.cmd,
            (command.sub_cmd or "").upper() if (command.sub_cmd or "").isascii() else command.sub_cmd,
            *(command.json, command.original or "", command.start_line, command.end_line, command.flags, command.value),
            tuple((one.name, one.file_descriptor, one.content) for one in command.heredocs),
        )
        for command in commands
    ]


def our_rows(text: str) -> Rows:
    """Give what we read, in the same shape."""
    try:
        return [_row(one) for one in parse_dockerfile(text).instructions]
    except DockerfileError:
        return None


def _row(one: Instruction) -> Row:
    written = one.text + ("\n" if one.heredocs else "")
    written += "".join(f"{heredoc.content}{heredoc.name}\n" for heredoc in one.heredocs)
    heredocs = tuple((heredoc.name, heredoc.descriptor, heredoc.content) for heredoc in one.heredocs)
    if one.sub is None:
        where = (one.start_line, one.end_line, one.flags, one.values)
        return (one.keyword, "", one.is_json, written, *where, heredocs)
    values = ("",) if one.sub.sub else one.sub.values
    where = (one.start_line, one.end_line, one.flags, values)
    return (one.keyword, one.sub.keyword, one.sub.is_json, one.text, *where, ())
