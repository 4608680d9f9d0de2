"""Which id continues which, where some disappear and others appear in one change: evidence from git and from names.

Pure, and careful: a wrong join gives a case somebody else's history, a missed one only leaves it without, so whatever
has a rival is left alone. Every id is used once. Names are compared as Kim, Pan and Whitehead do for functions
("When Functions Change Their Names: Automatic Detection of Origin Relationships", WCRE 2005), without the bodies,
which a report does not have; files are git's business, which compares their contents (gitdiffcore(7)).

::

    git          tests/old.py::test_a       ->  tests/new.py::test_a          git renamed the file
    moved        tests/a.py::A::test_b[x]   ->  tests/b.py::B::test_b[x]      one name, gone here, new there
    renamed      tests/a.py::test_upoad     ->  tests/a.py::test_upload       same file and class, like name
    parameters   tests/a.py::test_c[1-x]    ->  tests/a.py::test_c[2-x]       same function, like parameters
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from enum import StrEnum
from statistics import fmean
from typing import NamedTuple

from cipredict.forecast.tokens import stem
from cipredict.ids import case_class, case_file, case_folder, case_function

_MIN_PATH, _MIN_NAME, _MIN_PARAMETERS = 0.75, 0.9, 0.85
"""Least likeness, 0…1. Stricter than git, which asks for half of a file's lines: neighbours are called alike
(measured: benchmarks/ingest/renames.py)."""
_MIN_LEAD = 0.1
"""Over every rival of either side: less is a guess."""
_SAME_WORD = 0.75
"""Likeness of letters at which two words are one, inflected or misspelt."""
_TELLING_WORDS = 2
"""Words that a name needs to be known again in another file by itself: `test_init` is everywhere."""
_MAX_PAIRS = 40_000
"""Comparisons in one group; where there are more, another suite came rather than new names."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NUMBERED = re.compile(r"(?<![^-])([A-Za-z_]+)\d+(?![^-])")
"""A parameter that pytest could only number: its argument's name and the position of its value."""


class Evidence(StrEnum):
    """Why an id is taken for another's continuation, strongest first."""

    GIT = "git"
    MOVED = "moved"
    RENAMED = "renamed"
    PARAMETERS = "parameters"


class Match(NamedTuple):
    """`new_id` continues `old_id`, of cases or of functions.

    `likeness` is that of their names, 0…1; 1 where they differ in place only.
    """

    old_id: str
    new_id: str
    evidence: Evidence
    likeness: float


def match_renames(
    before: Collection[str], after: Collection[str], moved_paths: Mapping[str, str] | None = None
) -> list[Match]:
    """Match ids that are only in `before` with ids that are only in `after`, sorted by old id.

    Give all ids of the files that a change touched: those on both sides tell what stayed. `moved_paths` maps the
    former path of a renamed file to the present one.

    >>> for match in match_renames(["t.py::test_upoad", "t.py::test_a"], ["t.py::test_upload", "t.py::test_a"]):
    ...     print(match.old_id, match.new_id, match.evidence, match.likeness)
    t.py::test_upoad t.py::test_upload renamed 0.909
    """
    moved = moved_paths or {}
    gone, appeared = set(before) - set(after), set(after) - set(before)
    if not gone or not appeared:
        return []
    by_git = [Match(old, new, Evidence.GIT, 1.0) for old in gone if (new := _relocated(old, moved)) in appeared]
    old_functions = _by_function(gone - {match.old_id for match in by_git})
    new_functions = _by_function(appeared - {match.new_id for match in by_git})
    pairs = _function_pairs(old_functions, new_functions, before=before, after=after, moved=moved)
    by_name = [
        match for pair in pairs for match in _cases(pair, old_functions[pair.old_id], new_functions[pair.new_id])
    ]
    return sorted([*by_git, *by_name])


def _relocated(case_id: str, moved: Mapping[str, str]) -> str:
    """Give an id under the present path of its file."""
    file = case_file(case_id)
    return moved[file] + case_id[len(file) :] if file in moved else case_id


def _by_function(case_ids: Iterable[str]) -> dict[str, set[str]]:
    grouped: defaultdict[str, set[str]] = defaultdict(set)
    for case_id in case_ids:
        grouped[case_function(case_id)].add(case_id)
    return dict(grouped)


def _function_pairs(
    old: Collection[str],
    new: Collection[str],
    *,
    before: Iterable[str],
    after: Iterable[str],
    moved: Mapping[str, str],
) -> list[Match]:
    """Pair functions: those that stayed (their parameters may have changed), then by name from near to far."""
    stayed = {f: f if f in new else _relocated(f, moved) for f in old}
    pairs = [Match(f, g, Evidence.PARAMETERS, 1.0) for f, g in sorted(stayed.items()) if g in new]
    remaining, existed = set(map(case_function, after)), set(map(case_function, before))
    gone = {f for f in old if f not in remaining} - {pair.old_id for pair in pairs}
    came = {f for f in new if f not in existed} - {pair.new_id for pair in pairs}
    for stage in (_in_another_class, _in_another_file, _in_another_file_and_class, _under_a_like_name):
        found = stage(gone, came, moved)
        pairs += found
        gone -= {pair.old_id for pair in found}
        came -= {pair.new_id for pair in found}
    return pairs


def _in_another_class(gone: set[str], came: set[str], moved: Mapping[str, str]) -> list[Match]:
    return _one_to_one(
        gone,
        came,
        old_key=lambda f: (_relocated(case_file(f), moved), _name(f)),
        new_key=lambda f: (case_file(f), _name(f)),
    )


def _in_another_file(gone: set[str], came: set[str], _: Mapping[str, str]) -> list[Match]:
    return _told_apart(_one_to_one(gone, came, old_key=_tail, new_key=_tail))


def _in_another_file_and_class(gone: set[str], came: set[str], _: Mapping[str, str]) -> list[Match]:
    return _told_apart(_one_to_one(gone, came, old_key=_name, new_key=_name))


def _under_a_like_name(gone: set[str], came: set[str], moved: Mapping[str, str]) -> list[Match]:
    """Pair functions of one file and class; a whole file's name is git's to judge."""
    groups: defaultdict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for function in sorted(gone):
        groups[_relocated(case_class(function), moved)][0].append(function)
    for function in sorted(came):
        groups[case_class(function)][1].append(function)
    return [
        Match(old, new, Evidence.RENAMED, likeness)
        for place, (olds, news) in sorted(groups.items())
        if place
        for old, new, likeness in _clear_winners(olds, news, _name_likeness, least=_MIN_NAME)
    ]


def _tail(function: str) -> str:
    """Give classes and function, or the name of a file that is one case."""
    file, _, tail = function.partition("::")
    return tail or file.rpartition("/")[2]


def _name(function: str) -> str:
    return _tail(function).rpartition("::")[2]


def _one_to_one(
    gone: Iterable[str], came: Iterable[str], *, old_key: Callable[[str], object], new_key: Callable[[str], object]
) -> list[Match]:
    """Pair what shares a key with nothing else on its own side; where several do, the paths must tell them apart."""
    groups: defaultdict[object, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for function in sorted(gone):
        groups[old_key(function)][0].append(function)
    for function in sorted(came):
        groups[new_key(function)][1].append(function)
    found = []
    for olds, news in groups.values():
        pairs = (
            [(olds[0], news[0], 1.0)]
            if len(olds) == len(news) == 1
            else _clear_winners(olds, news, _path_likeness, least=_MIN_PATH)
        )
        found += [Match(old, new, Evidence.MOVED, 1.0) for old, new, _ in pairs]
    return found


def _path_likeness(left: str, right: str) -> float:
    """Share of folders, file and classes that two functions have in common, in order, 0…1."""
    a, b = re.split("/|::", left), re.split("/|::", right)
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return 2 * sum(block.size for block in blocks) / (len(a) + len(b))


def _told_apart(pairs: list[Match]) -> list[Match]:
    """Keep pairs whose name says enough, or that moved together with another from one place to one other."""
    together = Counter((_place(pair.old_id), _place(pair.new_id)) for pair in pairs)
    return [
        pair
        for pair in pairs
        if together[_place(pair.old_id), _place(pair.new_id)] > 1 or len(_telling_words(pair.old_id)) >= _TELLING_WORDS
    ]


def _place(function: str) -> str:
    """Give the file of a function, or the folder of a file that is one case."""
    return case_file(function) if "::" in function else case_folder(function)


def _telling_words(function: str) -> list[str]:
    return _words(_name(function) if "::" in function else stem(function))


def _cases(pair: Match, olds: set[str], news: set[str]) -> Iterator[Match]:
    """Pair the cases of two functions: equal parameters first, then like ones."""
    new_of = {_parameters(case_id): case_id for case_id in news}
    same = {old: new_of[_parameters(old)] for old in olds if _parameters(old) in new_of}
    for old, new in same.items():
        yield Match(old, new, pair.evidence, pair.likeness)
    rest_old, rest_new = olds - same.keys(), news - set(same.values())
    for likeness_of in (_contained, _parameter_likeness):
        for old, new, likeness in list(
            _clear_winners(sorted(rest_old), sorted(rest_new), likeness_of, least=_MIN_PARAMETERS)
        ):
            yield Match(old, new, Evidence.PARAMETERS, min(likeness, pair.likeness))
            rest_old.remove(old)
            rest_new.remove(new)


def _parameters(case_id: str) -> str:
    return case_id[len(case_function(case_id)) :].removeprefix("[").removesuffix("]")


def _clear_winners(
    olds: list[str], news: list[str], likeness_of: Callable[[str, str], float], *, least: float
) -> Iterator[tuple[str, str, float]]:
    """Give pairs that are like enough and lead every rival of either side."""
    if not olds or not news or len(olds) * len(news) > _MAX_PAIRS:
        return
    table = {old: [likeness_of(old, new) for new in news] for old in olds}
    columns = list(zip(*table.values(), strict=True))
    for old, row in table.items():
        best = max(row)
        position = row.index(best)
        rivals = sorted([*row, *columns[position]])[:-2]  # the pair itself stands in both
        if best >= least and best - max(rivals, default=0.0) >= _MIN_LEAD:
            yield old, news[position], round(best, 3)


def _words(name: str) -> list[str]:
    found = [word.lower() for word in _WORD.findall(name)]
    return found[1:] if found[:1] in (["test"], ["it"]) and len(found) > 1 else found


def _name_likeness(left: str, right: str) -> float:
    """Mean likeness of the words of two functions' names, one by one, 0…1; none where one is another word."""
    a, b = _words(_name(left)), _words(_name(right))
    if not a or len(a) != len(b):
        return 0.0
    likenesses = [_ratio(x, y) for x, y in zip(a, b, strict=True)]
    return fmean(likenesses) if min(likenesses) >= _SAME_WORD else 0.0


def _parameter_likeness(old: str, new: str) -> float:
    """Likeness of two parameter lists, 0…1; none where nothing but a number stands for the value."""
    left, right = _parameters(old), _parameters(new)
    if not all(_NUMBERED.sub("", values).strip("-") for values in (left, right)):
        return 0.0
    return _ratio(_NUMBERED.sub(r"\1", left), _NUMBERED.sub(r"\1", right))


def _contained(old: str, new: str) -> float:
    """Give 1 where one parameter list holds the other, values in order: a parameter was added or dropped."""
    shorter, longer = sorted((_parameters(old).split("-"), _parameters(new).split("-")), key=len)
    values = iter(longer)
    return float(shorter != [""] and all(value in values for value in shorter))


def _ratio(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio()
