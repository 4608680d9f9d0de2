"""Rule 5: manifests are copied first, dependencies installed, and only then the rest is copied.

The RUN stays where it is; the copy goes below it, over settings, variables and working folders in between.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from cipredict.decide.containers.kinds import RunKind
from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.paths import UNKNOWN_FOLDER, is_glob, overlap
from cipredict.decide.containers.rewrites.conditions import (
    SETTINGS,
    file_conditions,
    no_links,
    set_names,
    variables_above,
)
from cipredict.decide.containers.rewrites.ignore_files import other_build
from cipredict.decide.containers.rewrites.installers import (
    Needs,
    assumed_of,
    check_options,
    find_installer,
    split_script,
)
from cipredict.decide.containers.rewrites.interface import Condition, Proposal, Situation, proved, violated
from cipredict.dockerfile.edits import Edit, apply_edits, block_span, line_end
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.shell_words import referenced_names

RULE = "narrow-copy"
_READ_BY_INSTALLERS = (
    "PATH",
    "VIRTUAL_ENV",
    "PYTHON",
    "PIP_",
    "UV_",
    "POETRY_",
    "NODE_",
    "npm_",
    "NPM_",
    "GO",
    "BUNDLE_",
    "GEM_",
)
_CROSSED = SETTINGS | {"ARG", "ENV", "WORKDIR", "USER", "SHELL"}
"""What a copy may go below: it is made by root, whatever USER says, and by no shell."""
_SITE_FOLDERS = ("/usr/local/lib", "/usr/lib", "/usr/local/bin", "/root", "/go/pkg", "/go/bin")


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose it for each installation right below a copy of a folder."""
    for link in situation.links:
        if link.keyword == "RUN" and link.run is not None and link.run.kind is not RunKind.SYSTEM_INSTALL:
            copy = _copy_above(link, situation)
            if copy is not None:
                yield from _narrowed(copy, link, situation)


def _copy_above(run: Link, situation: Situation) -> Link | None:
    """Find the copy of a folder of the context that a RUN stands below, with no other work in between."""
    for number in range(run.instruction - 1, situation.stages.stages[run.stage].first, -1):
        one = situation.instruction(number)
        if one.keyword in {"COPY", "ADD"}:
            return _folder_copy(number, situation)
        if one.keyword not in _CROSSED:
            return None
    return None


def _folder_copy(number: int, situation: Situation) -> Link | None:
    link = situation.link_of(number)
    one = situation.instruction(number)
    if link is None or one.flag("from") or one.flag("parents") is not None or len(link.selections()) != 1:
        return None
    [selection] = link.selections()
    is_folder = len(selection.sources) == 1 and not is_glob(selection.sources[0])
    return link if is_folder and situation.context.has_folder(selection.sources[0]) else None


def _narrowed(copy: Link, run: Link, situation: Situation) -> Iterator[Proposal]:
    one = situation.instruction(run.instruction)
    script = "" if one.is_json or one.heredocs else "\n".join(one.values)
    commands = split_script(script) if script else None
    readers = [(words, find_installer(words)) for words in commands or [] if not _cleans_up(words, copy)]
    known = [(words, reader) for words, reader in readers if reader is not None]
    if not known:
        return
    folder = _context_folder(copy, run)
    conditions = [*file_conditions(situation, run.stage), *_over_settings(copy, run, situation)]
    if len(known) != len(readers):
        other = next(" ".join(words[:2]) for words, reader in readers if reader is None)
        conditions.append(violated(f"the RUN does nothing else (it also calls '{other}')"))
    if one.flag_values("mount") and any("type=cache" not in mount for mount in one.flag_values("mount")):
        conditions.append(violated("the RUN has no mount but caches"))
    if folder is None:
        conditions.append(violated("the RUN works inside the folder that is copied"))
        yield _proposal(copy, run, Needs((), ()), conditions, situation=situation)
        return
    needs = _joined([reader(words, folder, situation.context) for words, reader in known])
    conditions += [*needs.conditions, assumed_of(known[0][0][0])]
    conditions += [condition for words, _ in known for condition in check_options(words)]
    conditions += _kept_apart(copy, run, folder, needs=needs, situation=situation)
    yield _proposal(copy, run, needs, conditions, situation=situation)


def _cleans_up(words: Sequence[str], copy: Link) -> bool:
    """Tell whether a command only empties caches or removes what lies outside of the copy."""
    if " ".join(words[:3]) in {"npm cache clean", "yarn cache clean", "pnpm store prune", "pip cache purge"}:
        return True
    paths = [word for word in words[1:] if not word.startswith("-")]
    is_away = all(re.fullmatch(r"/[\w./-]+", path) and not overlap(path, copy.destination) for path in paths)
    return words[0] == "rm" and is_away and not copy.destination.startswith(UNKNOWN_FOLDER)


def _over_settings(copy: Link, run: Link, situation: Situation) -> Iterator[Condition]:
    """Say whether the copy means the same below what stands between it and the RUN."""
    original = situation.instruction(copy.instruction)
    if run.folder != copy.folder:
        yield from no_links(run.folder, copy.instruction, situation)
    for one in situation.dockerfile.instructions[copy.instruction + 1 : run.instruction]:
        where = f"line {one.start_line}"
        if one.keyword == "WORKDIR" and not original.values[-1].startswith("/"):
            yield violated(f"the copy's destination is absolute, so that WORKDIR ({where}) does not change it")
        elif one.keyword in {"ARG", "ENV"} and referenced_names(original.text) & set_names(one):
            yield violated(f"the copy uses nothing that {where} sets")


def _joined(needs: Sequence[Needs]) -> Needs:
    files = tuple(dict.fromkeys(path for one in needs for path in one.files))
    return Needs(files, tuple(c for one in needs for c in one.conditions), tuple(f for one in needs for f in one.fills))


def _context_folder(copy: Link, run: Link) -> str | None:
    """Give the folder of the context that the RUN's working folder is a copy of."""
    source = copy.selections()[0].sources[0]
    place = copy.destination.rstrip("/")
    if run.folder.rstrip("/") == place:
        return "" if source == "." else source
    if run.folder.startswith(f"{place}/"):
        return posixpath.normpath(posixpath.join(source, run.folder[len(place) + 1 :]))
    return None


def _kept_apart(copy: Link, run: Link, folder: str, *, needs: Needs, situation: Situation) -> Iterator[Condition]:
    if any(overlap(copy.destination, place) for place in _SITE_FOLDERS) and copy.destination != UNKNOWN_FOLDER:
        yield violated(f"the copy to {copy.destination} overwrites nothing that was installed")
    missing = [path for path in needs.files if situation.ignore.excludes(path)]
    if missing or not needs.files:
        yield violated(f"the builder gets the manifests ({(missing or ['none'])[0]} is ignored)")
    for name in needs.fills:
        inside = posixpath.normpath(posixpath.join(folder, name))
        if situation.context.has_folder(inside):
            yield violated(f"the context has no {inside} that would overwrite what was installed")
        elif not situation.ignore.excludes(f"{inside}/x") and (doubt := other_build(inside, situation)):
            yield violated(f"{inside} may be ignored: {doubt}")
        elif not situation.ignore.excludes(f"{inside}/x"):
            yield proved(f"{inside} is ignored from now on, so that no copy overwrites what was installed")
    yield from no_links(copy.destination, copy.instruction, situation)
    for line, name, value in variables_above(run.instruction, situation):
        rest = value
        for filled in needs.fills:
            rest = rest.replace(posixpath.join(run.folder, filled), "")
        if copy.destination.strip("/?") and copy.destination in rest and name.startswith(_READ_BY_INSTALLERS):
            yield violated(f"{name} (line {line}) does not point into {copy.destination}")


def _proposal(copy: Link, run: Link, needs: Needs, conditions: list[Condition], *, situation: Situation) -> Proposal:  # noqa: PLR0917
    one, other = situation.instruction(run.instruction), situation.instruction(copy.instruction)
    folder = _context_folder(copy, run) or ""
    names = ", ".join(posixpath.basename(path) for path in needs.files) or "manifests"
    title = (
        f"Copy {names} first, install in line {one.start_line} before the rest is copied in line {other.start_line}."
    )
    fills = (posixpath.normpath(posixpath.join(folder, name)) for name in needs.fills)
    ignore = tuple(path for path in fills if not situation.ignore.excludes(f"{path}/x"))
    text = _moved(copy, run, needs, situation=situation)
    return Proposal(RULE, title, one.start_line, text, tuple(dict.fromkeys(conditions)), ignore)


def _moved(copy: Link, run: Link, needs: Needs, *, situation: Situation) -> str:
    dockerfile = situation.dockerfile
    start, end = block_span(dockerfile, copy.instruction)
    at = situation.instruction(run.instruction).end
    newline = line_end(dockerfile.text)
    lead = "" if dockerfile.text[at - 1 : at] == "\n" else newline
    original = situation.instruction(copy.instruction)
    lines = "".join(line + newline for line in _manifest_copies(copy, run, needs, original=original))
    return apply_edits(dockerfile.text, [Edit(start, end, lines), Edit(at, at, lead + dockerfile.text[start:end])])


def _manifest_copies(copy: Link, run: Link, needs: Needs, *, original: Instruction) -> Iterator[str]:
    """Write a COPY per folder of manifests, with the flags of the copy that they are taken out of."""
    source = copy.selections()[0].sources[0]
    by_folder: dict[str, list[str]] = {}
    for path in needs.files:
        by_folder.setdefault(posixpath.dirname(path), []).append(path)
    for folder, paths in by_folder.items():
        inner = posixpath.relpath(folder or ".", source if source != "." else ".")
        place = posixpath.normpath(posixpath.join(copy.destination, inner))
        target = "./" if place == run.folder == copy.folder else f"{place}/"
        flags = [flag for flag in original.flags if not flag.startswith("--exclude")]
        yield " ".join([original.keyword, *flags, *paths, target])
