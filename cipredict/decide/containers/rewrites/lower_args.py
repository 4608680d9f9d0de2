"""Rules 3 and 4: an ARG, ENV or LABEL whose value differs in every build stands right above what uses it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cipredict.decide.containers.commands import read_run
from cipredict.decide.containers.layers import CacheRules
from cipredict.decide.containers.rewrites.conditions import file_conditions, mentions, set_names
from cipredict.decide.containers.rewrites.installers import find_installer, split_script
from cipredict.decide.containers.rewrites.interface import (
    Condition,
    Proposal,
    Situation,
    Standing,
    assumed,
    proved,
    violated,
)
from cipredict.dockerfile.edits import move_all_before, move_before
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.shell_words import referenced_names
from cipredict.dockerfile.stages import Stage, declared_args

RULE = "lower-variable"
_READ_BY_TOOLS = (
    *(
        "PATH",
        "HOME",
        "TERM",
        "TZ",
        "LANG",
        "LC_",
        "LD_",
        "CI",
        "HTTP",
        "http",
        "NO_PROXY",
        "DEBIAN_",
        "SOURCE_DATE_EPOCH",
    ),
    *("PIP_", "UV_", "POETRY_", "PYTHON", "SETUPTOOLS_", "PBR_", "DJANGO_", "CARGO_", "RUST", "GO", "CGO_", "CFLAGS"),
    *(
        "CXX",
        "NODE_",
        "npm_",
        "NPM_",
        "YARN_",
        "VITE_",
        "NEXT_",
        "NUXT_",
        "REACT_APP_",
        "VUE_APP_",
        "GATSBY_",
        "SENTRY_",
    ),
    *("RAILS_", "BUNDLE_", "MAVEN_", "GRADLE_", "JAVA_", "MAKE", "CMAKE_", "TARGET", "BUILDKIT_"),
)
"""Variables that begin so are read by tools which no file of the context names."""
_FOR_BUILDS = ("VITE_", "NEXT_", "NUXT_", "REACT_APP_", "VUE_APP_", "GATSBY_", "SENTRY_", "DJANGO_", "RAILS_")
"""Of these, what builds of the project read, and installers of its dependencies do not."""
_HOOK = re.compile(r"[\"'](?:(?:pre|post)?install|(?:pre|post)?prepare|prepublish)[\"']\s*:")


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose to move what differs in every build as far down as it may go."""
    for stage in situation.stages.order(situation.target):
        changing = set(situation.wish.volatile)
        for number in range(stage.first + 1, stage.last + 1):
            one = situation.instruction(number)
            names = _changing_names(one, changing)
            changing |= names
            if names or _is_changing_label(one, changing, situation):
                yield from _lowered(number, frozenset(names), stage.last, situation=situation)
        yield from _all_lowered(stage, situation)


def _all_lowered(stage: Stage, situation: Situation) -> Iterator[Proposal]:
    """Propose to move what differs in every build, with the labels and variables made of it, down as one block."""
    members = _members(stage, situation)
    conditions: list[Condition] = []
    target = 0
    for below in range(members[0] + 1 if members else stage.last + 1, stage.last + 1):
        if below in members:
            continue
        above = [number for number in members if number < below]
        met = [met for number in above for met in _passing_member(number, below, situation)]
        if any(condition.standing is Standing.VIOLATED for condition in met):
            break
        conditions += met
        if situation.instruction(below).keyword in {"RUN", "COPY", "ADD", "WORKDIR"}:
            target = below + 1
    moved = [number for number in members if number < target]
    if len(moved) > 1:
        first = situation.instruction(moved[0]).start_line
        title = (
            f"Move the {len(moved)} instructions from line {first} on, that differ in every build, down to their use."
        )
        text = move_all_before(situation.dockerfile, moved, target)
        checks = dict.fromkeys((*file_conditions(situation, stage.index), *conditions))
        yield Proposal(RULE, title, first, text, tuple(checks))


def _members(stage: Stage, situation: Situation) -> list[int]:
    changing, members = set(situation.wish.volatile), []
    for number in range(stage.first + 1, stage.last + 1):
        one = situation.instruction(number)
        names = _changing_names(one, changing)
        changing |= names
        if names or (one.keyword == "LABEL" and referenced_names(one.text) & changing):
            members.append(number)
    return members


def _passing_member(number: int, below: int, situation: Situation) -> Iterator[Condition]:
    one = situation.instruction(number)
    return _passing(one, frozenset(set_names(one)), below, situation=situation)


def _changing_names(one: Instruction, changing: set[str]) -> set[str]:
    if one.keyword == "ARG":
        return {
            name
            for name, default in declared_args(one)
            if name in changing or referenced_names(default or "") & changing
        }
    if one.keyword == "ENV" and referenced_names(one.text) & changing:
        return set(one.values[::2])
    return set()


def _is_changing_label(one: Instruction, changing: set[str], situation: Situation) -> bool:
    is_link = situation.wish.rules is CacheRules.CHAIN  # BuildKit's keys do not know labels
    return is_link and one.keyword == "LABEL" and bool(referenced_names(one.text) & changing)


def _lowered(number: int, names: frozenset[str], last: int, *, situation: Situation) -> Iterator[Proposal]:
    one = situation.instruction(number)
    conditions: list[Condition] = []
    target, passed = number + 1, False
    for below in range(number + 1, last + 1):
        met = list(_passing(one, names, below, situation=situation))
        if any(condition.standing is Standing.VIOLATED for condition in met):
            if (
                not passed
                and situation.instruction(below).keyword == "RUN"
                and not mentions(situation.instruction(below), names)
            ):
                yield _proposal(number, below + 1, [*conditions, *met], situation=situation)
                return
            break
        conditions += met
        if situation.instruction(below).keyword in {"RUN", "COPY", "ADD", "WORKDIR"}:
            target, passed = below + 1, True
    if passed:
        yield _proposal(number, target, conditions, situation=situation)


def _proposal(number: int, target: int, conditions: list[Condition], *, situation: Situation) -> Proposal:
    one = situation.instruction(number)
    stage = situation.stages.of(number)
    title = f"Move {one.keyword} {_named(one)} from line {one.start_line} down to what uses it."
    text = move_before(situation.dockerfile, number, target)
    checks = dict.fromkeys((*file_conditions(situation, stage.index if stage else 0), *conditions))
    return Proposal(RULE, title, one.start_line, text, tuple(checks))


def _named(one: Instruction) -> str:
    return ", ".join(word.partition("=")[0] for word in (one.values if one.keyword == "ARG" else one.values[::2]))


def _passing(one: Instruction, names: frozenset[str], below: int, *, situation: Situation) -> Iterator[Condition]:
    other = situation.instruction(below)
    label = ", ".join(sorted(names)) or "LABEL"
    if names and mentions(other, names):
        yield violated(f"line {other.start_line} does not use {label}")
    elif other.keyword in {"ARG", "ENV"} and referenced_names(one.text) & set_names(other):
        yield violated(f"line {other.start_line} does not set what {label} is made of")
    elif other.keyword == "LABEL" and one.keyword == "LABEL" and _share_a_key(one, other):
        yield violated(f"line {other.start_line} sets no label of the same name")
    elif other.keyword == "ONBUILD":
        yield violated("no trigger hides work")
    elif other.keyword == "RUN" and names:
        yield from _unread(names, below, situation)


def _share_a_key(one: Instruction, other: Instruction) -> bool:
    mine, theirs = set(one.values[::2]), set(other.values[::2])
    return bool(mine & theirs) or any("$" in key for key in mine | theirs)


def _unread(names: frozenset[str], below: int, situation: Situation) -> Iterator[Condition]:
    """Say whether a RUN may look at variables that it does not name."""
    one = situation.instruction(below)
    facts = read_run(one)
    for name in sorted(names):
        if facts.is_closed:
            if name.startswith(facts.env_prefixes):
                yield violated(f"the tools of line {one.start_line} do not read {name}")
            else:
                yield proved(f"line {one.start_line} only installs, and its tools do not read {name}")
            continue
        if name.startswith(_FOR_BUILDS) and _installs_only(one, situation):
            yield assumed(f"no script of a dependency that line {one.start_line} installs reads {name}")
            continue
        if name.startswith(_READ_BY_TOOLS):
            yield violated(f"no tool of line {one.start_line} reads {name}, as tools do that know such names")
            continue
        reader = _reader_of(name, situation)
        if reader:
            yield violated(f"no file of the context reads {name}, as {reader} may")
        elif not situation.context.files:
            yield violated(f"it is known which files line {one.start_line} reads")
        else:
            yield proved(f"no file of the context reads {name}")
            yield assumed(f"no third party's tool in line {one.start_line} reads {name}")


def _installs_only(one: Instruction, situation: Situation) -> bool:
    """Tell whether a RUN only installs what manifests name, and runs no script of the project meanwhile."""
    commands = split_script("\n".join(one.values)) if not (one.is_json or one.heredocs) else None
    if not commands or not all(find_installer(words) for words in commands):
        return False
    manifests = [path for path in situation.visible_files() if posixpath.basename(path) == "package.json"]
    return not any(_HOOK.search(situation.context.read(path) or "") for path in manifests)


def _reader_of(name: str, situation: Situation) -> str:
    """Give a file that the builder gets and that may read a variable; a Makefile that sets it itself does not."""
    for path in situation.visible_files():
        text = situation.context.read(path)
        if text and name in text and not _is_no_code(path) and _reads(path, text, name):
            return path
    return ""


def _reads(path: str, text: str, name: str) -> bool:
    """Tell whether a file may read a variable of the environment: bare words, such as SQL's COMMIT, do not."""
    stem = re.escape(name)
    if posixpath.basename(path).lower().startswith(("makefile", "gnumakefile")) or path.endswith(
        (".mk", ".sh", ".cmake")
    ):
        is_there = re.search(rf"(?<![A-Za-z0-9_]){stem}(?![A-Za-z0-9_])", text) is not None
        return is_there and not _makefile_sets(text, name)
    marked = rf"(?:\$[({{]?|[%@.:]){stem}\b|[{{,]\s*{stem}\s*[,}}:=]|(?i:env\w*)\W{{1,4}}{stem}\b"
    if re.search(marked, text):
        return True
    quoted = re.search(rf"[\"'`]{stem}[\"'`]", text)
    return quoted is not None and re.search(r"env|config|viper|setting", text, re.IGNORECASE) is not None


def _is_no_code(path: str) -> bool:
    name = posixpath.basename(path).lower()
    is_recipe = name.startswith(("dockerfile", "docker-compose", "compose.")) or ".dockerfile" in name
    return (
        is_recipe or path.startswith((".github/", ".gitlab", ".circleci/")) or name.endswith((".md", ".rst", ".lock"))
    )


def _makefile_sets(text: str, name: str) -> bool:
    """Tell whether a Makefile gives a variable its own value, which then hides that of the environment."""
    sets = re.search(rf"^(?:export\s+|override\s+)?{re.escape(name)}\s*:{{0,3}}=", text, re.MULTILINE)
    reads_in_shell = re.search(rf"\$\$\{{?{re.escape(name)}\b", text)
    return bool(sets) and not reads_in_shell and "MAKEFLAGS" not in text
