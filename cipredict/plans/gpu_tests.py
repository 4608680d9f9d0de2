"""What marks a case that needs a GPU, and which machines are meant by that."""

from __future__ import annotations

from dataclasses import dataclass

GPU_MARKER = "gpu"
"""`@pytest.mark.gpu`, on a case, its class or its module."""


@dataclass(frozen=True, slots=True)
class GpuShards:
    """How cases that need a GPU are to be divided.

    Attributes
    ----------
    tests : the cases that are marked
    shards : jobs on machines that have one; 0: there are none, and the cases run without
    gpu_runner, runner : labels of machines with and without
    """

    tests: frozenset[str]
    shards: int
    gpu_runner: tuple[str, ...]
    runner: tuple[str, ...]
