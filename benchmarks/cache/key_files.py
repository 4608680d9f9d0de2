"""A key of many files: how long `cache key` takes, clean and with changes, beside reading every file.

Run: ``python benchmarks/cache/key_files.py [--files 100000]``. Makes a repository in a temporary folder.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cipredict.act.key_files import read_key_files
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.decide.caching.keys import digest_of
from cipredict.render.plain import plain_table


def make_repository(root: Path, files: int) -> None:
    for number in range(files):
        path = root / f"{number // 1000:03}" / f"{number % 1000:03}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"value = {number}\n" * 20, encoding="utf-8")
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "x")):
        subprocess.run(["git", *command], cwd=root, check=True)


def read_everything(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def timed(name: str, call: Callable[[], object]) -> list[str]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return [name, f"{time.perf_counter() - wall:.2f}", f"{time.process_time() - cpu:.2f}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    arguments = parser.parse_args()
    is_key_file = key_files_matcher(["**/*.py"])
    with tempfile.TemporaryDirectory(prefix="cipredict-") as name:
        root = Path(name)
        make_repository(root, arguments.files)
        rows = [timed("clean", lambda: digest_of(read_key_files(root, is_key_file).ids))]
        for number in range(1000):
            (root / "000" / f"{number:03}.py").write_text("changed\n", encoding="utf-8")
        rows.append(timed("1,000 files changed", lambda: digest_of(read_key_files(root, is_key_file).ids)))
        rows.append(timed("reading every file", lambda: read_everything(root)))
    print(plain_table(f"The key of {arguments.files:,} files", ["", "wall s", "CPU s (ours)"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
