"""The replay against a builder that really copies files, on small generated Dockerfiles and histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.decide.containers.layers import BuildWish, CacheRules, read_links
from cipredict.decide.containers.replay import HistoryTokens, Replay, replay
from cipredict.decide.containers.rewrites.interface import find_target
from cipredict.dockerfile.context import ContextCommit, ContextHistory
from cipredict.dockerfile.ignore import IgnoreFile
from cipredict.dockerfile.parser import parse_dockerfile
from cipredict.dockerfile.stages import read_stages

PATHS = ["a.txt", "b.txt", "src/a.py", "src/b.py", "src/deep/c.py", "docs/d.md", "lib/e.go"]
SOURCES = ["a.txt", "b.txt", "src", "docs", "lib", ".", "src/deep", "*.txt"]


@dataclass(frozen=True)
class Op:
    """An instruction of the reference builder: what it copies, from where, to which folder of its own."""

    kind: str
    source: str = ""
    place: str = ""
    stage: int = 0
    part: str = ""

    def text(self) -> str:
        if self.kind == "copy":
            return f"COPY {self.source} {self.place}/"
        if self.kind == "copyfrom":
            return f"COPY --from={self.stage} {self.part} {self.place}/"
        if self.kind == "bind":
            return f"RUN --mount=type=bind,source={self.source},target=/m use {self.place}"
        if self.kind == "install":
            return f"RUN apt-get install -y {self.place.strip('/')}"
        return {"run": f"RUN make {self.place}", "arg": "ARG COMMIT", "label": f"LABEL x={self.place}"}[self.kind]


@dataclass
class Built:
    """A finished stage: the key of its last step, files by path, keys of RUNs that may have written below a place."""

    key: object
    files: dict[str, object] = field(default_factory=dict)
    runs: list[tuple[str, object]] = field(default_factory=list)

    def content(self, path: str) -> object:
        below = {name: value for name, value in self.files.items() if name == path or name.startswith(f"{path}/")}
        return (tuple(key for place, key in self.runs if touches(place, path)), frozenset(below.items()))


def touches(place: str, path: str) -> bool:
    return place in {"", path} or path.startswith(f"{place}/") or place.startswith(f"{path}/")


def select(tree: Mapping[str, str], source: str) -> dict[str, str]:
    """Give what a COPY of a source puts into its folder: names there, identities."""
    found = {}
    for path, identity in tree.items():
        if source == ".":
            found[path] = identity
        elif source == "*.txt":
            if "/" not in path and path.endswith(".txt"):
                found[path] = identity
        elif path == source:
            found[PurePosixPath(path).name] = identity
        elif path.startswith(f"{source}/"):
            found[path[len(source) + 1 :]] = identity
    return found


class Builder:
    """Builds commit after commit by the rules, with a cache of everything that it ever made."""

    def __init__(self, stages: Sequence[Sequence[Op]], *, is_chain: bool) -> None:
        self.stages, self.is_chain = stages, is_chain
        self.seen: set[object] = set()

    def build(self, tree: Mapping[str, str], commit: str) -> list[bool]:
        """Tell of each RUN and COPY, in order, whether it had to be made."""
        made: list[bool] = []
        stages: list[Built] = []
        for number, ops in enumerate(self.stages):
            stage = Built(("image", number))
            values: tuple[str, ...] = ()
            for op in ops:
                if op.kind == "arg":
                    values = (commit,)
                key = self._key(op, stage, values, tree, stages)
                if op.kind in {"arg", "label"}:
                    stage.key = key if self.is_chain else stage.key
                    continue
                made.append(key not in self.seen)
                self.seen.add(key)
                stage.key = key
                self._write(op, stage, tree, stages)
            stages.append(stage)
        return made

    def _key(
        self, op: Op, stage: Built, values: tuple[str, ...], tree: Mapping[str, str], stages: list[Built]
    ) -> object:
        content: object = None
        if op.kind in {"copy", "bind"}:
            content = frozenset((path, tree[path]) for path in tree if path in whole_paths(tree, op.source))
        elif op.kind == "copyfrom":
            source = stages[op.stage]
            content = source.key if self.is_chain else source.content(op.part)
        uses = values if op.kind in {"run", "bind", "install"} else ()
        return (op.text(), uses, stage.key, content)

    def _write(self, op: Op, stage: Built, tree: Mapping[str, str], stages: list[Built]) -> None:
        if op.kind == "copy":
            stage.files |= {
                f"{op.place}/{name}": (op.place, name, value) for name, value in select(tree, op.source).items()
            }
        elif op.kind == "copyfrom":
            source = stages[op.stage]
            inside = {name: value for name, value in source.files.items() if name.startswith(f"{op.part}/")}
            stage.files |= {op.place + name[len(op.part) :]: value for name, value in inside.items()}
            if op.part in source.files:  # a file goes into the folder
                stage.files[f"{op.place}/{PurePosixPath(op.part).name}"] = source.files[op.part]
            stage.runs += [(op.place, key) for place, key in source.runs if touches(place, op.part)]
        elif op.kind in {"run", "bind"}:
            stage.runs.append(("", stage.key))


def whole_paths(tree: Mapping[str, str], source: str) -> set[str]:
    if source == ".":
        return set(tree)
    if source == "*.txt":
        return {path for path in tree if "/" not in path and path.endswith(".txt")}
    return {path for path in tree if path == source or path.startswith(f"{source}/")}


@st.composite
def dockerfiles(draw: st.DrawFn) -> list[list[Op]]:
    stages: list[list[Op]] = []
    for number in range(draw(st.integers(1, 3))):
        ops: list[Op] = []
        for index in range(draw(st.integers(1, 5))):
            kinds = [
                "copy",
                "copy",
                "copy",
                "run",
                "install",
                "bind",
                "arg",
                "label",
                *(["copyfrom"] * 6 if number else []),
            ]
            kind = draw(st.sampled_from(kinds))
            place = f"/s{number}x{index}"
            if kind == "copyfrom":
                stage = draw(st.integers(0, number - 1))
                places = [op.place for op in stages[stage] if op.kind in {"copy", "copyfrom"}] or ["/none"]
                inside = draw(st.sampled_from(["", "", "/a.txt", "/deep", "/src"]))
                part = draw(st.sampled_from(places))
                whole = [op.place for op in stages[stage] if op.kind == "copy" or op.part.count("/") == 1]
                ops.append(Op(kind, place=place, stage=stage, part=part + inside * (part in whole)))
            else:
                ops.append(Op(kind, source=draw(st.sampled_from(SOURCES)), place=place))
        stages.append(ops)
    return stages


def render(stages: Sequence[Sequence[Op]]) -> str:
    lines = []
    for number, ops in enumerate(stages):
        lines += [f"FROM image{number}/x", *(op.text() for op in ops)]
    needed = [f"COPY --from={number} /unused{number} /" for number in range(len(stages))]
    return "\n".join([*lines, "FROM last/x", *needed]) + "\n"


changes = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["1", "2", "3", None]), max_size=3)


def run_replay(
    text: str, history: ContextHistory, *, rules: CacheRules, volatile: Sequence[str] = ()
) -> tuple[Replay, list[int]]:
    dockerfile = parse_dockerfile(text)
    stages = read_stages(dockerfile)
    wish = BuildWish(volatile=frozenset(volatile), rules=rules)
    links = read_links(dockerfile, stages, find_target(stages, wish), wish=wish)
    result = replay(links, HistoryTokens(history), IgnoreFile())
    return result, [count for count, link in zip(result.rebuilt, links, strict=True) if link.is_layer]


@pytest.mark.parametrize("rules", list(CacheRules))
@settings(max_examples=200, deadline=None)
@given(stages=dockerfiles(), commits=st.lists(changes, max_size=6))
def test_a_replay_rebuilds_what_a_builder_rebuilds(
    rules: CacheRules, stages: list[list[Op]], commits: list[dict[str, str | None]]
) -> None:
    tree: dict[str, str] = dict.fromkeys(PATHS, "0")
    history = ContextHistory(dict(tree), tuple(ContextCommit(str(n), one) for n, one in enumerate(commits)))
    builder = Builder(stages, is_chain=rules is CacheRules.CHAIN)
    counts = [0] * len(builder.build(tree, "base"))
    for number, one in enumerate(commits):
        for path, identity in one.items():
            if identity is None:
                tree.pop(path, None)
            else:
                tree[path] = identity
        counts = [count + made for count, made in zip(counts, builder.build(tree, str(number)), strict=True)]

    _, rebuilt = run_replay(render(stages), history, rules=rules, volatile=["COMMIT"])

    assert rebuilt[: len(counts)] == counts


def commits_of(*paths: str) -> ContextHistory:
    base = dict.fromkeys(PATHS, "0")
    return ContextHistory(base, tuple(ContextCommit(path, {path: path}) for path in paths))


def test_reverting_to_content_that_was_built_before_hits() -> None:
    base = {"a.txt": "0"}
    history = ContextHistory(base, (ContextCommit("1", {"a.txt": "1"}), ContextCommit("2", {"a.txt": "0"})))

    result, rebuilt = run_replay("FROM x/y\nCOPY a.txt /\nRUN z\n", history, rules=CacheRules.BUILDKIT)

    assert rebuilt == [1, 1]
    assert (result.builds, result.cached_builds, result.layer_hit_share) == (2, 1, 0.5)


def test_a_copy_from_a_stage_hits_where_its_content_is_the_same() -> None:
    text = "FROM a/a AS s\nCOPY docs /docs\nCOPY src /src\nFROM b/b\nCOPY --from=s /src /src\nRUN x\n"
    history = commits_of("docs/d.md")

    assert run_replay(text, history, rules=CacheRules.BUILDKIT)[1] == [1, 1, 0, 0]
    assert run_replay(text, history, rules=CacheRules.CHAIN)[1] == [1, 1, 1, 1]


def test_an_installation_changes_no_folder_of_an_application() -> None:
    text = (
        "FROM a/a AS s\nCOPY docs /docs\nRUN apt-get install -y git\nCOPY src /src\n"
        "FROM b/b\nCOPY --from=s /src /src\nCOPY --from=s /usr/bin /usr/bin\n"
    )

    assert run_replay(text, commits_of("docs/d.md"), rules=CacheRules.BUILDKIT)[1] == [1, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ("run", "rebuilt"),
    [
        ("rm -rf /opt/app/.git && rm -rf /opt/app/stuff", 0),
        ("mkdir -p /data && chown 1 /data", 0),
        ("cp -r /opt/app/x /srv/y", 0),
        ("rm -rf /wheels/x", 1),
        ("rm -rf ./x", 0),
        ("cp -r /opt/app/x /wheels", 1),
        ("pip install /opt/app", 0),
        ("pip wheel -r /opt/app/r.txt", 0),
        ("pip wheel --wheel-dir /wheels -r /opt/app/r.txt", 1),
        ("/opt/app/build", 1),
        ("rm -rf $X", 1),
        ("rm x > /wheels/y", 1),
    ],
)
def test_what_a_run_surely_does_not_write_is_not_changed_by_it(run: str, rebuilt: int) -> None:
    text = (
        "FROM a/a AS s\nWORKDIR /work\nCOPY lib /wheels\nCOPY docs /opt/app\n"
        f"RUN {run}\nFROM b/b\nRUN --mount=from=s,source=/wheels,target=/w use\n"
    )

    assert run_replay(text, commits_of("docs/d.md"), rules=CacheRules.BUILDKIT)[1] == [0, 1, 1, rebuilt]


def test_a_linked_copy_does_not_depend_on_what_is_below_it_but_what_follows_does() -> None:
    text = "FROM a/a\nCOPY docs /docs\nCOPY --link src /src\nRUN x\n"

    assert run_replay(text, commits_of("docs/d.md"), rules=CacheRules.BUILDKIT)[1] == [1, 0, 1]


def test_two_stages_that_begin_alike_share_their_layers() -> None:
    text = "FROM a/a AS s\nCOPY src /src\nRUN x\nFROM a/a\nCOPY src /src\nRUN x\nCOPY --from=s /src /t\n"

    assert run_replay(text, commits_of("src/a.py"), rules=CacheRules.BUILDKIT)[1] == [1, 1, 0, 0, 1]


def test_an_argument_counts_from_its_declaration_on_and_only_for_runs() -> None:
    text = "FROM a/a\nRUN x\nARG COMMIT\nCOPY docs /docs\nRUN y\n"

    assert run_replay(text, commits_of("a.txt"), rules=CacheRules.BUILDKIT, volatile=["COMMIT"])[1] == [0, 0, 1]
    assert run_replay(text, commits_of("a.txt"), rules=CacheRules.BUILDKIT)[1] == [0, 0, 0]


def test_labels_break_the_chain_but_not_buildkits_cache() -> None:
    text = "FROM a/a\nARG COMMIT\nLABEL rev=$COMMIT\nCOPY docs /docs\n"

    assert run_replay(text, commits_of("a.txt"), rules=CacheRules.BUILDKIT, volatile=["COMMIT"])[1] == [0]
    assert run_replay(text, commits_of("a.txt"), rules=CacheRules.CHAIN, volatile=["COMMIT"])[1] == [1]


def test_cache_mounts_are_no_part_of_a_key_and_bind_mounts_are() -> None:
    text = (
        "FROM a/a\nRUN --mount=type=cache,target=/c x\nRUN --mount=type=bind,source=docs/d.md,target=/d y\n"
        "RUN --mount=target=/all z\n"
    )

    assert run_replay(text, commits_of("docs/d.md"), rules=CacheRules.BUILDKIT)[1] == [0, 1, 1]
    assert run_replay(text, commits_of("a.txt"), rules=CacheRules.BUILDKIT)[1] == [0, 0, 1]
