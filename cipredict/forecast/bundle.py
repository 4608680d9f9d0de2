"""The forecast bundle: one zip that the nightly job publishes and CI jobs read, stdlib only.

::

    manifest.json           what it is, from which history, who serves, how sure; sha256 of every other entry
    cases/ids               ids joined by NUL, slot order
    cases/*.f32             float32 per slot: expected_s, planned_s, low_s, high_s, runs, peak_memory_bytes
    cases/flavours/*.f32    float32 per slot: factor of an operating system, Python; where there are two to compare
    cases/members/*.f32     float32 per slot: each learner's own seconds
    state/*                 history and links of the failure forecast (see `state_codec`)
    graphs/<predictor>/<member>.onnx
    checks.json             what the backtest of failures promised and kept; optional
    cache/hits.json         who commits to the key files of caches, how often; see `cache_hits`; optional
    delivery/metrics.json   DORA's figures, how the pipeline runs, as `cipredict.metrics/1`; optional

Schema history
    1  first
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zlib import crc32
from zlib import error as InflateError  # noqa: N812  # a class in all but its spelling

from cipredict.errors import ForecastUnusable, InputError
from cipredict.plans.document import canonical_json, plan_id

SCHEMA = "cipredict.forecast/1"
CHECKS = "checks.json"
DELIVERY = "delivery/metrics.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of every zip entry, so that equal forecasts are equal files."""
_DAMAGE = (zipfile.BadZipFile, InflateError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What zipfile raises on damaged bytes: flags and methods it does not know, streams that do not inflate or end."""


@dataclass(frozen=True, slots=True)
class Served:
    """Who serves a predictor: `cipredict` (the ensemble) or a baseline's name, and why.

    Attributes
    ----------
    weights : of the members, as fitted
    reasons : why the ensemble does not serve; empty where it does
    metrics : policy → measure → value, on the holdout
    """

    by: str
    weights: Mapping[str, float]
    reasons: tuple[str, ...]
    metrics: Mapping[str, Mapping[str, float]]

    @property
    def is_model(self) -> bool:
        """Tell whether the ensemble serves."""
        return self.by == "cipredict"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The front page of a bundle; every field is JSON.

    Attributes
    ----------
    history_runs, history_from, history_to : what the state was rolled from
    trained_to : end of the runs that the members learned from; the holdout lies after it
    served : predictor (`failure`, `case_time`, `run_time`) → who serves
    sigmoid : calibration of the failure ensemble (slope, offset)
    needed_shares : the backtest's confidence curve, see `ConfidenceCurve`
    coverage, observed_coverage : of the intervals of seconds, promised and measured on the holdout, per predictor
    conformal : `case_time`, `run_time` → interval factors per band of expected seconds; `new_case` → per scope;
        `run` → `spread_share`, by which nine of ten runs are slower or faster as a whole, at most
    anchors : `case_time`, `run_time` → the baseline that the ensemble corrects; `plan` → whose seconds plans add up
    case_members : learners whose own seconds are in `cases/members`
    overhead_s : seconds that every job spends beside its cases
    series : series → recent wall seconds and friends, for `predict run`
    """

    created_at: datetime
    repository: str
    default_branch: str
    version: str
    model_version: str | None
    history_runs: int
    history_from: str
    history_to: str
    trained_to: str
    features: tuple[str, ...]
    served: Mapping[str, Served]
    sigmoid: tuple[float, float]
    needed_shares: tuple[float, ...]
    coverage: float
    observed_coverage: Mapping[str, float | None]
    conformal: Mapping[str, Mapping[str, object]]
    anchors: Mapping[str, str]
    overhead_s: float
    case_members: tuple[str, ...]
    series: Mapping[str, Mapping[str, object]]

    def to_json(self) -> dict[str, object]:
        """Give the JSON body."""
        body: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        body["created_at"] = self.created_at.isoformat()
        body["served"] = {
            name: {"by": s.by, "weights": dict(s.weights), "reasons": list(s.reasons), "metrics": dict(s.metrics)}
            for name, s in self.served.items()
        }
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> Manifest:
        """Read the JSON body; KeyError or TypeError where it is not one."""
        values = {name: body[name] for name in cls.__slots__}
        values["created_at"] = datetime.fromisoformat(str(body["created_at"]))
        for name in ("features", "sigmoid", "needed_shares", "case_members"):
            values[name] = tuple(body[name])  # type: ignore[arg-type]  # lists by the checksum'd schema
        values["served"] = {
            name: Served(s["by"], s["weights"], tuple(s["reasons"]), s["metrics"])
            for name, s in body["served"].items()  # type: ignore[attr-defined]  # an object by the schema
        }
        return cls(**values)  # type: ignore[arg-type]  # every slot is filled above


class Bundle:
    """An opened bundle. Entries are read and verified one by one, when a decision needs them."""

    def __init__(self, archive: zipfile.ZipFile, path: Path, *, forecast_id: str, manifest: Manifest) -> None:
        self._archive = archive
        self.path = path
        self.forecast_id = forecast_id
        self.manifest = manifest

    def has(self, name: str) -> bool:
        """Tell whether the bundle holds an entry; older ones lack some."""
        return name in self._archive.NameToInfo

    def names(self, prefix: str) -> list[str]:
        """Give the entries that begin so, sorted."""
        return sorted(name for name in self._archive.namelist() if name.startswith(prefix))

    def read(self, name: str) -> bytes:
        """Give an entry's bytes.

        Raises
        ------
        ForecastUnusable
            Missing or damaged.
        """
        try:
            return self._archive.read(name)  # the zip's CRC is checked here; the whole file's digest at opening
        except (KeyError, *_DAMAGE) as error:
            raise _corrupt(self.path, f"entry {name}: {error}") from error

    def check_entries(self) -> None:
        """Read every entry, so that damage shows now; raises ForecastUnusable."""
        for name in self._archive.namelist():
            self.read(name)

    def entries(self) -> dict[str, bytes]:
        """Give every entry but the manifest, by name."""
        names = self._archive.namelist()
        return {name: self.read(name) for name in names if name != "manifest.json"}

    def floats(self, name: str) -> array[float]:
        """Give a float32 entry."""
        values = array("f")
        values.frombytes(self.read(name))
        return values

    def case_ids(self) -> list[str]:
        """Give the known cases in slot order."""
        text = self.read("cases/ids").decode()
        return text.split("\0") if text else []

    def graphs(self, predictor: str) -> dict[str, bytes]:
        """Give the members' ONNX graphs of a predictor, by member name."""
        prefix = f"graphs/{predictor}/"
        names = [name for name in self._archive.namelist() if name.startswith(prefix)]
        return {name[len(prefix) :].removesuffix(".onnx"): self.read(name) for name in sorted(names)}


def open_bundle(path: Path) -> Bundle:
    """Open and verify a bundle.

    Raises
    ------
    ForecastUnusable
        Missing, damaged, or of a schema this version does not read.
    """
    if not path.is_file():
        raise ForecastUnusable(
            f"No forecast bundle at {path}.", slug="forecast-missing", hint="Run `cipredict train`, or download it."
        )
    try:
        archive = zipfile.ZipFile(path)
        document = json.loads(archive.read("manifest.json"))
        schema = document.pop("schema")
        if schema != SCHEMA:
            raise ForecastUnusable(
                f"{path} has schema {schema!r}, this version reads {SCHEMA!r}.",
                slug="forecast-schema",
                hint="Upgrade cipredict, or publish again.",
            )
        stated = document.pop("id")
        if plan_id(document) != stated:
            raise _corrupt(path, "the manifest does not match its id")
        _verify_entries(archive, document["digests"], path)
        return Bundle(archive, path, forecast_id=stated, manifest=Manifest.from_json(document))
    except (KeyError, TypeError, AttributeError, *_DAMAGE) as error:
        raise _corrupt(path, str(error)) from error


def _verify_entries(archive: zipfile.ZipFile, digests: Mapping[str, object], path: Path) -> None:
    """Compare what the archive lists (CRC and size of each entry) with what the manifest promised."""
    for entry in archive.infolist():
        if entry.filename != "manifest.json" and digests.get(entry.filename) != f"{entry.CRC:08x}-{entry.file_size}":
            raise _corrupt(path, f"entry {entry.filename} is not the one that was published")
    missing = digests.keys() - set(archive.namelist())
    if missing:
        raise _corrupt(path, f"entry {min(missing)} is missing")


def _corrupt(path: Path, why: str) -> ForecastUnusable:
    return ForecastUnusable(f"The forecast bundle {path} is corrupt: {why}.", slug="forecast-corrupt")


def check_fit(bundle: Bundle, *, repository: str, now: datetime, max_age_days: float) -> None:
    """Refuse a bundle of another repository or one that is too old.

    Raises
    ------
    ForecastUnusable
        Saying which.
    """
    manifest = bundle.manifest
    if repository and manifest.repository and repository != manifest.repository:
        raise ForecastUnusable(
            f"{bundle.path} was made for {manifest.repository}, this is {repository}.", slug="forecast-foreign"
        )
    age = now - manifest.created_at
    if age > timedelta(days=max_age_days):
        raise ForecastUnusable(
            f"{bundle.path} is {age.days} days old, more than {max_age_days:g}.",
            slug="forecast-stale",
            hint="Let the nightly job publish again, or raise max_forecast_age_days.",
        )


def write_bundle(path: Path, manifest: Manifest, entries: Mapping[str, bytes]) -> str:
    """Write a bundle beside `path` and move it into place; give its id.

    Raises
    ------
    InputError
        The place cannot be written.
    """
    body = manifest.to_json()
    body["digests"] = {name: f"{crc32(content):08x}-{len(content)}" for name, content in entries.items()}
    body["content_sha256"] = _content_digest(entries)
    body = json.loads(canonical_json(body))
    forecast_id = plan_id(body)
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            document = canonical_json({"schema": SCHEMA, "id": forecast_id, **body}).encode()
            for name, content in {"manifest.json": document, **entries}.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 6)
        draft.replace(path)
    except OSError as error:
        raise InputError(f"Cannot write the bundle {path}: {error.strerror}.", slug="output-unwritable") from error
    return forecast_id


def extend_bundle(path: Path, entries: Mapping[str, bytes]) -> str:
    """Write a bundle again with more entries, which replace those of their names; give its new id.

    Raises
    ------
    ForecastUnusable
        There is no bundle, or a damaged one.
    InputError
        The place cannot be written.
    """
    bundle = open_bundle(path)
    return write_bundle(path, bundle.manifest, {**bundle.entries(), **entries})


def _content_digest(entries: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(entries):
        digest.update(name.encode() + b"\0" + hashlib.sha256(entries[name]).digest())
    return digest.hexdigest()
