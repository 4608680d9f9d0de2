"""Rules 5 to 8: manifests first, stages, mounts, ignore files; and each condition that forbids them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cipredict.decide.containers.rewrites import (
    cache_mounts,
    ignore_files,
    link_copies,
    narrow_copies,
    parallel_stages,
    split_stages,
)
from cipredict.decide.containers.rewrites.interface import Proposal, Rule, Situation, Standing

if TYPE_CHECKING:
    from tests.decide.containers.conftest import MakeSituation, Optimize

PACKAGE = json.dumps({"name": "x", "scripts": {"build": "vite"}, "dependencies": {"vue": "^3"}})
NODE = {"package.json": PACKAGE, "package-lock.json": "{}", "src/a.js": ""}
NODE_FILE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n"


def doubts(proposal: Proposal) -> str:
    return " ".join(one.text for one in proposal.conditions if one.standing is Standing.VIOLATED)


def only(rule: Rule, situation: Situation) -> Proposal:
    [proposal] = rule(situation)
    return proposal


def test_manifests_are_copied_first(make_situation: MakeSituation) -> None:
    proposal = only(narrow_copies.propose, make_situation(NODE_FILE, NODE))

    assert proposal.is_safe
    assert proposal.ignore == ("node_modules",)
    assert proposal.text == (
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
    )


def test_flags_and_folders_of_the_copy_are_kept(make_situation: MakeSituation) -> None:
    files = {"web/package.json": PACKAGE, "web/package-lock.json": "{}", "web/.npmrc": "x=y"}
    text = "FROM node:22\nWORKDIR /srv/web\nCOPY --chown=node:node web /srv/web\nRUN npm ci\n"
    proposal = only(narrow_copies.propose, make_situation(text, files))

    assert proposal.is_safe
    assert "COPY --chown=node:node web/package.json web/package-lock.json web/.npmrc ./\nRUN npm ci\n" in proposal.text


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        pytest.param({"workspaces": ["packages/*"]}, "no workspaces", id="workspaces"),
        pytest.param({"dependencies": {"y": "file:../y"}}, "no dependency is a folder", id="folder"),
        pytest.param({"scripts": {"postinstall": "node x"}}, "'postinstall' does", id="postinstall"),
        pytest.param({"scripts": {"prepare": "husky"}}, "'prepare' does", id="prepare"),
        pytest.param({"devDependencies": {"patch-package": "8"}}, "patches", id="patch-package"),
        pytest.param({"pnpm": {"patchedDependencies": {}}}, "patches", id="pnpm patches"),
    ],
)
def test_npm_ci_that_reads_more_than_manifests_stays(
    change: dict[str, object], doubt: str, make_situation: MakeSituation
) -> None:
    files = {**NODE, "package.json": json.dumps({"name": "x", **change})}
    proposal = only(narrow_copies.propose, make_situation(NODE_FILE, files))

    assert doubt in doubts(proposal)


@pytest.mark.parametrize(
    ("files", "doubt"),
    [
        pytest.param({**NODE, "patches/x.patch": ""}, "patches", id="folder of patches"),
        pytest.param({**NODE, "node_modules/x/index.js": ""}, "no node_modules", id="vendored modules"),
        pytest.param({"package.json": PACKAGE, "src/a": ""}, "lock file", id="no lock file"),
        pytest.param({**NODE, "package.json": "{"}, "can be read", id="broken manifest"),
        pytest.param({**NODE, "lnk": ""}, "", id="fine"),
    ],
)
def test_what_else_is_in_the_context_matters(files: dict[str, str], doubt: str, make_situation: MakeSituation) -> None:
    proposal = only(narrow_copies.propose, make_situation(NODE_FILE, files))

    assert doubt in doubts(proposal)
    assert proposal.is_safe is (doubt == "")


def test_scripts_do_not_matter_where_they_are_ignored(make_situation: MakeSituation) -> None:
    files = {**NODE, "package.json": json.dumps({"scripts": {"postinstall": "x"}})}
    text = NODE_FILE.replace("npm ci", "npm ci --ignore-scripts")

    assert only(narrow_copies.propose, make_situation(text, files)).is_safe


@pytest.mark.parametrize(
    ("command", "files", "is_safe"),
    [
        ("pip install -r requirements.txt", {"requirements.txt": "a==1\nb>=2  # -r no\n"}, True),
        ("pip install -r requirements.txt", {"requirements.txt": "-r base.txt\n"}, False),
        ("pip install -r requirements.txt", {"requirements.txt": "-c constraints.txt\n"}, False),
        ("pip install -r requirements.txt", {"requirements.txt": "-e .\n"}, False),
        ("pip install -r requirements.txt", {"requirements.txt": "./vendored\n"}, False),
        ("pip install -r requirements.txt", {"requirements.txt": "x @ file:///app/x\n"}, False),
        ("pip install -r requirements.txt -e .", {"requirements.txt": "a\n"}, False),
        ("pip install -r requirements.txt", {"setup.py": ""}, False),
        ("go mod download", {"go.mod": "module x\n", "go.sum": ""}, True),
        ("go mod download", {"go.mod": "module x\nreplace y => ./y\n"}, False),
        ("go mod download", {"go.mod": "module x\nreplace y => ../y\n"}, False),
        ("go mod download", {"go.mod": "module x\n", "go.work": ""}, False),
        ("go mod download", {"go.mod": "module x\n", "vendor/y/y.go": ""}, False),
        ("poetry install --no-root", {"pyproject.toml": "", "poetry.lock": ""}, True),
        ("poetry install --no-root", {"pyproject.toml": 'y = {path = "y"}', "poetry.lock": ""}, False),
        ("uv sync --frozen --no-install-project", {"pyproject.toml": "", "uv.lock": ""}, True),
        ("uv sync --frozen --no-install-project", {"pyproject.toml": "[tool.uv.workspace]", "uv.lock": ""}, False),
        ("bundle install", {"Gemfile": "gem 'x'", "Gemfile.lock": ""}, True),
        ("bundle install", {"Gemfile": "gemspec", "Gemfile.lock": ""}, False),
        ("pip install -r requirements.txt && make", {"requirements.txt": "a\n"}, False),
    ],
)
def test_installers_and_what_their_manifests_name(
    command: str,
    files: dict[str, str],
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM a/a\nWORKDIR /src\nCOPY . .\nRUN {command}\n"
    proposal = only(narrow_copies.propose, make_situation(text, {**files, "src/x": ""}))

    assert proposal.is_safe is is_safe


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM a/a\nWORKDIR /src\nCOPY . .\nRUN make\nRUN npm ci\n", id="RUN in between"),
        pytest.param("FROM a/a\nWORKDIR /src\nCOPY . .\nVOLUME /src\nRUN npm ci\n", id="a volume"),
        pytest.param("FROM a/a\nWORKDIR /src\nCOPY package.json ./\nRUN npm ci\n", id="narrow already"),
        pytest.param("FROM a/a\nWORKDIR /src\nCOPY . .\nRUN npm install vue\n", id="npm install of a package"),
        pytest.param("FROM a/a\nWORKDIR /src\nCOPY . .\nRUN npm run build\n", id="no installation"),
    ],
)
def test_nothing_is_proposed_elsewhere(text: str, make_situation: MakeSituation) -> None:
    assert list(narrow_copies.propose(make_situation(text, NODE))) == []


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("npm ci --prefix client", NODE),
        ("npm ci -w packages/a", NODE),
        ("yarn install --frozen-lockfile --cwd client", {"package.json": PACKAGE, "yarn.lock": ""}),
        ("pnpm install --frozen-lockfile --filter web", {"package.json": PACKAGE, "pnpm-lock.yaml": ""}),
        ("pip install -r r.txt --target ./libs", {"r.txt": "a\n"}),
        ("pip install -r r.txt pkg/", {"r.txt": "a\n"}),
        ("pip install -r r.txt --find-links=wheels", {"r.txt": "a\n"}),
        ("pip wheel -r r.txt --wheel-dir wheels", {"r.txt": "a\n"}),
        ("poetry install --no-root -C sub", {"pyproject.toml": "", "poetry.lock": ""}),
        ("uv sync --no-install-project --project sub", {"pyproject.toml": "", "uv.lock": ""}),
        ("uv sync --no-install-project", {"pyproject.toml": 'dynamic = ["version"]', "uv.lock": ""}),
        ("bundle install --path vendor/x", {"Gemfile": "", "Gemfile.lock": ""}),
        ("npm ci", {**NODE, ".npmrc": "cafile=certs/ca.pem"}),
        ("pnpm install --frozen-lockfile", {"package.json": PACKAGE, "pnpm-lock.yaml": "", ".pnpmfile.cjs": ""}),
    ],
)
def test_options_and_settings_that_point_elsewhere_forbid(
    command: str, files: dict[str, str], make_situation: MakeSituation
) -> None:
    text = f"FROM a/a\nWORKDIR /src\nCOPY . .\nRUN {command}\n"

    assert not only(narrow_copies.propose, make_situation(text, {**files, "src/x": ""})).is_safe


@pytest.mark.parametrize(
    ("variable", "is_safe"),
    [
        ("PATH=/src/.venv/bin:$PATH", False),
        ("PYTHONPATH=/src", False),
        ("PIP_CONSTRAINT=/src/c", False),
        ("A=/src", True),
    ],
)
def test_variables_that_point_into_the_copy_forbid(
    variable: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM a/a\nENV {variable}\nWORKDIR /src\nCOPY . .\nRUN pip install -r r.txt\n"

    assert only(narrow_copies.propose, make_situation(text, {"r.txt": "a\n", "src/x": ""})).is_safe is is_safe


def test_cargo_workspaces_are_never_split_by_us(make_situation: MakeSituation, run_optimize: Optimize) -> None:
    text = "FROM rust:1\nWORKDIR /app\nCOPY . /app\nRUN cargo build --release\n"
    files = {"Cargo.toml": "[workspace]\nmembers = ['a']\n", "Cargo.lock": "", "a/src/main.rs": ""}
    outcome = run_optimize(make_situation(text, files), [["a/src/main.rs"], ["Cargo.lock"], ["Cargo.lock"]])

    assert outcome.applied == ()
    [refused] = [one for one in outcome.refused if one.proposal.rule == "rust-dependencies"]
    assert "Cargo workspace" in doubts(refused.proposal)
    assert refused.after is not None
    assert refused.after.run_rebuilds > outcome.before.run_rebuilds


SPLIT = "FROM a/a AS app\nRUN prepare\nCOPY . /app\nFROM app AS plus\nRUN apk add chromium\nCMD x\n"


def test_tools_of_a_derived_stage_go_below_the_copies_of_the_first(make_situation: MakeSituation) -> None:
    proposal = only(split_stages.propose, make_situation(SPLIT, ["a.py"]))

    assert proposal.is_safe
    assert proposal.text == (
        "FROM a/a AS app-base\nRUN prepare\n\nFROM app-base AS app\nCOPY . /app\n"
        "FROM app-base AS plus\nRUN apk add chromium\nCOPY . /app\nCMD x\n"
    )


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        pytest.param(SPLIT.replace("/app\n", "/app\nRUN build\n", 1), "no other RUN", id="RUN behind the copy"),
        pytest.param(SPLIT.replace("/app\n", "/app\nUSER x\n", 1), "USER", id="user"),
        pytest.param(
            SPLIT.replace("RUN prepare", "ARG P\nRUN prepare").replace(". /app", "$P /app"), "both sides", id="arg"
        ),
        pytest.param("FROM b/b\n" + SPLIT + "COPY --from=0 /x /y\n", "by number", id="number"),
        pytest.param(SPLIT.replace("FROM app AS", "FROM c/c AS app-base\nFROM app AS"), "-base", id="name taken"),
    ],
)
def test_stages_that_cannot_be_cut_stay(text: str, doubt: str, make_situation: MakeSituation) -> None:
    assert doubt in doubts(only(split_stages.propose, make_situation(text, ["a.py"])))


PARTS = "FROM a/a AS b\nCOPY docs /d\nRUN make docs\nCOPY web /w\nRUN make web\nCOPY src /s\nRUN make src\n"


def test_parts_side_by_side_are_reported_with_what_they_would_save(
    make_situation: MakeSituation, run_optimize: Optimize
) -> None:
    files = ["docs/a", "web/a", "src/a"]
    outcome = run_optimize(make_situation(PARTS, files), [["docs/a"], ["docs/a"], ["src/a"]])

    assert "parallel-stages" not in [one.proposal.rule for one in outcome.applied]
    [refused] = [one for one in outcome.refused if one.proposal.rule == "parallel-stages"]
    assert "line 3 reads and writes" in doubts(refused.proposal)
    assert refused.after is not None
    assert (outcome.before.run_rebuilds, refused.after.run_rebuilds) == (7, 5)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PARTS + "FROM c/c\nCOPY --from=0 /s /s\n", id="numbers"),
        pytest.param("FROM a/a\nCOPY docs /d\nRUN make docs\n", id="one part"),
        pytest.param("FROM a/a\nCOPY docs /d\nCOPY web /w\nRUN make\n", id="copies together"),
    ],
)
def test_no_parts_are_seen_elsewhere(text: str, make_situation: MakeSituation) -> None:
    assert list(parallel_stages.propose(make_situation(text, ["docs/a", "web/a", "src/a"]))) == []


def test_cache_mounts_need_a_builder_that_keeps_them(make_situation: MakeSituation) -> None:
    text = "FROM python:3\nRUN pip install -r /r.txt\n"

    assert "the builder keeps cache mounts" in doubts(only(cache_mounts.propose, make_situation(text)))
    kept = only(cache_mounts.propose, make_situation(text, keeps_mounts=True))
    assert kept.is_safe
    assert kept.text == "FROM python:3\nRUN --mount=type=cache,target=/root/.cache/pip pip install -r /r.txt\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM a/a\nRUN pip install --no-cache-dir x\n", id="cache turned off"),
        pytest.param("FROM a/a\nUSER app\nRUN pip install x\n", id="another user"),
        pytest.param("FROM a/a\nRUN pip install x | tee log\n", id="shell"),
        pytest.param("FROM a/a\nCOPY x /root/.cache/pip/\nRUN pip install x\n", id="cache is copied"),
        pytest.param("FROM a/a\nRUN apt-get install -y x\n", id="apt"),
    ],
)
def test_cache_mounts_that_would_change_something_are_left(text: str, make_situation: MakeSituation) -> None:
    assert not only(cache_mounts.propose, make_situation(text, keeps_mounts=True)).is_safe


ALL = "FROM a/a\nWORKDIR /app\nCOPY . .\nRUN build\n"


def test_what_nothing_names_stays_out_of_the_context(make_situation: MakeSituation) -> None:
    files = {
        "README.md": "x",
        ".github/workflows/ci.yml": "docs/",
        "docs/a.md": "",
        "src/a.py": "see https://x.org/docs/",
    }
    [proposal] = ignore_files.propose(make_situation(ALL, files))

    assert proposal.is_safe
    assert proposal.ignore == (".github", "README.md", "docs")


@pytest.mark.parametrize(
    ("text", "files", "kept"),
    [
        pytest.param(ALL, {"README.md": "", "setup.py": 'open("README.md")'}, "README.md", id="read by setup.py"),
        pytest.param(ALL, {"docs/a": "", "app.py": 'Path("docs")'}, "docs", id="named in quotes"),
        pytest.param(ALL, {"docs/a": "", "Makefile": "x", "x.mk": "cp docs/a b"}, "docs", id="named as a path"),
        pytest.param(ALL + "COPY docs/a /d\n", {"docs/a": ""}, "docs", id="copied by name"),
        pytest.param(ALL + "COPY *.md /d\n", {"README.md": ""}, "README.md", id="copied by glob"),
        pytest.param(ALL + "RUN cat README.md\n", {"README.md": ""}, "README.md", id="named in RUN"),
        pytest.param(ALL + "RUN --mount=source=docs,target=/d x\n", {"docs/a": ""}, "docs", id="mounted"),
        pytest.param(ALL + 'CMD ["x", "docs/a"]\n', {"docs/a": ""}, "docs", id="named in CMD"),
        pytest.param(ALL, {"docs/a": "", "mkdocs.yml": ""}, "docs", id="generator of sites"),
        pytest.param(ALL, {"docs/a": "", "main.go": 'import _ "github.com/me/app/docs"'}, "docs", id="package"),
        pytest.param(ALL, {"docs/a": "", "main.go": "//go:embed docs"}, "docs", id="embedded"),
        pytest.param(ALL, {"docs/a": "", "a.js": "require('./docs')"}, "docs", id="module"),
        pytest.param(ALL, {"NEWS.md": "", "a.py": 'glob("*.md")'}, "NEWS.md", id="glob in code"),
        pytest.param(ALL, {"tests/a.py": ""}, "tests", id="tests"),
        pytest.param(ALL + "RUN pytest\n", {"tests/a.py": ""}, "tests", id="tests are run"),
    ],
)
def test_what_may_be_read_is_not_ignored(
    text: str, files: dict[str, str], kept: str, make_situation: MakeSituation
) -> None:
    proposals = list(ignore_files.propose(make_situation(text, {**files, "z": ""})))

    assert [one for one in proposals if one.is_safe and kept in one.ignore] == []
    assert [one for one in proposals if kept in one.ignore] != []


def test_without_a_copy_of_everything_there_is_nothing_to_ignore(make_situation: MakeSituation) -> None:
    assert list(ignore_files.propose(make_situation("FROM a/a\nCOPY src /src\n", ["README.md", "src/a"]))) == []


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        pytest.param("FROM a/a\nCOPY src /srv/x/\n", "", id="fine"),
        pytest.param("FROM a/a\nCOPY --chown=app src /srv/x/\n", "owner is a number", id="owner by name"),
        pytest.param("FROM a/a\nCOPY src x/\n", "absolute", id="relative"),
        pytest.param("FROM a/a\nRUN ln -s /y /srv/x\nCOPY src /srv/x/\n", "symbolic link", id="link"),
        pytest.param("FROM a/a\nRUN mkdir -m 700 /srv/x\nCOPY src /srv/x/\n", "owner or mode", id="mode"),
        pytest.param("FROM a/a\nCOPY src /usr/bin/\n", "no folder of the system", id="system"),
    ],
)
def test_links_of_copies(text: str, doubt: str, make_situation: MakeSituation) -> None:
    proposal = only(link_copies.propose, make_situation(text, ["src/a"]))

    assert doubt in doubts(proposal)
    assert proposal.is_safe is (doubt == "")


def test_a_copy_goes_below_the_folder_and_the_variables_of_the_installation(make_situation: MakeSituation) -> None:
    text = "FROM node:22\n# all of it\nCOPY . /app\nWORKDIR /app\nARG VERSION\nUSER node\nRUN npm ci\n\nCMD x\n"
    proposal = only(narrow_copies.propose, make_situation(text, NODE))

    assert proposal.is_safe
    assert proposal.text == (
        "FROM node:22\nCOPY package.json package-lock.json /app/\nWORKDIR /app\nARG VERSION\nUSER node\nRUN npm ci\n"
        "# all of it\nCOPY . /app\n\nCMD x\n"
    )


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        pytest.param("COPY . app\nWORKDIR app\n", "destination is absolute", id="relative destination"),
        pytest.param(
            "ARG TO=/app\nCOPY . $TO\nARG TO=/b\nWORKDIR /app\n", "uses nothing that line 5 sets", id="variable"
        ),
    ],
)
def test_a_copy_that_would_mean_something_else_below_stays(
    text: str, doubt: str, make_situation: MakeSituation
) -> None:
    assert doubt in doubts(
        only(narrow_copies.propose, make_situation(f"FROM a/a\nWORKDIR /\n{text}RUN npm ci\n", NODE))
    )


@pytest.mark.parametrize(
    ("command", "lock", "is_safe"),
    [
        ("npm install", {"package-lock.json": '{"packages": {"": {"dependencies": {"vue": "^3"}}}}'}, True),
        ("npm i --omit=dev", {"package-lock.json": '{"packages": {"": {"dependencies": {"vue": "^3"}}}}'}, True),
        ("npm install", {"package-lock.json": '{"packages": {"": {"dependencies": {"vue": "^2"}}}}'}, False),
        ("npm install", {"package-lock.json": "{}"}, False),
        ("npm install", {}, False),
        ("yarn", {"yarn.lock": 'vue@^3:\n  version "3.5.1"\n'}, True),
        ("yarn install", {"yarn.lock": '"@a/b@^1", vue@^3:\n  version "3.5.1"\n'}, True),
        ("yarn install", {"yarn.lock": 'vue@^2:\n  version "2.0.0"\n'}, False),
        ("yarn install", {"yarn.lock": '"vue@npm:^3":\n  version: 3.5.1\n'}, False),
    ],
)
def test_an_installation_that_would_write_the_lock_file_stays(
    command: str,
    lock: dict[str, str],
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM a/a\nWORKDIR /src\nCOPY . .\nRUN {command}\n"
    files = {"package.json": PACKAGE, "src/a.js": "", **lock}

    assert only(narrow_copies.propose, make_situation(text, files)).is_safe is is_safe


def test_a_copy_from_a_stage_names_nothing_of_the_context(make_situation: MakeSituation) -> None:
    text = "FROM a/a AS build\nCOPY . .\nRUN make\nFROM a/a\nCOPY --from=build /out/*.jar /README.md /app/\n"

    assert only(ignore_files.propose, make_situation(text, ("README.md", "a.c"))).ignore == ("README.md",)


@pytest.mark.parametrize(
    ("source", "is_safe"), [("yarn.lock*", True), ("*.md", False), ("READ*", False), ("$X", False)]
)
def test_globs_keep_what_they_match(
    source: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM a/a\nCOPY {source} ./\nCOPY . .\n"

    assert only(ignore_files.propose, make_situation(text, ("README.md", "yarn.lock"))).is_safe is is_safe


def test_a_link_in_the_context_may_not_be_where_the_installation_works(make_situation: MakeSituation) -> None:
    text = "FROM a/a\nCOPY . /app\nWORKDIR /app/current\nRUN npm ci\n"
    files = {"current": "", **{f"current/{name}": content for name, content in NODE.items()}}

    assert "is no symbolic link" in doubts(only(narrow_copies.propose, make_situation(text, files, links=["current"])))


@pytest.mark.parametrize(
    ("rest", "is_safe"),
    [
        ("npm cache clean --force", True),
        ("rm -rf /root/.npm /tmp/cache", True),
        ("rm -rf /app/src", False),
        ("rm -rf node_modules/.cache", False),
        ("rm -rf /tmp/*", False),
        ("npm run build", False),
    ],
)
def test_an_installation_may_clean_up_behind_itself(
    rest: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && {rest}\n"

    assert only(narrow_copies.propose, make_situation(text, NODE)).is_safe is is_safe


def test_a_folder_that_is_added_is_narrowed_as_if_it_were_copied(make_situation: MakeSituation) -> None:
    text = "FROM node:22\nADD . /app\nWORKDIR /app\nRUN npm ci\n"

    assert only(narrow_copies.propose, make_situation(text, NODE)).text == (
        "FROM node:22\nADD package.json package-lock.json /app/\nWORKDIR /app\nRUN npm ci\nADD . /app\n"
    )
