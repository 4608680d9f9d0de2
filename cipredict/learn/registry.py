"""The model registry: every training logged to MLflow, versions with the aliases `challenger` and `champion`.

Default: a sqlite file and a folder beside the store; `MLFLOW_TRACKING_URI` names a server instead. Alone imports
mlflow. A version's artefact is the forecast bundle itself, so that promoting and rolling back never load a pickle.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from cipredict.errors import InputError, UsageError
from cipredict.forecast.bundle import Bundle, open_bundle
from cipredict.forecast.features import FEATURES

NAME = "cipredict"
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
_BUNDLE = "forecast.bundle"
_SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("float", name) for name in FEATURES]), outputs=Schema([ColSpec("double", "p_fail")])
)


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version.

    Attributes
    ----------
    aliases : `champion`, `challenger`, `previous` where they point here
    tags : `verdict` (promoted or why not) and the headline measures
    run_id : of the training that made it
    """

    number: str
    created_at_ms: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    run_id: str = ""


class Registry:
    """Doors to one registered model of one tracking store."""

    def __init__(self, folder: Path, *, name: str = NAME, tracking_uri: str | None = None) -> None:
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # its progress lines are not ours to print
        logging.getLogger("alembic").setLevel(logging.WARNING)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self.name = name
        folder = folder.resolve()
        self.is_local = tracking_uri is None
        self.uri = tracking_uri or f"sqlite:///{folder / 'mlflow.db'}"
        self._artifacts = None if tracking_uri else (folder / "mlartifacts").as_uri()
        if self.is_local:
            _make_folder(folder)
        self._client = mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def log(
        self,
        bundle: Path,
        *,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        figures: Sequence[Path],
        tags: Mapping[str, str],
    ) -> str:
        """Log one training, register its bundle as a version under the alias `challenger`; give the version."""
        mlflow.set_tracking_uri(self.uri)
        with mlflow.start_run(experiment_id=self._experiment()) as run:
            mlflow.log_params({key: str(value)[:500] for key, value in parameters.items()})
            mlflow.log_metrics(dict(metrics))
            for figure in figures:
                mlflow.log_artifact(str(figure), "figures")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # hints about examples and type hints that this model does not need
                model = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(Path(__file__).with_name("served_model.py")),
                    artifacts={"bundle": str(bundle)},
                    pip_requirements=["cipredict"],
                    signature=_SIGNATURE,
                )
        self._ensure_registered()
        version = self._client.create_model_version(
            self.name, source=model.model_uri, run_id=run.info.run_id, tags=dict(tags), model_id=model.model_id
        )
        self._client.set_registered_model_alias(self.name, CHALLENGER, version.version)
        return str(version.version)

    def versions(self) -> list[Version]:
        """Give all versions, newest first.

        Raises
        ------
        InputError
            The server does not answer.
        """
        try:
            found = self._client.search_model_versions(f"name = '{self.name}'")
            aliases = self._client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if _is_absent(error):
                return []
            raise InputError(f"The registry {self.uri} does not answer: {error.message}.", slug="registry") from error
        rows = [_version(version, aliases) for version in found]
        return sorted(rows, key=lambda version: int(version.number), reverse=True)

    def metrics(self, version: Version) -> Mapping[str, float]:
        """Give what its training measured, by `predictor.policy.measure`; empty where the run is gone."""
        try:
            return dict(self._client.get_run(version.run_id).data.metrics)
        except MlflowException:
            return {}

    def champion(self) -> str | None:
        """Give the champion's version, None before the first promotion."""
        return next((version.number for version in self.versions() if CHAMPION in version.aliases), None)

    def require_champion_or_latest(self) -> str:
        """Give the champion, else the newest version (under which a baseline serves).

        Raises
        ------
        UsageError
            Nothing is registered.
        """
        versions = self.versions()
        if not versions:
            raise UsageError("No version is registered.", slug="registry-empty", hint="Run `cipredict train` first.")
        return self.champion() or versions[0].number

    def promote(self, number: str) -> None:
        """Make a version the champion; the one before stays reachable as `previous`."""
        self._require(number)
        before = self.champion()
        if before is not None and before != number:
            self._client.set_registered_model_alias(self.name, PREVIOUS, before)
        self._client.set_registered_model_alias(self.name, CHAMPION, number)

    def rollback(self) -> str:
        """Make the previous champion the champion again; give its version.

        Raises
        ------
        UsageError
            There is no previous champion.
        """
        previous = next((version.number for version in self.versions() if PREVIOUS in version.aliases), None)
        if previous is None:
            raise UsageError("No earlier champion to roll back to.", slug="registry-empty")
        self.promote(previous)
        return previous

    def tag(self, number: str, key: str, value: str) -> None:
        """Write a tag on a version."""
        self._client.set_model_version_tag(self.name, number, key, value[:4000])

    def bundle(self, number: str) -> Bundle:
        """Fetch and open the bundle of a version."""
        self._require(number)
        source = self._client.get_model_version(self.name, number).source
        mlflow.set_tracking_uri(self.uri)
        folder = Path(mlflow.artifacts.download_artifacts(source, dst_path=tempfile.mkdtemp(prefix="cipredict-")))
        found = sorted(folder.rglob(_BUNDLE))
        if not found:
            raise InputError(f"Version {number} of {self.name} holds no {_BUNDLE}.", slug="registry-artifact")
        return open_bundle(found[0])

    def _require(self, number: str) -> None:
        known = [version.number for version in self.versions()]
        if number not in known:
            raise UsageError(
                f"No version {number!r} of {self.name}; known: {', '.join(known) or 'none'}.", slug="registry-version"
            )

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(self.name, artifact_location=self._artifacts))

    def _ensure_registered(self) -> None:
        try:
            self._client.get_registered_model(self.name)
        except MlflowException as error:
            if not _is_absent(error):
                raise
            self._client.create_registered_model(self.name)


def _is_absent(error: MlflowException) -> bool:
    return str(error.error_code) == "RESOURCE_DOES_NOT_EXIST"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write {folder}: {error.strerror}.", slug="output-unwritable") from error


def _version(version: ModelVersion, aliases: Mapping[str, str]) -> Version:
    own = tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)))
    return Version(str(version.version), int(version.creation_timestamp), own, dict(version.tags), version.run_id or "")
