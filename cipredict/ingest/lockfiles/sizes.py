"""How large a cache of a lock file's packages is, for the formats that say so: uv.lock and pylock.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from posixpath import basename

from cipredict.ingest.lockfiles.interface import parse_text, tables_of

_LINUX = re.compile(r"(?:any|(?:many|musl)linux[^/]*x86_64|linux_x86_64)\.whl")
_ABI = re.compile(r"-(?:py3|py2\.py3|cp312|cp3\d+-abi3)-")


def locked_bytes(path: str, content: bytes) -> int | None:
    """Give the bytes to download for Linux on x86_64 and Python 3.12; None where the format does not say.

    Of a package's files the wheel that fits counts, else its source archive. An estimate: what a cache holds is
    compressed again, and may lack extras.

    Raises
    ------
    ValueError
        Not TOML, or not of its format.
    """
    name = basename(path)
    key = {"uv.lock": "package"}.get(name, "packages" if name.startswith("pylock") else "")
    if not key:
        return None
    return sum(map(_package_bytes, tables_of(tomllib.loads(parse_text(content)), key))) or None


def _package_bytes(package: Mapping[str, object]) -> int:
    wheels = [wheel for wheel in tables_of(package, "wheels") if _LINUX.search(_file(wheel))]
    fitting = [wheel for wheel in wheels if _ABI.search(_file(wheel))] or wheels
    if fitting:
        return max(map(_size, fitting))
    sdist = package.get("sdist")
    return _size(sdist) if isinstance(sdist, dict) else 0


def _file(wheel: Mapping[str, object]) -> str:
    return str(wheel.get("url") or wheel.get("name") or wheel.get("path") or "")


def _size(file: Mapping[str, object]) -> int:
    size = file.get("size")
    return size if isinstance(size, int) else 0
