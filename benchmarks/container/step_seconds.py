"""How well the seconds of instructions are found from the seconds of whole builds, where the true ones are known.

    python benchmarks/container/step_seconds.py

Real commits and paths (see repositories.py), four Dockerfiles with seconds that we set; a build takes its overhead and
what the replay says it made anew, times noise. Baseline: the assumed seconds. Error: the mean over instructions of
|found - true|, weighted by how often each is rebuilt, as a share of the true sum; only estimated instructions count,
and `told` is the share of the true seconds that they are.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from repositories import make_repository, real_commits  # the scripts are no package

from cipredict.container_reading import Build, BuildOptions, read_build
from cipredict.decide.containers.replay import rebuilds
from cipredict.decide.containers.step_seconds import BuildSeconds, estimate_seconds

CASES = {
    "manifest first: pip, app": (
        "healthchecks__healthchecks",
        "FROM python:3.13\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n"
        "COPY . .\nRUN ./manage.py collectstatic\n",
        {"requirements.txt": "django\n"},
        {"pip": 83.0, "manage": 12.0},
    ),
    "parts: web, server, docs": (
        "binwiederhier__ntfy",
        "FROM golang:1.24\nWORKDIR /app\nADD docs docs\nRUN make docs\nADD web web\nRUN make web\n"
        "ADD server server\nRUN make server\n",
        {},
        {"make docs": 9.0, "make web": 140.0, "make server": 35.0},
    ),
    "stages side by side": (
        "louislam__uptime-kuma",
        "FROM node:22 AS web\nWORKDIR /w\nCOPY src src\nRUN npm run build\nFROM node:22 AS server\nWORKDIR /s\n"
        "COPY package.json package-lock.json ./\nRUN npm ci\nFROM node:22\nCOPY --from=web /w /w\n"
        "COPY --from=server /s /s\nCOPY server server\nRUN node check.js\n",
        {"package.json": "{}", "package-lock.json": "{}"},
        {"npm run build": 75.0, "npm ci": 28.0, "node check": 4.0},
    ),
    "one pattern: not identifiable": (
        "healthchecks__healthchecks",
        "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nRUN make\n",
        {"requirements.txt": "django\n"},
        {"pip": 83.0, "make": 12.0},
    ),
}
OVERHEAD_S = 21.0


def true_seconds(build: Build, known: dict[str, float]) -> dict[int, float]:
    """Give the seconds of each layer: as set for RUNs, one for copies."""
    found = {}
    for number, link in enumerate(build.situation.links):
        if link.is_layer:
            text = build.situation.instruction(link.instruction).text
            found[number] = next((seconds for word, seconds in known.items() if word in text), 1.0)
    return found


def observed(build: Build, truth: dict[int, float], *, builds: int, noise: float, cold: float) -> list[BuildSeconds]:
    """Give the last builds' seconds, each times noise; `cold` is the share of builds without any cache."""
    chance = random.Random(7)  # noqa: S311  # a simulation
    found = []
    made = list(rebuilds(build.situation.links, build.judge.tokens, build.situation.ignore))
    for commit, numbers in list(zip(build.judge.tokens.history.commits, made, strict=True))[-builds:]:
        links = truth if chance.random() < cold else {number: truth.get(number, 0.0) for number in numbers}
        seconds = OVERHEAD_S + sum(truth[number] for number in links if number in truth)
        found.append(BuildSeconds(commit.sha, seconds * chance.lognormvariate(0, noise)))
    return found


def main() -> None:
    root = Path(tempfile.mkdtemp())
    print("case | builds | noise | cold | told | error | by assumption | R2 | outliers | in interval | note")
    for index, (name, (history, text, contents, known)) in enumerate(CASES.items()):
        folder = root / f"{index}"
        make_repository(folder, real_commits(history), contents=contents)
        (folder / "Dockerfile").write_text(text, encoding="utf-8")
        build = read_build(folder / "Dockerfile", BuildOptions(context=folder))
        truth = true_seconds(build, known)
        for builds, noise, cold in ((8, 0.1, 0.0), (30, 0.1, 0.0), (100, 0.1, 0.0), (300, 0.1, 0.0), (100, 0.3, 0.05)):
            seen = observed(build, truth, builds=builds, noise=noise, cold=cold)
            report(name, build, truth, seen=seen, noise=noise, cold=cold)


def report(  # a row of a table
    name: str, build: Build, truth: dict[int, float], *, seen: list[BuildSeconds], noise: float, cold: float
) -> None:
    links, history = build.situation.links, build.judge.tokens.history
    found = estimate_seconds(links, history, build.situation.ignore, builds=seen)
    head = f"{name} | {len(seen)} | {noise:.0%} | {cold:.0%}"
    if found.doubt:
        print(f"{head} | - | - | - | - | - | - | refused: {found.doubt}; assumed times {found.scale:.2f}")
        return
    weight = {
        number: sum(number in made for made in rebuilds(links, build.judge.tokens, build.situation.ignore))
        for number in truth
    }
    total = sum(truth[number] * weight[number] for number in found.seconds)
    error = sum(abs(seconds - truth[number]) * weight[number] for number, seconds in found.seconds.items()) / total
    naive = sum(abs(links[number].assumed_s - truth[number]) * weight[number] for number in found.seconds) / total
    told = total / sum(truth[number] * weight[number] for number in truth)
    inside = sum(one.low_s <= sum(truth[number] for number in one.links) <= one.high_s for one in found.groups)
    figures = f"{told:.0%} | {error:.0%} | {naive:.0%} | {found.r2:.2f} | {found.outliers}"
    print(f"{head} | {figures} | {inside} of {len(found.groups)} |")


if __name__ == "__main__":
    main()
