"""Will a run's cache key hit exactly, asked before its change is known: who commits, when, and what happened so far.

`HitState` is what is remembered of one cache; the nightly replay rolls it through the commits, the bundle ships it, and
a CI job asks it the same questions. Once the change is known there is nothing to forecast: the key files differ or not.

A run hits if its commit leaves the key files alone and an entry of theirs was used within the provider's idle time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np

from cipredict.errors import ForecastUnusable
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.graphs import score_graphs
from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.state import Floats

ENTRY = "cache/hits.json"
PREDICTOR = "cache_hit"
EWMA = "ewma"
"""The baseline: the exponentially weighted mean of the hits so far."""
_IDLE_H = 168.0
_OFFSET_RATE = 0.05
_MAX_AUTHORS = 2_000
_NEVER = 14.0
"""Of a logarithm of hours: longer ago than any history reaches."""
_WEEK = 7
FEATURES = (
    "author_share", "author_commits", "author_ewma", "author_last_5", "author_last", "author_gap", "author_touch_gap",
    "gap", "is_idle", "share_50", "share_200", "is_bot", "kind_share", "touch_gap", "commits_since_touch",
    "hour", "weekday", "last_3", "last_1", "last_10", "same_author", "weekday_share", "author_weekday_share",
    "hit_ewma", "hit_ewma_fast", "share", "recent_gap", "authors",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit, as far as it is known before anybody looks at its change."""

    at_s: float
    author: str

    @property
    def is_bot(self) -> bool:
        """Tell whether a program made it, by its name."""
        name = self.author.lower()
        return name.endswith(("[bot]", "-bot", " bot")) or name in {"dependabot", "renovate", "pyup", "snyk"}


@dataclass(slots=True)
class AuthorPast:
    """What one author's commits did to the key files; times in seconds, `recent` the last five, oldest first."""

    commits: int = 0
    touches: int = 0
    ewma: float = 0.0
    recent: list[int] = field(default_factory=list)
    last_s: float | None = None
    touched_s: float | None = None
    weekdays: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in range(_WEEK)])


@dataclass(slots=True)
class HitState:
    """What is remembered of one cache.

    Attributes
    ----------
    touches : per commit whether the key files changed, the last 200, oldest first
    kinds : [touches, commits] of people and of bots; `newcomers` of the first commits of people
    hit_ewma : the baseline; `fast` forgets sooner
    """

    commits: int = 0
    all_touches: int = 0
    touches: list[int] = field(default_factory=list)
    gaps_h: list[float] = field(default_factory=list)
    since_touch: int = 0
    last_s: float | None = None
    touched_s: float | None = None
    last_author: str = ""
    kinds: list[list[int]] = field(default_factory=lambda: [[0, 0], [0, 0]])
    newcomers: list[int] = field(default_factory=lambda: [0, 0])
    weekdays: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in range(_WEEK)])
    hit_ewma: float = 0.8
    hit_ewma_fast: float = 0.8
    authors: dict[str, AuthorPast] = field(default_factory=dict)

    def features(self, commit: Committed) -> Floats:
        """Give the features of the next run, shape (1, len(FEATURES))."""
        moment = datetime.fromtimestamp(commit.at_s, UTC)
        author = self.authors.get(commit.author) or AuthorPast()
        share, kind = self._shares(commit, author)
        gap_h = self._gap_h(commit)
        own = author.ewma if author.commits else kind
        values = (
            _shrunk((author.touches, author.commits), kind, weight=3),
            np.log1p(author.commits),
            own,
            _shrunk((sum(author.recent), len(author.recent)), kind, weight=2),
            author.recent[-1] if author.recent else -1,
            _log_hours(commit.at_s, author.last_s),
            _log_hours(commit.at_s, author.touched_s),
            np.log1p(gap_h),
            gap_h > _IDLE_H,
            _mean(self.touches[-50:]),
            _mean(self.touches),
            commit.is_bot,
            kind,
            _log_hours(commit.at_s, self.touched_s),
            np.log1p(self.since_touch),
            moment.hour,
            moment.weekday(),
            sum(self.touches[-3:]),
            sum(self.touches[-1:]),
            sum(self.touches[-10:]),
            commit.author == self.last_author,
            _shrunk(self.weekdays[moment.weekday()], share, weight=10),
            _shrunk(author.weekdays[moment.weekday()], own, weight=3),
            self.hit_ewma,
            self.hit_ewma_fast,
            share,
            np.log1p(_mean(self.gaps_h)) if self.gaps_h else 3.0,
            np.log1p(len(self.authors)),
        )
        return np.array([values], np.float32)

    def _shares(self, commit: Committed, author: AuthorPast) -> tuple[float, float]:
        """Give how often commits touch the key files: all, and those of the author's kind."""
        share = (self.all_touches + 1) / (self.commits + 5)
        kind = _shrunk(self.kinds[commit.is_bot], share, weight=4)
        if not author.commits and not commit.is_bot:
            kind = _shrunk(self.newcomers, kind, weight=4)
        return share, kind

    def _gap_h(self, commit: Committed) -> float:
        return 0.0 if self.last_s is None else max(commit.at_s - self.last_s, 0.0) / 3600

    def absorb(self, commit: Committed, *, touched: bool, hit: bool) -> None:
        """Take a commit in: whether it changed the key files, and whether its run hit exactly."""
        if self.last_s is not None:
            self._count(commit, touched=touched)
            self.hit_ewma += 0.05 * (hit - self.hit_ewma)
            self.hit_ewma_fast += 0.2 * (hit - self.hit_ewma_fast)
            self.gaps_h = [*self.gaps_h, self._gap_h(commit)][-20:]
        self.authors.setdefault(commit.author, AuthorPast()).last_s = commit.at_s
        if len(self.authors) > _MAX_AUTHORS:
            del self.authors[min(self.authors, key=lambda name: self.authors[name].last_s or 0.0)]
        self.last_s, self.last_author = commit.at_s, commit.author

    def _count(self, commit: Committed, *, touched: bool) -> None:
        author = self.authors.setdefault(commit.author, AuthorPast())
        _, kind = self._shares(commit, author)
        weekday = datetime.fromtimestamp(commit.at_s, UTC).weekday()
        if not author.commits and not commit.is_bot:
            _add(self.newcomers, touched)
        for tally in (self.kinds[commit.is_bot], self.weekdays[weekday], author.weekdays[weekday]):
            _add(tally, touched)
        author.ewma = 0.85 * (author.ewma if author.commits else kind) + 0.15 * touched
        author.commits, author.touches = author.commits + 1, author.touches + touched
        author.recent = [*author.recent, int(touched)][-5:]
        self.commits, self.all_touches = self.commits + 1, self.all_touches + touched
        self.touches = [*self.touches, int(touched)][-200:]
        self.since_touch = 0 if touched else self.since_touch + 1
        if touched:
            self.touched_s = author.touched_s = commit.at_s

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> HitState:
        """Read what `asdict` gave; TypeError or KeyError where it is something else."""
        values = dict(body)
        authors = values.pop("authors")
        state = cls(**values)  # type: ignore[arg-type]  # of the schema that the bundle's digest vouches for
        state.authors = {name: AuthorPast(**past) for name, past in authors.items()}  # type: ignore[attr-defined]  # as above
        return state


def _shrunk(tally: Sequence[int], prior: float, *, weight: float) -> float:
    return (tally[0] + weight * prior) / (tally[1] + weight)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _log_hours(now_s: float, then_s: float | None) -> float:
    return _NEVER if then_s is None else float(np.log1p(max(now_s - then_s, 0.0) / 3600))


def _add(tally: list[int], touched: bool) -> None:  # noqa: FBT001  # a count of two
    tally[0] += touched
    tally[1] += 1


@dataclass(frozen=True, slots=True)
class HitModel:
    """What the bundle says about caches, beside the graphs of the members.

    Attributes
    ----------
    served_by : `cipredict` (the ensemble) or the baseline
    weights : of the members
    offsets : stage → what its last runs add to the log-odds, see `next_offset`
    metrics : policy → measure → value on the holdout
    reasons : why the ensemble does not serve; empty where it does
    stages : name → state after the last commit
    """

    served_by: str
    weights: Mapping[str, float]
    offsets: Mapping[str, float]
    metrics: Mapping[str, Mapping[str, float]]
    reasons: tuple[str, ...]
    stages: Mapping[str, HitState]

    def to_bytes(self) -> bytes:
        """Give the bundle's entry."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> HitModel:
        """Read the bundle's entry; ValueError, KeyError or TypeError where it is none."""
        body = json.loads(content)
        stages = {name: HitState.from_json(state) for name, state in body["stages"].items()}
        return cls(body["served_by"], body["weights"], body["offsets"], body["metrics"], tuple(body["reasons"]), stages)


def next_offset(offset: float, p_exact: float, *, hit: bool) -> float:
    """Give the offset after a run that was forecast at `p_exact`: a step of gradient descent on the logarithmic loss.

    How often lock files change drifts over the years; trees and nets answer as in the years that they learned from.
    """
    return offset + _OFFSET_RATE * (hit - p_exact)


def read_hit_model(bundle: Bundle) -> HitModel | None:
    """Give what a bundle says about caches; None where it was published without."""
    try:
        return HitModel.from_bytes(bundle.read(ENTRY))
    except (ForecastUnusable, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class HitForecast:
    """The chance of an exact hit; `individual` are the members' own, `history` the baseline's."""

    p_exact: float
    served_by: str
    history: float
    individual: Mapping[str, float]


def forecast_hit(bundle: Bundle, model: HitModel, *, stage: str, commit: Committed) -> HitForecast | None:
    """Forecast the next run of a stage; None where the bundle knows no such stage."""
    state = model.stages.get(stage)
    if state is None:
        return None
    if model.served_by == EWMA:
        return HitForecast(state.hit_ewma, EWMA, state.hit_ewma, {})
    answers = score_graphs(bundle.graphs(PREDICTOR), state.features(commit))
    individual = {name: float(answer[0]) for name, answer in answers.items()}
    mixed = np.array([sum(model.weights[name] * chance for name, chance in individual.items())])
    return HitForecast(
        float(apply_sigmoid(mixed, (1.0, model.offsets[stage]))[0]), model.served_by, state.hit_ewma, individual
    )
