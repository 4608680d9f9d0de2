"""Approvals: who let a gate plan through, signed so that a changed record is noticed.

The signature is an HMAC-SHA256 with a key that CI keeps as a secret. It proves that the record was written by somebody
who holds the key, and not changed since. It does *not* prove who that was: `user` is what they claimed. Let the job
that runs `gate approve` take the name from the CI system's own login, and give the key to that job only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from cipredict.plans.document import compact_json
from cipredict.plans.fields import Fields

EVENT_KIND = "approval"
LEAST_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to one decision.

    Attributes
    ----------
    decision_sha256 : of the plan; another measurement, commit or definition has another, and this no longer counts
    at : aware UTC
    signature : hex, empty where unsigned
    """

    decision_sha256: str
    user: str
    reason: str
    at: datetime
    signature: str = ""

    def signed(self, key: bytes) -> Approval:
        """Give the same with its signature."""
        return replace(self, signature=self._digest(key))

    def is_signed_with(self, key: bytes) -> bool:
        """Tell whether a holder of the key wrote exactly this."""
        return bool(self.signature) and hmac.compare_digest(self.signature, self._digest(key))

    def _digest(self, key: bytes) -> str:
        body = {**asdict(self), "at": self.at.isoformat()}
        del body["signature"]
        return hmac.new(key, compact_json(body).encode(), hashlib.sha256).hexdigest()

    def to_record(self) -> str:
        """Give JSON on one line, for the event file."""
        return compact_json({**asdict(self), "at": self.at.isoformat()})


def parse_approval(body: Mapping[str, object]) -> Approval | None:
    """Read an event's body; None where it is no approval."""
    problems: list[str] = []
    fields = Fields(body, problems, "")
    values = {name: fields.text(name) for name in ("decision_sha256", "user", "reason", "signature")}
    try:
        at = datetime.fromisoformat(fields.text("at"))
    except ValueError:
        return None
    return None if problems or at.tzinfo is None else Approval(at=at, **values)
