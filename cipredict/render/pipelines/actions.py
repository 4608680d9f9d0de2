"""The actions that exported workflows use, pinned by commit. A tag can be moved to other code; a commit cannot.

Each commit was seen with its version in a public workflow of a project that pins, not guessed and not resolved by us:
this table was written without access to GitHub. Check a pin with
`git ls-remote https://github.com/actions/checkout refs/tags/v6.0.2` before trusting it more than that.

An action in a folder of a repository, such as `actions/cache/save`, is of that repository's commit.
"""

from __future__ import annotations

from typing import NamedTuple


class Pin(NamedTuple):
    """One action.

    Attributes
    ----------
    commit : 40 hex digits
    version : the tag that stood beside it
    seen_in : repository, path and commit of the file that pins it so
    """

    action: str
    commit: str
    version: str
    seen_in: str


_UV = "astral-sh/uv .github/workflows/bench.yml at f7a4cd4c79745de460c28b271a4d3664f0f3fce5"
_NUMPY_BLAS = "numpy/numpy .github/workflows/linux_blas.yml at d68b5a51ae37b6ff45b83f1a026b71f8e8f14ef6"
_RUFF = "astral-sh/ruff .github/workflows/build-docker.yml at 8c020cc2e96739bb53d15f74430a724854703770"
_NUMPY_MACOS = "numpy/numpy .github/workflows/macos.yml at fe312b05d2c60a4d79842ff11c56b39b102b876f"

PINS = {
    pin.action: pin
    for pin in (
        Pin("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2", _UV),
        Pin("actions/setup-python", "e797f83bcb11b83ae66e0230d6156d7c80228e7c", "v6.0.0", _NUMPY_BLAS),
        Pin("actions/cache", "0057852bfaa89a56745cba8c7296529d2fc39830", "v4.3.0", _NUMPY_MACOS),
        Pin("actions/upload-artifact", "ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2", _UV),
        Pin("actions/download-artifact", "fa0a91b85d4f404e444e00e005971372dc801d16", "v4.1.8", _UV),
        Pin("docker/setup-buildx-action", "b5ca514318bd6ebac0fb2aedd5d36ec1b5c232a2", "v3.10.0", _RUFF),
        Pin("docker/login-action", "74a5d142397b4f367a81961eba4e8cd7edddf772", "v3.4.0", _RUFF),
        Pin("docker/build-push-action", "1dc73863535b631f98b2378be8619f83b136f4a0", "v6.17.0", _RUFF),
    )
}
