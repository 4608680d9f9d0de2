"""Cases by file, function and word: the fixed side of every link between a change and a case.

Built once a night from the ids and shipped in the bundle, because tokenising 10,000 ids costs more than scoring them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.state import Floats, Ints
from cipredict.forecast.tokens import case_words
from cipredict.ids import case_file, case_function


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

    def similarity(self, wanted: Iterable[str]) -> Floats:
        """Give the tf-idf cosine of every slot with a bag of words, 0…1, shape (n_cases,)."""
        columns = [self.vocabulary[word] for word in wanted if word in self.vocabulary]
        if not columns or not len(self.norms):
            return np.zeros(len(self.norms), np.float32)
        weight = np.zeros(len(self.inverse_frequency), np.float32)
        np.add.at(weight, columns, self.inverse_frequency[columns])
        length = float(np.linalg.norm(weight))
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
    occurrences = np.bincount(columns, minlength=len(vocabulary))
    inverse = (np.log(max(len(case_ids), 1) / np.maximum(occurrences, 1)) + 1).astype(np.float32)
    slots = np.repeat(np.arange(len(bags)), np.diff(starts))
    norms = np.sqrt(np.bincount(slots, inverse[columns] ** 2, minlength=len(bags))).astype(np.float32)
    return CaseIndex(
        files=files,
        file_of=file_of,
        n_functions=len(functions),
        function_of=function_of,
        vocabulary=vocabulary,
        inverse_frequency=inverse,
        word_starts=starts,
        word_columns=columns,
        norms=np.maximum(norms, 1e-6),
    )


def _group(keys: Sequence[str]) -> tuple[list[str], Ints]:
    positions: dict[str, int] = {}
    group_of = np.array([positions.setdefault(key, len(positions)) for key in keys], np.int32)
    return list(positions), group_of
