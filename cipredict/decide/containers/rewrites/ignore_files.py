"""Rule 8: what no build reads stays out of the context."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cipredict.decide.containers.paths import is_glob, relative_source
from cipredict.decide.containers.rewrites.interface import Proposal, Situation, assumed, proved, violated
from cipredict.dockerfile.ignore import glob_pattern
from cipredict.dockerfile.parser import Instruction
from cipredict.dockerfile.stages import mount_options

RULE = "ignore-file"
_FOLDERS = (".github", ".gitlab", ".circleci", ".buildkite", ".vscode", ".idea", ".devcontainer", "docs", "doc")
_FILES = re.compile(
    r"\.(?:gitlab-ci\.yml|travis\.yml|editorconfig|pre-commit-config\.yaml|codecov\.yml|mailmap)"
    r"|\.?codecov\.ya?ml|(?:docker-)?compose[\w.-]*\.ya?ml|Dockerfile[\w.-]*|\.dockerignore"
    r"|(?:CHANGELOG|CHANGES|HISTORY|CONTRIBUTING|CODE_OF_CONDUCT|SECURITY|README|AUTHORS|MAINTAINERS|NEWS|UPGRADING)"
    r"(?:[._-][\w.-]*)?"
)
"""Not among them: `.gitignore`, which hatchling and Tailwind read, and `Makefile`."""
_SITES = re.compile(r"mkdocs\.ya?ml|docusaurus\.config\.\w+|book\.toml|_config\.ya?ml|hugo\.\w+|\.readthedocs\.ya?ml")
"""Generators of sites, which read `docs` and Markdown without naming them."""
_ANY_TEXT = re.compile(r"\*\.md\b|\\\.md\b|[\"'`]\.md[\"'`]")
_TESTS = ("tests", "test", "spec", "e2e", "__tests__")
_COPIES_ALL = re.compile(r"^\s*(?:COPY|ADD)\s+(?:--\S+\s+)*[\[\"]*\./?[\s\"]", re.IGNORECASE | re.MULTILINE)
_URL = re.compile(r"[a-z]{2,9}://\S*", re.IGNORECASE)
_TALKS = (".md", ".rst", ".svg", ".lock", ".po", ".snap")
_READS_ANYTHING = 2_000_000
_RUNS_TESTS = re.compile(r"\b(?:test|tests|pytest|tox|nox|jest|vitest|check|lint|ruff|mypy|eslint)\b")


def propose(situation: Situation) -> Iterator[Proposal]:
    """Propose patterns for files that a whole folder's copy takes along and nothing names."""
    if not _copies_a_folder(situation):
        return
    names = _candidates(situation)
    corpus = _Corpus(situation, names)
    safe = [name for name in names if not corpus.reason(name) and name not in _TESTS]
    if safe:
        conditions = (
            proved("no COPY, ADD or mount names one of them"),
            proved("no command of the Dockerfile names one of them"),
            proved(f"none of {corpus.searched} files that stay names one of them"),
            assumed("nothing lists folders of the image to find them"),
        )
        yield Proposal(
            RULE,
            f"Keep out of the context: {', '.join(safe)}.",
            1,
            situation.dockerfile.text,
            conditions,
            tuple(safe),
        )
    for name in names:
        reason = corpus.reason(name) or ("tests are not run in the image by others" if name in _TESTS else "")
        if reason:
            yield Proposal(
                RULE,
                f"Keep out of the context: {name}.",
                1,
                situation.dockerfile.text,
                (violated(reason),),
                (name,),
            )


def _copies_a_folder(situation: Situation) -> bool:
    """Tell whether some copy takes the whole context."""
    return any("." in one.sources for link in situation.links for one in link.selections())


def _candidates(situation: Situation) -> list[str]:
    tops = sorted({path.partition("/")[0] for path in situation.visible_files()})
    folders = {path.partition("/")[0] for path in situation.visible_files() if "/" in path}
    return [name for name in tops if (name in (*_FOLDERS, *_TESTS) if name in folders else _FILES.fullmatch(name))]


class _Corpus:
    """The text of all files that stay when the candidates go: what names a candidate there may read it."""

    def __init__(self, situation: Situation, candidates: list[str]) -> None:
        self._situation = situation
        going = set(candidates)
        staying = [path for path in situation.visible_files() if path.partition("/")[0] not in going]
        self._paths = [path for path in staying if not path.endswith(_TALKS)]
        self.searched = len(staying)

    def reason(self, name: str) -> str:
        """Say what forbids leaving a name out; empty where nothing does."""
        return other_build(name, self._situation) or self._own_reason(name)

    def _own_reason(self, name: str) -> str:
        for one in self._situation.dockerfile.instructions:
            if one.keyword in {"COPY", "ADD", "RUN"} and _copy_names(one, name):
                return f"line {one.start_line} does not name it"
            if one.keyword in {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"} and _names(one.text, name):
                return f"line {one.start_line} does not name it"
            if one.keyword == "RUN" and name in _TESTS and _RUNS_TESTS.search(one.text):
                return f"line {one.start_line} runs no tests"
        if name in {"docs", "doc"} or name.endswith(".md"):
            site = next((path for path in self._situation.visible_files() if _SITES.fullmatch(path)), "")
            if site:
                return f"no generator of sites reads it ({site})"
        found = next((path for path in self._paths if _may_read(self._situation.context.read(path) or "", name)), "")
        return f"{found} does not name it" if found else ""


def other_build(name: str, situation: Situation) -> str:
    """Say which other Dockerfile, that shares the ignore file, may need a name; empty where none does."""
    for path in situation.others:
        text = situation.context.read(path) or ""
        if _COPIES_ALL.search(text):
            return f"no other Dockerfile takes the whole context, as {path} does"
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text):
            return f"{path} does not name it"
    return ""


def _copy_names(one: Instruction, name: str) -> bool:
    """Tell whether a source in the context is a name, lies below it, or is a glob that matches it."""
    sources = list(one.values[:-1]) if one.keyword != "RUN" and not one.flag("from") else []
    for options in map(dict, map(mount_options, one.flag_values("mount"))):
        sources += [options[key] for key in ("source", "src") if key in options and "from" not in options]
    heads = (relative_source(source).partition("/")[0] for source in sources)
    return any(head != "." and (head == name or "$" in head or _glob_takes(head, name)) for head in heads)


def _glob_takes(head: str, name: str) -> bool:
    """Tell whether a glob takes a file along besides those that it is meant for; `*` alone takes all, as a dot does."""
    return is_glob(head) and head not in {"*", "**"} and glob_pattern(head).fullmatch(name) is not None


def _may_read(text: str, name: str) -> bool:
    """Tell whether a file's text names another file; addresses do not count."""
    if len(text) > _READS_ANYTHING:
        return name in text
    if name in text and _names(_URL.sub(" ", text), name):
        return True
    return name.endswith(".md") and ".md" in text and _ANY_TEXT.search(text) is not None


def _names(text: str, name: str) -> bool:
    """Tell whether a text names a file or folder: as a path or part of one, in quotes, as a module, to embed."""
    stem = re.escape(name)
    if "." in name.lstrip("."):
        return re.search(rf"(?<![\w.-]){stem}(?![\w-])", text) is not None
    as_path = rf"(?<![\w-]){stem}(?=[/\"'`])|[/\"'`.]{stem}(?![\w-])"
    return re.search(rf"{as_path}|\b(?:import|from|go:embed.*)\s{stem}\b", text) is not None
