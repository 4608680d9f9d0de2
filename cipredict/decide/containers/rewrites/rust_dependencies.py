"""The dependency layer of Cargo projects: always judged by replay, never written, since Cargo compares file times.

A build of a stub leaves objects that are newer than the copied sources, so that Cargo may ship the stub.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, assumed, violated
from cipredict.dockerfile.edits import Edit, apply_edits, block_span, line_end

RULE = "rust-dependencies"


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose a layer of dependencies for each `cargo build` below a copy of the crate."""
    for link in situation.links:
        if link.run is not None and re.search(
            r"\bcargo\s+build\b", " ".join(situation.instruction(link.instruction).values)
        ):
            found = _crate_copy(link, situation)
            if found is not None:
                yield _layered(link, *found, situation=situation)


def _crate_copy(run: Link, situation: Situation) -> tuple[Link, str] | None:
    for link in situation.links:
        if link.stage != run.stage or link.instruction > run.instruction:
            continue
        for selection in link.selections():
            for source in selection.sources:
                manifest = posixpath.normpath(posixpath.join(source, "Cargo.toml"))
                if manifest in situation.context.files:
                    return link, manifest
    return None


def _layered(run: Link, copy: Link, manifest: str, *, situation: Situation) -> Proposal:
    dockerfile, newline = situation.dockerfile, line_end(situation.dockerfile.text)
    at = block_span(dockerfile, copy.instruction)[0]
    lock = posixpath.join(posixpath.dirname(manifest), "Cargo.lock")
    files = [path for path in (manifest, lock) if path in situation.context.files]
    build = " ".join(situation.instruction(run.instruction).values)
    stub = "mkdir -p src && echo 'fn main() {}' > src/main.rs"
    lines = [f"COPY {' '.join(files)} {copy.destination}/", f"RUN {stub} && {build}"]
    text = apply_edits(dockerfile.text, [Edit(at, at, "".join(line + newline for line in lines))])
    line = situation.instruction(run.instruction).start_line
    title = f"Build the dependencies of line {line} in a layer of their own."
    return Proposal(RULE, title, line, text, tuple(_conditions(manifest, situation)), advice_only=True)


def _conditions(manifest: str, situation: Situation) -> Iterator[Condition]:
    text = situation.context.read(manifest) or ""
    folder = posixpath.dirname(manifest)
    if re.search(r"^\[workspace", text, re.MULTILINE):
        yield violated("there is no Cargo workspace, whose members need their manifests too")
    if posixpath.join(folder, "build.rs") in situation.context.files:
        yield violated("there is no build.rs")
    if re.search(r"\bpath\s*=\s*\"", text):
        yield violated("no dependency is a folder")
    yield violated("Cargo rebuilds the crate although the stub's objects are newer than the sources")
    yield assumed("half of what the build takes is dependencies")
