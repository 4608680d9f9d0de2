"""pytest-split's durations, in both of their forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest.durations import read_durations
from cipredict.records import ReportStatus


@pytest.mark.parametrize("name", ["test_durations.json", "test_durations_pairs.json"])
def test_both_forms_are_read(samples: Path, name: str) -> None:
    read = read_durations(samples / "durations" / name)
    assert ["tests/test_cart.py::TestCart::test_total", "tests/test_prices.py::test_add_tax"] == list(read.seconds)
    assert (1.25, ReportStatus.VALID) == (read.seconds["tests/test_prices.py::test_add_tax"], read.report.status)


def test_odd_entries_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "durations"
    path.write_text(json.dumps({"a": 1, "b": -1, "c": "1", "": 1, "d": True, "e": None, "f": 1e12}))
    read = read_durations(path)
    assert {"a": 1.0} == read.seconds
    assert (ReportStatus.SUBOPTIMAL, ("6 entries are no id with seconds, skipped",)) == (
        read.report.status,
        read.report.problems,
    )


def test_a_file_without_durations_is_invalid(tmp_path: Path) -> None:
    path = tmp_path / "durations"
    path.write_text("{}")
    assert read_durations(path).report.status is ReportStatus.INVALID


@pytest.mark.parametrize("content", ["", "3", '"a"', "{", "[" * 100_000])
def test_another_format_is_the_users_mistake(tmp_path: Path, content: str) -> None:
    path = tmp_path / "durations"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_durations(path)
    assert caught.value.slug == "durations-format"


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_durations(tmp_path / "nothing")


@pytest.mark.shared_data
def test_real_durations_are_read(real_formats: Path) -> None:
    read = read_durations(real_formats / "pytest_generated" / "test_durations.json")
    assert (ReportStatus.VALID, 33) == (read.report.status, len(read.seconds))
