"""The phases of a pytest case, setup, call and teardown, into one verdict: the same as pytest's JUnit file gives."""

from __future__ import annotations

from dataclasses import dataclass

from cipredict.ingest.attempts import is_failing
from cipredict.records import CaseRun, Verdict


@dataclass(slots=True)
class PhasedCase:
    """One case while its phases come in.

    Attributes
    ----------
    seconds : of all phases of the present attempt; None where no phase had any
    peak_memory_bytes : None where nothing was measured
    must_rerun : pytest-rerunfailures took the failure back and will run the case again
    """

    case_id: str
    verdict: Verdict = Verdict.PASSED
    seconds: float | None = None
    attempts: int = 1
    peak_memory_bytes: int | None = None
    must_rerun: bool = False

    def add(self, when: str, outcome: str, seconds: float | None) -> None:
        """Take in a phase; a setup after a failure that was taken back begins the next attempt."""
        if when == "setup" and self.must_rerun:
            self._begin_again()
        if seconds is not None:
            self.seconds = (self.seconds or 0.0) + seconds
        if outcome == "rerun":
            self.must_rerun = True
        elif outcome == "failed":
            self.fail(in_body=when == "call")
        elif outcome == "skipped" and not is_failing(self.verdict):
            self.verdict = Verdict.SKIPPED

    def fail(self, *, in_body: bool) -> None:
        """Note a failure: of the body, or an error around it, which outweighs it."""
        if not in_body:
            self.verdict = Verdict.ERROR
        elif self.verdict is not Verdict.ERROR:
            self.verdict = Verdict.FAILED

    def finish(self) -> CaseRun:
        """Give the case; it is flaky if it passed after a failure."""
        is_flaky = self.attempts > 1 and not is_failing(self.verdict)
        return CaseRun(self.case_id, self.verdict, self.seconds, self.attempts, is_flaky, self.peak_memory_bytes)

    def _begin_again(self) -> None:
        self.attempts += 1
        self.verdict, self.seconds, self.peak_memory_bytes, self.must_rerun = Verdict.PASSED, None, None, False


COLLECTION_VERDICTS = {"failed": Verdict.ERROR, "skipped": Verdict.SKIPPED}
"""What became of a module that could not be collected, or that is skipped as a whole: its id is the file."""
