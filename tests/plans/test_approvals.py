"""Approvals: a signature stands for every field, and nothing else is an approval."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.approvals import Approval, parse_approval

KEY = b"0123456789abcdef"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
APPROVAL = Approval("ab" * 32, "alice", "measured again", AT).signed(KEY)


def test_an_approval_reads_back_and_its_signature_holds() -> None:
    again = parse_approval(json.loads(APPROVAL.to_record()))
    assert APPROVAL == again
    assert again is not None
    assert again.is_signed_with(KEY)


@pytest.mark.parametrize(
    "changed",
    [
        {"decision_sha256": "cd" * 32},
        {"user": "mallory"},
        {"reason": "x"},
        {"at": AT + timedelta(days=1)},
        {"signature": ""},
        {"signature": "00" * 32},
    ],
)
def test_a_changed_record_is_noticed(changed: dict[str, Any]) -> None:
    assert not replace(APPROVAL, **changed).is_signed_with(KEY)


def test_another_key_proves_nothing() -> None:
    assert not APPROVAL.is_signed_with(b"another key of 16")


@given(st.text(), st.text())
def test_fields_cannot_be_moved_into_each_other(user: str, reason: str) -> None:
    one, other = Approval("d", user + reason, "", AT), Approval("d", user, reason, AT)
    assert (one.signed(KEY).signature == other.signed(KEY).signature) == (one == other)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "a"},
        {**json.loads(APPROVAL.to_record()), "at": "yesterday"},
        {**json.loads(APPROVAL.to_record()), "at": "2026-11-25T12:00:00"},
        {**json.loads(APPROVAL.to_record()), "user": 7},
    ],
)
def test_what_is_no_approval_is_none(body: dict[str, Any]) -> None:
    assert parse_approval(body) is None
