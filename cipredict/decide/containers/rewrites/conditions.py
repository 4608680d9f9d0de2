"""Conditions that several rules share: what forbids every rewrite, and whether two instructions may trade places."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cipredict.decide.containers.commands import ALWAYS_READ, SYSTEM_FOLDERS, RunFacts
from cipredict.decide.containers.layers import ARCHIVES, Link, is_remote
from cipredict.decide.containers.paths import UNKNOWN_FOLDER, Selection, absolute, overlap
from cipredict.decide.containers.rewrites.interface import Condition, Situation, assumed, proved, violated
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.shell_words import referenced_names
from cipredict.dockerfile.stages import declared_args

SETTINGS = frozenset({"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "MAINTAINER"})
"""They touch no file and no later instruction reads them; of equal ones the last wins."""


def file_conditions(situation: Situation, stage: int) -> Iterator[Condition]:
    """Give what forbids rewriting in a stage at all."""
    syntax = situation.dockerfile.directives.get("syntax", "")
    if syntax and not re.match(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::|@|$)", syntax):
        yield violated(f"the syntax is BuildKit's own, not '{syntax}'")
    if situation.dockerfile.escape != "\\":
        yield violated("the escape character is the backslash: others stand for paths of Windows")
    for one in situation.dockerfile.instructions[_first(situation, stage) : _last(situation, stage) + 1]:
        if one.keyword == "ONBUILD":
            yield violated(f"no trigger hides work (ONBUILD in line {one.start_line})")


def _first(situation: Situation, stage: int) -> int:
    return situation.stages.stages[stage].first


def _last(situation: Situation, stage: int) -> int:
    return situation.stages.stages[stage].last


def landings(link: Link, situation: Situation) -> tuple[str, ...]:
    """Give where the files of a copy land: absolute paths of files, or of folders that are filled.

    A folder that holds the system's own (`/`), or that the base image chose, is told by what is put into it.
    """
    one = situation.instruction(link.instruction)
    selections = link.selections()
    unpacks = one.keyword == "ADD" and any(source.endswith(ARCHIVES) for source in one.values[:-1])
    if one.flag("from") or unpacks or not selections:
        return (link.destination,)
    found: set[str] = set()
    for source in selections[0].sources:
        if source in situation.context.files and (_is_folder_target(one) or len(one.values) > 2):
            found.add(posixpath.join(link.destination, posixpath.basename(source)))
        elif source in situation.context.files or link.destination not in {"/", UNKNOWN_FOLDER}:
            found.add(link.destination)
        else:
            found |= _names_inside(source, link.destination, situation)
    return tuple(sorted(found)) or (link.destination,)


def _is_folder_target(one: Instruction) -> bool:
    target = one.values[-1] if one.values else ""
    return target.endswith("/") or target in {".", "./", ".."} or target.endswith("/.")


def _names_inside(source: str, destination: str, situation: Situation) -> set[str]:
    prefix = "" if source == "." else f"{source}/"
    inside = (path[len(prefix) :] for path in situation.visible_files() if path.startswith(prefix))
    return {posixpath.join(destination, name.partition("/")[0]) for name in inside}


def crossing(run: Link, over: int, situation: Situation) -> Iterator[Condition]:
    """Say whether a RUN may be executed before an instruction that stands above it."""
    facts = run.run
    other = situation.instruction(over)
    where = f"line {other.start_line}"
    if facts is None or not facts.is_closed:
        yield violated(f"the RUN reads nothing that was copied ({facts.doubt if facts else 'unknown'})")
        return
    if other.keyword in {"COPY", "ADD"}:
        yield from _over_copy(run, facts, over, situation=situation)
    elif other.keyword in SETTINGS:
        yield proved(f"{other.keyword} ({where}) changes no file")
    elif other.keyword in {"ARG", "ENV"}:
        yield from _over_variables(facts, other)
    elif other.keyword == "WORKDIR":
        if all(path.startswith("/") for path in facts.makes):
            yield proved(f"the RUN does not use its working folder ({where})")
        else:
            yield violated(f"the RUN does not use its working folder ({where})")
    elif other.keyword == "RUN":
        yield violated(f"no other RUN stands between, such as that of {where}")
    else:
        yield violated(f"{other.keyword} ({where}) does not change what the RUN may do")


def _over_copy(run: Link, facts: RunFacts, over: int, *, situation: Situation) -> Iterator[Condition]:
    one, link = situation.instruction(over), situation.link_of(over)
    where = f"line {one.start_line}"
    if link is None:
        yield violated(f"it is known where {where} copies to")
        return
    if any(map(is_remote, one.values[:-1])):
        yield violated(f"{where} fetches nothing from elsewhere")
        return
    places = landings(link, situation)
    is_web_server = "nginx" in situation.instruction(run.instruction).text
    touched = next((place for place in places if _is_system(_at_root(place), facts, is_web_server=is_web_server)), None)
    if touched is not None:
        yield violated(f"{where} copies to no folder that the RUN reads or writes, as {touched} may be")
        return
    yield proved(f"the RUN reads nothing that {where} copies")
    made = [absolute(path, run.folder) for path in facts.makes]
    filled = next((path for path in made if _is_filled(path, link, places, situation=situation)), None)
    if filled is not None:
        yield violated(f"{where} puts nothing where the RUN makes {filled}")
        return
    yield proved(f"it writes nothing that {where} writes, to {', '.join(places[:3])}")
    if any(place.startswith(UNKNOWN_FOLDER) for place in places):
        yield assumed("the base image's working folder is none of the system's")
    yield from no_links(link.destination, over, situation)
    yield from _settings_apart(facts, link, places, situation=situation)


def _is_filled(made: str, copy: Link, places: tuple[str, ...], *, situation: Situation) -> bool:
    """Tell whether a copy may touch a folder that a RUN makes, or one between its destination and that."""
    if not any(overlap(made, place) for place in places):
        return False
    if not copy.selections() or situation.instruction(copy.instruction).keyword != "COPY":
        return True
    [selection] = copy.selections()
    folder = copy.destination.rstrip("/")
    first = made[len(folder) + 1 :].partition("/")[0] if made.startswith(f"{folder}/") else ""
    part = Selection(selection.sources, selection.excludes, f"{folder}/", f"{folder}/{first}" if first else made)
    lands = part.matcher()
    return made in places or any(lands(path) for path in situation.visible_files())


def _is_kept_out(folder: str, copy: Link, situation: Situation) -> bool:
    """Tell whether a folder of PATH gets nothing from a copy, since it is elsewhere or ignored, as node_modules is."""
    if folder in {"$PATH", "${PATH}"} or (folder.startswith("/") and not overlap(folder, copy.destination)):
        return True
    is_whole = [one.sources for one in copy.selections()] == [(".",)] and folder.startswith(f"{copy.destination}/")
    inside = folder[len(copy.destination) + 1 :]
    return (
        is_whole and situation.ignore.excludes(f"{inside}/x") and situation.ignore.excludes(f"{inside.split('/')[0]}/x")
    )


_NAMES_A_PLACE = re.compile(r"CONSTRAINT|CONFIG|REQUIREMENT|FIND_LINKS|PREFIX|TARGET")


def _settings_apart(
    facts: RunFacts, copy: Link, places: tuple[str, ...], *, situation: Situation
) -> Iterator[Condition]:
    """Say whether a variable that the tools read, such as PYTHONPATH, points into what is copied."""
    tools = tuple(prefix for prefix in facts.env_prefixes if prefix not in ALWAYS_READ)
    is_system_only = all(prefix.startswith(("DEB", "APT", "APK", "YUM", "DNF")) for prefix in tools)
    for line, name, value in variables_above(copy.instruction, situation):
        is_read = name.startswith(tools) or (name == "PATH" and not is_system_only)
        is_inside = any(place.rstrip("/") in value for place in places if place.strip("/"))
        if is_inside and name == "PATH":
            is_inside = any(not _is_kept_out(folder, copy, situation) for folder in value.split(":"))
        is_file = name.startswith(tools) and _NAMES_A_PLACE.search(name.upper())
        if is_read and (is_inside or is_file):
            yield violated(f"{name} (line {line}) does not point to what is copied")
            return


def variables_above(number: int, situation: Situation) -> Iterator[tuple[int, str, str]]:
    """Give line, name and value of each ENV above an instruction, in the stages that it is built from too."""
    stage = situation.stages.of(number)
    last = number - 1
    while stage is not None:
        for one in situation.dockerfile.instructions[stage.first : last + 1]:
            if one.keyword == "ENV":
                yield from ((one.start_line, *pair) for pair in zip(one.values[::2], one.values[1::2], strict=False))
        if stage.base_stage is None:
            return
        stage = situation.stages.stages[stage.base_stage]
        last = stage.last


def _at_root(place: str) -> str:
    """Give a place below the base image's working folder as if that were the root, the worst that it may be."""
    return place.removeprefix(UNKNOWN_FOLDER) or "/" if place.startswith(UNKNOWN_FOLDER) else place


def _is_system(place: str, facts: RunFacts, *, is_web_server: bool) -> bool:
    own = [path for path in facts.writes or () if path not in SYSTEM_FOLDERS]
    if place == "/" or any(overlap(place, path) for path in own):
        return True
    if not is_web_server and f"{place}/".startswith("/usr/share/nginx/html/"):  # nginx's own package alone writes there
        return False
    return not _is_app(place) and any(overlap(place, folder) for folder in SYSTEM_FOLDERS)


def _is_app(place: str) -> bool:
    """Tell the folders below a system folder that are for applications by convention, and that packages leave alone."""
    return bool(
        re.match(r"/(?:opt|home|srv|var/www|var/task|var/app|usr/src|usr/app|usr/local/(?:app|src))/\w", f"{place}/")
    )


def no_links(destination: str, before: int, situation: Situation) -> Iterator[Condition]:
    """Say whether a destination may be a symbolic link to somewhere else."""
    parents = _with_parents(destination)
    stage = situation.stages.of(before)
    for one in situation.dockerfile.instructions[stage.first if stage else 0 : before]:
        text = " ".join(one.values)
        if (
            one.keyword == "RUN"
            and re.search(r"\bln\b", text)
            and any(re.search(rf"{re.escape(p)}(?:[\s/;&\"']|$)", text) for p in parents)
        ):
            yield violated(f"{destination} is no symbolic link (line {one.start_line} makes one)")
            return
    for path, file in situation.context.files.items():
        if file.is_link and any(parent.endswith(f"/{path}") for parent in parents):
            yield violated(f"{destination} is no symbolic link (the context holds the link {path})")
            return
    yield assumed(f"the base image has no symbolic link at {destination}")


def _with_parents(path: str) -> list[str]:
    found = []
    while path not in {"/", "", UNKNOWN_FOLDER}:
        found.append(path)
        path = posixpath.dirname(path)
    return found


def _over_variables(facts: RunFacts, other: Instruction) -> Iterator[Condition]:
    names = [name for name, _ in declared_args(other)] if other.keyword == "ARG" else list(other.values[::2])
    for name in names:
        if name in facts.names:
            yield violated(f"the RUN does not use {name} (line {other.start_line})")
        elif name.startswith(facts.env_prefixes):
            yield violated(f"the RUN's tools do not read {name} (line {other.start_line})")
        else:
            yield assumed(f"the RUN's tools do not read {name}")


def mentions(one: Instruction, names: frozenset[str]) -> bool:
    """Tell whether an instruction refers to one of some variables, in its text, flags or heredocs."""
    if names & referenced_names(one.text):
        return True
    if names & {name for heredoc in one.heredocs for name in referenced_names(heredoc.content)}:
        return True
    return bool(names & set_names(one))


def set_names(one: Instruction) -> set[str]:
    """Give the variables that an ARG or ENV sets."""
    return {name for name, _ in declared_args(one)} | (set(one.values[::2]) if one.keyword == "ENV" else set())
