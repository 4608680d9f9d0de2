"""Which Python file imports which other file of the same repository: read, never run.

A module is found the way pytest and most projects lay them out: below the repository's root, below any `src` folder,
and, for tests without packages, next to the importing file.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from cipredict.records import ImportEdge


def read_imports(root: Path, files: Iterable[str]) -> Iterator[ImportEdge]:
    """Give an edge per importing and imported file, each once, sorted.

    `files` are the tracked paths, relative to `root`. Importing a package means its `__init__.py`, and so do the
    packages above an imported module, because Python runs them too. A file that does not parse has no edges.
    """
    python_files = sorted(path for path in files if path.endswith(".py"))
    modules = index_modules(python_files)
    for importer in python_files:
        imported: set[str] = set()
        package = list(PurePosixPath(importer).parent.parts)
        for name in _imported_names(_parse(root / importer), package):
            imported.update(_find(name, modules, package=package))
        yield from (ImportEdge(importer, path) for path in sorted(imported - {importer}))


def index_modules(python_files: Iterable[str]) -> Mapping[str, str]:
    """Give the file of every dotted name that the files can have; the name from the root wins over one from `src`.

    >>> index_modules(["src/shop/__init__.py", "tests/test_a.py"])["shop"]
    'src/shop/__init__.py'
    """
    modules: dict[str, str] = {}
    for path in python_files:
        parts = list(PurePosixPath(path).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        for begin, part in enumerate(parts[:-1], start=1):
            if part == "src":
                modules.setdefault(".".join(parts[begin:]), path)
        if parts:
            modules[".".join(parts)] = path
    return modules


def _parse(path: Path) -> ast.AST:
    """Give the syntax tree, empty where there is none; warnings about a stranger's code are not ours to repeat."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # MemoryError: the parser's nesting limit
        return ast.Module(body=[], type_ignores=[])


def _imported_names(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Give dotted names; `from a import b` is `a.b`, which may turn out to be a name in the module `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _find(name: str, modules: Mapping[str, str], *, package: list[str]) -> Iterator[str]:
    """Give the files of a name and of the packages above it: as written, else from the importing file's folder."""
    for above in ([], package):
        parts = [*above, *name.split(".")]
        candidates = (".".join(parts[:end]) for end in range(len(parts), len(above), -1))
        found = [modules[candidate] for candidate in candidates if candidate in modules]
        if found:
            yield from found
            return
