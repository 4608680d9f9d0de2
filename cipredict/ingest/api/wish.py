"""What an ingest from an API shall bring, and what need not come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.

    Attributes
    ----------
    since, until : GitHub: when the run was created; GitLab: when the pipeline last changed
    workflow : GitHub's file name, number or name of one workflow; empty for all
    branch : empty for all
    artifacts : glob of their names (GitLab: of the jobs that keep them); empty for none
    test_reports : GitLab's own reading of the reports of a pipeline
    event_artifacts, event_folder : GitHub: glob of artifacts that hold event files, and where those are left, a folder
        per artifact; one whose folder is there is not fetched again
    """

    repository: str
    since: datetime
    until: datetime
    workflow: str = ""
    branch: str = ""
    artifacts: str = ""
    test_reports: bool = True
    event_artifacts: str = ""
    event_folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds already.

    Attributes
    ----------
    ended_at : by run and attempt, those that are complete
    archives : the names of artifacts that were read
    files : tracked paths of the repository, for the ids of cases
    """

    ended_at: Mapping[tuple[str, int], datetime | None] = field(default_factory=dict)
    archives: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
