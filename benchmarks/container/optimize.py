"""How much of what people gain by hand the optimiser gains by itself, in situations from real repositories.

    python benchmarks/container/optimize.py [--keep FOLDER]

The Dockerfiles are re-creations, the commits and paths are real (300 replayed), and everything runs through git as it
does for users. Also shown: the wall and CPU seconds of each run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from repositories import make_repository, real_commits  # the scripts are no package

from cipredict.container_reading import BuildOptions, read_build
from cipredict.decide.containers.optimize import optimize
from cipredict.decide.containers.replay import Replay

PACKAGE = '{"name": "x", "scripts": {"build": "vite build"}, "dependencies": {"vue": "^3"}}\n'
CARGO = '[package]\nname = "shipping"\nversion = "0.1.0"\n'


@dataclass(frozen=True)
class Situation:
    """A Dockerfile as found, as people would write it, and what the files that matter hold."""

    name: str
    history: str
    before: str
    hand: str
    hand_ignore: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    target: str = ""


GO_TOP = "FROM golang:1.24-bookworm AS builder\n"
GO_ARGS = "ARG VERSION=dev\nARG COMMIT=unknown\n"
GO_TOOLS = "RUN apt-get update && apt-get install -y nodejs python3-pip python3-venv\nWORKDIR /app\n"
GO_DOCS = (
    "ADD Makefile .\nADD ./requirements.txt .\nRUN make docs-deps\nADD ./mkdocs.yml .\n"
    "ADD ./docs ./docs\nRUN make docs-build\n"
)
GO_WEB = (
    "ADD ./web/package.json ./web/package-lock.json ./web/\nRUN make web-deps\nADD ./web ./web\nRUN make web-build\n"
)
GO_SERVER = (
    "ADD go.mod go.sum main.go ./\nADD ./client ./client\nADD ./cmd ./cmd\nADD ./log ./log\n"
    "ADD ./server ./server\nADD ./user ./user\nADD ./util ./util\n"
)
GO_BUILD = "RUN make VERSION=$VERSION COMMIT=$COMMIT cli-linux-server\n"
GO_END = 'FROM alpine\nCOPY --from=builder /app/dist/ntfy /usr/bin/ntfy\nENTRYPOINT ["ntfy"]\n'
MAKEFILE = (
    "VERSION := $(shell git describe --tag)\nCOMMIT := $(shell git rev-parse --short HEAD)\n"
    "web-build:\n\tcd web && npm run build\n"
)
DJANGO_TOP = "FROM python:3.13-slim AS builder\n"
DJANGO_APT = "RUN apt-get update && apt-get install -y build-essential libpq-dev\n"
DJANGO_WHEEL = "RUN pip wheel --wheel-dir /wheels -r /tmp/requirements.txt\n"
DJANGO_END = (
    "FROM python:3.13-slim\nRUN useradd --system hc\nENV PYTHONUNBUFFERED=1\nWORKDIR /opt/healthchecks\n"
    "COPY --from=builder /wheels /wheels\nRUN pip install --no-cache /wheels/*\nCOPY . /opt/healthchecks/\n"
    'RUN ./manage.py collectstatic --noinput\nUSER hc\nCMD ["uwsgi"]\n'
)
DOCS = ".github\n*.md\n.gitignore\n"
PLUS_APP = "FROM python:3.12-slim AS app\nRUN apt-get update && apt-get install -y libpq5\nWORKDIR /app\n"
PLUS_TOOLS = "RUN apt-get update && apt-get install -y chromium nodejs npm\nRUN npm install -g single-file-cli\n"
KUMA_TOP = (
    "FROM node:22 AS build\nUSER node\nWORKDIR /app\nCOPY --chown=node:node .npmrc .npmrc\n"
    "COPY --chown=node:node package.json package.json\nCOPY --chown=node:node package-lock.json package-lock.json\n"
)
KUMA_END = "FROM node:22-slim AS release\nWORKDIR /app\nCOPY --chown=node:node --from=build /app /app\n"

SITUATIONS = [
    Situation(
        "ARG COMMIT at the top (against lowering and a stage per part)",
        "binwiederhier__ntfy",
        GO_TOP + GO_ARGS + GO_TOOLS + GO_DOCS + GO_WEB + GO_SERVER + GO_BUILD + GO_END,
        "FROM golang:1.24-bookworm AS base\n" + GO_TOOLS + "ADD Makefile .\n"
        "FROM base AS docs\n"
        + GO_DOCS.removeprefix("ADD Makefile .\n")
        + "FROM base AS web\n"
        + GO_WEB
        + "FROM base AS builder\nCOPY --from=docs /app/server/docs /app/server/docs\n"
        "COPY --from=web /app/server/site /app/server/site\n" + GO_SERVER + GO_ARGS + GO_BUILD + GO_END,
        contents={"Makefile": MAKEFILE, "web/package.json": PACKAGE},
        volatile=("COMMIT",),
    ),
    Situation(
        "apt below requirements",
        "healthchecks__healthchecks",
        DJANGO_TOP + "COPY requirements.txt /tmp/\n" + DJANGO_APT + DJANGO_WHEEL + DJANGO_END,
        DJANGO_TOP + DJANGO_APT + "COPY requirements.txt /tmp/\n" + DJANGO_WHEEL + DJANGO_END,
        contents={"requirements.txt": "django\n"},
    ),
    Situation(
        "no .dockerignore (and apt below requirements)",
        "healthchecks__healthchecks",
        DJANGO_TOP + "COPY requirements.txt /tmp/\n" + DJANGO_APT + DJANGO_WHEEL + DJANGO_END,
        DJANGO_TOP + DJANGO_APT + "COPY requirements.txt /tmp/\n" + DJANGO_WHEEL + DJANGO_END,
        hand_ignore=DOCS,
        contents={"requirements.txt": "django\n"},
    ),
    Situation(
        "package manager below the manifests",
        "louislam__uptime-kuma",
        "FROM node:22-alpine AS deps\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm install -g pnpm\n"
        "RUN pnpm install\nFROM node:22-alpine\nWORKDIR /app\n"
        'COPY --from=deps /app/node_modules ./node_modules\nCOPY server ./server\nCMD ["x"]\n',
        "FROM node:22-alpine AS deps\nWORKDIR /app\nRUN npm install -g pnpm\nCOPY package.json package-lock.json ./\n"
        "RUN pnpm install\nFROM node:22-alpine\nWORKDIR /app\n"
        'COPY --from=deps /app/node_modules ./node_modules\nCOPY server ./server\nCMD ["x"]\n',
        contents={"package.json": PACKAGE},
    ),
    Situation(
        "tools installed after COPY . .",
        "healthchecks__healthchecks",
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
        "RUN apt-get update && apt-get install -y chromium\nRUN pip install -r requirements.txt\n"
        'RUN python setup.py develop\nCMD ["x"]\n',
        "FROM python:3.12-slim\nWORKDIR /app\nRUN apt-get update && apt-get install -y chromium\n"
        "COPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY . .\n"
        'RUN python setup.py develop\nCMD ["x"]\n',
        contents={"requirements.txt": "numpy==2\n"},
    ),
    Situation(
        "tools installed on top of a stage that copies all",
        "fastapi__full-stack-fastapi-template",
        PLUS_APP + 'COPY . .\nCMD ["x"]\nFROM app AS plus\n' + PLUS_TOOLS + 'CMD ["y"]\n',
        PLUS_APP.replace("AS app", "AS base") + "FROM base AS plus\n" + PLUS_TOOLS + 'COPY . .\nCMD ["y"]\n',
        target="plus",
    ),
    Situation(
        "a folder made after COPY . .",
        "louislam__uptime-kuma",
        KUMA_TOP + "RUN npm ci --omit=dev\nCOPY . .\nRUN mkdir ./data\n" + KUMA_END,
        KUMA_TOP + "RUN npm ci --omit=dev\nRUN mkdir ./data\nCOPY . .\n" + KUMA_END,
        contents={"package.json": PACKAGE},
        target="release",
    ),
    Situation(
        "npm ci after COPY . .",
        "louislam__uptime-kuma",
        'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD ["x"]\n',
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json .npmrc ./\nRUN npm ci\n"
        'COPY . .\nRUN npm run build\nCMD ["x"]\n',
        hand_ignore="node_modules\n",
        contents={"package.json": PACKAGE, ".npmrc": "legacy-peer-deps=true\n", "package-lock.json": "{}\n"},
    ),
    Situation(
        "go mod download after COPY . .",
        "dexidp__dex",
        "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN make build\n",
        "FROM golang:1.24\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN make build\n",
        contents={"go.mod": "module x\n"},
    ),
    Situation(
        "Rust: dependency bumps dominate (must be refused)",
        "rust-lang__crates.io",
        "FROM rust:1.85 AS builder\nWORKDIR /app\nCOPY ./crates/crates_io_tarball/ /app/\n"
        "RUN cargo build --release\nFROM debian:bookworm-slim\n"
        "COPY --from=builder /app/target/release/x /x\n",
        "FROM rust:1.85 AS builder\nWORKDIR /app\nCOPY ./crates/crates_io_tarball/ /app/\n"
        "RUN cargo build --release\nFROM debian:bookworm-slim\n"
        "COPY --from=builder /app/target/release/x /x\n",
        contents={"crates/crates_io_tarball/Cargo.toml": CARGO},
    ),
]


def replayed(folder: Path, text: str, ignore: str, *, one: Situation) -> Replay:
    (folder / "Dockerfile.hand").write_text(text, encoding="utf-8")
    (folder / "Dockerfile.hand.dockerignore").write_text(ignore, encoding="utf-8")
    build = read_build(
        folder / "Dockerfile.hand", BuildOptions(context=folder, volatile=one.volatile, target=one.target)
    )
    return build.judge.replay(build.situation)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--keep", type=Path)
    chosen = options.parse_args()
    root = chosen.keep or Path(tempfile.mkdtemp())
    print(
        "situation | RUNs found | by hand | automatic | share of gain | seconds found, hand, automatic | rules | CPU s"
    )
    worst = 1.0
    for number, one in enumerate(SITUATIONS):
        folder = root / f"{number}"
        make_repository(folder, real_commits(one.history), contents=one.contents)
        (folder / "Dockerfile").write_text(one.before, encoding="utf-8")
        started = time.process_time()
        build = read_build(
            folder / "Dockerfile", BuildOptions(context=folder, volatile=one.volatile, target=one.target)
        )
        outcome = optimize(build.situation, build.judge)
        spent = time.process_time() - started
        hand = replayed(folder, one.hand, one.hand_ignore, one=one)
        gain = outcome.before.run_rebuilds - hand.run_rebuilds
        share = (outcome.before.run_rebuilds - outcome.after.run_rebuilds) / gain if gain else 1.0
        worst = min(worst, share)
        rules = ", ".join(applied.proposal.rule for applied in outcome.applied) or "nothing to do"
        times = f"{outcome.before.seconds:.0f}, {hand.seconds:.0f}, {outcome.after.seconds:.0f}"
        runs = f"{outcome.before.run_rebuilds} | {hand.run_rebuilds} | {outcome.after.run_rebuilds}"
        print(f"{one.name} | {runs} | {share:.0%} | {times} | {rules} | {spent:.1f}")
        for refused in outcome.refused:
            if refused.proposal.advice_only and refused.after:
                after = f"{refused.after.run_rebuilds} RUNs, {refused.after.seconds:.0f} s"
                print(f"    not applied {refused.proposal.rule}: would give {after}")
    print(f"worst share: {worst:.0%}")
    if worst < 0.8:
        sys.exit(1)


if __name__ == "__main__":
    main()
