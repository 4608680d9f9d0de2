from __future__ import annotations

from cipredict.perf.suspects import Suspect, rank_suspects

DOCS = Suspect("1", "Docs", ("README.md",))
PARSER = Suspect("2", "Faster", ("shop/json_parser.py", "shop/data.py"))
EMPTY = Suspect("3", "Empty", ())


def test_a_commit_that_touches_files_named_like_the_benchmark_comes_first() -> None:
    [first, second] = rank_suspects([DOCS, PARSER], "benchmarks.json.TimeParser.time_json")

    assert (first.sha, first.shared) == ("2", ("json", "parser"))
    assert second == DOCS


def test_commits_without_a_path_do_nothing() -> None:
    assert rank_suspects([EMPTY, DOCS], "x") == [DOCS]


def test_words_that_every_path_has_tell_nothing() -> None:
    assert rank_suspects([Suspect("4", "x", ("tests/test_time.py",))], "tests/test_bench.py::test_time")[0].shared == ()
