"""Mutation operators: small faults in one node of a syntax tree, such as programmers make.

The set is Offutt's sufficient one in Python's terms ("An Experimental Determination of Sufficient Mutant Operators",
TOSEM 5(2), 1996), with constants and lost statements added.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeVar

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_Operator = TypeVar("_Operator", ast.cmpop, ast.operator)


def faults(node: ast.AST) -> Iterator[tuple[str, ast.AST, str]]:
    """Give the faults of one node itself: (operator, the node to replace, its new source text)."""
    find = _BY_NODE.get(type(node))
    if find:
        yield from find(node)


def _compare(node: ast.Compare) -> Iterator[tuple[str, ast.AST, str]]:
    swapped = _swap(_COMPARISONS, node.ops[0])
    if swapped:
        other = ast.Compare(node.left, [swapped, *node.ops[1:]], node.comparators)
        yield "comparison", node, _text(other)


def _boolean(node: ast.BoolOp) -> Iterator[tuple[str, ast.AST, str]]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "boolean", node, _text(ast.BoolOp(other, node.values))


def _arithmetic(node: ast.BinOp) -> Iterator[tuple[str, ast.AST, str]]:
    swapped = _swap(_ARITHMETIC, node.op)
    if swapped:
        yield "arithmetic", node, _text(ast.BinOp(node.left, swapped, node.right))


def _in_place(node: ast.AugAssign) -> Iterator[tuple[str, ast.AST, str]]:
    swapped = _swap(_ARITHMETIC, node.op)
    if swapped:
        yield "arithmetic", node, ast.unparse(ast.AugAssign(node.target, swapped, node.value))
    yield "statement", node, "pass"


def _swap(swaps: dict[type[_Operator], type[_Operator]], operator: _Operator) -> _Operator | None:
    other = swaps.get(type(operator))
    return other() if other else None


def _condition(node: ast.If | ast.While | ast.IfExp) -> Iterator[tuple[str, ast.AST, str]]:
    yield "condition", node.test, _text(ast.UnaryOp(ast.Not(), node.test))


def _constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST, str]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", node, repr(not value)
    elif isinstance(value, int | float):
        yield "constant", node, f"({value + 1!r})"
    elif isinstance(value, str):
        yield "constant", node, f"({'XX' + value!r})"


def _return(node: ast.Return) -> Iterator[tuple[str, ast.AST, str]]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield "return", node, "return None"


def _call(node: ast.Expr) -> Iterator[tuple[str, ast.AST, str]]:
    if isinstance(node.value, ast.Call):
        yield "statement", node, "pass"


def _assign(node: ast.Assign) -> Iterator[tuple[str, ast.AST, str]]:
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield "statement", node, "pass"


def _raise(node: ast.Raise) -> Iterator[tuple[str, ast.AST, str]]:
    yield "statement", node, "pass"


def _jump(node: ast.Break | ast.Continue) -> Iterator[tuple[str, ast.AST, str]]:
    yield "jump", node, "continue" if isinstance(node, ast.Break) else "break"


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


_BY_NODE: dict[type[ast.AST], Callable[..., Iterator[tuple[str, ast.AST, str]]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.BinOp: _arithmetic,
    ast.AugAssign: _in_place,
    ast.If: _condition,
    ast.While: _condition,
    ast.IfExp: _condition,
    ast.Constant: _constant,
    ast.Return: _return,
    ast.Expr: _call,
    ast.Assign: _assign,
    ast.Raise: _raise,
    ast.Break: _jump,
    ast.Continue: _jump,
}
OPERATORS = ("comparison", "boolean", "arithmetic", "condition", "constant", "return", "statement", "jump")
