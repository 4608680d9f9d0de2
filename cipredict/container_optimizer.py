"""The Python API of container builds: rewrite a Dockerfile by the evidence of its history, and build with kaniko."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from cipredict.container_reading import BuildOptions, optimize_file, read_build
from cipredict.render.containers_build import BuildStep, kaniko_config

__all__ = ["ContainerOptimizer", "OptimizedDockerfile"]

NAMES = {
    "raise-install": "layer_reordering",
    "swap-copies": "layer_reordering",
    "lower-variable": "layer_reordering",
    "narrow-copy": "layer_reordering",
    "split-stage": "multistage_build",
    "cache-mount": "cache_mounts",
    "link-copy": "parallel_builds",
    "ignore-file": "dockerignore",
}
"""What rules are called here."""


class OptimizedDockerfile(TypedDict):
    """A rewritten Dockerfile.

    `estimated_speedup` is the seconds before divided by those after, replayed over `window` commits; 1.0 where there is
    nothing to do or no history. `dockerignore_additions` go with the text.
    """

    optimized_dockerfile: str
    optimizations: list[str]
    estimated_speedup: float
    window: int
    dockerignore_additions: list[str]


class ContainerOptimizer:
    """Optimises container builds by replaying the history of the repository around them.

    Parameters
    ----------
    context : the build context; by default the folder that holds most of what the Dockerfile copies
    history : commits to replay
    builder : `buildx`, `buildkit-rootless`, `kaniko` or `buildah`
    keeps_mounts : cache mounts last from build to build
    """

    def __init__(
        self,
        *,
        context: str | Path | None = None,
        history: int = 300,
        builder: str = "buildx",
        keeps_mounts: bool = False,
        target: str = "",
    ) -> None:
        self._options = BuildOptions(
            context=None if context is None else Path(context),
            commits=history,
            builder=builder,
            keeps_mounts=keeps_mounts,
            target=target,
        )

    def optimize_dockerfile(self, dockerfile_path: str | Path) -> OptimizedDockerfile:
        """Apply the rewrites that are shown to be safe and to save something.

        Raises
        ------
        InputError
            It cannot be read, or is no Dockerfile.
        """
        view = optimize_file(read_build(Path(dockerfile_path), self._options))
        builds = view.before["builds"]
        return {
            "optimized_dockerfile": view.text,
            "optimizations": list(dict.fromkeys(NAMES[rule] for rule, *_ in view.applied)),
            "estimated_speedup": view.speedup,
            "window": int(builds or 0),
            "dockerignore_additions": list(view.added_patterns),
        }

    def implement_kaniko_build(self) -> dict[str, object]:
        """Give the image and arguments of the maintained fork of kaniko."""
        return kaniko_config(BuildStep("kaniko", "gitlab", target=self._options.target))
