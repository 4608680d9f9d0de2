"""Where a Python file can be given a fault: every mutant of every function, as an edit of a few bytes.

What is not a function's body (imports, constants of a module, decorators, annotations, docstrings) is left alone: a
fault there breaks the import of everything and ties the path to no case in particular.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from cipredict.mutate.operators import faults

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)  # not slotted: `mutant_id` is kept
class Mutant:
    """One fault in one function.

    Attributes
    ----------
    path : of the file, relative to the project
    function : qualified name, such as `Class.method`
    lines : first and last line of the function
    line : where the fault is
    operator : one of `operators.OPERATORS`
    start, end : bytes of the file that `replacement` takes the place of
    source_digest : sha256 of the file as it was read
    """

    path: str
    function: str
    lines: tuple[int, int]
    line: int
    operator: str
    start: int
    end: int
    replacement: str
    source_digest: str

    @cached_property
    def mutant_id(self) -> str:
        """Name the same fault in the same file alike, whoever finds it."""
        parts = (self.path, self.source_digest, str(self.start), str(self.end), self.replacement)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def apply(self, source: bytes) -> bytes:
        """Give the file with the fault in it.

        Raises
        ------
        ValueError
            It is no longer Python, or it is another file than the one that the fault was found in.
        """
        if hashlib.sha256(source).hexdigest() != self.source_digest:
            raise ValueError(f"{self.path} has changed")
        faulty = source[: self.start] + self.replacement.encode() + source[self.end :]
        try:
            ast.parse(faulty)
        except (SyntaxError, RecursionError) as error:
            raise ValueError(f"{self.path}:{self.line}: {error}") from error
        return faulty


def find_mutants(path: str, source: bytes) -> list[Mutant]:
    """Give every mutant of a file in the order of its bytes; none of a file that is not UTF-8 Python."""
    try:
        tree = ast.parse(source.decode("utf-8"))
    except (ValueError, SyntaxError, RecursionError):
        return []
    return _Finder(path, source).find(tree)


class _Finder:
    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._digest = hashlib.sha256(source).hexdigest()
        self._line_starts = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]

    def find(self, tree: ast.Module) -> list[Mutant]:
        mutants = [
            mutant
            for name, function in _functions(tree, "")
            for node in _own_nodes(function)
            for mutant in self._mutants(name, function, node)
        ]
        return sorted(mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.replacement))

    def _mutants(self, name: str, function: _Function, node: ast.AST) -> Iterator[Mutant]:
        for operator, replaced, text in faults(node):
            start, end = self._offsets(replaced)
            yield Mutant(
                path=self._path,
                function=name,
                lines=(function.lineno, function.end_lineno or function.lineno),
                line=getattr(replaced, "lineno", function.lineno),
                operator=operator,
                start=start,
                end=end,
                replacement=text,
                source_digest=self._digest,
            )

    def _offsets(self, node: ast.AST) -> tuple[int, int]:
        """Give the bytes of a node: columns of the tree are bytes of UTF-8 already."""
        places = ((getattr(node, f"{edge}lineno"), getattr(node, f"{edge}col_offset")) for edge in ("", "end_"))
        start, end = (self._line_starts[line - 1] + column for line, column in places)
        return start, end


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    """Give every function with its qualified name, those inside classes and functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield prefix + child.name, child
        inner = f"{prefix}{child.name}." if isinstance(child, _Function | ast.ClassDef) else prefix
        yield from _functions(child, inner)


def _own_nodes(function: _Function) -> Iterator[ast.AST]:
    """Give the nodes of a function's body, without its docstring, its annotations and the functions inside it."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _Function | ast.ClassDef | ast.JoinedStr):  # places inside an f-string are not told
            continue
        children = [node.value] if isinstance(node, ast.AnnAssign) else ast.iter_child_nodes(node)
        waiting.extend(child for child in children if child is not None)
