"""Small Dockerfiles with a context and a history, as rules and replays see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pytest

from cipredict.decide.containers.layers import BuildWish
from cipredict.decide.containers.optimize import Judge, Outcome, optimize
from cipredict.decide.containers.replay import HistoryTokens
from cipredict.decide.containers.rewrites.interface import Situation, read_situation
from cipredict.dockerfile.context import Context, ContextCommit, ContextFile, ContextHistory
from cipredict.dockerfile.ignore import IgnoreFile


class MakeSituation(Protocol):
    """Read a Dockerfile over files with the given texts; `links` are symbolic ones."""

    def __call__(
        self,
        text: str,
        files: Mapping[str, str] | Sequence[str] = (),
        *,
        wish: BuildWish = ...,
        ignore: Sequence[str] = (),
        links: Sequence[str] = (),
        keeps_mounts: bool = False,
    ) -> Situation: ...


class Optimize(Protocol):
    """Optimise a situation over commits, each given by the paths that it changes."""

    def __call__(self, situation: Situation, commits: Sequence[Sequence[str]]) -> Outcome: ...


@pytest.fixture(name="make_situation")
def _make_situation() -> MakeSituation:
    def make(
        text: str,
        files: Mapping[str, str] | Sequence[str] = (),
        *,
        wish: BuildWish = BuildWish(),  # noqa: B008  # immutable
        ignore: Sequence[str] = (),
        links: Sequence[str] = (),
        keeps_mounts: bool = False,
    ) -> Situation:
        texts = dict(files) if isinstance(files, Mapping) else dict.fromkeys(files, "")
        present = {path: ContextFile(len(content), path in links) for path, content in texts.items()}
        context = Context(present, texts.get)
        return read_situation(text, wish, context=context, ignore=IgnoreFile(tuple(ignore)), keeps_mounts=keeps_mounts)

    return make


def history(situation: Situation, commits: Sequence[Sequence[str]]) -> ContextHistory:
    base = dict.fromkeys(situation.context.files, "0")
    changes = ({path: str(number) for path in paths} for number, paths in enumerate(commits, start=1))
    return ContextHistory(base, tuple(ContextCommit(f"{number}", one) for number, one in enumerate(changes)))


@pytest.fixture(name="run_optimize")
def _run_optimize() -> Optimize:
    def run(situation: Situation, commits: Sequence[Sequence[str]]) -> Outcome:
        return optimize(situation, Judge(HistoryTokens(history(situation, commits)), {}))

    return run
