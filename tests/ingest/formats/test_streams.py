"""Streams from their beginning again, and in UTF-8, however they are read."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.ingest.formats.streams import Rewound, utf8


@given(head=st.binary(max_size=40), rest=st.binary(max_size=40), size=st.integers(1, 50))
@settings(deadline=None)
def test_a_rewound_stream_gives_everything_once(head: bytes, rest: bytes, size: int) -> None:
    stream = Rewound(head, io.BytesIO(rest))
    chunks = list(iter(lambda: stream.read(size), b""))
    assert head + rest == b"".join(chunk or b"" for chunk in chunks)
    assert len(head) + len(rest) == stream.size_bytes


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode(), id="UTF-8"),
        pytest.param(lambda text: codecs.BOM_UTF8 + text.encode(), id="UTF-8 with a mark"),
        pytest.param(lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"), id="UTF-16 LE"),
        pytest.param(lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), id="UTF-16 BE"),
    ],
)
def test_any_encoding_comes_out_as_utf8(encode: Callable[[str], bytes]) -> None:
    text = "één \N{SNOWMAN} \N{ROCKET}\r\nline " * 20_000
    assert text.encode() == utf8(io.BytesIO(encode(text))).read()


def test_utf16_that_breaks_off_is_survived() -> None:
    assert "ab\ufffd".encode() == utf8(io.BytesIO("abc".encode("utf-16")[:-1])).read()
