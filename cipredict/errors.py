"""Every error cipredict raises on purpose, and the exit code each one means.

::

    CipredictError              70  our bug unless a subclass says otherwise
    ├── UsageError               2  an option, setting or file named by the user is wrong
    │   ├── SettingsError        2  pyproject.toml holds a bad value
    │   └── InputError           2  a file or directory cannot be read, or holds nothing usable
    ├── StoreError               2  the history cannot be opened
    │   ├── StoreLocked          2  another process holds it, and did not let go in time
    │   └── StoreTooNew          2  written by a newer cipredict
    └── Degraded                 0  knowledge is missing at CI time: fall back and say so
        ├── ForecastUnusable     0  bundle missing, corrupt, foreign or stale
        └── ChangeUnknown        0  git cannot tell what changed

A message says what happened and where; `hint` says what to do; `slug` names a paragraph of docs/messages.md.
"""

from __future__ import annotations

from pathlib import Path

EXIT_OK = 0
EXIT_VERDICT_NO = 1
EXIT_USAGE = 2
EXIT_APPROVAL_NEEDED = 3
EXIT_INCONCLUSIVE = 4
EXIT_OUR_BUG = 70


class CipredictError(Exception):
    """Root of the tree. Printed as one line; a traceback is shown for none of them."""

    exit_code = EXIT_OUR_BUG

    def __init__(self, message: str, *, slug: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.slug = slug
        self.hint = hint

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.message}{hint} [{self.slug}]"


class UsageError(CipredictError):
    """What the user typed or configured cannot be meant."""

    exit_code = EXIT_USAGE


class SettingsError(UsageError):
    """A key of `[tool.cipredict]` holds something it cannot."""


class InputError(UsageError):
    """A file or directory named by the user cannot be read, or nothing in it can be used."""


def cannot_read(path: Path, error: OSError) -> InputError:
    """Say why a file that the user named cannot be read."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist.", slug="input-missing")
    return InputError(f"Cannot read {path}: {error.strerror}.", slug="input-unreadable")


class StoreError(CipredictError):
    """The history file cannot be used."""

    exit_code = EXIT_USAGE


class StoreLocked(StoreError):
    """Another process holds the history file and did not let go within the wait."""


class StoreTooNew(StoreError):
    """The history file was written by a newer schema than this version knows."""


class Degraded(CipredictError):
    """Knowledge is missing at CI time: the command runs everything, exits 0 and records the reason."""

    exit_code = EXIT_OK


class ForecastUnusable(Degraded):
    """The forecast bundle is missing, corrupt, foreign or stale."""


class ChangeUnknown(Degraded):
    """git cannot tell what changed: unknown base, shallow clone, no repository."""
