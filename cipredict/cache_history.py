"""The past of a project's caches: what every key could have been made of, commit by commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cipredict.act.git_objects import GitObjects, PastCommit, RoleFiles, TreeDigests, mainline
from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import Snapshot
from cipredict.decide.caching.file_globs import key_files_matcher
from cipredict.errors import InputError
from cipredict.ingest.lockfiles.reading import read_packages, reader_of
from cipredict.ingest.lockfiles.sizes import locked_bytes

Patterns = tuple[str, ...]
Packages = frozenset[str] | None
_LOCK, _MANIFEST, _SOURCE = "lock", "manifest", "source"


@dataclass(slots=True)
class LockPackages:
    """The packages of lock files by their blobs, each parsed once; what cannot be read is complained of once."""

    objects: GitObjects
    complaints: dict[str, str] = field(default_factory=dict)
    _by_blob: dict[tuple[str, str], Packages] = field(default_factory=dict)
    _by_files: dict[tuple[tuple[str, str], ...], Packages] = field(default_factory=dict)

    def of(self, blobs: tuple[tuple[str, str], ...]) -> Packages:
        """Give what the lock files among `blobs` pin together; None where there is none, or one cannot be read."""
        if blobs not in self._by_files:
            found = [self._read(path, oid) for path, oid in blobs if reader_of(path)]
            known = [packages for packages in found if packages is not None]
            is_whole = bool(found) and len(known) == len(found)
            self._by_files[blobs] = frozenset[str]().union(*known) if is_whole else None
        return self._by_files[blobs]

    def bytes_of(self, blobs: tuple[tuple[str, str], ...]) -> int | None:
        """Give the size of the packages of lock files that tell it, None where none does."""
        try:
            sizes = [locked_bytes(path, self.objects.read(oid)) for path, oid in blobs]
        except ValueError:  # said when its packages were read
            return None
        return sum(size for size in sizes if size) or None

    def _read(self, path: str, oid: str) -> Packages:
        if (path, oid) not in self._by_blob:
            try:
                found: Packages = frozenset("@".join(one) for one in read_packages(path, self.objects.read(oid)))
            except InputError as error:
                self.complaints.setdefault(path, error.message)
                found = None
            self._by_blob[path, oid] = found
        return self._by_blob[path, oid]


@dataclass(frozen=True, slots=True)
class StageHistory:
    """One stage's commits, oldest first: those that have its key files.

    `locked_bytes` is what the last one's lock files say of their packages' size, None where they say nothing.
    """

    stage: CacheStage
    snapshots: tuple[Snapshot, ...]
    complaints: tuple[str, ...] = ()
    locked_bytes: int | None = None


def read_histories(
    root: Path, stages: Iterable[CacheStage], *, commits: int, patterns: Mapping[str, Sequence[Patterns]]
) -> list[StageHistory]:
    """Read the last commits of the repository at `root` for every stage, in one pass over its trees.

    `patterns` are the `hashFiles` of a stage's present key.

    Raises
    ------
    ChangeUnknown
        git cannot tell.
    """
    wanted = list(stages)
    past = mainline(root, commits=commits)
    roles: dict[str, Callable[[str], bool]] = {}
    for stage in wanted:
        roles |= {
            _role(stage, _LOCK): key_files_matcher(stage.key_files),
            _role(stage, _MANIFEST): key_files_matcher(stage.manifest_files),
            _role(stage, _SOURCE): key_files_matcher(stage.source_files),
        }
        roles |= {_role(stage, repr(found)): key_files_matcher(found) for found in patterns.get(stage.name, ())}
    with GitObjects(root) as objects:
        digests = TreeDigests(objects, roles, frozenset(_role(stage, _LOCK) for stage in wanted))
        packages = {stage.name: LockPackages(objects) for stage in wanted}
        files = [digests.read(commit.tree) for commit in past]
        return [
            _history(stage, past, files=files, packages=packages[stage.name], patterns=patterns.get(stage.name, ()))
            for stage in wanted
        ]


def _role(stage: CacheStage, part: str) -> str:
    return f"{stage.name}\0{part}"


def _history(
    stage: CacheStage,
    past: Sequence[PastCommit],
    *,
    files: Sequence[Mapping[str, RoleFiles]],
    packages: LockPackages,
    patterns: Sequence[Patterns],
) -> StageHistory:
    snapshots = []
    for commit, roles in zip(past, files, strict=True):
        lock = roles[_role(stage, _LOCK)]
        if lock.digest:
            snapshots.append(
                Snapshot(
                    sha=commit.sha,
                    at_s=commit.at_s,
                    lock=lock.digest,
                    manifest=roles[_role(stage, _MANIFEST)].digest,
                    source=roles[_role(stage, _SOURCE)].digest,
                    packages=packages.of(lock.blobs),
                    globs={found: roles[_role(stage, repr(found))].digest for found in patterns},
                )
            )
    size = packages.bytes_of(files[-1][_role(stage, _LOCK)].blobs) if files else None
    return StageHistory(stage, tuple(snapshots), tuple(packages.complaints.values()), size)
