"""The search as a whole: what it may never do, and what it reaches in the situations that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cipredict.decide.containers.analysis import analyze
from cipredict.decide.containers.layers import BuildWish, CacheRules
from cipredict.decide.containers.optimize import Judge
from cipredict.decide.containers.replay import HistoryTokens
from cipredict.dockerfile.context import ContextHistory
from cipredict.dockerfile.parser import DockerfileError

if TYPE_CHECKING:
    from tests.decide.containers.conftest import MakeSituation, Optimize

LINES = [
    *(
        "COPY . .",
        "COPY requirements.txt ./",
        "COPY src /app/src",
        "COPY --from=0 /x /y",
        "ADD docs /docs",
        "WORKDIR /app",
    ),
    *("RUN apt-get update && apt-get install -y git", "RUN pip install -r requirements.txt", "RUN make", "RUN npm ci"),
    *("RUN pip install uv", "ARG COMMIT", "ENV A=$COMMIT", "LABEL r=$COMMIT", "USER app", "CMD x", "# comment", ""),
    *("RUN build $COMMIT", "RUN apk add --no-cache curl", "COPY --link a.txt /srv/a.txt", "EXPOSE 80"),
]
FILES = {
    "requirements.txt": "a\n",
    "src/a.py": "x",
    "a.txt": "x",
    "docs/d.md": "x",
    "package.json": "{}",
    "Makefile": "x",
}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=10),
    commits=st.lists(st.lists(st.sampled_from(sorted(FILES)), max_size=2), min_size=1, max_size=6),
    rules=st.sampled_from(list(CacheRules)),
)
def test_a_rewrite_keeps_every_line_and_never_costs(
    lines: list[str],
    commits: list[list[str]],
    rules: CacheRules,
    make_situation: MakeSituation,
    run_optimize: Optimize,
) -> None:
    text = "\n".join(["FROM x/y AS s", "FROM debian:12", *lines]) + "\n"
    wish = BuildWish(volatile=frozenset({"COMMIT"}), rules=rules)
    outcome = run_optimize(make_situation(text, FILES, wish=wish), commits)

    after = outcome.end.dockerfile.text.splitlines()
    assert outcome.after.seconds <= outcome.before.seconds
    assert outcome.after.run_rebuilds <= outcome.before.run_rebuilds
    assert all(one.proposal.is_safe for one in outcome.applied)
    rules_applied = {one.proposal.rule for one in outcome.applied}
    if not rules_applied & {"narrow-copy", "split-stage", "link-copy"}:
        assert sorted(after) == sorted(text.splitlines())
    if not rules_applied - {"ignore-file"}:
        assert outcome.end.dockerfile.text == text


WORDS = [
    *(
        "a",
        "/",
        "..",
        "./x/",
        "*.txt",
        "$A",
        "${A:-b c}",
        "${",
        "'q r'",
        '"open',
        "\\ ",
        "--link",
        "--from=0",
        "--from=x/y",
    ),
    *("--mount=from=0", "--mount=type=bind", "--chown=1", "[", '["a", "b"]', "<<EOF", "k=v", "é", "\\\n", "&&", "-r"),
    *("apt-get", "pip", "npm", "ci", "cargo", "build", "=", "0", "NONE", "CMD", "install"),
]
KEYWORDS = [
    *("RUN", "RUN", "COPY", "COPY", "ADD", "ENV", "ARG", "LABEL", "WORKDIR", "USER", "SHELL", "VOLUME", "ONBUILD RUN"),
    *("EXPOSE", "HEALTHCHECK", "FROM", "FROM x/y AS", "STOPSIGNAL", "CMD", "ENTRYPOINT", "ONBUILD COPY"),
]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(KEYWORDS), st.lists(st.sampled_from(WORDS), max_size=5)).map(
            lambda parts: " ".join([parts[0], *parts[1]])
        ),
        max_size=6,
    )
)
def test_strange_files_are_refused_or_left_as_they_are(
    lines: list[str], make_situation: MakeSituation, run_optimize: Optimize
) -> None:
    text = "\n".join(["FROM x/y", "COPY . .", *lines])
    try:
        situation = make_situation(text, FILES)
    except DockerfileError:
        return
    outcome = run_optimize(situation, [["a.txt"], ["src/a.py"]])
    analyze(situation, Judge(HistoryTokens(ContextHistory()), {}))

    if not outcome.applied:
        assert outcome.end.dockerfile.text == text


def test_rewrites_build_on_each_other(make_situation: MakeSituation, run_optimize: Optimize) -> None:
    text = (
        "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN apt-get install -y gcc\nRUN pip install -r requirements.txt\n"
        "RUN make\n"
    )
    outcome = run_optimize(make_situation(text, FILES), [["src/a.py"]] * 9 + [["requirements.txt"]])

    assert [one.proposal.rule for one in outcome.applied] == ["raise-install", "narrow-copy"]
    assert outcome.end.dockerfile.text == (
        "FROM python:3.12\nWORKDIR /app\nRUN apt-get install -y gcc\nCOPY requirements.txt ./\n"
        "RUN pip install -r requirements.txt\nCOPY . .\nRUN make\n"
    )
    assert (outcome.before.run_rebuilds, outcome.after.run_rebuilds) == (30, 11)


def test_two_rewrites_that_help_only_together_are_found(make_situation: MakeSituation, run_optimize: Optimize) -> None:
    text = "FROM a/a\nARG COMMIT\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nRUN ./build $COMMIT\n"
    wish = BuildWish(volatile=frozenset({"COMMIT"}))
    outcome = run_optimize(make_situation(text, FILES, wish=wish), [["src/a.py"]] * 5)

    assert {one.proposal.rule for one in outcome.applied} == {"lower-variable", "narrow-copy"}
    assert (outcome.before.run_rebuilds, outcome.after.run_rebuilds) == (10, 5)


def test_nothing_to_do_is_an_answer(make_situation: MakeSituation, run_optimize: Optimize) -> None:
    text = "FROM python:3.12\nRUN apt-get install -y gcc\nCOPY src /app/src\nRUN make\n"
    outcome = run_optimize(make_situation(text, FILES), [["src/a.py"]])

    assert outcome.applied == ()
    assert outcome.speedup == 1.0


@pytest.mark.parametrize(("dependency_changes", "source_changes"), [(13, 8), (21, 0)])
def test_a_rust_dependency_layer_is_refused_where_bumps_dominate(
    dependency_changes: int, source_changes: int, make_situation: MakeSituation, run_optimize: Optimize
) -> None:
    text = (
        "FROM rust:1\nWORKDIR /app\nCOPY ./ship/ /app/\nRUN cargo build -r\nFROM debian:12\nCOPY --from=0 /app/x /x\n"
    )
    files = {"ship/Cargo.toml": "[package]\n", "ship/Cargo.lock": "", "ship/src/main.rs": ""}
    commits = [["ship/Cargo.lock"]] * dependency_changes + [["ship/src/main.rs"]] * source_changes
    outcome = run_optimize(make_situation(text, files), commits)

    [refused] = [one for one in outcome.refused if one.proposal.rule == "rust-dependencies"]
    assert outcome.applied == ()
    assert refused.after is not None
    assert refused.after.run_rebuilds == 2 * dependency_changes + source_changes
    assert outcome.before.run_rebuilds == dependency_changes + source_changes
