"""YAML with the place of every node. Scalars stay as they are written: `on` is no truth value, `3.10` no number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from cipredict.errors import InputError, cannot_read
from cipredict.workflow_records import Block, Plain

_MOST_NODES = 200_000
"""Of one file with its aliases followed: ten levels of nine aliases each would be 3.5 billion."""

_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class File:
    """One parsed file; every complaint names it and a line."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        try:
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            raise self._unparsable(error) from error
        except RecursionError as error:
            raise InputError(f"{path}: nested too deeply.", slug="workflow-yaml") from error
        if not isinstance(root, yaml.MappingNode):
            raise InputError(f"{path}:1: a workflow is a mapping of keys.", slug="workflow-shape")
        self.root = root
        self._check(root)

    def _unparsable(self, error: yaml.YAMLError) -> InputError:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        return InputError(f"{self.path}{line}: not YAML: {problem}.", slug="workflow-yaml")

    def complain(self, node: yaml.Node, problem: str) -> InputError:
        """Say what is wrong where."""
        return InputError(f"{self.path}:{node.start_mark.line + 1}: {problem}.", slug="workflow-shape")

    def _check(self, root: yaml.Node) -> None:
        """Refuse keys that stand twice, aliases of themselves, and files that grow without bound."""
        seen = 0
        stack: list[tuple[yaml.Node, frozenset[int]]] = [(root, frozenset())]
        while stack:
            node, above = stack.pop()
            seen += 1
            if seen > _MOST_NODES:
                raise self.complain(node, f"more than {_MOST_NODES:,} nodes once its aliases are followed")
            if isinstance(node, yaml.ScalarNode):
                continue
            if id(node) in above:
                raise self.complain(node, "an alias that contains itself")
            inner = above | {id(node)}
            if isinstance(node, yaml.MappingNode):
                self._check_keys(node)
                stack += [(value, inner) for _, value in node.value]
            else:
                stack += [(value, inner) for value in node.value]

    def _check_keys(self, node: yaml.MappingNode) -> None:
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.complain(key, "a key that is no text")
            if key.value in keys and key.value != "<<":
                raise self.complain(key, f"the key '{key.value}' stands twice")
            keys.add(key.value)


def read_file(path: Path) -> File:
    """Read a file with its line ends as they are.

    Raises
    ------
    InputError
        It cannot be read, is not UTF-8 or not YAML; naming the line.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise cannot_read(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}.", slug="workflow-yaml") from error
    return File(str(path), text)


def pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Give key, key node and value node of a mapping, merged keys last and only where not overridden."""
    if not isinstance(node, yaml.MappingNode):
        return
    own = {key.value for key, _ in node.value}
    for key, value in node.value:
        if key.value == "<<":
            for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                for name, name_node, inner in pairs(base):
                    if name not in own:
                        own.add(name)
                        yield name, name_node, inner
        else:
            yield key.value, key, value


def child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """Give the value of a key, None where it is absent or the node is no mapping."""
    return next((value for key, _, value in pairs(node) if key == name), None)


def scalar(node: yaml.Node | None) -> str:
    """Give a scalar as text, empty for anything else."""
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def scalars(node: yaml.Node | None) -> tuple[str, ...]:
    """Give a list of scalars; one scalar is a list of one."""
    if isinstance(node, yaml.ScalarNode):
        return (node.value,) if node.value else ()
    if isinstance(node, yaml.SequenceNode):
        return tuple(scalar(one) for one in node.value if isinstance(one, yaml.ScalarNode))
    return ()


def plain(node: yaml.Node | None) -> Plain:
    """Give a node without its places."""
    if isinstance(node, yaml.MappingNode):
        return {key: plain(value) for key, _, value in pairs(node)}
    if isinstance(node, yaml.SequenceNode):
        items: list[Plain] = [plain(one) for one in node.value]
        return ["!reference", *items] if node.tag == "!reference" else items
    return scalar(node)


def block_of(node: yaml.Node) -> Block:
    """Give where a mapping stands. A flow mapping (`{…}`) has column -1: nothing can be inserted as a line."""
    end = node.end_mark.line + (1 if node.end_mark.column else 0)
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        return Block(node.start_mark.line, node.start_mark.column, end)
    return Block(node.start_mark.line, -1, end)
