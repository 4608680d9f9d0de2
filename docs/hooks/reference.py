"""Pages of the site that are made when it is built, so that they cannot drift: the commands, the model cards."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from cipredict.cli.app import OUTLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401  # mkdocs has no types
    """Add the generated pages to those of the folder."""
    from mkdocs.structure.files import File  # noqa: PLC0415  # the tests read the page without mkdocs

    files.append(File.generated(config, "commands.md", content=commands_page()))
    for card in sorted((ROOT / "models/cards").glob("*.md")):
        files.append(File.generated(config, f"models/{card.name}", content=card.read_text(encoding="utf-8")))
    return files


def commands_page() -> str:
    """Give every command with its arguments and options, in the order of the outline."""
    sections = (f"## {name}\n\n{line}\n\n{_commands(name)}" for name, (_, line) in OUTLINE.items())
    return "# Commands\n\n" + "\n".join(sections)


def _commands(name: str) -> str:
    app = import_module(OUTLINE[name][0]).apps[name]
    return "\n".join(_section(path, command) for path, command in _leaves(f"cipredict {name}", get_command(app)))


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's click is private
    inner = getattr(command, "commands", None)
    if inner is None or command.invoke_without_command:
        yield path, command
    for name, below in (inner or {}).items():
        yield from _leaves(f"{path} {name}", below)


def _section(path: str, command: Any) -> str:  # noqa: ANN401  # typer's click is private
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    table = "\n".join(["| option | | by default |", "|---|---|---|", *rows]) if rows else "No options."
    return f"### `{path}`\n\n{_text(command.help)}\n\n{table}\n"


def _row(parameter: Any) -> str:  # noqa: ANN401  # typer's click is private
    is_option = parameter.param_type_name == "option"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.name.upper()
    return f"| `{names}` | {_text(getattr(parameter, 'help', None))} | {_default(parameter)} |"


def _default(parameter: Any) -> str:  # noqa: ANN401  # typer's click is private
    default = parameter.default
    if parameter.required or default is None or callable(default) or default in (False, "", (), []):
        return ""
    if isinstance(default, list | tuple):
        return ", ".join(f"`{one}`" for one in default)
    return f"`{getattr(default, 'value', default)}`"


def _text(text: str | None) -> str:
    plain = " ".join((text or "").split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
