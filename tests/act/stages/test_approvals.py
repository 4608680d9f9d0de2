from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cipredict.act.stages.approvals import Decision, answer, wait_for_answer
from cipredict.act.stages.interface import Approval, Outcome
from cipredict.errors import UsageError


@pytest.mark.parametrize(
    ("decision", "approvers", "expected"),
    [
        pytest.param(
            Decision("ann", is_approved=True, reason="looked"),
            ("ann",),
            (Outcome.SUCCESS, "approved by ann: looked"),
            id="yes",
        ),
        pytest.param(Decision("bob", is_approved=True), (), (Outcome.SUCCESS, "approved by bob"), id="anyone may"),
        pytest.param(
            Decision("ann", is_approved=False, reason="not today"),
            ("ann",),
            (Outcome.DENIED, "denied by ann: not today"),
            id="no",
        ),
        pytest.param(
            Decision("eve", is_approved=True),
            ("ann", "bob"),
            (Outcome.DENIED, "eve is none of ann, bob"),
            id="not hers",
        ),
    ],
)
def test_an_answer_decides(
    tmp_path: Path, decision: Decision, approvers: tuple[str, ...], expected: tuple[Outcome, str]
) -> None:
    path = tmp_path / "approvals" / "deploy.json"
    answer(path, decision)
    result = asyncio.run(wait_for_answer("deploy", Approval(approvers, within_s=1), path))
    assert expected == (result.outcome, result.reason)


def test_an_answer_given_meanwhile_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "deploy.json"

    async def both() -> Outcome:
        asyncio.get_running_loop().call_later(0.1, answer, path, Decision("ann", is_approved=True))
        return (await wait_for_answer("deploy", Approval(within_s=5), path)).outcome

    assert Outcome.SUCCESS is asyncio.run(both())


def test_silence_is_a_no(tmp_path: Path) -> None:
    result = asyncio.run(wait_for_answer("deploy", Approval(within_s=0.05), tmp_path / "none.json"))
    assert (Outcome.DENIED, "nobody decided within 0.05 s") == (result.outcome, result.reason)


def test_the_first_answer_counts(tmp_path: Path) -> None:
    answer(tmp_path / "deploy.json", Decision("ann", is_approved=False))
    with pytest.raises(UsageError, match="deploy was decided before"):
        answer(tmp_path / "deploy.json", Decision("bob", is_approved=True))
