"""Dependency installers: which files of a folder each one reads, and what in them says that it reads more."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cipredict.decide.containers.rewrites.interface import Condition, assumed, proved, violated
from cipredict.dockerfile.context import Context


@dataclass(frozen=True, slots=True)
class Needs:
    """What an installation needs: files of the context, its conditions, folders that it fills and no copy may touch."""

    files: tuple[str, ...]
    conditions: tuple[Condition, ...]
    fills: tuple[str, ...] = ()


Reader = Callable[[Sequence[str], str, Context], Needs]


def find_installer(words: Sequence[str]) -> Reader | None:
    """Give what knows a command; none where it is no installation from manifests."""
    return next((reader for matches, reader in _INSTALLERS if matches(words)), None)


def split_script(script: str) -> list[list[str]] | None:
    """Split a RUN into commands; none where the shell does more than that."""
    if re.search(r"[`|<>(){}]|\$\(|(?<!&)&(?!&)", script):
        return None
    try:
        return [words for part in re.split(r"&&|;|\n", script) if (words := shlex.split(part, comments=True))]
    except ValueError:
        return None


def _existing(folder: str, names: Sequence[str], context: Context) -> tuple[str, ...]:
    paths = (posixpath.normpath(posixpath.join(folder, name)) for name in names)
    return tuple(path for path in paths if path in context.files)


def _required(folder: str, name: str, context: Context) -> Iterator[Condition]:
    if not _existing(folder, [name], context):
        yield violated(f"{name} is in the context")


_FLAGS = {
    "npm": """--omit=dev --omit=optional --production --production=true --only=production --only=prod --include=dev
        --ignore-scripts --no-audit --no-fund --audit=false --fund=false --prefer-offline --legacy-peer-deps --force
        --silent -s --quiet --verbose --no-optional --no-progress --progress=false --no-update-notifier -d""",
    "yarn": """--frozen-lockfile --production --production=true --non-interactive --ignore-scripts --ignore-engines
        --ignore-optional --ignore-platform --no-progress --silent -s --prefer-offline --check-files""",
    "pnpm": """--frozen-lockfile --prod -P --production --ignore-scripts --no-optional --prefer-offline --silent
        --shamefully-hoist --strict-peer-dependencies""",
    "pip": """--no-cache-dir --no-cache --no-deps --upgrade -U --require-hashes --no-compile --compile --pre --quiet
        -q -qq --disable-pip-version-check --prefer-binary --break-system-packages --ignore-installed
        --use-pep517
        --no-warn-script-location --root-user-action=ignore --user --progress-bar=off --no-color --no-input""",
    "poetry": """--no-root --no-dev --no-interaction -n --no-ansi --sync --no-cache --no-directory --all-extras
        --compile        --only=main --without=dev --all-groups""",
    "uv": """--frozen --locked --no-dev --no-install-project --no-install-workspace --no-editable --no-cache -q --quiet
        --compile-bytecode --all-extras --all-groups --no-progress --no-default-groups --link-mode=copy""",
    "go": "-x -v",
    "bundle": "--quiet --no-cache --retry=3 -j4 --jobs=4",
}
_WITH_VALUE = {
    "npm": "--loglevel --maxsockets --network-timeout",
    "yarn": "--network-timeout --network-concurrency",
    "pnpm": "--reporter --loglevel",
    "pip": """-r --requirement -i --index-url --extra-index-url --trusted-host --timeout --default-timeout --retries
        --only-binary --no-binary --progress-bar -w --wheel-dir""",
    "poetry": "--only --without --with -E --extras",
    "uv": "--extra --group --no-group --only-group --link-mode -p --python",
    "bundle": "--jobs -j --retry --without",
}


def check_options(words: Sequence[str]) -> Iterator[Condition]:
    """Say whether every option of an installer is one that changes neither what it reads nor where it writes."""
    tool = {"pip3": "pip"}.get(words[0], words[0])
    verbs = 1 if tool == "yarn" and words[1:2] != ["install"] else 3 if tool == "go" else 2
    flags, with_value = _FLAGS[tool].split(), _WITH_VALUE.get(tool, "").split()
    expects_value = False
    for word in words[verbs:]:
        if expects_value:
            expects_value = False
            continue
        name, mark, _ = word.partition("=")
        expects_value = word in with_value
        is_path = tool != "pip" or bool(re.search(r"^[.~]|[/@]", word))
        is_known = (
            word in flags or expects_value or (bool(mark) and name in with_value) or bool(re.fullmatch(r"-r\S+", word))
        )
        if not is_known and (word.startswith("-") or is_path):
            yield violated(f"'{word}' changes neither what {tool} reads nor where it writes")
            return


# Node: https://docs.npmjs.com/cli/commands/npm-ci


def _node(words: Sequence[str], folder: str, context: Context) -> Needs:
    locks = {"npm": ("package-lock.json", "npm-shrinkwrap.json"), "yarn": ("yarn.lock",), "pnpm": ("pnpm-lock.yaml",)}
    files = _existing(folder, ["package.json", *locks[words[0]], ".npmrc", ".yarnrc", ".pnpmfile.cjs"], context)
    conditions = [*_node_conditions(words, folder, context), *_node_settings(folder, context)]
    if not _existing(folder, locks[words[0]], context):
        conditions.append(violated("there is a lock file"))
    elif _may_lock(words):
        conditions.append(_locked(words[0], folder, context))
    return Needs(files, tuple(conditions), fills=("node_modules",))


def _may_lock(words: Sequence[str]) -> bool:
    """Tell whether an installation writes the lock file anew where that does not fit the manifest."""
    return "--frozen-lockfile" not in words and words[1:2] not in (["ci"], ["clean-install"])


def _locked(tool: str, folder: str, context: Context) -> Condition:
    """Say whether the lock file fits the manifest: then nothing writes it, and the copy below finds what it left."""
    text = "the lock file fits package.json, so that installing leaves it alone"
    place = posixpath.normpath(posixpath.join(folder, "package.json"))
    package = _json(context.read(place)) or {}
    if tool == "yarn":
        lock = context.read(posixpath.normpath(posixpath.join(folder, "yarn.lock"))) or ""
        fits = all(
            re.search(rf'(?:^|[ "]){re.escape(f"{name}@{version}")}[",:]', lock, re.MULTILINE)
            for name, version in _dependencies(package)
        )
        return proved(text) if fits else violated(text)
    locked = _json(context.read(posixpath.normpath(posixpath.join(folder, "package-lock.json")))) or {}
    packages = locked.get("packages")
    root = packages.get("") if isinstance(packages, dict) else None
    fits = isinstance(root, dict) and sorted(_dependencies(root)) == sorted(_dependencies(package))
    return proved(text) if fits else violated(text)


def _node_conditions(words: Sequence[str], folder: str, context: Context) -> Iterator[Condition]:
    yield from _required(folder, "package.json", context)
    package = _json(context.read(posixpath.normpath(posixpath.join(folder, "package.json"))))
    if package is None:
        yield violated("package.json can be read")
        return
    has_workspaces = "workspaces" in package or bool(_existing(folder, ["pnpm-workspace.yaml", "lerna.json"], context))
    yield violated("there are no workspaces") if has_workspaces else proved("there are no workspaces")
    local = [
        name
        for name, version in _dependencies(package)
        if re.match(r"(?:file|link|portal|workspace|patch):|\.{0,2}/", version)
    ]
    yield violated(f"no dependency is a folder ({local[0]} is)") if local else proved("no dependency is a folder")
    is_patched = any(
        path.startswith(posixpath.normpath(posixpath.join(folder, "patches")) + "/") for path in context.files
    )
    is_patched = is_patched or "patch-package" in json.dumps(package) or "patchedDependencies" in json.dumps(package)
    yield violated("nothing patches dependencies") if is_patched else proved("nothing patches dependencies")
    yield from _node_scripts(words, package)
    if _existing(folder, [".yarnrc.yml"], context):
        yield violated("yarn keeps its releases and plugins elsewhere than in .yarn/")


def _node_settings(folder: str, context: Context) -> Iterator[Condition]:
    for name in (".npmrc", ".yarnrc"):
        text = context.read(posixpath.normpath(posixpath.join(folder, name))) or ""
        if re.search(r"^\s*(?:cafile|prefix|cache|globalconfig)\b|[=\s\"']\.{1,2}/|mirror", text, re.MULTILINE):
            yield violated(f"{name} names no file or folder")
    if _existing(folder, [".pnpmfile.cjs"], context):
        yield violated("there is no .pnpmfile.cjs, which may read anything")


def _node_scripts(words: Sequence[str], package: dict[str, object]) -> Iterator[Condition]:
    scripts = package.get("scripts")
    hooks = {"preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare"}
    found = sorted(hooks & set(scripts)) if isinstance(scripts, dict) else []
    if found and "--ignore-scripts" not in words:
        yield violated(f"no script of the package runs on install ('{found[0]}' does)")
    else:
        yield proved("no script of the package runs on install")


def _dependencies(package: dict[str, object]) -> Iterator[tuple[str, str]]:
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        found = package.get(group)
        if isinstance(found, dict):
            yield from ((str(name), str(version)) for name, version in found.items())


def _json(text: str | None) -> dict[str, object] | None:
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


# Python


def _pip(words: Sequence[str], folder: str, context: Context) -> Needs:
    names = [words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-r", "--requirement"}]
    names += [word.partition("=")[2] for word in words if word.startswith("--requirement=")]
    names += [word[2:] for word in words if re.fullmatch(r"-r\S+", word)]
    conditions = [condition for name in names for condition in _requirements(name, folder, context)]
    places = [words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-w", "--wheel-dir"}]
    if any(not place.startswith("/") for place in places) or any(word.startswith("--wheel-dir=") for word in words):
        conditions.append(violated("the wheels go to an absolute folder"))
    others = [
        word
        for word in words
        if word in {"-e", "-c", "-f", "--editable", "--constraint", "--find-links", "."} or word.startswith("./")
    ]
    if others:
        conditions.append(violated(f"pip reads requirements only (here also {others[0]})"))
    return Needs(_existing(folder, names, context), tuple(conditions))


def _requirements(name: str, folder: str, context: Context) -> Iterator[Condition]:
    path = posixpath.normpath(posixpath.join(folder, name))
    text = context.read(path)
    if name.startswith("/") or text is None:
        yield violated(f"{name} is in the context")
        return
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        entry = line.split(" #")[0].strip()
        if re.match(r"-(?:r|c|e|f)\b|--(?:requirement|constraint|editable|find-links)\b", entry):
            yield violated(f"{name} names no other file (it has '{entry[:40]}')")
            return
        if re.match(r"\.{0,2}/|file:", entry) or re.search(r"@\s*(?:file:|\.{0,2}/)", entry):
            yield violated(f"{name} names no folder (it has '{entry[:40]}')")
            return
    yield proved(f"{name} names no other file")


def _poetry(_: Sequence[str], folder: str, context: Context) -> Needs:
    files = _existing(folder, ["pyproject.toml", "poetry.lock", "poetry.toml"], context)
    return Needs(
        files, (*_required(folder, "poetry.lock", context), *_no_path_dependency("pyproject.toml", folder, context))
    )


def _uv(words: Sequence[str], folder: str, context: Context) -> Needs:
    files = _existing(folder, ["pyproject.toml", "uv.lock", "uv.toml", ".python-version"], context)
    project = context.read(posixpath.normpath(posixpath.join(folder, "pyproject.toml"))) or ""
    conditions = [*_required(folder, "uv.lock", context), *_no_path_dependency("pyproject.toml", folder, context)]
    if "--frozen" not in words and re.search(r"^dynamic\s*=", project, re.MULTILINE):
        conditions.append(violated("the project's metadata need no source (--frozen says so)"))
    if "[tool.uv.workspace]" in project:
        conditions.append(violated("there is no workspace"))
    return Needs(files, tuple(conditions), fills=(".venv",))


def _no_path_dependency(name: str, folder: str, context: Context) -> Iterator[Condition]:
    text = context.read(posixpath.normpath(posixpath.join(folder, name)))
    if text is None:
        yield violated(f"{name} can be read")
    elif re.search(r"\bpath\s*=\s*[\"']|\bworkspace\s*=\s*true|file://", text):
        yield violated(f"no dependency in {name} is a folder")
    else:
        yield proved(f"no dependency in {name} is a folder")


# Go, Rust, Ruby


def _go(_: Sequence[str], folder: str, context: Context) -> Needs:
    files = _existing(folder, ["go.mod", "go.sum"], context)
    conditions = [*_required(folder, "go.mod", context)]
    text = context.read(posixpath.normpath(posixpath.join(folder, "go.mod"))) or ""
    local = re.search(r"=>\s*(\.{1,2}/\S*|/\S+)", text)
    conditions.append(
        violated(f"go.mod replaces nothing by a folder ({local[1]})")
        if local
        else proved("go.mod replaces nothing by a folder")
    )
    if _existing(folder, ["go.work"], context):
        conditions.append(violated("there is no go.work"))
    if context.has_folder(posixpath.normpath(posixpath.join(folder, "vendor"))):
        conditions.append(violated("nothing is vendored"))
    return Needs(files, tuple(conditions))


def _bundle(_: Sequence[str], folder: str, context: Context) -> Needs:
    files = _existing(folder, ["Gemfile", "Gemfile.lock", ".ruby-version", ".tool-versions"], context)
    text = context.read(posixpath.normpath(posixpath.join(folder, "Gemfile")))
    conditions = [*_required(folder, "Gemfile.lock", context)]
    reads_more = text is None or re.search(r"\bpath:|\bgemspec\b|:path\s*=>|eval_gemfile|\bpath\s+[\"']", text)
    conditions.append(violated("the Gemfile names no folder") if reads_more else proved("the Gemfile names no folder"))
    if _existing(folder, [".bundle/config"], context):
        conditions.append(violated("there is no .bundle/config"))
    return Needs(files, tuple(conditions), fills=("vendor/bundle",))


def _names_no_package(words: Sequence[str]) -> bool:
    return not {"-g", "--global"} & set(words) and all(word.startswith("-") for word in words[2:])


def _is(*start: str, having: str = "") -> Callable[[Sequence[str]], bool]:
    return lambda words: tuple(words[: len(start)]) == start and (not having or having in words)


def _has_requirements(words: Sequence[str]) -> bool:
    return any(word in {"-r", "--requirement"} or word.startswith(("-r", "--requirement=")) for word in words)


_INSTALLERS: tuple[tuple[Callable[[Sequence[str]], bool], Reader], ...] = (
    (lambda words: tuple(words[:2]) in {("npm", "ci"), ("npm", "clean-install")}, _node),
    (lambda words: tuple(words[:2]) in {("npm", "install"), ("npm", "i")} and _names_no_package(words), _node),
    (_is("yarn", "install"), _node),
    (lambda words: words[:1] == ["yarn"] and all(word.startswith("-") for word in words[1:]), _node),
    (_is("pnpm", "install", having="--frozen-lockfile"), _node),
    (_is("pnpm", "i", having="--frozen-lockfile"), _node),
    (lambda words: tuple(words[:2]) in {("pip", "install"), ("pip3", "install")} and _has_requirements(words), _pip),
    (lambda words: tuple(words[:2]) in {("pip", "wheel"), ("pip3", "wheel")} and _has_requirements(words), _pip),
    (_is("poetry", "install", having="--no-root"), _poetry),
    (_is("uv", "sync", having="--no-install-project"), _uv),
    (_is("uv", "sync", having="--no-install-workspace"), _uv),
    (_is("go", "mod", "download"), _go),
    (_is("bundle", "install"), _bundle),
)


def assumed_of(name: str) -> Condition:
    """Give what is always assumed of an installer."""
    return assumed(f"{name} reads no other file of the context (no settings in parent folders)")
