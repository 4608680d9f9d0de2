"""Files to damage, and ways to damage them; every input follows from a seed and its number."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDERS = (REPOSITORY.parent / "shared" / "data" / "formats", Path("/work/shared/data/formats"))
LARGEST_BYTES = 30_000
Corpus = list[tuple[str, bytes]]

TAG = re.compile(rb"<[^<>]{1,300}>")
ATTRIBUTE = re.compile(rb'[\w:.-]{1,40}="[^"<]{0,200}"')
NUMBER = re.compile(rb"\d+(?:\.\d+)?")
EXTREMES = (
    *(
        b"0",
        b"-1",
        b"1e999",
        b"-1e-999",
        b"nan",
        b"inf",
        b"9" * 400,
        b"1,234,567.8",
        b"0x10",
        b"1_0",
        b"18446744073709551616",
    ),
    *(b"9999-99-99T99:99:99", b"0001-01-01T00:00:00+23:59", b"\xef\xbc\x91", b"", b" ", b"\0"),
)
FRAGMENTS = (
    b"<!DOCTYPE t [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
    b"<!DOCTYPE t SYSTEM 'file:///etc/passwd'>",
    b"&b;&b;&b;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"<testcase name='x'>" * 50,
    b"<a>" * 2_000,
    b"<testsuite>" * 200,
    b"</testsuite>" * 5,
)


def load_corpus() -> Corpus:
    """Give (kind, content) of the real files where they are, else of our samples, and archives made of them."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), REPOSITORY / "data" / "samples")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= 10 * LARGEST_BYTES]
    contents = [(path, path.read_bytes()) for path in files]
    coverage = [("coverage", data[: 10 * LARGEST_BYTES]) for path, data in contents if "coverage" in path.parts[-2:][0]]
    reports = [("report", data[:LARGEST_BYTES]) for path, data in contents if "coverage" not in path.parts[-2:][0]]
    members = [data[:2_000] for _, data in reports[::12]]
    return reports + coverage + [("archive", archive) for archive in _archives(members)]


def _archives(members: list[bytes]) -> list[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(members[:6]):
            archive.writestr(f"../{number}.xml", content)
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.zip", packed.getvalue())
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        link = tarfile.TarInfo("link.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for number, content in enumerate(members[:6]):
            member = tarfile.TarInfo(f"../../{number}.xml")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    plain = tar.getvalue()
    return [packed.getvalue(), nested.getvalue(), gzip.compress(plain), lzma.compress(plain), plain]


def make_input(corpus: Corpus, seed: int, number: int) -> tuple[str, bytes]:
    """Give the input of a number: a file of the corpus, damaged one to six times."""
    chosen = random.Random(seed * 1_000_003 + number)  # noqa: S311  # repeatable, not secret
    kind, content = corpus[chosen.randrange(len(corpus))]
    data = bytearray(content)
    for _ in range(chosen.randint(1, 6)):
        mutation = MUTATIONS[chosen.randrange(len(MUTATIONS))]
        data = mutation(data, chosen, corpus)[: 4 * LARGEST_BYTES + 100_000]
    return kind, bytes(data)


def flip_bytes(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    for _ in range(chosen.randint(1, 20)):
        if data:
            data[chosen.randrange(len(data))] = chosen.randrange(256)
    return data


def truncate(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    return data[: chosen.randint(0, len(data))]


def cut_out(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    begin = chosen.randint(0, len(data))
    del data[begin : begin + chosen.randint(1, 200)]
    return data


def splice(data: bytearray, chosen: random.Random, corpus: Corpus) -> bytearray:
    other = corpus[chosen.randrange(len(corpus))][1]
    return data[: chosen.randint(0, len(data))] + other[chosen.randint(0, len(other)) :]


def duplicate_tag(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    tag = _pick(TAG, data, chosen)
    if tag:
        data[tag.end() : tag.end()] = tag.group() * chosen.choice([1, 2, 50])
    return data


def swap_attributes(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    first, second = _pick(ATTRIBUTE, data, chosen), _pick(ATTRIBUTE, data, chosen)
    if first and second:
        data[first.start() : first.end()] = second.group()
    return data


def extreme_number(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    found = _pick(NUMBER, data, chosen)
    if found:
        data[found.start() : found.end()] = chosen.choice(EXTREMES)
    return data


def insert_fragment(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    place = chosen.choice([0, chosen.randint(0, len(data))])
    data[place:place] = chosen.choice(FRAGMENTS)
    return data


def change_encoding(data: bytearray, chosen: random.Random, _: Corpus) -> bytearray:
    encoding = chosen.choice(["utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "utf-8-sig"])
    return bytearray(data.decode("utf-8", "replace").encode(encoding, "replace"))


def _pick(pattern: re.Pattern[bytes], data: bytearray, chosen: random.Random) -> re.Match[bytes] | None:
    return pattern.search(bytes(data), chosen.randint(0, len(data)))


Mutation = Callable[[bytearray, random.Random, Corpus], bytearray]
MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bytes, truncate, cut_out, splice, duplicate_tag),
    *(swap_attributes, extreme_number, insert_fragment, change_encoding),
)
