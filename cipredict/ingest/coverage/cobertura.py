"""Cobertura's XML, as coverage.py, gcovr, coverlet, PHPUnit, Istanbul and others write it; read as a stream.

::

    coverage > sources > source                          folders that file names may be relative to
    coverage > packages > package > classes > class      filename; a file may have several classes
                                            class > lines > line          number, hits
                                            class > methods > … > line    the same lines again

With the expat of the standard library: a CI job that judges coverage needs no other parser. It fetches nothing, and a
file that declares entities with a text is refused before any is expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from cipredict.errors import InputError
from cipredict.ingest.coverage.interface import Measured, Places

_CHUNK_BYTES = 1 << 16


def read_cobertura(path: Path, places: Places) -> Iterator[Measured]:
    """Give the lines of each class. DTDs and external entities are never opened.

    Raises
    ------
    InputError
        Not XML, not Cobertura's, or a line number that is none.
    """
    target = _Target(path, places)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                target.parser.Parse(chunk, False)  # noqa: FBT003  # more follows; it takes no keyword
                yield from target.take()
        target.parser.Parse(b"", True)  # noqa: FBT003  # the end
        yield from target.take()
    except (expat.ExpatError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a Cobertura report ({error}).", slug="coverage-format") from error


@dataclass(slots=True)
class _Class:
    """A class being read."""

    file: str
    hits: dict[int, bool] = field(default_factory=dict)


class _Target:
    """The handlers of one parser, and the classes that they have finished."""

    def __init__(self, path: Path, places: Places) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse_entity
        self._path = path
        self._places = places
        self._sources: list[str] = []
        self._source: list[str] | None = None
        self._class: _Class | None = None
        self._is_begun = False
        self._done: list[Measured] = []

    def take(self) -> Iterator[Measured]:
        """Give the classes read since the last call."""
        done, self._done = self._done, []
        yield from done

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if not self._is_begun and name != "coverage":
            message = f"{self._path} is XML, but its root is <{name}>, not <coverage>."
            raise InputError(message, slug="coverage-format")
        self._is_begun = True
        if name == "source":
            self._source = []
        elif name == "class":
            self._class = _Class(attributes["filename"])
        elif name == "line" and self._class is not None:
            number = int(attributes["number"])
            self._class.hits[number] = int(attributes.get("hits", "0")) > 0

    def _end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "source" and self._source is not None:
            self._sources.append("".join(self._source).strip().replace("\\", "/").rstrip("/"))
            self._source = None
        elif name == "class" and self._class is not None:
            hits = self._class.hits
            covered = frozenset(line for line, is_hit in hits.items() if is_hit)
            file = _place(self._class.file, self._sources, self._places)
            self._done.append(Measured(file, covered, frozenset(hits)))
            self._class = None

    def _text(self, text: str) -> None:
        if self._source is not None:
            self._source.append(text)

    def _refuse_entity(self, name: str, _is_parameter: object, value: str | None, *_: object) -> None:
        if value is not None:  # one with a text could grow; expat skips those that lie elsewhere
            raise InputError(f"{self._path} declares the entity {name!r}, refused.", slug="coverage-format")


def _place(file: str, sources: list[str], places: Places) -> str:
    """Choose among the sources: the one that gives a tracked path, else one below the root, else the name as it is."""
    candidates = [f"{source}/{file}" for source in sources if source not in {"", "."}]
    found = [path for path in map(places.relative, candidates) if path is not None]
    return next((path for path in found if path in places.known_files), found[0] if found else file)
