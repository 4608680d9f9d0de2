"""A coverage file into the store: links where its contexts name cases, shares of files where it lists them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cipredict.ingest.coverage import Coverage, read_coverage
from cipredict.ingest.git import known_files
from cipredict.store.database import open_store
from cipredict.store.snapshots import add_coverage_links, add_covered_files


def take_coverage(file: Path, root: Path, store: Path) -> Iterator[str]:
    """Store what a coverage file knows; give lines that say what that was."""
    measured = read_coverage(file, root=root, known_files=known_files(root))
    recorded_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    with open_store(store) as door:
        if measured.links:
            add_coverage_links(door, measured.links, source=str(file), recorded_at=recorded_at)
        if measured.files:
            add_covered_files(door, measured.files, source=str(file), recorded_at=recorded_at)
    yield from _describe(measured, file)


def _describe(measured: Coverage, file: Path) -> Iterator[str]:
    stored = (
        f"{len(measured.links)} links between cases and files, and the covered lines of {len(measured.files)} files"
    )
    left_out = f"{measured.ignored_contexts} contexts name no case, {measured.outside_files} files lie outside the root"
    yield f"Stored {stored} from {file} ({measured.dialect}; {left_out})."
    if not measured.links and measured.outside_files:
        yield "It was measured elsewhere: name the folder of that time with --root, or run this in the repository."
    elif not measured.links:
        yield "Which case executed what stays unknown: measure with pytest --cov-context=test for that."
