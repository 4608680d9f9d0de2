"""Parts of a stage that have a shape of their own: when it runs, what it caches, how its cases are planned."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class When(StrEnum):
    """What its needs must have come to."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


class CacheUse(StrEnum):
    """What a job does with a cache."""

    KEEP = "keep"
    RESTORE = "restore"
    SAVE = "save"


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache whose keys are chosen, such as one that hands a history from night to night.

    Attributes
    ----------
    key : what it is saved under; `{run}`, `{os}` and `{files}` stand for this run, the runner's system and a digest of
        `files`. GitLab overwrites a cache where GitHub saves a new one, so that there `{run}` is empty
    restore : beginnings of keys that will do as well, the newest first
    saves_always : saved by a job that failed, too
    """

    name: str
    paths: tuple[str, ...]
    key: str
    restore: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    use: CacheUse = CacheUse.KEEP
    saves_always: bool = False


class CaseMode(StrEnum):
    """Which cases of a sharded stage are divided: all, the selected ones, or all beside a rehearsal of selecting."""

    SHARD = "shard"
    SELECT = "select-shard"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class CasePlan:
    """How the plan job divides the cases of a stage among its shards.

    Attributes
    ----------
    goal, goal_text : the option of `select-tests` that sets a goal, and its value; empty for its default
    cases : known (from the forecast) or collect (what pytest collects where the plan is made)
    is_fewest : as few shards as pay, and not all of them
    """

    mode: CaseMode = CaseMode.SHARD
    goal: str = ""
    goal_text: str = ""
    cases: str = "known"
    is_fewest: bool = False
