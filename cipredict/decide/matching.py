"""Do the collection and the reports name cases alike? How many, and if not, the probable cause. Pure.

Whatever the store has learned of a case is lost for a plan that calls it by another name: users of other tools meet
this before anything else (research: formats, section 4).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cipredict.ids import case_file, case_function

_SHOWN = 3
_CONVINCING = 0.5
"""A cause must explain this share of the unmatched candidates."""


@dataclass(frozen=True, slots=True)
class Match:
    """How the ids of a collection meet those of the reports.

    Attributes
    ----------
    candidates, matched : distinct ids collected, and how many of them the reports know
    only_collected, only_reported : the first few ids of either side alone
    cause : the probable one, empty where everything matches
    """

    candidates: int
    matched: int
    only_collected: tuple[str, ...] = ()
    only_reported: tuple[str, ...] = ()
    cause: str = ""

    @property
    def share(self) -> float:
        """Share of the candidates that the reports know, 0…1; 0 without candidates."""
        return self.matched / self.candidates if self.candidates else 0.0


def match_ids(candidates: Iterable[str], reported: Iterable[str]) -> Match:
    """Compare the ids of a collection with those of the reports."""
    collected, known = set(candidates), set(reported)
    only_collected, only_reported = sorted(collected - known), sorted(known - collected)
    return Match(
        candidates=len(collected),
        matched=len(collected & known),
        only_collected=tuple(only_collected[:_SHOWN]),
        only_reported=tuple(only_reported[:_SHOWN]),
        cause=_cause(only_collected, only_reported) if only_collected else "",
    )


def _cause(collected: Sequence[str], reported: Sequence[str]) -> str:
    if not reported:
        return "new cases: the reports know everything else"
    prefixes = Counter(_prefixes(collected, reported))
    if prefixes and (most := prefixes.most_common(1)[0])[1] >= _CONVINCING * len(collected):
        here, there = most[0]
        return f"another root folder: '{here or './'}' here is '{there or './'}' in the reports"
    for words, spell in _SPELLINGS:
        if _explained(collected, reported, spell) >= _CONVINCING:
            return words
    return "new or renamed cases, or reports of another suite"


def _prefixes(collected: Sequence[str], reported: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Give, per id that both sides have below different folders, what the two put before their common end."""
    by_end = {_end(case_id): case_file(case_id) for case_id in reported}
    for case_id in collected:
        if there := by_end.get(_end(case_id)):
            yield _uncommon(case_file(case_id).split("/"), there.split("/"))


def _end(case_id: str) -> str:
    return case_id[case_file(case_id).rfind("/") + 1 :]


def _uncommon(here: list[str], there: list[str]) -> tuple[str, str]:
    while here and there and here[-1] == there[-1]:
        del here[-1], there[-1]
    return "".join(f"{part}/" for part in here), "".join(f"{part}/" for part in there)


def _dotted(case_id: str) -> str:
    """Spell an id as xunit2 does, in which module and class cannot be told apart."""
    return re.sub(r"(\.py)?(::|/)|\.py$", ".", case_id).strip(".")


_SPELLINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("pytest's xunit2 reports leave open where the module ends: set junit_family=xunit1", _dotted),
    ("parameters differ: ids made from memory addresses, times or random values change in every run", case_function),
    ("moved files", lambda case_id: case_id.partition("::")[2] or case_id),
)


def _explained(collected: Sequence[str], reported: Sequence[str], spell: Callable[[str], str]) -> float:
    """Give the share of collected ids that the reports have too, once both are spelled so."""
    known = set(map(spell, reported))
    return sum(spell(case_id) in known for case_id in collected) / len(collected)
