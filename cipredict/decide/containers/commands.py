"""What the commands of a RUN do: what they read and write, and whether that is known at all.

A RUN is *closed* where every command in it is one of a few that install from the network and read nothing that was
copied. All others are unknown: they may read anything, write anywhere and look at any variable.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cipredict.decide.containers.kinds import RunKind, kind_of
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.shell_words import referenced_names

SYSTEM_FOLDERS = (
    *("/etc", "/var", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/run", "/root", "/home", "/opt"),
    *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/include", "/usr/games"),
    "/usr/local",
)
"""Where packages land, and where their managers look for settings."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a RUN.

    Attributes
    ----------
    is_closed : reads nothing that was copied, writes to `writes` and makes the folders `makes`, as written, only
    writes : absolute paths; None means anywhere
    names : variables that the text refers to
    env_prefixes : variables whose names begin so change what it does
    doubt : why it is not closed
    """

    kind: RunKind
    assumed_s: float
    is_closed: bool
    writes: tuple[str, ...] | None
    names: frozenset[str]
    env_prefixes: tuple[str, ...] = ()
    doubt: str = ""
    makes: tuple[str, ...] = ()


class _Doubt(Exception):  # ends the reading of one RUN, reaches nobody
    """Says why a command is not closed."""


_COMPLEX = re.compile(r"[`|<>(){}]|\$\(|(?<!&)&(?!&)")
_SEPARATORS = re.compile(r"&&|;|\n")
_QUIET_REDIRECTION = re.compile(r"\s(?:>\s*/dev/null|2>&1|&>\s*/dev/null|2>\s*/dev/null)")
ALWAYS_READ = (
    "PATH",
    "LD_",
    "LANG",
    "LC_",
    "HTTP",
    "http",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "HOME",
    "TMPDIR",
    "TZ",
)


def read_run(instruction: Instruction, text: str = "") -> RunFacts:
    """Say what a RUN does; `text` is its shell form with arguments put in, where there are any."""
    script = text or _script(instruction)
    return _facts(script, instruction.flags, bool(instruction.heredocs), instruction.is_json)


def _script(instruction: Instruction) -> str:
    if instruction.is_json:
        return shlex.join(instruction.values)
    return "\n".join([*instruction.values, *(one.content for one in instruction.heredocs)])


@lru_cache(maxsize=4096)
def _facts(script: str, flags: tuple[str, ...], has_heredoc: bool, is_json: bool) -> RunFacts:  # noqa: FBT001, PLR0917  # a cache's key
    kind, seconds = kind_of(script)
    names = referenced_names(script)
    try:
        _refuse_form(flags, has_heredoc=has_heredoc)
        effects = _effects([shlex.split(script)] if is_json else _commands(script))
    except _Doubt as doubt:
        writes = None if has_heredoc or is_json else _writes(script)
        return RunFacts(kind, seconds, is_closed=False, writes=writes, names=names, doubt=str(doubt))
    except ValueError:
        return RunFacts(kind, seconds, is_closed=False, writes=None, names=names, doubt="its quotes cannot be read")
    written = tuple(dict.fromkeys(path for effect in effects for path in effect.writes))
    prefixes = tuple(dict.fromkeys(prefix for effect in effects for prefix in effect.env_prefixes))
    makes = tuple(dict.fromkeys(path for effect in effects for path in effect.makes))
    known = ALWAYS_READ + prefixes
    return RunFacts(kind, seconds, is_closed=True, writes=written, names=names, env_prefixes=known, makes=makes)


def _refuse_form(flags: Sequence[str], *, has_heredoc: bool) -> None:
    if has_heredoc:
        raise _Doubt("it is a heredoc")
    if any(flag.startswith("--mount") and "type=cache" not in flag and "type=tmpfs" not in flag for flag in flags):
        raise _Doubt("it has a mount")
    if any(flag.startswith(("--network", "--security")) for flag in flags):
        raise _Doubt("it has --network or --security")


def _effects(commands: Sequence[Sequence[str]]) -> list[_Effect]:
    effects: list[_Effect] = []
    for words in filter(None, commands):
        made = [path for effect in effects for path in effect.makes]
        effects.append(_owner(words, made) if words[0] in {"chown", "chmod"} else _effect(words))
    if not any(effect.acts for effect in effects):
        raise _Doubt("it does nothing that is known")
    return effects


def _commands(script: str) -> list[list[str]]:
    quiet = _QUIET_REDIRECTION.sub(" ", script)
    if match := _COMPLEX.search(quiet.replace("${", "$").replace("}", "") if "${" in quiet else quiet):
        raise _Doubt(f"it uses '{match[0].strip()}' of the shell")
    return [shlex.split(part, comments=True) for part in _SEPARATORS.split(quiet)]


@dataclass(frozen=True, slots=True)
class _Effect:
    writes: tuple[str, ...] = ()
    env_prefixes: tuple[str, ...] = ()
    acts: bool = False
    makes: tuple[str, ...] = ()


_NOTHING = _Effect()


def _effect(words: Sequence[str]) -> _Effect:
    """Say what one command does."""
    while words and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", words[0]):
        words = words[1:]
    if words and words[0] == "sudo":
        words = words[1:]
    if not words:
        return _NOTHING
    reader = _COMMANDS.get(words[0])
    if reader is None:
        raise _Doubt(f"nobody knows what '{words[0]}' reads")
    return reader(words)


def _operands(words: Sequence[str], *, with_value: Sequence[str] = ()) -> list[str]:
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in with_value
        else:
            found.append(word)
    return found


def _refuse_paths(names: Sequence[str]) -> None:
    for name in names:
        if name.startswith((".", "/", "~")) or name.endswith((".deb", ".apk", ".rpm", ".whl", ".tgz", ".tar.gz")):
            raise _Doubt(f"it reads the path {name}")


def _apt(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:], with_value=("-o", "-t", "-c", "--option", "--target-release"))
    verb, names = (operands[0], operands[1:]) if operands else ("", [])
    if verb not in {"update", "install", "clean", "autoclean", "autoremove", "purge", "remove"}:
        raise _Doubt(f"'{words[0]} {verb}' gives other packages on other days")
    _refuse_paths(names)
    return _Effect(SYSTEM_FOLDERS, ("DEBIAN_", "APT_", "DEBCONF_"), acts=verb == "install")


def _apk(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:], with_value=("-t", "--virtual", "-X", "--repository"))
    verb, names = (operands[0], operands[1:]) if operands else ("", [])
    if verb not in {"add", "update", "del"}:
        raise _Doubt(f"'apk {verb}' gives other packages on other days")
    _refuse_paths([name for name in names if not name.startswith(".")])  # `.name` is a virtual package
    return _Effect(SYSTEM_FOLDERS, ("APK_",), acts=verb == "add")


def _yum(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:])
    verb, names = (operands[0], operands[1:]) if operands else ("", [])
    if verb not in {"install", "clean", "makecache"}:
        raise _Doubt(f"'{words[0]} {verb}' gives other packages on other days")
    _refuse_paths(names)
    return _Effect(SYSTEM_FOLDERS, ("YUM", "DNF"), acts=verb == "install")


def _npm(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:], with_value=("--registry",))
    is_global = "-g" in words or "--global" in words or "--location=global" in words
    if not operands or operands[0] not in {"i", "install", "add"} or not is_global:
        raise _Doubt("npm reads the folder that it runs in")
    if any(word.startswith("--prefix") for word in words):
        raise _Doubt("npm gets another prefix")
    if not operands[1:]:
        raise _Doubt("npm installs the folder that it runs in")
    _refuse_paths(operands[1:])
    if any(":" in name or "/" in name.lstrip("@").partition("/")[2] for name in operands[1:]):
        raise _Doubt("npm installs from an address")
    return _Effect(SYSTEM_FOLDERS, ("npm_", "NPM_", "NODE_"), acts=True)


def _pip(words: Sequence[str]) -> _Effect:
    if any(
        word in {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-f", "--find-links"}
        for word in words
    ):
        raise _Doubt("pip reads files")
    if any(
        word.startswith(("-r", "-c", "-e", "-t", "--target", "--prefix", "--root", "--requirement=")) for word in words
    ):
        raise _Doubt("pip reads files or writes elsewhere")
    operands = _operands(words[1:], with_value=("-i", "--index-url", "--extra-index-url", "--timeout", "--retries"))
    if not operands or operands[0] != "install":
        raise _Doubt(f"nobody knows what 'pip {operands[0] if operands else ''}' reads")
    _refuse_paths(operands[1:])
    if any("/" in name or "@" in name for name in operands[1:]):
        raise _Doubt("pip installs from a path or an address")
    return _Effect(SYSTEM_FOLDERS, ("PIP_", "PYTHON", "VIRTUAL_ENV"), acts=bool(operands[1:]))


def _corepack(words: Sequence[str]) -> _Effect:
    if len(words) < 2 or words[1] != "enable":
        raise _Doubt("corepack reads package.json")
    return _Effect(SYSTEM_FOLDERS, ("COREPACK_",), acts=True)


def _php_extensions(_: Sequence[str]) -> _Effect:
    """Take the scripts of PHP's images, which build extensions of the sources that the image brings along."""
    return _Effect((*SYSTEM_FOLDERS, "/usr/src", "/tmp/pear"), ("PHP", "CFLAGS", "CPPFLAGS", "LDFLAGS"), acts=True)  # noqa: S108  # pear's own


def _pecl(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:], with_value=("-D", "--configureoptions"))
    if operands[:1] != ["install"]:
        raise _Doubt("pecl does something else than install")
    _refuse_paths(operands[1:])
    return _php_extensions(words)


def _gem(words: Sequence[str]) -> _Effect:
    operands = _operands(words[1:], with_value=("-v", "--version", "-i", "--source", "-s"))
    if (
        operands[:1] != ["install"]
        or len(operands) < 2
        or any(word in {"-g", "--file", "-l", "--local"} for word in words)
    ):
        raise _Doubt("gem reads files")
    if any(name.endswith(".gem") or "/" in name for name in operands[1:]):
        raise _Doubt("gem installs a file")
    return _Effect(SYSTEM_FOLDERS, ("GEM_", "RUBY", "BUNDLE_"), acts=True)


def _apache(words: Sequence[str]) -> _Effect:
    return _Effect(("/etc/apache2",), ("APACHE_",), acts=bool(words[1:]))


def _users(_: Sequence[str]) -> _Effect:
    return _Effect(("/etc", "/home", "/var", "/root"), acts=True)


def _mkdir(words: Sequence[str]) -> _Effect:
    paths = _operands(words[1:], with_value=("-m", "--mode"))
    if not paths or any("*" in path or "$" in path for path in paths):
        raise _Doubt("it makes folders whose names are not known")
    return _Effect(acts=True, makes=tuple(paths))


def _owner(words: Sequence[str], made: Sequence[str]) -> _Effect:
    """Take a change of owner or mode of what the same RUN made."""
    paths = _operands(words[1:])[1:]
    if not paths or not set(paths) <= set(made):
        raise _Doubt(f"{words[0]} changes what was there before")
    return _NOTHING


def _rm(words: Sequence[str]) -> _Effect:
    paths = _operands(words[1:])
    for path in paths:
        if not path.startswith("/") or "$" in path:
            raise _Doubt(f"it removes {path}")
    return _Effect(tuple(map(_above_glob, paths)))


def _above_glob(path: str) -> str:
    """Give the part of a path before its first wildcard."""
    head = re.split(r"[*?\[]", path, maxsplit=1)[0]
    return head if head == path else head.rpartition("/")[0] or "/"


def _writes(script: str) -> tuple[str, ...] | None:
    """Give where a RUN that may read anything writes: known for a few commands, None where one is another."""
    found: list[str] = []
    try:
        for words in filter(None, _commands(script)):
            found += _written_by(words)
    except (_Doubt, ValueError):
        return None
    return tuple(dict.fromkeys(found))


def _written_by(words: Sequence[str]) -> Sequence[str]:
    paths = [_above_glob(path) for path in _operands(words[1:])]
    if any("$" in path for path in paths):
        raise _Doubt("it writes to places whose names are not known")
    if words[0] in {"rm", "mkdir", "touch", "cp", "mv", "ln", "rmdir"}:
        return paths
    if words[0] in {"chown", "chmod", "chgrp"}:
        return paths[1:]
    if words[0] in {"pip", "pip3"} and words[1:2] == ["install"]:
        return (*SYSTEM_FOLDERS, *_pip_places(words))
    if words[0] in {"pip", "pip3"} and words[1:2] == ["wheel"]:
        return (*SYSTEM_FOLDERS, *(_pip_places(words) or ["."]))
    effect = _effect(words)
    return (*effect.writes, *effect.makes)


def _pip_places(words: Sequence[str]) -> list[str]:
    """Give the folders that pip is told to write to, and those of sources that it builds in."""
    options = {"-w", "--wheel-dir", "-t", "--target", "--prefix", "--root", "--src"}
    places = [words[at + 1] for at, word in enumerate(words[:-1]) if word in options]
    places += [word.partition("=")[2] for word in words if word.partition("=")[0] in options and "=" in word]
    return places + [word for word in words[2:] if word.startswith((".", "-e"))]


def _harmless(_: Sequence[str]) -> _Effect:
    return _NOTHING


_COMMANDS: dict[str, Callable[[Sequence[str]], _Effect]] = {
    **dict.fromkeys(("apt-get", "apt"), _apt),
    "apk": _apk,
    **dict.fromkeys(("yum", "dnf", "microdnf"), _yum),
    "npm": _npm,
    **dict.fromkeys(("pip", "pip3"), _pip),
    "corepack": _corepack,
    **dict.fromkeys(("docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable"), _php_extensions),
    "pecl": _pecl,
    "gem": _gem,
    **dict.fromkeys(("a2enmod", "a2dismod"), _apache),
    **dict.fromkeys(("useradd", "adduser", "groupadd", "addgroup"), _users),
    "mkdir": _mkdir,
    "rm": _rm,
    **dict.fromkeys(("set", "true", ":"), _harmless),
}
