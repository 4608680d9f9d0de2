"""Every format's sample: ids, verdicts, seconds, attempts; decoders that need no more than that are tested here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, Verdict

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]
Facts = tuple[Verdict, float | None, int, bool]
PASSED, FAILED, ERROR, SKIPPED = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.SKIPPED


def once(verdict: Verdict, seconds: float | None = None) -> Facts:
    return verdict, seconds, 1, False


SAMPLES: dict[str, dict[str, Facts]] = {
    "go_test.jsonl": {
        "example.org/shop/broken::TestMain": once(FAILED, 0.0),
        "example.org/shop/cart::TestTotal": once(FAILED, 0.5),
        "example.org/shop/cart::TestTotal/empty": once(PASSED, 1.0),
        "example.org/shop/cart::TestTotal/full": once(FAILED, 1.0),
        "example.org/shop/cart::TestTotal/full/twice": once(PASSED, 0.5),
    },
    "go_panic.jsonl": {
        "example.org/shop/prices::TestTax": once(PASSED, 0.1),
        "example.org/shop/prices::TestRound": once(FAILED),
    },
    "dart.jsonl": {
        "test/broken_test.dart": once(ERROR, 0.31),
        "test/cart_test.dart::cart is empty": once(PASSED, 0.25),
        "test/cart_test.dart::cart pays": once(FAILED, 0.1),
        "test/cart_test.dart::cart later": once(SKIPPED, 0.001),
    },
    "jest.json": {
        "/repo/src/cart.test.js::cart total works": (PASSED, 0.014, 2, True),
        "/repo/src/cart.test.js::cart total fails": once(FAILED, 0.001),
        "/repo/src/cart.test.js::cart later": once(SKIPPED),
        "/repo/src/prices.test.ts": once(ERROR),
    },
    "vitest.json": {"/repo/src/cart.spec.ts::total > works & counts": (PASSED, 0.01075842, 2, True)},
    "mocha.json": {
        "/repo/test/cart.js::cart is empty": once(PASSED, 0.003),
        "/repo/test/cart.js::cart pays": once(FAILED, 0.9),
        "/repo/test/cart.js::cart later": once(SKIPPED),
        "/repo/test/cart.js::cart comes back": (PASSED, 0.1, 3, True),
        '/repo/test/prices.js::prices "before all" hook': once(ERROR),
    },
    "rspec.json": {
        "spec/cart_spec.rb::Cart is empty": once(PASSED, 0.004651),
        "spec/cart_spec.rb::Cart behaves like a ware is priced": once(FAILED, 0.1),
        "spec/cart_spec.rb::Cart later": once(SKIPPED, 2.3e-05),
    },
    "cucumber.json": {
        "features/cart.feature::Cart::Total (example 1)": once(PASSED, 0.5),
        "features/cart.feature::Cart::Total (example 2)": once(FAILED, 0.2),
        "features/cart.feature::Cart::Refund": once(SKIPPED),
    },
    "playwright.json": {
        "e2e/broken.spec.ts": once(ERROR),
        "e2e/cart.spec.ts::[chromium] Cart \u203a pays": (PASSED, 1.5, 2, True),
        "e2e/cart.spec.ts::[webkit] Cart \u203a pays": once(FAILED, 1.6),
    },
    "ctrf.json": {
        "src/cart.test::cart > total::pays": (PASSED, 0.3, 3, True),
        "cart > total::is empty": once(PASSED, 0.15),
        "fails": (ERROR, 5.0, 2, False),
        "later": once(SKIPPED, 0.0),
        "to do": once(SKIPPED, 0.0),
    },
    "robot.xml": {
        "/repo/robot/cart.robot::Is empty": once(PASSED, 0.012),
        "/repo/robot/cart.robot::Pays": once(FAILED, 0.5),
        "/repo/robot/cart.robot::Later": once(SKIPPED, 0.0001),
    },
    "nunit3.xml": {
        'Shop.CartTests(1.5)::Total("a.b")': once(PASSED, 0.001215),
        "Shop.CartTests+Inner::Pays": once(FAILED, 0.002),
        "Shop.CartTests::Throws": once(ERROR, 1.6e-05),
        "Shop.CartTests::Later": once(SKIPPED, 0.0),
        "Shop.CartTests::Unsure": once(SKIPPED, 0.0),
    },
    "nunit2.xml": {
        'Shop.CartTests::Total("a.b")': once(PASSED, 0.016),
        "Shop.CartTests::Pays": once(FAILED, 0.013),
        "Shop.CartTests::Throws": once(ERROR, 0.006),
        "Shop.CartTests::Later": once(SKIPPED),
    },
    "xunit.xml": {
        'Shop.CartTests::Total(price: 1.5, name: "a.b")': once(PASSED, 0.0170545),
        "Shop.CartTests::Pays": once(FAILED, 0.002),
        "Shop.CartTests::Later": once(SKIPPED, 0.0),
    },
    "results.trx": {
        'Shop.CartTests::Total(price: 1.5, name: "a.b")': once(PASSED, 0.0170545),
        "Shop.CartTests::Pays": once(FAILED, 60.5),
        "Shop.CartTests::Later": once(SKIPPED),
        "Shop.CartTests::Rows (1)": once(PASSED, 0.1),
        "Shop.CartTests::Rows (2)": once(ERROR, 0.2),
        "[Test Class Cleanup Failure (Shop.CartTests)]": once(FAILED, 0.0),
    },
    "ctest_Test.xml": {"fast": once(PASSED, 0.02), "off": once(SKIPPED, 0.0), "slow": once(FAILED, 1.0)},
}
DIALECTS = {
    "go_test.jsonl": "go test",
    "go_panic.jsonl": "go test",
    "dart.jsonl": "dart",
    "jest.json": "jest json",
    "vitest.json": "vitest json",
    "mocha.json": "mocha json",
    "rspec.json": "rspec json",
    "cucumber.json": "cucumber json",
    "playwright.json": "playwright json",
    "ctrf.json": "CTRF example-runner",
    "robot.xml": "robot",
    "nunit3.xml": "nunit 3",
    "nunit2.xml": "nunit 2",
    "xunit.xml": "xunit.net",
    "results.trx": "trx",
    "ctest_Test.xml": "ctest",
}
UNDATED = {"rspec.json", "cucumber.json", "dart.jsonl"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_read_as_it_was_meant(read_any: ReadReport, samples: Path, sample: str) -> None:
    cases, report = read_any(samples / "reports" / sample)
    assert SAMPLES[sample] == {
        name: (row.verdict, row.duration_s and pytest.approx(row.duration_s), *row[3:5]) for name, row in cases.items()
    }
    assert DIALECTS[sample] == report.dialect
    assert (sample in UNDATED) == (report.started_at is None)


@pytest.mark.parametrize("sample", sorted(SAMPLES.keys() - {"go_panic.jsonl"}))
def test_a_sample_is_valid_and_counted(read_any: ReadReport, samples: Path, sample: str) -> None:
    path = samples / "reports" / sample
    _, report = read_any(path)
    verdicts = [facts[0] for facts in SAMPLES[sample].values()]
    assert (ReportStatus.VALID, ()) == (report.status, report.problems)
    assert (len(verdicts), len(verdicts), path.stat().st_size) == (report.entries, report.cases, report.size_bytes)
    assert (verdicts.count(FAILED) + verdicts.count(ERROR), verdicts.count(SKIPPED)) == (report.failed, report.skipped)
    assert sum(facts[3] for facts in SAMPLES[sample].values()) == report.flaky
    assert sum(facts[1] or 0.0 for facts in SAMPLES[sample].values()) == pytest.approx(report.cases_s)


def test_a_test_that_never_ended_and_a_line_of_the_compiler_are_reported(read_any: ReadReport, samples: Path) -> None:
    _, report = read_any(samples / "reports" / "go_panic.jsonl")
    assert ("1 lines that are no JSON, passed over", "1 cases without a usable time") == report.problems


def test_absolute_paths_become_those_of_the_repository(read_any: ReadReport, samples: Path) -> None:
    known = frozenset({"src/cart.test.js", "src/prices.test.ts", "robot/cart.robot"})
    files = {
        name.partition("::")[0]
        for sample in ("jest.json", "robot.xml")
        for name in read_any(samples / "reports" / sample, known_files=known)[0]
    }
    assert known == files
