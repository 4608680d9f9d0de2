"""The GPUs of this machine, as far as NVIDIA's driver and `CUDA_VISIBLE_DEVICES` tell without a library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
_NONE = "-1"
"""CUDA takes no device from the first one that does not exist on; people write this to hide all."""


def visible_gpus(environment: Mapping[str, str], *, devices: Path = Path("/dev")) -> tuple[str, ...]:
    """Name the GPUs that programs started here may use: what the variable says, else every one of the driver's."""
    chosen = environment.get(VISIBLE)
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",")]
        return tuple(filter(None, names[: names.index(_NONE)] if _NONE in names else names))
    numbers = [match[1] for path in devices.glob("nvidia*") if (match := re.fullmatch(r"nvidia(\d+)", path.name))]
    return tuple(sorted(numbers, key=int))
