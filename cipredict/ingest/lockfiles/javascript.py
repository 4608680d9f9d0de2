"""JavaScript's lock files: npm (v1 to v3), pnpm, Yarn (classic and Berry), Bun's text format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cipredict.ingest.lockfiles.interface import LockfileInvalid, Package, object_of, parse_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = "node_modules/"
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])|//[^\n]*')
_CLASSIC_HEAD = re.compile(r'"?(@?[^@"]+)@')
_CLASSIC_VERSION = re.compile(r'\s+version "?([^"\s]+)"?')


def read_npm(content: bytes) -> Iterator[Package]:
    """Read package-lock.json or npm-shrinkwrap.json; `packages` (v2, v3) tells more than `dependencies` (v1)."""
    document = object_of(json.loads(parse_text(content)), "the document")
    if "packages" in document:
        return _npm_packages(object_of(document["packages"], "'packages'"))
    return _npm_dependencies(object_of(document.get("dependencies", {}), "'dependencies'"))


def _npm_packages(packages: Mapping[str, object]) -> Iterator[Package]:
    for place, value in packages.items():
        fields = object_of(value, f"'{place}'")
        if _FOLDER not in place or fields.get("link"):
            continue  # the project itself, or a workspace
        name = fields.get("name") or place.rpartition(_FOLDER)[2]
        yield Package(text_of(name, "name"), text_of(fields.get("version") or fields.get("resolved"), "version"))


def _npm_dependencies(dependencies: Mapping[str, object]) -> Iterator[Package]:
    for name, value in dependencies.items():
        fields = object_of(value, f"'{name}'")
        version = text_of(fields.get("version"), "version")
        if not version.startswith("file:"):
            yield Package(name, version)
        yield from _npm_dependencies(object_of(fields.get("dependencies", {}), "'dependencies'"))


def read_pnpm(content: bytes) -> Iterator[Package]:
    """Read pnpm-lock.yaml, version 5 to 9; keys are `/a/1.0.0_peers`, `/a@1.0.0(peers)` or `a@1.0.0`."""
    for document in _yaml(content):
        fields = object_of(document, "the document")
        is_old = str(fields.get("lockfileVersion", "")).startswith("5")
        for key in object_of(fields.get("packages") or {}, "'packages'"):
            name, _, version = key.removeprefix("/").partition("(")[0].rpartition("/" if is_old else "@")
            if name and not version.startswith(("file:", "link:")):
                yield Package(name, version.partition("_")[0] if is_old else version)


def read_yarn(content: bytes) -> Iterator[Package]:
    """Read yarn.lock: Berry's is YAML and says so with `__metadata`, the classic one is a format of its own."""
    text = parse_text(content)
    if "\n__metadata:" in f"\n{text}":
        return _yarn_berry(_yaml(content))
    return _yarn_classic(text.splitlines())


def _yarn_berry(documents: Iterable[object]) -> Iterator[Package]:
    for document in documents:
        for key, value in object_of(document, "the document").items():
            if key == "__metadata":
                continue
            resolution = text_of(object_of(value, f"'{key}'").get("resolution"), "resolution")
            name, _, version = resolution[1:].partition("@")
            if not version.startswith(("workspace:", "link:", "portal:")):
                yield Package(resolution[0] + name, version.removeprefix("npm:"))


def _yarn_classic(lines: Iterable[str]) -> Iterator[Package]:
    name = ""
    for line in lines:
        if line[:1].isspace():
            version = _CLASSIC_VERSION.fullmatch(line)
            if version and name:
                yield Package(name, version[1])
                name = ""
        elif line and not line.startswith("#"):
            head = _CLASSIC_HEAD.match(line)
            if head is None or not line.endswith(":"):
                raise LockfileInvalid(f"{line[:60]!r} begins no package")
            name = head[1]


def read_bun(content: bytes) -> Iterator[Package]:
    """Read bun.lock: JSON with commas before closing brackets."""
    text = _TRAILING_COMMA.sub(lambda match: match[1] or "", parse_text(content))
    document = object_of(json.loads(text), "the document")
    for key, value in object_of(document.get("packages", {}), "'packages'").items():
        if not isinstance(value, list) or not value:
            raise LockfileInvalid(f"'{key}' is not a list")
        resolved = text_of(value[0], "resolution")
        name, _, version = resolved[1:].partition("@")
        if not version.startswith(("workspace:", "link:", "file:")):
            yield Package(resolved[0] + name, version)


def _yaml(content: bytes) -> list[object]:
    """Read every document of a YAML file; the loader in C is ten times faster, where there is one."""
    import yaml  # noqa: PLC0415  # part of an extra

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [document for document in yaml.load_all(parse_text(content), Loader=loader) if document is not None]
    except yaml.YAMLError as error:
        raise LockfileInvalid(f"it is not YAML: {' '.join(str(error).split())[:120]}") from error
