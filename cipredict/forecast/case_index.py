"""Cases by file, function and word: the fixed side of every link between a change and a case.

Built once a night from the ids and shipped in the bundle, because tokenising 10,000 ids costs more than scoring them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.state import Floats, Ints
from cipredict.forecast.tokens import case_words
from cipredict.ids import case_file, case_function

_SHORTEST = 1e-6
"""Stands for the length of a vector without words."""


@dataclass(frozen=True, slots=True)
class CaseIndex:
    """Groups and words of every slot.

    Attributes
    ----------
    files : distinct case files; `file_of` maps slot → position in it
    n_functions : distinct functions without parameters; `function_of` maps slot → group
    vocabulary : word → column
    inverse_frequency : per column, log(n cases / cases with the word) + 1
    word_starts, word_columns : CSR over slots, the words of each
    norms : per slot, length of its tf-idf vector
    known : slots of the suite as it was at some time, None for all; frequencies and group sizes count these
    """

    files: list[str]
    file_of: Ints
    n_functions: int
    function_of: Ints
    vocabulary: dict[str, int]
    inverse_frequency: Floats
    word_starts: Ints
    word_columns: Ints
    norms: Floats
    known: NDArray[np.bool_] | None = None

    def among(self, known: NDArray[np.bool_]) -> CaseIndex:
        """Give the index as it was when only `known` (n_cases,) had been heard of: later cases change nothing in it."""
        inverse, norms = _weigh_words(self.word_columns, self.slot_of_word(), known, n_words=len(self.vocabulary))
        return replace(self, inverse_frequency=inverse, norms=norms, known=known)

    def sizes(self, group_of: Ints, n_groups: int) -> NDArray[np.intp]:
        """Count the known slots of each group, at least 1, shape (n_groups,)."""
        counted = group_of if self.known is None else group_of[self.known]
        return np.maximum(np.bincount(counted, minlength=n_groups), 1)

    def similarity(self, wanted: Iterable[str]) -> Floats:
        """Give the tf-idf cosine of every slot with a bag of words, 0…1, shape (n_cases,)."""
        columns = [self.vocabulary[word] for word in wanted if word in self.vocabulary]
        if not columns or not len(self.norms):
            return np.zeros(len(self.norms), np.float32)
        weight = np.zeros(len(self.inverse_frequency), np.float32)
        np.add.at(weight, columns, self.inverse_frequency[columns])
        length = max(float(np.linalg.norm(weight[np.unique(columns)])), _SHORTEST)
        products = (weight * self.inverse_frequency)[self.word_columns]
        totals = np.bincount(self.slot_of_word(), products, minlength=len(self.norms))
        return np.asarray(totals / (self.norms * length), np.float32)

    def slot_of_word(self) -> NDArray[np.intp]:
        """Give the slot that each entry of `word_columns` belongs to."""
        return np.repeat(np.arange(len(self.norms)), np.diff(self.word_starts))


def build_case_index(case_ids: Sequence[str]) -> CaseIndex:
    """Index `case_ids`; slots are their positions."""
    files, file_of = _group([case_file(case_id) for case_id in case_ids])
    functions, function_of = _group([case_function(case_id) for case_id in case_ids])
    bags = [tuple(dict.fromkeys(case_words(case_id))) for case_id in case_ids]
    vocabulary: dict[str, int] = {}
    flat = [vocabulary.setdefault(word, len(vocabulary)) for bag in bags for word in bag]
    columns = np.array(flat, np.int32)
    starts = np.concatenate([[0], np.cumsum([len(bag) for bag in bags], dtype=np.int64)]).astype(np.int32)
    slots = np.repeat(np.arange(len(bags)), np.diff(starts))
    inverse, norms = _weigh_words(columns, slots, np.ones(len(bags), np.bool_), n_words=len(vocabulary))
    return CaseIndex(
        files=files,
        file_of=file_of,
        n_functions=len(functions),
        function_of=function_of,
        vocabulary=vocabulary,
        inverse_frequency=inverse,
        word_starts=starts,
        word_columns=columns,
        norms=norms,
    )


def _weigh_words(
    columns: Ints, slots: NDArray[np.intp], known: NDArray[np.bool_], *, n_words: int
) -> tuple[Floats, Floats]:
    """Give the inverse frequency of each word among the known slots, 0 for words they lack, and every slot's norm."""
    occurrences = np.bincount(columns[known[slots]], minlength=n_words)
    inverse = np.log(max(int(known.sum()), 1) / np.maximum(occurrences, 1)) + 1
    inverse = np.where(occurrences > 0, inverse, 0).astype(np.float32)
    norms = np.sqrt(np.bincount(slots, inverse[columns] ** 2, minlength=len(known))).astype(np.float32)
    return inverse, np.maximum(norms, np.float32(_SHORTEST))


def _group(keys: Sequence[str]) -> tuple[list[str], Ints]:
    positions: dict[str, int] = {}
    group_of = np.array([positions.setdefault(key, len(positions)) for key in keys], np.int32)
    return list(positions), group_of
