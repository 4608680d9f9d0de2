"""Similarity against a tf-idf written out naively."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.tokens import case_words

WORDS = st.sampled_from(["lexer", "parser", "token", "format", "sql", "grouping"])
CASES = st.lists(
    st.tuples(WORDS, WORDS, st.integers(0, 3)).map(lambda part: f"tests/test_{part[0]}.py::test_{part[1]}[{part[2]}]"),
    min_size=1,
    max_size=12,
    unique=True,
)


def naive_cosine(case_ids: list[str], case_id: str, wanted: list[str]) -> float:
    bags = {known: set(case_words(known)) for known in case_ids}
    frequency = Counter(word for bag in bags.values() for word in bag)
    inverse = {word: log(len(case_ids) / count) + 1 for word, count in frequency.items()}
    query = {word: count * inverse[word] for word, count in Counter(wanted).items() if word in inverse}
    own = {word: inverse[word] for word in bags[case_id]}
    if not query:
        return 0.0
    product = sum(value * own.get(word, 0.0) for word, value in query.items())
    return product / sqrt(sum(v * v for v in query.values())) / sqrt(sum(v * v for v in own.values()))


@given(CASES, st.lists(WORDS | st.just("unheard"), max_size=5))
def test_similarity_is_the_tfidf_cosine(case_ids: list[str], wanted: list[str]) -> None:
    expected = [naive_cosine(case_ids, case_id, wanted) for case_id in case_ids]
    np.testing.assert_allclose(expected, build_case_index(case_ids).similarity(wanted), atol=1e-5)


@given(CASES)
def test_groups_are_those_of_the_ids(case_ids: list[str]) -> None:
    index = build_case_index(case_ids)
    assert [case_id.partition("::")[0] for case_id in case_ids] == [index.files[group] for group in index.file_of]
    functions = [case_id.partition("[")[0] for case_id in case_ids]
    assert len(set(functions)) == index.n_functions
    for left, right in pairwise(functions):
        same = index.function_of[functions.index(left)] == index.function_of[functions.index(right)]
        assert (left == right) == same


@pytest.mark.parametrize("case_ids", [[], ["a"]], ids=["no case", "a case without words"])
def test_nothing_to_compare_gives_zeros(case_ids: list[str]) -> None:
    np.testing.assert_array_equal(np.zeros(len(case_ids)), build_case_index(case_ids).similarity(["lexer"]))
