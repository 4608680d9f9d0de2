"""What is wrong with manifests, found without a cluster: fields against a schema, and what a schema does not see.

`manifests.schema.json` describes the fields that `manifests` writes and no others; its `$comment` names the sources.
The further checks are those of Argo Rollouts itself (pkg/apis/rollouts/validation/validation.go) as far as these fields
go, and references from one manifest to another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_SCHEMA = Path(__file__).with_name("manifests.schema.json")
_DURATION = re.compile(r"(\d+)([smh]?)")
_ACTIONS = frozenset(("setWeight", "pause", "analysis"))
_KINDS = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def check_manifests(manifests: Sequence[Mapping[str, Any]]) -> list[str]:  # Any: JSON
    """Give every problem, one line each, beginning with kind and name."""
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    problems = []
    for manifest in manifests:
        kind, name = manifest.get("kind"), (manifest.get("metadata") or {}).get("name")
        found = list(_Schema(schema["$defs"]).problems(manifest, schema["$defs"].get(kind, False)))
        if not found:  # what follows relies on the fields
            found = list(_wrong(manifest, manifests))
        problems += [f"{kind} {name}: {problem}" for problem in found]
    return problems


class _Schema:
    """Holds values against the keywords of JSON Schema that the file uses."""

    def __init__(self, known: Mapping[str, Any]) -> None:  # Any: JSON
        self._known = known

    def problems(self, value: Any, schema: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401  # JSON
        if schema is False:
            yield f"{path or 'its kind'} is unknown"
            return
        while "$ref" in schema:
            schema = self._known[schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type")
        if kind and (not isinstance(value, _KINDS[kind]) or (kind == "integer" and isinstance(value, bool))):
            yield f"{path} is no {kind}"
            return
        yield from _broken(value, schema, path)
        if kind == "object":
            properties, others = schema.get("properties", {}), schema.get("additionalProperties", False)
            for key, one in value.items():
                yield from self.problems(one, properties.get(key, others), f"{path}.{key}".lstrip("."))
        if kind == "array":
            for number, one in enumerate(value):
                yield from self.problems(one, schema["items"], f"{path}[{number}]")


def _broken(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:  # noqa: ANN401  # JSON
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{path}.{key}".lstrip(".") + " is missing"
    broken: dict[str, Callable[[Any], bool]] = {
        "const": lambda wanted: value != wanted,
        "minimum": lambda least: value < least,
        "maximum": lambda most: value > most,
        "pattern": lambda pattern: not re.search(pattern, value),
        "minItems": lambda least: len(value) < least,
    }
    for keyword, is_broken in broken.items():
        if keyword in schema and is_broken(schema[keyword]):
            yield f"{path} is not allowed by {keyword} {schema[keyword]}"


def _wrong(manifest: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> Iterator[str]:  # Any: JSON
    if manifest["kind"] not in ("Rollout", "Deployment"):
        return
    spec = manifest["spec"]
    labels = spec["template"]["metadata"]["labels"]
    if not spec["selector"]["matchLabels"].items() <= labels.items():
        yield "its selector does not match the labels of its pods"
    if spec["progressDeadlineSeconds"] <= spec["minReadySeconds"]:
        yield "progressDeadlineSeconds must be greater than minReadySeconds"
    there = {(one.get("kind"), one["metadata"]["name"]) for one in manifests}
    if manifest["kind"] == "Deployment":
        yield from _wrong_surge(spec["strategy"]["rollingUpdate"])
        return
    strategy = spec["strategy"]
    if len(strategy) != 1:
        yield "exactly one of canary and blueGreen must be given"
    for key, wrong in (("canary", _wrong_canary), ("blueGreen", _wrong_blue_green)):
        if key in strategy:
            yield from wrong(strategy[key])
    for kind, name in _references(strategy):
        if (kind, name) not in there:
            yield f"there is no {kind} {name}"


def _wrong_surge(limits: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON
    if not limits.get("maxSurge", 1) and not limits.get("maxUnavailable", 1):
        yield "maxSurge and maxUnavailable are both 0"


def _wrong_blue_green(strategy: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON
    if strategy["activeService"] == strategy.get("previewService"):
        yield "activeService and previewService must be two different services"


def _wrong_canary(strategy: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON
    yield from _wrong_surge(strategy)
    stable, canary = strategy.get("stableService"), strategy.get("canaryService")
    if stable and stable == canary:
        yield "stableService and canaryService must be two different services"
    if "trafficRouting" in strategy and not (stable and canary):
        yield "trafficRouting needs a stableService and a canaryService"
    for number, step in enumerate(strategy.get("steps", ())):
        if len(_ACTIONS & step.keys()) != 1:
            yield f"steps[{number}] must have exactly one of {', '.join(sorted(_ACTIONS))}"
        if "setWeight" in step and not 0 <= step["setWeight"] <= 100:
            yield f"steps[{number}].setWeight needs to be between 0 and 100"
        duration = step.get("pause", {}).get("duration")
        match = _DURATION.fullmatch(duration) if duration is not None else None
        if duration is not None and (match is None or not int(match[1])):
            yield f"steps[{number}].pause.duration needs to be greater than 0, in s, m or h"


def _references(strategy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # Any: JSON
    for options in strategy.values():
        for key in ("stableService", "canaryService", "activeService", "previewService"):
            if key in options:
                yield "Service", options[key]
        analyses = [step["analysis"] for step in options.get("steps", ()) if "analysis" in step]
        analyses += [options["prePromotionAnalysis"]] if "prePromotionAnalysis" in options else []
        for analysis in analyses:
            for template in analysis["templates"]:
                yield "AnalysisTemplate", template["templateName"]
