"""Facts into one HTML file that needs nothing else: no server, no network, no second file.

The figures are in it as gzip in base64, which the browser unpacks. The page forbids itself the network and every script
but its own, by hash: nothing that a name of a test holds can run.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from cipredict.render.html.document import to_document
from cipredict.render.html.facts import PageFacts

_PARTS = (
    "base",
    "table",
    "charts",
    "waterfall",
    "durations",
    "trust",
    "parts",
    "shards",
    "caches",
    "gates",
    "models",
    "page",
)
SCRIPTS = (
    "vendor/uPlot.iife.min.js",
    *(f"js/{name}.js" for name in _PARTS),
)
STYLES = ("vendor/uPlot.min.css", "page.css")
_PLACE = re.compile(r"{{([a-z-]+)}}")


def render_page(facts: PageFacts) -> str:
    """Give the page; equal facts give equal bytes."""
    script = "\n".join(map(_read, SCRIPTS))
    project = " ".join(facts.project.split())
    values = {
        "script-hash": f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
        "title": escape(f"{project[:200]}: CI report"),
        "project": escape(project[:200]),
        "made": f"{facts.made_at:%Y-%m-%d %H:%M}",
        "version": escape(facts.version),
        "style": "\n".join(map(_read, STYLES)),
        "data": _pack(to_document(facts)),
        "script": script,
    }
    return fill(_read("page.html"), values)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in the places of a template; what looks like a place inside a value stays.

    >>> fill("{{a}} {{b}}", {"a": "{{b}}", "b": "2"})
    '{{b}} 2'
    """
    return _PLACE.sub(lambda place: values[place[1]], template)


def _pack(document: object) -> str:
    text = json.dumps(document, separators=(",", ":"))  # ASCII: half of a surrogate pair survives as an escape
    return b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _read(name: str) -> str:
    return files("cipredict.render.html").joinpath(name).read_text(encoding="utf-8")
