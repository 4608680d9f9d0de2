"""Job logs of GitHub and GitLab into cache events: lines of actions/cache, of setup actions, and of GitLab's runner.

A log is the only place where a provider says which key was asked for and which was found. Seconds are those between
the stamps of its lines: GitHub stamps every line, GitLab the borders of its sections. Lines that say nothing about
caches are passed over, so that any log may be given.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cipredict.cache_records import CacheEvent, stream_of
from cipredict.ingest.spellings import parse_timestamp
from cipredict.records import RunKey

_STAMP = re.compile(
    r"^(?:[^\t]*\t[^\t]*\t)?\ufeff?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?(?:\d\d[OE][ +]?)?(.*)$"
)
"""GitHub's stamp, behind job and step where `gh run view --log` wrote them; GitLab's, with the mark of the stream."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SECTION = re.compile(r"section_(start|end):(\d+):(\w+)")
_SIZE = re.compile(r"Cache Size: ~\d+ \w+ \((\d+) B\)|Received (\d+) of \2 \(100")
_STEP = re.compile(r"^##\[group\]Run |^Post job cleanup")
_INPUT_KEY = re.compile(r"^\s{2}key: (\S.*)$")
_FOUND = re.compile(r"Cache (restored from key|hit for restore-key|hit for): ?(\S.*)$")
"""Until actions/toolkit#2101 `hit for` named the key that was asked for, even where another one was found."""
_NOT_FOUND = re.compile(r"Cache not found for (?:input )?keys?: ([^,]+)")
_SAVED = re.compile(r"Cache saved with (?:the )?key: (\S.*)$")
_NOT_SAVED = re.compile(
    r"Cache hit occurred on the primary key ([^,]+), not saving"
    r"|Unable to reserve cache with key ([^,]+), another job"
)
_GITLAB_ASKED = re.compile(r"^Checking cache for (\S+?)\.\.\.")
_GITLAB_FOUND = re.compile(r"^Successfully extracted cache")
_GITLAB_MISSED = re.compile(r"^(?:WARNING: )?Failed to extract cache")
_GITLAB_SAVING = re.compile(r"^Creating cache (\S+?)\.\.\.")
_GITLAB_SAVED = re.compile(r"^Created cache")
_GITLAB_NOT_SAVED = re.compile(r"^(?:Archive is up to date!|Failed to create cache)")


def read_cache_log(lines: Iterable[str], *, run: RunKey, job: str, read_at: datetime) -> list[CacheEvent]:
    """Give what a job's log tells of caches, in its order; `read_at` where no line has a time.

    An event is identified by its run, job and place in the log: the same log again gives the same events.
    """
    reading = _Reading(run, job, read_at)
    for line in lines:
        reading.take(line.rstrip("\r\n"))
    reading.end()
    return reading.events


@dataclass(slots=True)
class _Reading:
    """What is known half-way: the step or section one is in, what it asked for, and when it began."""

    run: RunKey
    job: str
    now: datetime
    events: list[CacheEvent] = field(default_factory=list)
    began: datetime | None = None
    has_stamps: bool = False
    key: str = ""
    asked: list[str] = field(default_factory=list)
    size_bytes: int | None = None
    saving: str = ""
    step: int = 0
    told_in: int = -1

    def take(self, line: str) -> None:
        """Read one line."""
        text = self._stamped(line)
        for border, at, name in _SECTION.findall(text):
            self._cross(border, datetime.fromtimestamp(int(at), UTC), name)
        text = _ANSI.sub("", text.rpartition("\r")[2] if "section_" in text else text)
        if _STEP.match(text):
            self._begin()
        elif match := _INPUT_KEY.match(text):
            self.key = match[1].strip()
        elif match := _SIZE.search(text):
            self.size_bytes = int(match[1] or match[2])
        elif "ache" in text or text.startswith("Archive"):
            self._github(text.strip())
            self._gitlab(text.strip())

    def end(self) -> None:
        """Close what the log left open: GitLab says nothing of a cache that is not there."""
        self._give_up()

    def _stamped(self, line: str) -> str:
        match = _STAMP.match(line)
        moment = parse_timestamp(match[1]) if match else None
        if match is None or moment is None:
            return line
        self.now, self.has_stamps = moment, True
        return match[2]

    def _begin(self) -> None:
        self._give_up()
        self.step += 1
        self.began, self.key, self.size_bytes = (self.now if self.has_stamps else None), "", None

    def _cross(self, border: str, at: datetime, name: str) -> None:
        self.now, self.has_stamps = at, True
        if border == "start":
            self._begin()
        elif name == "restore_cache":
            self._give_up()
        self._close(at, name, is_end=border == "end")

    def _close(self, at: datetime, name: str, *, is_end: bool) -> None:
        """Give the last event of a GitLab section the seconds up to its end: its lines have no time of their own."""
        is_ours = name in {"restore_cache", "archive_cache"} and self.told_in == self.step
        if is_end and is_ours and self.began is not None:
            self.events[-1] = replace(self.events[-1], duration_s=(at - self.began).total_seconds())

    def _github(self, text: str) -> None:
        if match := _FOUND.search(text):
            self._restored(match[2].strip(), is_prefix=match[1] == "hit for restore-key")
        elif match := _NOT_FOUND.search(text):
            self._add("restore", match[1].strip(), outcome="miss")
        elif match := _SAVED.search(text):
            self._add("save", match[1].strip(), outcome="saved")
        elif match := _NOT_SAVED.search(text):
            self._add("save", (match[1] or match[2]).strip(), outcome="skipped")

    def _restored(self, matched: str, *, is_prefix: bool) -> None:
        """Several lines of one step tell of one restore: the last one knows how large it was, and which entry."""
        last = self.events[-1] if self.events and self.step == self.told_in else None
        is_same = last is not None and last.operation == "restore"
        key = self.key or (last.key if last is not None and is_same else matched)
        outcome = "prefix" if is_prefix or key != matched else "exact"
        if is_same:
            self.events.pop()
        self._add("restore", key, outcome=outcome, matched_key=matched)

    def _gitlab(self, text: str) -> None:
        if match := _GITLAB_ASKED.match(text):
            self.asked.append(match[1])
        elif _GITLAB_FOUND.match(text) and self.asked:
            outcome = "exact" if len(self.asked) == 1 else "prefix"
            self._add("restore", self.asked[0], outcome=outcome, matched_key=self.asked[-1])
            self.asked = []
        elif match := _GITLAB_SAVING.match(text):
            self.saving = match[1]
        elif self.saving and (_GITLAB_SAVED.match(text) or _GITLAB_NOT_SAVED.match(text)):
            self._add("save", self.saving, outcome="saved" if _GITLAB_SAVED.match(text) else "skipped")
            self.saving = ""

    def _give_up(self) -> None:
        """Of GitLab's keys that were asked for none was found."""
        if self.asked:
            self._add("restore", self.asked[0], outcome="miss")
            self.asked = []

    def _add(self, operation: str, key: str, *, outcome: str, matched_key: str = "") -> None:
        lasted = (self.now - self.began).total_seconds() if self.began is not None else None
        self.told_in = self.step
        place = f"{self.run}|{self.job}|{len(self.events)}|{operation}|{key}"
        self.events.append(
            CacheEvent(
                event_id=hashlib.sha256(place.encode()).hexdigest()[:12],
                at=self.began or self.now,
                operation=operation,
                cache=stream_of(key),
                key=key,
                matched_key=matched_key,
                outcome=outcome,
                size_bytes=self.size_bytes if outcome in {"exact", "prefix", "saved"} else None,
                duration_s=lasted,
                run=self.run,
                job=self.job,
            )
        )
