"""Cobertura's XML, as coverage.py, gcovr, coverlet, PHPUnit, Istanbul and others write it; read as a stream.

::

    coverage > sources > source                          folders that file names may be relative to
    coverage > packages > package > classes > class      filename; a file may have several classes
                                            class > lines > line          number, hits
                                            class > methods > … > line    the same lines again
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from cipredict.errors import InputError
from cipredict.ingest.coverage.interface import Measured, Places


def read_cobertura(path: Path, places: Places) -> Iterator[Measured]:
    """Give the lines of each class. DTDs and external entities are never opened.

    Raises
    ------
    InputError
        Not XML, not Cobertura's, or a line number that is none.
    """
    try:
        with path.open("rb") as stream:
            yield from _read_classes(path, etree.iterparse(stream, events=("start", "end"), **_SAFE), places)
    except (etree.XMLSyntaxError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a Cobertura report ({error}).", slug="coverage-format") from error


_SAFE = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}


def _read_classes(path: Path, events: etree.iterparse, places: Places) -> Iterator[Measured]:
    sources: list[str] = []
    _, root = next(events)
    if _name(root) != "coverage":
        raise InputError(f"{path} is XML, but its root is <{_name(root)}>, not <coverage>.", slug="coverage-format")
    for event, element in events:
        name = _name(element) if event == "end" else ""
        if name == "source":
            sources.append((element.text or "").strip().replace("\\", "/").rstrip("/"))
        elif name == "class":
            yield _read_class(element, sources, places)
            element.clear()
        elif name == "package":
            element.clear()


def _read_class(element: etree.Element, sources: list[str], places: Places) -> Measured:
    hits = {int(line.attrib["number"]): int(line.get("hits", "0")) > 0 for line in element.iter("{*}line")}
    covered = frozenset(line for line, is_hit in hits.items() if is_hit)
    return Measured(_place(element.attrib["filename"], sources, places), covered, frozenset(hits))


def _place(file: str, sources: list[str], places: Places) -> str:
    """Choose among the sources: the one that gives a tracked path, else one below the root, else the name as it is."""
    candidates = [f"{source}/{file}" for source in sources if source not in {"", "."}]
    found = [path for path in map(places.relative, candidates) if path is not None]
    return next((path for path in found if path in places.known_files), found[0] if found else file)


def _name(element: etree.Element) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""
