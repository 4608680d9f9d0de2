"""Stages that ship their compiler: reported with what speaks against a runtime stage, never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cipredict.decide.containers.rewrites import multi_stage
from cipredict.decide.containers.rewrites.interface import Proposal, Rule, Situation, Standing

if TYPE_CHECKING:
    from tests.decide.containers.conftest import MakeSituation


def doubts(proposal: Proposal) -> str:
    return " ".join(one.text for one in proposal.conditions if one.standing is Standing.VIOLATED)


def only(rule: Rule, situation: Situation) -> Proposal:
    [proposal] = rule(situation)
    return proposal


GO_FILES = ("go.mod", "main.go")
GO = (
    "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /bin/app .\n"
    'USER 1000\nEXPOSE 80\nENTRYPOINT ["/bin/app"]\n'
)
NEVER_PROVED = "run it to see"


def test_a_stage_that_ships_its_compiler_is_reported_and_never_rewritten(make_situation: MakeSituation) -> None:
    """All that can be checked holds; what the program opens while it runs stays unknown."""
    proposal = only(multi_stage.propose, make_situation(GO, GO_FILES))

    assert not proposal.is_safe
    assert proposal.text == GO
    assert "without golang:1.24 and the 2 files" in proposal.title
    assert doubts(proposal).endswith(NEVER_PROVED)
    assert [one.standing for one in proposal.conditions].count(Standing.VIOLATED) == 1
    assert [one.standing for one in proposal.conditions].count(Standing.PROVED) == 4


@pytest.mark.parametrize(
    ("old", "new", "doubt"),
    [
        pytest.param("-o /bin/app .", ".", "says where its result goes", id="no result named"),
        pytest.param("CGO_ENABLED=0 ", "", "the result is static", id="linked dynamically"),
        pytest.param("USER 1000\n", "RUN ./migrate\n", "nothing is made below it (line 5)", id="made below"),
        pytest.param("USER 1000\n", "COPY conf /etc/app\n", "nothing is made below it (line 5)", id="copied below"),
        pytest.param('["/bin/app"]', "/bin/app", "no shell (line 7)", id="started by a shell"),
        pytest.param('["/bin/app"]', '["/run.sh"]', "the container starts it", id="another program"),
        pytest.param("1000", "app", "has the user 'app' (line 5)", id="user by name"),
        pytest.param("EXPOSE 80", "HEALTHCHECK CMD curl x", "HEALTHCHECK calls (line 6)", id="health check"),
        pytest.param("EXPOSE 80", "ONBUILD RUN x", "no trigger", id="trigger"),
    ],
)
def test_what_else_speaks_against_a_runtime_stage_is_said(
    old: str, new: str, doubt: str, make_situation: MakeSituation
) -> None:
    assert doubt in doubts(only(multi_stage.propose, make_situation(GO.replace(old, new), GO_FILES)))


@pytest.mark.parametrize(
    ("image", "command"),
    [
        ("rust:1.85", "cargo build --release"),
        ("maven:3.9", "mvn package"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "dotnet publish -o /app"),
    ],
)
def test_other_compilers_are_known(image: str, command: str, make_situation: MakeSituation) -> None:
    text = f"FROM {image}\nCOPY . .\nRUN {command}\n"

    assert NEVER_PROVED in doubts(only(multi_stage.propose, make_situation(text, ("a",))))
    assert list(multi_stage.propose(make_situation(f"{text}FROM a/a\nCOPY --from=0 /x /x\n", ("a",)))) == []


def test_an_interpreter_is_no_compiler(make_situation: MakeSituation) -> None:
    assert list(multi_stage.propose(make_situation("FROM python:3\nCOPY . .\nRUN go build\n", ("a",)))) == []
