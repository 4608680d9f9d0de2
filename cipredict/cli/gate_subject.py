"""The change under judgement: who made it, its branch, commit and labels, from options, the CI system and git."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cipredict.act.git import Head, describe_head
from cipredict.cli.environment import ci_run
from cipredict.errors import ChangeUnknown
from cipredict.plans.gate_plan import Subject


def read_subject(
    environment: Mapping[str, str], *, labels: Sequence[str], branch: str | None, author: str | None
) -> Subject:
    """Give the subject; what was typed beats what CI says, which beats git."""
    run, head = ci_run(), _head()
    request = _pull_request(environment, read_text=lambda path: Path(path).read_text(encoding="utf-8"))
    return Subject(
        commit=(run.sha if run else "") or head.sha,
        branch=branch if branch is not None else (run.branch if run else "") or head.branch,
        author=author or request.author or _ci_author(environment) or head.author,
        labels=tuple(sorted({*labels, *request.labels, *_gitlab_labels(environment)})),
    )


def _head() -> Head:
    try:
        return describe_head(cwd=Path.cwd())
    except ChangeUnknown:
        return Head("", "", "")


def _pull_request(environment: Mapping[str, str], *, read_text: Callable[[str], str]) -> Subject:
    """Give author and labels of GitHub's event; a local run or another event has neither."""
    path = environment.get("GITHUB_EVENT_PATH", "")
    try:
        request = json.loads(read_text(path))["pull_request"] if path else {}
        labels = tuple(str(label["name"]) for label in request.get("labels", ()))
        return Subject(author=str(request.get("user", {}).get("login", "")), labels=labels)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Subject()


def _ci_author(environment: Mapping[str, str]) -> str:
    return environment.get("GITHUB_ACTOR") or environment.get("GITLAB_USER_LOGIN") or ""


def _gitlab_labels(environment: Mapping[str, str]) -> list[str]:
    return [label for label in environment.get("CI_MERGE_REQUEST_LABELS", "").split(",") if label]
