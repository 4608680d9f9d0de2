"""All rules, in the order of their numbers."""

from __future__ import annotations

from cipredict.decide.containers.rewrites import (
    cache_mounts,
    ignore_files,
    link_copies,
    lower_args,
    multi_stage,
    narrow_copies,
    parallel_stages,
    raise_installs,
    rust_dependencies,
    split_stages,
    swap_copies,
)
from cipredict.decide.containers.rewrites.interface import Rule

RULES: dict[str, Rule] = {
    module.RULE: module.propose
    for module in (
        raise_installs,
        swap_copies,
        lower_args,
        narrow_copies,
        split_stages,
        parallel_stages,
        cache_mounts,
        ignore_files,
        link_copies,
        rust_dependencies,
        multi_stage,
    )
}
