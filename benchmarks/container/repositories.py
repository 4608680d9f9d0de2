"""Git repositories made from real path-change histories: the paths and the commits are real, the contents are ours."""

from __future__ import annotations

import csv
import itertools
import random
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared" / "data" / "dockerfiles" / "history"
Commits = list[dict[str, bool]]
"""Per commit the paths that it touched, and whether they are there afterwards."""


def real_commits(name: str) -> Commits:
    """Read all commits of a history that was handed over; a made one with similar rates where there is none."""
    place = SHARED / f"{name}.csv"
    if not place.is_file():
        return list(made_commits(320))
    with place.open(encoding="utf-8", newline="") as file:
        groups = itertools.groupby(csv.DictReader(file), key=lambda row: row["commit"])
        return [{row["path"]: row["status"] != "D" for row in rows} for _, rows in groups]


def made_commits(count: int) -> Iterator[dict[str, bool]]:
    """Make commits: sources change in most, manifests in a few, documents in some."""
    chance = random.Random(5)  # noqa: S311  # a simulation
    rates = {"src/app.py": 0.7, "src/util.py": 0.3, "README.md": 0.1, "docs/index.md": 0.1, "requirements.txt": 0.09}
    rates |= {"package.json": 0.12, "package-lock.json": 0.15, "server/main.go": 0.5, "go.mod": 0.1, "go.sum": 0.1}
    yield dict.fromkeys([*rates, "Makefile", "mkdocs.yml", "main.go", "manage.py"], True)
    for _ in range(count):
        touched = {path: True for path, rate in rates.items() if chance.random() < rate}
        yield touched or {"src/app.py": True}


def make_repository(folder: Path, commits: Commits, *, contents: Mapping[str, str], window: int = 301) -> None:
    """Write a repository with the last commits of a history; the first of them has all that came before.

    `contents` are of some paths at the end; in between they differ by a last line, which is a comment or white space.
    """
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    first, *later = _window(commits, window, extra=contents)
    stream = "".join(_commit(number, one, contents) for number, one in enumerate([first, *later]))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=stream.encode(), check=True)
    subprocess.run(["git", "reset", "-q", "--hard", "main"], cwd=folder, check=True)


def _window(commits: Commits, window: int, *, extra: Mapping[str, str]) -> Commits:
    head: dict[str, bool] = dict.fromkeys(extra, True)
    for one in commits[: max(0, len(commits) - window + 1)]:
        head |= one
    return [{path: True for path, stays in head.items() if stays}, *commits[max(0, len(commits) - window + 1) :]]


def _commit(number: int, paths: Mapping[str, bool], contents: Mapping[str, str]) -> str:
    moment = 1_700_000_000 + 3600 * number
    lines = [f"commit refs/heads/main\ncommitter c <c@example.org> {moment} +0000\ndata 1\nc\n"]
    if number:
        lines.append("")
    for path, stays in paths.items():
        quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if not stays:
            lines.append(f"D {quoted}\n")
            continue
        text = contents.get(path, f"{path}\n") + " " * (number % 97) + "\n" * (1 + number // 97)
        lines.append(f"M 100644 inline {quoted}\ndata {len(text.encode())}\n{text}\n")
    return "".join(lines)
