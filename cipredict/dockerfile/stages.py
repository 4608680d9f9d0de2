"""Stages of a Dockerfile: which instructions belong to which, what they are built from, which a target needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cipredict.dockerfile.arguments import KEYWORDS
from cipredict.dockerfile.parser import Dockerfile, DockerfileError, Instruction
from cipredict.dockerfile.shell_words import expand

PLATFORM_ARGS = {
    **{f"{side}{name}": value for side in ("TARGET", "BUILD") for name, value in (("OS", "linux"), ("ARCH", "amd64"))},
    **{f"{side}PLATFORM": "linux/amd64" for side in ("TARGET", "BUILD")},
    **{f"{side}VARIANT": "" for side in ("TARGET", "BUILD")},
}
"""What BuildKit sets by itself, as on the machines that most build on."""

_OFFICIAL_NAMES = (
    "adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux "
    "backdrop bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux "
    "clefos clickhouse clojure composer consul convertigo couchbase couchdb crate dart debian docker "
    "drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang fedora flink "
    "fluentd friendica gazebo gcc geonetwork ghost golang gradle groovy haproxy haskell haxe hello-world "
    "hitch httpd hylang ibmjava influxdb irssi jetty jobber joomla jruby julia kapacitor kibana kong "
    "krakend lightstreamer liquibase logstash mageia mariadb matomo maven mediawiki memcached mongo "
    "mongo-express monica mysql nats nats-streaming neo4j neurodebian nextcloud nginx node notary odoo "
    "open-liberty openjdk opensuse oraclelinux orientdb percona perl phpmyadmin php photon plone "
    "postfixadmin postgres pypy python r-base rabbitmq rakudo-star redis redmine registry rethinkdb "
    "rockylinux rocket.chat ros ruby rust sapmachine scratch silverpeas sl solr sonarqube spark spiped "
    "storm swift swipl teamspeak telegraf tomcat tomee traefik ubuntu unit varnish vault websphere- "
    "liberty wordpress xwiki yourls znc zookeeper "
)
_OFFICIAL_IMAGES = frozenset(_OFFICIAL_NAMES.split())


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Attributes
    ----------
    name : lower case, empty where it has none
    base : the image, with global arguments put in; empty where it is built from another stage
    base_stage : that stage
    first, last : its instructions, FROM included
    needs : all stages that it reads, its base too
    """

    index: int
    name: str
    base: str
    base_stage: int | None
    first: int
    last: int
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a file and the values of arguments before the first of them."""

    stages: tuple[Stage, ...]
    global_args: Mapping[str, str]

    def find(self, name: str) -> Stage | None:
        """Give a stage by name or number."""
        if name.isdigit() and int(name) < len(self.stages):
            return self.stages[int(name)]
        return next((one for one in reversed(self.stages) if one.name and one.name == name.lower()), None)

    def order(self, target: Stage) -> list[Stage]:
        """Give the target and what it needs, each after what it needs itself."""
        found: dict[int, Stage] = {}
        self._visit(target, found, set())
        return list(found.values())

    def _visit(self, stage: Stage, found: dict[int, Stage], open_ones: set[int]) -> None:
        if stage.index in found or stage.index in open_ones:
            return
        open_ones.add(stage.index)
        for needed in stage.needs:
            self._visit(self.stages[needed], found, open_ones)
        found[stage.index] = stage

    def of(self, instruction: int) -> Stage | None:
        """Give the stage that an instruction, by its number, belongs to."""
        return next((one for one in self.stages if one.first <= instruction <= one.last), None)


def read_stages(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] | None = None, contexts: Sequence[str] = ()
) -> Stages:
    """Find the stages; `contexts` are names that the builder is given (`--build-context`).

    Raises
    ------
    DockerfileError
        It is no Dockerfile, or names a stage that it does not have.
    """
    instructions = dockerfile.instructions
    _check_keywords(instructions)
    given = {**PLATFORM_ARGS, **(build_args or {})}
    starts = [number for number, one in enumerate(instructions) if one.keyword == "FROM"]
    if not starts:
        raise DockerfileError("it has no FROM", instructions[0].start_line, remedy="Name a base image first.")
    global_args = _global_args(instructions[: starts[0]], given)
    stages: list[Stage] = []
    for index, first in enumerate(starts):
        last = starts[index + 1] - 1 if index + 1 < len(starts) else len(instructions) - 1
        stages.append(_stage(instructions[first], stages, global_args, span=(first, last)))
    names = Stages(tuple(stages), global_args)
    linked = tuple(_linked(one, names, instructions, contexts=contexts) for one in stages)
    return Stages(linked, global_args)


def _check_keywords(instructions: Sequence[Instruction]) -> None:
    for one in instructions:
        for part in (one, one.sub):
            if part is not None and part.keyword not in KEYWORDS:
                near = get_close_matches(part.keyword, KEYWORDS, n=1, cutoff=0.75)
                remedy = (
                    f"Did you mean {near[0]}?" if near else "Give a Dockerfile, or end the line above with a backslash."
                )
                written = (part.text.split() or [""])[0][:40]
                raise DockerfileError(f"'{written}' is no instruction", one.start_line, remedy=remedy)
    if instructions[0].keyword not in {"FROM", "ARG"}:
        line = instructions[0].start_line
        raise DockerfileError("the first instruction is neither FROM nor ARG", line, remedy="Name a base image first.")


def _global_args(instructions: Sequence[Instruction], given: Mapping[str, str]) -> dict[str, str]:
    values = dict(given) if not instructions else dict(PLATFORM_ARGS)
    for one in instructions:
        for name, value in declared_args(one):
            if name in given:
                values[name] = given[name]
            elif value is not None:
                values[name] = expand(value, values)
    return values


def declared_args(instruction: Instruction) -> Iterator[tuple[str, str | None]]:
    """Give the names that an ARG declares, each with its default as written."""
    for word in instruction.values if instruction.keyword == "ARG" else ():
        name, mark, value = word.partition("=")
        yield name, value if mark else None


def _stage(
    instruction: Instruction, before: Sequence[Stage], args: Mapping[str, str], *, span: tuple[int, int]
) -> Stage:
    words = instruction.values
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].lower() != "as"):
        raise DockerfileError("FROM needs an image, and AS before a name", instruction.start_line)
    base = expand(words[0], args)
    name = words[2].lower() if len(words) == 3 else ""
    parent = next((one for one in reversed(before) if one.name and one.name == base.lower()), None)
    needs = (parent.index,) if parent else ()
    image = "" if parent else base
    return Stage(len(before), name, image, parent.index if parent else None, *span, needs)


def _linked(stage: Stage, names: Stages, instructions: Sequence[Instruction], *, contexts: Sequence[str]) -> Stage:
    needs = list(stage.needs)
    for number in range(stage.first + 1, stage.last + 1):
        for name in stage_references(instructions[number]):
            found = resolve(name, stage, names, contexts=contexts, line=instructions[number].start_line)
            if found is not None:
                needs.append(found.index)
    return Stage(
        stage.index, stage.name, stage.base, stage.base_stage, stage.first, stage.last, tuple(dict.fromkeys(needs))
    )


def stage_references(instruction: Instruction) -> Iterator[str]:
    """Give what `--from` and `from=` of mounts name: stages, numbers of stages, images."""
    if instruction.keyword in {"COPY", "ADD"}:
        yield from (name for name in instruction.flag_values("from") if name)
    for mount in instruction.flag_values("mount"):
        yield from (value for key, value in mount_options(mount) if key == "from" and value)


def mount_options(mount: str) -> list[tuple[str, str]]:
    """Split `type=bind,from=a,ro` into pairs, keys in lower case; a bare word is true."""
    pairs = (part.partition("=") for part in mount.split(","))
    return [(key.strip().lower(), value if mark else "true") for key, mark, value in pairs]


def resolve(name: str, stage: Stage, names: Stages, *, contexts: Sequence[str] = (), line: int = 1) -> Stage | None:
    """Find the stage that an instruction of `stage` reads; none where it is an image or a named context.

    Raises
    ------
    DockerfileError
        No such stage, and no image would be called so either.
    """
    if name.isdigit():
        if int(name) >= stage.index:
            message = f"there is no stage {name} before this one, which is stage {stage.index}"
            raise DockerfileError(message, line, remedy="Stages count from 0; name them with AS.")
        return names.stages[int(name)]
    expanded = expand(name, names.global_args)
    found = names.find(expanded)
    if found is not None and found.index != stage.index:
        return found
    is_plain = not set(expanded) & set("/:@.$")
    if found is None and is_plain and expanded not in contexts and expanded.lower() not in _OFFICIAL_IMAGES:
        known = [one.name for one in names.stages if one.name]
        near = get_close_matches(expanded.lower(), known, n=1)
        remedy = (
            f"Did you mean '{near[0]}'?" if near else "Name one with AS, or give --build-context if you build with one."
        )
        raise DockerfileError(f"there is no stage '{expanded}'", line, remedy=remedy)
    return None
