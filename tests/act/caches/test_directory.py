"""A folder as a cache: what is restored is what was saved, or nothing, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cipredict.act.caches.archive import Unsafe, pack, unpack
from cipredict.act.caches.compression import GZIP, ZSTD, best_compression, compressing
from cipredict.act.caches.directory import DirectoryCache, Saved, version_of
from cipredict.cache_records import CacheEntry, CacheOutcome

KEY = "deps-5d41402abc4b"


def everything_fits(_entries: Sequence[CacheEntry], _size_bytes: int) -> list[CacheEntry]:
    return []


@pytest.fixture
def cache(tmp_path: Path) -> DirectoryCache:
    return DirectoryCache(tmp_path / "cache")


@pytest.fixture
def deps(tmp_path: Path) -> Path:
    """A folder as package managers make them: nested, executable, read-only, linked."""
    folder = tmp_path / "work" / "deps"
    (folder / "lib" / "empty").mkdir(parents=True)
    (folder / "lib" / "a.py").write_text("print('ä')\n", encoding="utf-8")
    (folder / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("lib/a.py")
    (folder / "lib" / "up").symlink_to("../run")
    os.utime(folder / "run", (1_700_000_000, 1_700_000_000))
    return folder


def save(cache: DirectoryCache, key: str, *paths: Path) -> Saved:
    return cache.save(key, [str(path) for path in paths], room=everything_fits)


def contents(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


def test_what_is_restored_is_what_was_saved(cache: DirectoryCache, deps: Path) -> None:
    before = contents(deps)
    saved = save(cache, KEY, deps)
    (deps / "lib" / "a.py").write_text("changed", encoding="utf-8")
    (deps / "new").touch()

    restored = cache.restore(KEY, [], [str(deps)])

    assert (CacheOutcome.EXACT, KEY, saved.size_bytes) == (restored.outcome, restored.matched_key, restored.size_bytes)
    assert before == contents(deps)
    assert 1_700_000_000 == (deps / "run").stat().st_mtime
    assert [] == list(deps.parent.glob(".cipredict*"))


def test_several_paths_and_single_files_come_back(cache: DirectoryCache, deps: Path, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "lock"
    file.parent.mkdir()
    file.write_text("1", encoding="utf-8")
    paths = [str(deps), str(file), str(tmp_path / "never there")]
    cache.save(KEY, paths, room=everything_fits)
    file.unlink()

    assert CacheOutcome.EXACT is cache.restore(KEY, [], paths).outcome
    assert "1" == file.read_text(encoding="utf-8")
    assert not (tmp_path / "never there").exists()


def test_restore_keys_take_the_newest_of_the_first_that_finds_one(cache: DirectoryCache, deps: Path) -> None:
    for key in ("linux-b-1", "linux-a-1", "linux-a-2", "mac-1"):
        (deps / "which").write_text(key, encoding="utf-8")
        save(cache, key, deps)

    found = cache.restore("linux-a-3", ["linux-a-", "linux-"], [str(deps)])

    assert (CacheOutcome.PREFIX, "linux-a-2") == (found.outcome, found.matched_key)
    assert "linux-a-2" == (deps / "which").read_text(encoding="utf-8")
    assert "linux-a-1" == cache.restore("linux-a-1", ["linux-"], [str(deps)]).matched_key
    assert "linux-a-2" == cache.restore("linux-a", [], [str(deps)]).matched_key
    assert CacheOutcome.MISS is cache.restore("windows", ["win"], [str(deps)]).outcome


def test_another_list_of_paths_never_matches(cache: DirectoryCache, deps: Path) -> None:
    save(cache, KEY, deps)

    assert CacheOutcome.MISS is cache.restore(KEY, [], [str(deps / "lib")]).outcome
    assert version_of(["a"], GZIP) != version_of(["a"], ZSTD)


def test_an_entry_never_changes(cache: DirectoryCache, deps: Path) -> None:
    before = contents(deps)
    save(cache, KEY, deps)
    (deps / "new").touch()

    assert "the key is there already" == save(cache, KEY, deps).reason
    cache.restore(KEY, [], [str(deps)])
    assert before == contents(deps)


def test_equal_contents_share_an_archive_until_the_last_key_goes(cache: DirectoryCache, deps: Path) -> None:
    save(cache, "one", deps)
    save(cache, "two", deps)
    blobs = cache._folder / "blobs"
    assert 1 == len(list(blobs.iterdir()))

    one, two = sorted(cache.entries(), key=lambda entry: entry.key)
    cache.delete([one])
    assert CacheOutcome.EXACT is cache.restore("two", [], [str(deps)]).outcome
    cache.delete([two])
    assert [] == list(blobs.iterdir())


def test_room_is_made_before_the_entry_is_there(cache: DirectoryCache, deps: Path) -> None:
    save(cache, "old", deps)
    (deps / "new").touch()
    saved = cache.save("new", [str(deps)], room=lambda entries, _: [entry for entry in entries if entry.key == "old"])

    assert ["old"] == [entry.key for entry in saved.evicted]
    assert ["new"] == [entry.key for entry in cache.entries()]


def test_what_does_not_fit_is_not_saved(cache: DirectoryCache, deps: Path) -> None:
    assert "it does not fit" == cache.save(KEY, [str(deps)], room=lambda _entries, _size: None).reason
    assert [] == cache.entries()
    assert [] == list((cache._folder / "staging").iterdir())


def test_nothing_at_the_paths_is_not_saved(cache: DirectoryCache, tmp_path: Path) -> None:
    assert "nothing is at its paths" == save(cache, KEY, tmp_path / "nowhere").reason


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(flip, id="a flipped bit"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.unlink(), id="gone"),
    ],
)
def test_a_damaged_archive_is_a_miss_and_makes_place(
    harm: Callable[[Path], object], cache: DirectoryCache, deps: Path
) -> None:
    save(cache, KEY, deps)
    [blob] = (cache._folder / "blobs").iterdir()
    harm(blob)
    (deps / "mine").touch()
    before = contents(deps)

    restored = cache.restore(KEY, [], [str(deps)])

    assert CacheOutcome.MISS is restored.outcome
    assert f"{KEY}: its archive is " in restored.complaints[0]
    assert before == contents(deps)
    assert "" == save(cache, KEY, deps).reason


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}'], ids=["empty", "cut", "list", "short"])
def test_a_damaged_entry_is_none(text: str, cache: DirectoryCache, deps: Path) -> None:
    save(cache, KEY, deps)
    [manifest] = (cache._folder / "entries").iterdir()
    manifest.write_text(text, encoding="utf-8")

    assert CacheOutcome.MISS is cache.restore(KEY, [], [str(deps)]).outcome
    assert "" == save(cache, KEY, deps).reason
    assert CacheOutcome.EXACT is cache.restore(KEY, [], [str(deps)]).outcome


def forge(cache: DirectoryCache, deps: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Put an archive with a right checksum under the key, as somebody with access to the folder could."""
    save(cache, KEY, deps)
    plain, packed = io.BytesIO(), cache._folder / "forged"
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    with packed.open("wb") as file, compressing(file, best_compression()) as stream:
        stream.write(plain.getvalue())
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    packed.rename(cache._folder / "blobs" / digest)
    [manifest] = (cache._folder / "entries").iterdir()
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), "sha256": digest}), encoding="utf-8")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o644
    return info


ATTACKS = {
    "parent": [member("0/../../evil")],
    "absolute": [member("/tmp/evil")],  # noqa: S108  # never written
    "no path of ours": [member("7/evil")],
    "no number": [member("evil")],
    "link out": [member("0", tarfile.DIRTYPE), member("0/out", tarfile.SYMTYPE, "../../outside")],
    "absolute link": [member("0", tarfile.DIRTYPE), member("0/out", tarfile.SYMTYPE, "/etc")],
    "through a link": [
        member("0", tarfile.DIRTYPE),
        member("0/in", tarfile.DIRTYPE),
        member("0/link", tarfile.SYMTYPE, "in"),
        member("0/link/evil"),
    ],
    "hard link": [member("0", tarfile.DIRTYPE), member("0/hard", tarfile.LNKTYPE, "/etc/passwd")],
    "device": [member("0", tarfile.CHRTYPE)],
    "pipe": [member("0", tarfile.FIFOTYPE)],
    "twice": [member("0"), member("0")],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_archive_is_refused_whole(name: str, cache: DirectoryCache, deps: Path, tmp_path: Path) -> None:
    harmless = [member("0", tarfile.DIRTYPE), member("0/first")] if name in {"parent", "absolute"} else []
    forge(cache, deps, [(info, b"evil" if info.isreg() else b"") for info in [*harmless, *ATTACKS[name]]])
    before, around = contents(deps), {path.name for path in tmp_path.iterdir()}

    restored = cache.restore(KEY, [], [str(deps)])

    assert CacheOutcome.MISS is restored.outcome
    assert "is refused" in restored.complaints[0]
    assert before == contents(deps)
    assert around == {path.name for path in tmp_path.iterdir()}
    assert [] == cache.entries()


@pytest.mark.parametrize("target", ["/usr/bin/env", "../../outside"])
def test_a_link_out_of_what_is_cached_is_not_saved(target: str, cache: DirectoryCache, deps: Path) -> None:
    (deps / "out").symlink_to(target)

    with pytest.raises(Unsafe, match=r"out links to .*, outside of what is cached"):
        save(cache, KEY, deps)
    assert [] == cache.entries()


def test_a_place_that_cannot_be_written_is_said_and_left_as_it_was(cache: DirectoryCache, deps: Path) -> None:
    save(cache, KEY, deps)
    blocked = deps.parent / "file"
    blocked.write_text("mine", encoding="utf-8")
    inside = blocked / "deps"

    [manifest] = (cache._folder / "entries").iterdir()
    about = json.loads(manifest.read_bytes())
    about["version"] = version_of([str(inside)], about["compression"])
    manifest.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(OSError, match="file"):
        cache.restore(KEY, [], [str(inside)])
    assert "mine" == blocked.read_text(encoding="utf-8")


def test_read_only_folders_are_replaced(cache: DirectoryCache, deps: Path) -> None:
    (deps / "lib").chmod(0o555)
    save(cache, KEY, deps)

    for _ in range(2):
        assert CacheOutcome.EXACT is cache.restore(KEY, [], [str(deps)]).outcome
    assert [] == list(deps.parent.glob(".cipredict*"))


def test_gzip_and_zstd_give_equal_bytes_for_equal_contents(deps: Path, tmp_path: Path) -> None:
    for method in {GZIP, best_compression()}:
        for name in ("one", "two"):
            with (tmp_path / name).open("wb") as file, compressing(file, method) as stream:
                pack([deps], stream)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_no_tar_is_an_error_that_the_cache_knows(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no archive"):
        unpack(io.BytesIO(b"no tar" * 1000), [tmp_path / "new"])


SAVER = """
import sys
from cipredict.act.caches.directory import DirectoryCache
from pathlib import Path
saved = DirectoryCache(Path(sys.argv[1])).save(sys.argv[2], [sys.argv[3]], room=lambda *_: [])
print(saved.reason)
"""


def start(cache: DirectoryCache, key: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SAVER, str(cache._folder), key, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_of_processes_that_save_one_key_at_once_one_does(cache: DirectoryCache, deps: Path) -> None:
    (deps / "big").write_bytes(os.urandom(1 << 20))
    before = contents(deps)
    said = [saver.communicate(timeout=60)[0].strip() for saver in [start(cache, KEY, deps) for _ in range(3)]]

    assert ["", "the key is there already", "the key is there already"] == sorted(said)
    assert 1 == len(cache.entries()) == len(list((cache._folder / "blobs").iterdir()))
    (deps / "big").unlink()
    assert CacheOutcome.EXACT is cache.restore(KEY, [], [str(deps)]).outcome
    assert before == contents(deps)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_save_that_is_killed_leaves_a_miss_and_its_litter_goes(cache: DirectoryCache, deps: Path) -> None:
    (deps / "big").write_bytes(os.urandom(4 << 20))
    staging = cache._folder / "staging"
    saver = start(cache, KEY, deps)
    until = time.monotonic() + 30
    while not (staging.is_dir() and any(staging.iterdir())) and time.monotonic() < until:
        time.sleep(0.002)
    saver.send_signal(signal.SIGKILL)
    saver.communicate(timeout=30)

    restored = cache.restore(KEY, [], [str(deps)])
    assert restored.outcome in {CacheOutcome.MISS, CacheOutcome.EXACT}  # it may have been faster than the signal
    before = contents(deps)
    save(cache, "another", deps)
    assert [] == list(staging.iterdir())
    cache.restore("another", [], [str(deps)])
    assert before == contents(deps)
