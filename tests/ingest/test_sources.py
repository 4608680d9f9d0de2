"""PATH arguments: what they open, in which order, and what damage costs."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest import limits, sources
from cipredict.ingest.interface import Report
from cipredict.ingest.paths import missing_paths
from cipredict.ingest.sources import REPORT_SUFFIXES, Source, open_sources
from cipredict.records import ReportStatus

XML = b"<testsuites/>"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(*paths: str, stdin: bytes = b"") -> dict[str, bytes | str]:
    """Give the bytes of every source, and the problem of every report."""
    found: dict[str, bytes | str] = {}
    for item in open_sources(paths, standard_input=io.BytesIO(stdin)):
        if isinstance(item, Source):
            found[item.name] = item.stream.read()
        else:
            assert isinstance(item, Report)
            assert item.status is ReportStatus.INVALID
            found[item.source] = item.problems[0]
    return found


def write(path: str, content: bytes = XML) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


def write_tar(path: str, members: dict[str, bytes]) -> None:
    compress = lzma.compress if path.endswith(".xz") else gzip.compress
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    Path(path).write_bytes(compress(plain.getvalue()))


def test_a_folder_gives_its_reports_sorted() -> None:
    write("reports/b.xml")
    write("reports/a/z.XML")
    write("reports/c.xml.gz", gzip.compress(XML))
    write("reports/notes.txt", b"no")
    assert {"reports/a/z.XML": XML, "reports/b.xml": XML, "reports/c.xml.gz": XML} == opened("reports")


def test_a_file_is_opened_whatever_its_name_and_once() -> None:
    write("report")
    write("out/report.xml")
    assert {"report": XML, "out/report.xml": XML} == opened("report", "out", "out/report.xml", "out/*.xml")


def test_a_glob_reaches_into_folders() -> None:
    write("a/b/report.xml")
    assert {"a/b/report.xml": XML} == opened("**/report.xml")


@pytest.mark.parametrize("content", [XML, gzip.compress(XML)], ids=["plain", "gzip"])
def test_standard_input_is_plain_or_gzipped(content: bytes) -> None:
    assert {"-": XML} == opened("-", stdin=content)


def test_zip_members_are_read_in_place() -> None:
    with zipfile.ZipFile("artifact.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/report.xml", XML)
        archive.writestr("x/report.xml.gz", gzip.compress(XML))
        archive.writestr("../../evil.xml", XML)
        archive.writestr("log.txt", b"no")
    expected = {f"artifact.zip!{name}": XML for name in ("x/report.xml", "x/report.xml.gz", "../../evil.xml")}
    assert expected == opened("artifact.zip")
    assert [Path("artifact.zip")] == list(Path().iterdir())


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.xz"])
def test_tar_members_are_read_front_to_back(suffix: str) -> None:
    write_tar(f"junit.{suffix}", {"./1.xml": XML, "notes": b"no", "2.xml": b"<a/>"})
    assert {f"junit.{suffix}!1.xml": XML, f"junit.{suffix}!2.xml": b"<a/>"} == opened(f"junit.{suffix}")


def test_damaged_archives_are_reported_and_the_rest_is_read() -> None:
    write_tar("good.tar.gz", {"1.xml": os.urandom(50_000), "2.xml": os.urandom(50_000)})
    write("cut.tar.gz", Path("good.tar.gz").read_bytes()[:70_000])
    write("not.zip", b"PK no")
    write("not.tar.xz", b"no")
    write("last.xml")
    names = []
    for item in open_sources(["cut.tar.gz", "not.zip", "not.tar.xz", "last.xml"], standard_input=io.BytesIO()):
        names.append(item.source if isinstance(item, Report) else item.name)
    assert ["cut.tar.gz!1.xml", "cut.tar.gz", "not.zip", "not.tar.xz", "last.xml"] == [
        name for name in names if name != "cut.tar.gz!2.xml"
    ]


def test_an_encrypted_member_does_not_hide_the_others() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("secret.xml", XML)
        archive.writestr("plain.xml", XML)
    content = bytearray(Path("a.zip").read_bytes())
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):  # set the flag in both headers of the first member
        content[content.index(mark) + offset] |= 1
    write("a.zip", bytes(content))
    found = opened("a.zip")
    assert XML == found["a.zip!plain.xml"]
    assert "encrypted" in str(found["a.zip!secret.xml"])


def test_an_archive_without_reports_says_so() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("log.txt", b"no")
    write_tar("b.tar.gz", {"log.txt": b"no"})
    assert {"a.zip": "holds no *.xml file", "b.tar.gz": "holds no *.xml file"} == opened("a.zip", "b.tar.gz")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("nothing.xml", "nothing.xml does not exist", id="file"),
        pytest.param("*.xml", "*.xml matches nothing", id="glob"),
        pytest.param("empty", "empty holds no *.xml file", id="folder"),
    ],
)
def test_a_path_that_gives_nothing_never_sinks_the_others(path: str, words: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(InputError) as caught:
        opened(path)
    assert (words, 2) == (caught.value.message.removesuffix("."), caught.value.exit_code)
    write("good.txt")
    assert [path, "good.txt"] == list(found := opened(path, "good.txt"))
    assert (words, XML) == (f"{path} {found[path]!r}".replace("'", ""), found["good.txt"])


def test_only_a_path_that_was_named_is_missing() -> None:
    write("good.txt")
    found = open_sources(["gone.xml", "*.trx", "good.txt"], standard_input=io.BytesIO())
    assert ["gone.xml"] == missing_paths(item for item in found if isinstance(item, Report))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_reported() -> None:
    write("report.xml")
    Path("report.xml").chmod(0)
    assert "Permission denied" in str(opened("report.xml")["report.xml"])


def test_other_formats_are_found_where_they_are_asked_for() -> None:
    names = ["a.xml", "b.json", "c.jsonl", "d.trx", "e.ndjson", "f.json.gz", "g.txt"]
    for name in names:
        write(f"reports/{name}", gzip.compress(XML) if name.endswith(".gz") else XML)
    with zipfile.ZipFile("reports.zip", "w") as archive:
        for name in names:
            archive.write(f"reports/{name}", name)
    write_tar("reports.tar.gz", dict.fromkeys(names, XML))
    for path, prefix in (
        ("reports", "reports/"),
        ("reports.zip", "reports.zip!"),
        ("reports.tar.gz", "reports.tar.gz!"),
    ):
        assert [f"{prefix}a.xml"] == [found_name(item) for item in open_sources([path], standard_input=io.BytesIO())]
        found = open_sources([path], standard_input=io.BytesIO(), suffixes=REPORT_SUFFIXES)
        assert [f"{prefix}{name}" for name in names[:-1]] == [found_name(item) for item in found]


def found_name(item: Source | Report) -> str:
    assert isinstance(item, Source)
    return item.name


def test_links_and_devices_in_a_tar_are_refused_and_the_rest_is_read() -> None:
    Path("secret.xml").write_bytes(b"SECRET")
    with tarfile.open("a.tar", "w") as archive:
        for name, kind in (
            ("symlink.xml", tarfile.SYMTYPE),
            ("hardlink.xml", tarfile.LNKTYPE),
            ("device.xml", tarfile.CHRTYPE),
            ("pipe.xml", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "secret.xml"
            archive.addfile(member)
        member = tarfile.TarInfo("plain.xml")
        member.size = len(XML)
        archive.addfile(member, io.BytesIO(XML))
    assert {
        "a.tar!symlink.xml": "is a link: not followed",
        "a.tar!hardlink.xml": "is a link: not followed",
        "a.tar!device.xml": "is no plain file: not opened",
        "a.tar!pipe.xml": "is no plain file: not opened",
        "a.tar!plain.xml": XML,
    } == opened("a.tar")


def test_a_link_in_a_zip_is_refused() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert {"a.zip!link.xml": "is a link: not followed"} == opened("a.zip")


@pytest.mark.parametrize(
    "name", ["/etc/evil.xml", "../../evil.xml", "C:\\evil.xml", "a\nb.xml", "x/" * 200 + "evil.xml"]
)
def test_a_name_in_an_archive_is_a_label_and_never_a_path(name: str) -> None:
    write_tar("a.tar.gz", {name: XML})
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert {f"a.tar.gz!{name}": XML} == opened("a.tar.gz")
    assert before == {path: path.stat().st_mtime_ns for path in Path().rglob("*")}


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_an_archive_in_an_archive_is_read_but_no_deeper() -> None:
    inner = zipped({"deep.zip": zipped({"deepest.xml": XML}), "r.xml": XML})
    write("a.zip", zipped({"inner.zip": inner, "last.xml": XML}))
    assert {
        "a.zip!inner.zip!r.xml": XML,
        "a.zip!inner.zip!deep.zip": "an archive in an archive in an archive: not opened",
        "a.zip!last.xml": XML,
    } == opened("a.zip")


def test_a_broken_archive_in_an_archive_does_not_hide_the_others() -> None:
    write("a.zip", zipped({"inner.tar.gz": b"no", "last.xml": XML}))
    found = opened("a.zip")
    assert XML == found["a.zip!last.xml"]
    assert "damaged archive" in str(found["a.zip!inner.tar.gz"])


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "xml.gz", "nested.zip"])
def test_a_bomb_is_refused_before_it_fills_anything(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 1024**2)
    monkeypatch.setattr(limits, "MAX_RATIO", 10)
    zeros = bytes(8 * 1024**2)
    if kind == "zip":
        write("bomb.zip", zipped({"bomb.xml": zeros}))
    elif kind == "nested.zip":
        write("bomb.nested.zip", zipped({"inner.zip": zipped({"bomb.xml": zeros})}))
    elif kind == "xml.gz":
        write("bomb.xml.gz", gzip.compress(zeros))
    else:
        write_tar(f"bomb.{kind}", {"not-even-a-report.bin": zeros})
    given = 0
    refusals = []
    for item in open_sources([f"bomb.{kind}"], standard_input=io.BytesIO()):
        if isinstance(item, Report):
            refusals.append(item.problems[0])
            continue
        try:
            while data := item.stream.read(65536):
                given += len(data)
        except limits.LimitMet as error:
            refusals.append(str(error))
    assert given <= 1024**2
    assert any("more than 10 times its size" in refusal for refusal in refusals)


def test_a_report_may_be_as_large_as_the_user_says() -> None:
    write("big.xml", bytes(2_000_000))
    for most, is_fine in ((2_000_000, True), (1_999_999, False)):
        for item in open_sources(["big.xml"], standard_input=io.BytesIO(), max_report_bytes=most):
            assert isinstance(item, Source)
            with nullcontext() if is_fine else pytest.raises(limits.LimitMet, match="larger than"):
                while item.stream.read(65536):
                    pass


def test_an_archive_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBERS", 3)
    write("a.zip", zipped({f"{number}.xml": XML for number in range(5)}))
    found = opened("a.zip")
    assert "refused: holds more than 3 members" == found.pop("a.zip")
    assert 3 == len(found)


def test_an_archive_in_an_archive_is_held_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_NESTED_BYTES", 1000)
    write("a.zip", zipped({"inner.zip": os.urandom(2000), "last.xml": XML}))
    found = opened("a.zip")
    assert "larger than" in str(found["a.zip!inner.zip"])
    assert XML == found["a.zip!last.xml"]


def test_a_member_name_in_a_false_encoding_costs_the_archive_only() -> None:
    content = zipped({"caf\u00e9.xml": XML})  # flagged as UTF-8
    write("a.zip", content.replace("\u00e9".encode(), b"\x92\x92"))
    write("last.xml")
    found = opened("a.zip", "last.xml")
    assert "damaged archive" in str(found["a.zip"])
    assert XML == found["last.xml"]


def test_names_that_are_no_text_are_spelled_out() -> None:
    write_tar("a.tar.gz", {os.fsdecode(b"caf\xe9.xml"): XML})
    Path(os.fsdecode(b"\xff.xml")).write_bytes(XML)
    assert {"a.tar.gz!caf\\udce9.xml": XML, "\\udcff.xml": XML} == opened("a.tar.gz", "*.xml")
