"""A bundle comes back whole or not at all."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cipredict.errors import ForecastUnusable, InputError
from cipredict.forecast.bundle import SCHEMA, Bundle, Manifest, check_fit, open_bundle, write_bundle
from cipredict.plans.document import canonical_json, plan_id

ENTRIES = {"cases/ids": b"a.py::x\0a.py::y", "graphs/failure/net.onnx": b"\x00\x01graph" * 9, "cases/runs.f32": b""}
MakeManifest = Callable[..., Manifest]


@pytest.fixture
def written(tmp_path: Path, make_manifest: MakeManifest) -> Path:
    path = tmp_path / "nested" / "forecast.bundle"
    write_bundle(path, make_manifest(), ENTRIES)
    return path


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {name: bundle.read(name) for name in ENTRIES}


def rewrite_manifest(path: Path, change: Callable[[dict[str, object]], None], *, sign: bool = True) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(entries["manifest.json"])
    change(document)
    if sign:
        document["id"] = plan_id({key: value for key, value in document.items() if key not in {"schema", "id"}})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**entries, "manifest.json": canonical_json(document).encode()}.items():
            archive.writestr(name, content)


def slug_of(path: Path) -> str:
    with pytest.raises(ForecastUnusable) as caught:
        contents(open_bundle(path))
    assert caught.value.exit_code == 0
    return caught.value.slug


def test_what_was_written_is_read_back(written: Path, make_manifest: MakeManifest) -> None:
    bundle = open_bundle(written)
    assert make_manifest().to_json() == json.loads(json.dumps(bundle.manifest.to_json())) | {
        name: tuple(bundle.manifest.to_json()[name])  # type: ignore[arg-type]  # tuples are lists in JSON
        for name in ("features", "sigmoid", "needed_shares", "case_members")
    }
    assert contents(bundle) == ENTRIES
    assert bundle.case_ids() == ["a.py::x", "a.py::y"]
    assert {"net": ENTRIES["graphs/failure/net.onnx"]} == bundle.graphs("failure")
    assert bundle.graphs("fail") == {}
    assert [written] == list(written.parent.iterdir())


def test_equal_forecasts_are_equal_files(written: Path, tmp_path: Path, make_manifest: MakeManifest) -> None:
    again = tmp_path / "again.bundle"
    forecast_id = write_bundle(again, make_manifest(), ENTRIES)
    assert written.read_bytes() == again.read_bytes()
    assert open_bundle(written).forecast_id == forecast_id


def test_another_content_has_another_id(written: Path, tmp_path: Path, make_manifest: MakeManifest) -> None:
    other = write_bundle(tmp_path / "other.bundle", make_manifest(), {**ENTRIES, "cases/ids": b"b.py::x"})
    assert open_bundle(written).forecast_id != other


def test_a_missing_bundle_says_how_to_get_one(tmp_path: Path) -> None:
    assert slug_of(tmp_path / "none.bundle") == "forecast-missing"
    assert slug_of(tmp_path) == "forecast-missing"


def test_a_truncated_bundle_is_refused_wherever_it_ends(written: Path) -> None:
    whole = written.read_bytes()
    for length in range(0, len(whole), 29):
        written.write_bytes(whole[:length])
        assert slug_of(written) == "forecast-corrupt"


def test_a_flipped_bit_is_refused_or_changes_nothing(written: Path) -> None:
    """Bits that carry nothing exist: time stamps and attributes in the directory of a zip."""
    whole = written.read_bytes()
    refused = 0
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        written.write_bytes(damaged)
        try:
            bundle = open_bundle(written)
            assert contents(bundle) == ENTRIES
            assert bundle.manifest.repository == "owner/name"
        except ForecastUnusable as error:
            assert error.slug in {"forecast-corrupt", "forecast-schema"}
            refused += 1
    assert refused > 0.8 * len(whole) / 3


def test_an_entry_exchanged_for_another_is_refused(written: Path) -> None:
    with zipfile.ZipFile(written) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in {**entries, "cases/ids": b"b.py::z\0b.py::y"}.items():
            archive.writestr(name, content)
    assert slug_of(written) == "forecast-corrupt"


def test_a_missing_entry_is_refused(written: Path) -> None:
    with zipfile.ZipFile(written) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != "cases/ids"}
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    assert slug_of(written) == "forecast-corrupt"


def test_an_edited_manifest_is_refused(written: Path) -> None:
    rewrite_manifest(written, lambda document: document.update(repository="other/name"), sign=False)
    assert slug_of(written) == "forecast-corrupt"


def test_a_manifest_that_lacks_a_field_is_refused(written: Path) -> None:
    rewrite_manifest(written, lambda document: document.__delitem__("anchors"))
    assert slug_of(written) == "forecast-corrupt"


def test_a_newer_schema_is_named_whatever_else_it_holds(written: Path) -> None:
    def newer(document: dict[str, object]) -> None:
        document.clear()
        document.update(schema=SCHEMA.replace("/1", "/2"), id="0" * 12)

    rewrite_manifest(written, newer, sign=False)
    assert slug_of(written) == "forecast-schema"


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    for manifest in (None, b"[]", b"1", b"{}", b"\xff"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hello", b"x")
            if manifest is not None:
                archive.writestr("manifest.json", manifest)
        assert slug_of(path) == "forecast-corrupt"


def test_an_entry_that_does_not_exist_is_corruption(written: Path) -> None:
    with pytest.raises(ForecastUnusable, match="nowhere"):
        open_bundle(written).read("nowhere")


@pytest.mark.parametrize(
    ("repository", "days", "slug"),
    [
        pytest.param("owner/name", 13, "", id="fits"),
        pytest.param("", 13, "", id="unknown repository is not foreign"),
        pytest.param("fork/name", 13, "forecast-foreign", id="foreign"),
        pytest.param("owner/name", 15, "forecast-stale", id="stale"),
    ],
)
def test_foreign_and_stale_bundles_are_refused(written: Path, repository: str, days: int, slug: str) -> None:
    bundle = open_bundle(written)
    now = bundle.manifest.created_at + timedelta(days=days)
    try:
        check_fit(bundle, repository=repository, now=now, max_age_days=14)
        actual = ""
    except ForecastUnusable as error:
        actual = error.slug
    assert slug == actual


def test_an_unwritable_place_is_the_users_to_mend(tmp_path: Path, make_manifest: MakeManifest) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="Cannot write the bundle"):
        write_bundle(tmp_path / "file" / "forecast.bundle", make_manifest(), ENTRIES)
