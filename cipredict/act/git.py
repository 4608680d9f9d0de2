"""The door to git: what changed between a base and the working tree's head.

Everything that can go wrong here is missing knowledge, so it raises `ChangeUnknown` with git's own reason and what to
do about it; the command then runs everything. Nothing here fetches or writes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cipredict.errors import ChangeUnknown
from cipredict.records import Change

_FETCH_HINT = "Fetch the history before this step (actions/checkout: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`)."
_WHERE_HINT = "Run inside a checkout, or name the changed paths with --changed."


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What changed.

    Attributes
    ----------
    changes : sorted by path; a rename is one change with `previous_path`
    head_sha : the commit that is tested
    base_sha : the merge base that it was compared with
    branch : empty where the head is detached, as CI checkouts are
    prefix : the current folder inside the repository, `backend/` or empty; paths are relative to the repository's root,
        case ids to pytest's root folder
    """

    changes: tuple[Change, ...]
    head_sha: str
    base_sha: str
    branch: str = ""
    prefix: str = ""

    def in_folder(self) -> tuple[Change, ...]:
        """Give the changes with paths relative to the current folder, as case ids are; those outside keep theirs."""
        return tuple(
            replace(
                change,
                path=change.path.removeprefix(self.prefix),
                previous_path=change.previous_path and change.previous_path.removeprefix(self.prefix),
            )
            for change in self.changes
        )


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder inside a repository, and how long one git command may take there, in seconds."""

    folder: Path
    timeout_s: float

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run one git command, whatever its exit code.

        Raises
        ------
        ChangeUnknown
            git is missing, the folder is, or time ran out.
        """
        environment = os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        try:
            return subprocess.run(  # noqa: S603  # a list, no shell; user input follows --end-of-options
                ["git", *arguments],  # noqa: S607  # whichever git the job uses
                cwd=self.folder,
                env=environment,
                capture_output=True,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"`git {arguments[0]}` took more than {self.timeout_s:g} s."
            raise ChangeUnknown(message, slug="git-timeout") from error
        except OSError as error:
            raise ChangeUnknown(
                f"git cannot be run in {self.folder}: {error.strerror}.", slug="git-missing", hint="Install git."
            ) from error

    def ask(self, *arguments: str, errors: str = "replace") -> str:
        """Give the output of a git command that must succeed; `errors` as in `bytes.decode`.

        Raises
        ------
        ChangeUnknown
            It failed; the message is git's first line.
        """
        done = self.run(*arguments)
        if done.returncode:
            raise _failure(arguments[0], done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors=errors)


def _failure(command: str, complaint: str) -> ChangeUnknown:
    """Name the two failures that people meet in CI; repeat git's words for the others."""
    first = (complaint.strip().splitlines() or ["no reason given"])[0].removeprefix("fatal: ").removeprefix("error: ")
    if "dubious ownership" in complaint:  # a container job: the checkout belongs to another user
        hint = 'Run `git config --global --add safe.directory "$PWD"` before this step.'
        return ChangeUnknown(f"git refuses the repository: {first}.", slug="git-ownership", hint=hint)
    if "not a git repository" in complaint:
        return ChangeUnknown("This folder is not inside a git repository.", slug="git-missing", hint=_WHERE_HINT)
    return ChangeUnknown(f"`git {command}` failed: {first.rstrip('.')}.", slug="git-failed")


def ask_git(folder: Path, *arguments: str, timeout_s: float = 60.0) -> str:
    """Give the output of one git command in a folder; raises ChangeUnknown where it fails."""
    return Repository(folder, timeout_s).ask(*arguments)


def changed_paths(
    base: str | None,
    *,
    head: str = "HEAD",
    cwd: Path = Path(),
    uncommitted: bool = False,
    timeout_s: float = 60.0,
) -> ChangeSet:
    """Compare `head` with the commit where it left `base`, as `git diff base...head` does.

    Parameters
    ----------
    base
        A branch, tag or commit; a branch that only the remote has is looked up as `origin/<base>`.
    head
        What is tested.
    cwd
        A folder inside the repository.
    uncommitted
        Also count what is staged, unstaged or untracked (not what is ignored); `head` must be checked out.
    timeout_s
        For each git command.

    Raises
    ------
    ChangeUnknown
        No base, an unknown one, no common history (shallow clone), no repository, no git, or no answer in time.
    """
    repository = Repository(cwd, timeout_s)
    prefix = repository.ask("rev-parse", "--show-prefix").rstrip("\n")
    head_sha = _commit(repository, head)
    if head_sha is None:
        raise ChangeUnknown(f"git knows no commit {head!r}.", slug="git-unknown-head")
    base_sha = _merge_base(repository, _base_commit(repository, base), head_sha=head_sha, base=base or "")
    changes = _diff(repository, base_sha, None if uncommitted else head_sha)
    if uncommitted:
        changes += _untracked(repository)
    return ChangeSet(
        changes=tuple(sorted(set(changes), key=lambda change: (change.path, change.status))),
        head_sha=head_sha,
        base_sha=base_sha,
        branch=repository.run("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode(errors="replace").strip(),
        prefix=prefix,
    )


def changed_text(base: str | None, *, cwd: Path = Path(), timeout_s: float = 60.0) -> str:
    """Give the unified diff, without context, between where the head left `base` and the head.

    Raises
    ------
    ChangeUnknown
        As `changed_paths` does.
    """
    repository = Repository(cwd, timeout_s)
    head_sha = repository.ask("rev-parse", "--verify", "HEAD^{commit}").strip()
    base_sha = _merge_base(repository, _base_commit(repository, base), head_sha=head_sha, base=base or "")
    return repository.ask(
        *("diff", "--unified=0", "--find-renames", "-l2000", "--relative", "--no-color", "--no-ext-diff"),
        *("--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", base_sha, head_sha, "--"),
    )


def file_at(commit: str, path: str, *, cwd: Path = Path(), timeout_s: float = 60.0) -> str:
    """Give a file's text as a branch, tag or commit has it; `path` is relative to `cwd`.

    Raises
    ------
    ChangeUnknown
        No such commit or file, or as `changed_paths` does.
    """
    repository = Repository(cwd, timeout_s)
    sha = _base_commit(repository, commit)
    return repository.ask("show", "--end-of-options", f"{sha}:./{path}")


@dataclass(frozen=True, slots=True)
class Head:
    """The commit that is checked out: its branch is empty where the head is detached."""

    sha: str
    branch: str
    author: str


def describe_head(*, cwd: Path = Path(), timeout_s: float = 60.0) -> Head:
    """Say what is checked out, and the e-mail address of who wrote it.

    Raises
    ------
    ChangeUnknown
        No git, no repository, no commit, or no answer in time.
    """
    repository = Repository(cwd, timeout_s)
    sha, author = repository.ask("log", "-1", "--format=%H%n%ae", "HEAD").split("\n")[:2]
    branch = repository.run("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode(errors="replace").strip()
    return Head(sha, branch, author)


@dataclass(frozen=True, slots=True)
class Clone:
    """How much history a checkout holds: commits that lead to its head, and whether the clone cut them off."""

    commits: int
    is_shallow: bool


def describe_clone(*, cwd: Path = Path(), timeout_s: float = 60.0) -> Clone:
    """Count what git could compare with.

    Raises
    ------
    ChangeUnknown
        No git, no repository, no commit, or no answer in time.
    """
    repository = Repository(cwd, timeout_s)
    return Clone(int(repository.ask("rev-list", "--count", "HEAD")), _is_shallow(repository))


def _commit(repository: Repository, name: str) -> str | None:
    done = repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _base_commit(repository: Repository, base: str | None) -> str:
    if not base:
        hint = "Name one with --base, such as --base origin/main."
        raise ChangeUnknown("There is no base to compare with.", slug="git-no-base", hint=hint)
    if not base.strip("0"):  # GitHub's `before` in the first push of a branch
        message = "The base is the null commit: this is the first push of the branch."
        raise ChangeUnknown(message, slug="git-no-base", hint="Name the default branch with --base.")
    sha = _commit(repository, base) or _commit(repository, f"origin/{base}")
    if sha is None:
        where = " in this shallow clone" if _is_shallow(repository) else ""
        message = f"git knows no commit {base!r}{where}."
        raise ChangeUnknown(message, slug="git-unknown-base", hint=_FETCH_HINT)
    return sha


def _merge_base(repository: Repository, base_sha: str, *, head_sha: str, base: str) -> str:
    done = repository.run("merge-base", base_sha, head_sha)
    if done.returncode == 0:
        return done.stdout.decode().strip()
    if done.returncode > 1 or done.stderr:  # 1 in silence means: none found
        raise _failure("merge-base", done.stderr.decode(errors="replace"))
    if _is_shallow(repository):
        message = f"This shallow clone does not reach the commit where the head left {base!r}."
        raise ChangeUnknown(message, slug="git-shallow", hint=_FETCH_HINT)
    raise ChangeUnknown(f"The head and {base!r} have no common history.", slug="git-unrelated")


def _is_shallow(repository: Repository) -> bool:
    return repository.run("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _diff(repository: Repository, old: str, new: str | None) -> list[Change]:
    """Compare two commits, or a commit with the working tree; settings of the user's git do not change the answer."""
    output = repository.ask(
        *("diff", "--raw", "--numstat", "-z", "--find-renames", "-l2000", "--no-relative", "--no-color"),
        *("--no-ext-diff", "--no-textconv", "--ignore-submodules=none"),
        *("--end-of-options", old, *([new] if new else []), "--"),
    )
    return _parse_raw(iter(output.split("\0")[:-1]))


def _parse_raw(fields: Iterator[str]) -> list[Change]:
    """Join the two halves of `--raw --numstat -z`; a rename has two paths in both.

    ::

    :100644 100644 aaaa bbbb R090 NUL old NUL new NUL        (status)
    2 TAB 1 TAB NUL old NUL new NUL                          (lines; `-` for binary files)
    """
    statuses: dict[str, tuple[str, str | None]] = {}
    counts: dict[str, tuple[int | None, int | None]] = {}
    for field in fields:
        if field.startswith(":"):
            status = field.rpartition(" ")[2][:1]
            previous = next(fields) if status in "RC" else None
            statuses[next(fields)] = (status, previous)
        else:
            added, deleted, path = field.split("\t", 2)
            if not path:
                next(fields)
                path = next(fields)
            counts[path] = (_count(added), _count(deleted))
    return [
        Change(path, *counts.get(path, (None, None)), status=status, previous_path=previous)
        for path, (status, previous) in statuses.items()
    ]


def _count(text: str) -> int | None:
    return None if text == "-" else int(text)


def _untracked(repository: Repository) -> list[Change]:
    output = repository.ask("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")
    return [Change(path, status="A") for path in output.split("\0")[:-1]]
