"""Which caches a project could have, guessed from its lock files, for projects that described none."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename, dirname

from cipredict.cache_stages import CacheStage

_KINDS = {
    "uv.lock": ("uv", "pyproject.toml", "~/.cache/uv"),
    "poetry.lock": ("poetry", "pyproject.toml", "~/.cache/pypoetry"),
    "pdm.lock": ("pdm", "pyproject.toml", "~/.cache/pdm"),
    "pylock.toml": ("pylock", "pyproject.toml", "~/.cache/pip"),
    "Pipfile.lock": ("pipenv", "Pipfile", "~/.cache/pip"),
    "package-lock.json": ("npm", "package.json", "~/.npm"),
    "npm-shrinkwrap.json": ("npm", "package.json", "~/.npm"),
    "pnpm-lock.yaml": ("pnpm", "package.json", "~/.local/share/pnpm/store"),
    "yarn.lock": ("yarn", "package.json", "~/.cache/yarn"),
    "bun.lock": ("bun", "package.json", "~/.bun/install/cache"),
    "Cargo.lock": ("cargo", "Cargo.toml", "~/.cargo/registry"),
    "go.sum": ("go", "go.mod", "~/go/pkg/mod"),
    "Gemfile.lock": ("bundler", "Gemfile", "vendor/bundle"),
    "requirements.txt": ("pip", "pyproject.toml", "~/.cache/pip"),
    "constraints.txt": ("pip-constraints", "pyproject.toml", "~/.cache/pip"),
}
_NOT_OURS = ("node_modules/", "vendor/", "testdata/", "fixtures/", "samples/", "examples/")


def guess_stages(paths: Iterable[str]) -> dict[str, CacheStage]:
    """Give a stage per lock file, by name: `npm`, and `npm-web` for one in the folder `web`."""
    found = {}
    for path in sorted(paths):
        kind = _KINDS.get(basename(path))
        if kind is None or any(f"/{part}" in f"/{path}" for part in _NOT_OURS):
            continue
        tool, manifest, cached = kind
        folder = dirname(path)
        below = f"{folder}/" if folder else ""
        name = "-".join([tool, *folder.split("/")]) if folder else tool
        found[name] = CacheStage(
            name, paths=(cached,), key_files=(path,), manifest_files=(below + manifest,), source_files=(f"{below}**",)
        )
    return found
