"""From a Dockerfile to what its cache keys are made of: a link per instruction that takes part.

::

    FROM a            link 0   the image
    COPY x /x         link 1   link 0 · its own text · content of x
    RUN make /x       link 2   link 1 · its own text and all variables
    FROM b            link 3
    COPY --from=0 …   link 4   link 3 · its own text · content: who wrote it there

With BuildKit's rules a link is keyed by its parent's key and by the *content* that it copies; settings such as LABEL
take no part. With the chain rules of kaniko and the legacy builder every instruction is a link, and a copy from a stage
depends on that whole stage. Where nobody can tell who wrote a place, all who may have count: rather one rebuild too
many than one too few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from cipredict.decide.containers.commands import RunFacts, read_run
from cipredict.decide.containers.kinds import ASSUMED_COPY_S
from cipredict.decide.containers.paths import UNKNOWN_FOLDER, Selection, absolute, is_glob, overlap, relative_source
from cipredict.dockerfile.parser import Dockerfile, Instruction
from cipredict.dockerfile.shell_words import expand
from cipredict.dockerfile.stages import Stage, Stages, declared_args, mount_options, resolve

MARK = "\x01"
"""Encloses the name of an argument that differs in every build, where its value would stand."""


class CacheRules(StrEnum):
    """How a builder finds a layer again."""

    BUILDKIT = "buildkit"
    CHAIN = "chain"


class LinkKey(NamedTuple):
    """An input that is another link's key."""

    link: int


Atom = Selection | LinkKey


@dataclass(frozen=True, slots=True)
class Link:
    """An instruction as the cache sees it.

    Attributes
    ----------
    parent : number of the link before it, -1 for none
    definition : text and variables, volatile ones marked
    inputs : content that it reads
    is_layer : counts as a layer: RUN, COPY, ADD
    destination : absolute, of copies
    """

    instruction: int
    stage: int
    keyword: str
    parent: int
    definition: str
    inputs: tuple[Atom, ...] = ()
    destination: str = ""
    folder: str = UNKNOWN_FOLDER
    run: RunFacts | None = None

    @property
    def is_layer(self) -> bool:
        """Tell whether it makes a layer that counts."""
        return self.keyword in {"RUN", "COPY", "ADD"}

    @property
    def volatile(self) -> tuple[str, ...]:
        """Give the names of the volatile arguments in the definition."""
        return tuple(sorted(set(self.definition.split(MARK)[1::2])))

    @property
    def assumed_s(self) -> float:
        """Give the seconds that its kind of step is assumed to take."""
        return self.run.assumed_s if self.run else ASSUMED_COPY_S if self.is_layer else 0.0

    def selections(self) -> list[Selection]:
        """Give the files of the context among the inputs."""
        return [one for one in self.inputs if isinstance(one, Selection)]


class BuildWish(NamedTuple):
    """How a build is called: arguments with their values, those that differ every time, and the stage wanted."""

    args: Mapping[str, str] = {}
    volatile: frozenset[str] = frozenset()
    target: str = ""
    rules: CacheRules = CacheRules.BUILDKIT
    contexts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scope:
    """What an instruction of a stage sees of those before it."""

    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    folder: str = UNKNOWN_FOLDER
    user: str = ""
    shell: str = ""
    link: int = -1

    def values(self) -> dict[str, str]:
        return {**self.args, **self.env}

    def inherited(self) -> _Scope:
        return _Scope(dict(self.env), {}, self.folder, self.user, self.shell, self.link)


class _Write(NamedTuple):
    """Who may have written to which places of a stage."""

    link: int
    places: tuple[str, ...] | None
    selection: Selection | None = None
    stage: int | None = None
    source: str = ""
    is_image: bool = False


def read_links(dockerfile: Dockerfile, stages: Stages, target: Stage, *, wish: BuildWish) -> tuple[Link, ...]:
    """Give the links of a target, each after those that it needs."""
    reader = _LinkReader(dockerfile, stages, wish)
    for stage in stages.order(target):
        reader.read_stage(stage)
    return tuple(reader.links)


@dataclass(slots=True)
class _LinkReader:
    dockerfile: Dockerfile
    stages: Stages
    wish: BuildWish
    links: list[Link] = field(default_factory=list)
    scopes: dict[int, _Scope] = field(default_factory=dict)
    writes: dict[int, list[_Write]] = field(default_factory=dict)

    @property
    def _is_chain(self) -> bool:
        return self.wish.rules is CacheRules.CHAIN

    def read_stage(self, stage: Stage) -> None:
        base = self.scopes.get(stage.base_stage) if stage.base_stage is not None else None
        scope = base.inherited() if base else _Scope(folder="/" if stage.base == "scratch" else UNKNOWN_FOLDER)
        self.scopes[stage.index] = scope
        self.writes[stage.index] = list(self.writes.get(stage.base_stage, [])) if stage.base_stage is not None else []
        if base is None:
            image = _marked(expand(stage.base, self._global_values()), self.wish.volatile)
            self._add(stage, stage.first, "FROM", text=f"FROM {image}")
        for number in range(stage.first + 1, stage.last + 1):
            self._read(stage, number)

    def _global_values(self) -> dict[str, str]:
        return {name: f"{MARK}{name}{MARK}" for name in self.wish.volatile if name in self.stages.global_args}

    def _merge(self, stage: Stage, number: int, before: int) -> None:
        """Join a linked copy, whose key knows nothing of what is below it, with that."""
        scope = self.scopes[stage.index]
        copied, scope.link = scope.link, before
        self._add(stage, number, "MERGE", text="MERGE", inputs=(LinkKey(copied),))

    def _add(
        self,
        stage: Stage,
        number: int,
        keyword: str,
        *,
        text: str,
        inputs: Sequence[Atom] = (),
        destination: str = "",
        run: RunFacts | None = None,
    ) -> None:
        scope = self.scopes[stage.index]
        unique = tuple(dict.fromkeys(inputs))
        link = Link(number, stage.index, keyword, scope.link, text, unique, destination, scope.folder, run)
        self.links.append(link)
        scope.link = len(self.links) - 1

    def _read(self, stage: Stage, number: int) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        values = scope.values()
        if one.keyword == "RUN":
            self._read_run(stage, number)
        elif one.keyword in {"COPY", "ADD"}:
            self._read_copy(stage, number)
        elif one.keyword == "WORKDIR":
            scope.folder = absolute(self._expand(" ".join(one.values), values), scope.folder)
            self._add(stage, number, "WORKDIR", text=f"WORKDIR {scope.folder}")
        else:
            self._read_setting(one, scope, values)
            if self._is_chain:
                self._add(stage, number, one.keyword, text=self._setting_text(one, values))

    def _setting_text(self, one: Instruction, values: Mapping[str, str]) -> str:
        is_expanded = one.keyword in {"ENV", "LABEL", "EXPOSE", "USER", "VOLUME", "STOPSIGNAL"}
        words = [self._expand(word, values) if is_expanded else word for word in one.values]
        return " ".join([one.keyword, *words]) if one.keyword != "ONBUILD" else one.text

    def _read_setting(self, one: Instruction, scope: _Scope, values: Mapping[str, str]) -> None:
        if one.keyword == "ENV":
            pairs = zip(one.values[::2], one.values[1::2], strict=False)
            scope.env |= {self._expand(name, values): self._expand(value, values) for name, value in pairs}
        elif one.keyword == "ARG":
            for name, default in declared_args(one):
                scope.args[name] = self._arg_value(name, default, scope)
        elif one.keyword == "USER":
            scope.user = self._expand(" ".join(one.values), values)
        elif one.keyword == "SHELL":
            scope.shell = " ".join(one.values)

    def _arg_value(self, name: str, default: str | None, scope: _Scope) -> str:
        if name in self.wish.volatile:
            return f"{MARK}{name}{MARK}"
        if name in self.wish.args:
            return self.wish.args[name]
        if default is not None:
            return self._expand(default, scope.values())
        return self.stages.global_args.get(name, "")

    def _expand(self, text: str, values: Mapping[str, str]) -> str:
        return (
            expand(text, values, escape=self.dockerfile.escape) if "$" in text or "'" in text or '"' in text else text
        )

    def _read_run(self, stage: Stage, number: int) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        facts = read_run(one)
        inputs = [atom for mount in one.flag_values("mount") for atom in self._mount_inputs(mount, stage, number)]
        body = [*one.flags, *one.values, *(heredoc.content for heredoc in one.heredocs)]
        surroundings = (sorted(scope.values().items()), scope.folder, scope.user, scope.shell)
        self._add(
            stage, number, "RUN", text=f"RUN {body!r} {surroundings!r}".replace("\\x01", MARK), inputs=inputs, run=facts
        )
        places = None if facts.writes is None else (*facts.writes, *facts.makes)
        written = None if places is None else tuple(absolute(path, scope.folder) for path in places)
        self.writes[stage.index].append(_Write(scope.link, written))

    def _mount_inputs(self, mount: str, stage: Stage, number: int) -> Iterator[Atom]:
        options = dict(mount_options(mount))
        if options.get("type", "bind") != "bind" and "from" not in options:
            return
        values = self.scopes[stage.index].values()
        source = self._expand(options.get("source", options.get("src", "/")), values)
        if "from" in options:
            yield from self._from(options["from"], source, stage=stage, number=number)
        else:
            yield Selection((relative_source(source),))

    def _from(self, name: str, path: str, *, stage: Stage, number: int) -> Iterator[Atom]:
        line = self.dockerfile.instructions[number].start_line
        found = resolve(name, stage, self.stages, contexts=self.wish.contexts, line=line)
        if found is None or found.index not in self.scopes:
            return
        if self._is_chain:
            yield LinkKey(self.scopes[found.index].link)
        else:
            yield from self._content(found.index, _glob_parent(absolute(path, "/")))

    def _content(self, stage: int, path: str) -> Iterator[Atom]:
        """Give what the content at a path of a finished stage depends on."""
        for write in self.writes[stage]:
            touching = write.places is None or any(overlap(place, path) for place in write.places)
            if touching:
                yield from self._written(write, path)

    def _written(self, write: _Write, path: str) -> Iterator[Atom]:
        if write.is_image:
            return
        if write.selection is not None:
            yield Selection(
                write.selection.sources,
                write.selection.excludes,
                write.selection.destination,
                path,
                write.selection.keeps_parents,
            )
        elif write.stage is not None:
            [place] = write.places or ("/",)
            inner = path[len(place.rstrip("/")) :] if path.startswith(f"{place.rstrip('/')}/") else ""
            yield from self._content(write.stage, absolute(write.source + inner, "/"))
        else:
            yield LinkKey(write.link)

    def _read_copy(self, stage: Stage, number: int) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        before = scope.link
        is_linked = one.flag("link") in {"", "true"} and not self._is_chain
        if is_linked:
            scope.link = -1
        if one.flag("from"):
            self._copy_from_stage(stage, number)
        else:
            self._copy_from_context(stage, number)
        if is_linked:
            self._merge(stage, number, before)

    def _copy_words(self, stage: Stage, number: int) -> tuple[list[str], str, str]:
        """Give the sources, the destination as written, and the text that the key knows."""
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        words = [self._expand(word, scope.values()) for word in one.values]
        flags = [self._expand(flag, scope.values()) for flag in one.flags]
        *sources, target = words or [""]
        heredocs = [heredoc.content for heredoc in one.heredocs]
        text = " ".join([one.keyword, *flags, *sources, absolute(target, scope.folder), *heredocs])
        return sources, target, text

    def _copy_from_stage(self, stage: Stage, number: int) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        sources, target, text = self._copy_words(stage, number)
        place = absolute(target, scope.folder)
        name = one.flag("from") or ""
        inputs = [atom for source in sources for atom in self._from(name, source, stage=stage, number=number)]
        self._add(stage, number, one.keyword, text=text, inputs=inputs, destination=place)
        self._note_stage_copy(stage, number, sources, place=place)

    def _copy_from_context(self, stage: Stage, number: int) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        sources, target, text = self._copy_words(stage, number)
        place = absolute(target, scope.folder)
        is_folder = target.endswith(("/", "/.")) or target == "." or len(sources) > 1
        local = tuple(relative_source(source) for source in sources if _is_local(source))
        excludes = tuple(one.flag_values("exclude"))
        inputs = (Selection(local, excludes),) if local else ()
        self._add(stage, number, one.keyword, text=text, inputs=inputs, destination=place)
        write = _Write(scope.link, (place,))
        if local and len(local) == len(sources) and not _unpacks(one.keyword, local):
            landing = place + "/" * is_folder
            keeps_parents = one.flag("parents") is not None
            write = write._replace(selection=Selection(local, excludes, landing, "", keeps_parents))
        self.writes[stage.index].append(write)

    def _note_stage_copy(self, stage: Stage, number: int, sources: Sequence[str], *, place: str) -> None:
        one, scope = self.dockerfile.instructions[number], self.scopes[stage.index]
        found = resolve(one.flag("from") or "", stage, self.stages, contexts=self.wish.contexts, line=one.start_line)
        if found is None:
            self.writes[stage.index].append(_Write(scope.link, (place,), is_image=True))
            return
        for source in sources:
            path = _glob_parent(absolute(source, "/"))
            self.writes[stage.index].append(_Write(scope.link, (place,), stage=found.index, source=path))


def _unpacks(keyword: str, sources: Sequence[str]) -> bool:
    return keyword == "ADD" and any(source.endswith(ARCHIVES) for source in sources)


ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz", ".tbz2")
"""What ADD unpacks where it would copy."""


def is_remote(source: str) -> bool:
    """Tell whether ADD fetches a source."""
    return source.startswith(("http://", "https://", "git@", "git://")) or ".git#" in source


def _is_local(source: str) -> bool:
    return not is_remote(source) and not source.startswith("<<")


def _glob_parent(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if is_glob(part):
            break
        parts.append(part)
    return "/".join(parts) or "/"


def _marked(text: str, volatile: frozenset[str]) -> str:
    return "".join(f"{MARK}{name}{MARK}" if f"${name}" in text else "" for name in sorted(volatile)) + text
