"""`cipredict deploy`: bring a release to everybody step by step, and back by itself where it is bad.

Fails closed: whatever goes wrong, what served before serves on, and the exit code is not 0.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import EventsOption, load_settings, make_app
from cipredict.errors import EXIT_APPROVAL_NEEDED, EXIT_INCONCLUSIVE, EXIT_VERDICT_NO, UsageError

if TYPE_CHECKING:
    from cipredict.act.deployment.engine import Engine
    from cipredict.act.deployment.interface import Target
    from cipredict.act.deployment.outcome import Ended
    from cipredict.act.deployment.papers import Papers, State
    from cipredict.decide.rollout.wish import Wish
    from cipredict.plans.rollout import Finding, Rollout, Seen

apps = {"deploy": make_app("Bring releases to everybody step by step, and back by themselves where they are bad.")}
_deploy = apps["deploy"]


class PlanFormat(StrEnum):
    """What a plan is written as."""

    JSON = "json"
    KUBERNETES = "kubernetes"


SCHEMA = "cipredict.deployment-plan/1"
Release = Annotated[str, typer.Argument(help="The name of the release: a tag, a version, a commit.")]
Environment = Annotated[str, typer.Option("--environment", "-e", help="Which [tool.cipredict.deploy.NAME].")]
Config = Annotated[Path, typer.Option("--config", help="The file with the settings.")]
Folder = Annotated[Path, typer.Option("--folder", help="Where the papers of deployments lie.")]
By = Annotated[str, typer.Option("--as", help="Who says so.")]
Command = Annotated[list[str] | None, typer.Argument(help="The command of the release, after --; else the settings'.")]

_EXITS = {"": 0, "unapproved": EXIT_APPROVAL_NEEDED, "inconclusive": EXIT_INCONCLUSIVE}
_CONFIG = Path("pyproject.toml")
_FOLDER = Path(".cipredict/deploy")


@_deploy.command()
def plan(
    environment: Environment = "production",
    config: Config = _CONFIG,
    form: Annotated[
        PlanFormat, typer.Option("--format", help="The steps, or manifests for a cluster.")
    ] = PlanFormat.JSON,
    release: Annotated[str, typer.Option(help="Which release the manifests are of.")] = "",
) -> None:
    """Print the steps of a deployment as JSON, or as manifests that were checked, and change nothing."""
    from cipredict.plans.document import canonical_json, frame_plan  # noqa: PLC0415  # not for --help

    wish = read_wish(config, environment)
    if form is PlanFormat.KUBERNETES:
        from cipredict.cli.deploy_cluster import spell_manifests  # noqa: PLC0415  # only then

        sys.stdout.write(spell_manifests(wish.rollout, release))
        return
    body = {"rollout": asdict(wish.rollout), "freezes": [freeze.text for freeze in wish.freezes]}
    sys.stdout.write(canonical_json(frame_plan(SCHEMA, body)))


@_deploy.command()
def run(
    release: Release,
    command: Command = None,
    environment: Environment = "production",
    config: Config = _CONFIG,
    folder: Folder = _FOLDER,
    events: EventsOption = None,
    force: Annotated[
        str, typer.Option("--force", help="Deploy in a freeze, or what was taken back before, for this reason.")
    ] = "",
) -> int:
    """Deploy a release: exit 0 if it serves everybody, 1 taken back, 3 not approved, 4 too little traffic to tell."""
    from cipredict.act.deployment.interface import Release as Version  # noqa: PLC0415  # not for --help

    wish = read_wish(config, environment)
    words = tuple(command or wish.rollout.command)
    if wish.rollout.target == "kubernetes":
        from cipredict.cli.deploy_cluster import deploy_to_cluster  # noqa: PLC0415  # only then

        _refuse_freeze(wish, force)
        rollout = replace(wish.rollout, command=words)
        papers = _papers(rollout, folder)
        ended = deploy_to_cluster(rollout, papers, Version(release, words), is_forced=bool(force))
        return _record(rollout, ended, events)
    if not words and wish.rollout.target != "command":
        raise UsageError("What starts the release? Set `command`, or give it after `--`.", slug="deploy-command")
    _refuse_freeze(wish, force)
    version, is_forced = Version(release, words), bool(force)
    return _carry_out(wish.rollout, folder, events, lambda engine: engine.deploy(version, is_forced=is_forced))


@_deploy.command()
def rollback(
    to: Annotated[str, typer.Option("--to", help="Which release; the one before, if not given.")] = "",
    environment: Environment = "production",
    config: Config = _CONFIG,
    folder: Folder = _FOLDER,
    events: EventsOption = None,
) -> int:
    """Return to a release that was kept: without analysis, approval or freeze, but only if it is healthy."""
    rollout = read_wish(config, environment).rollout
    state = _papers(rollout, folder).load()
    kept = {release.name: release for release in state.releases if release != state.live}
    name = to or next(reversed(kept), "")
    if name not in kept:
        there = ", ".join(kept) or "none"
        raise UsageError(f"There is no release '{name}' to return to; kept: {there}.", slug="deploy-release")
    return _carry_out(rollout, folder, events, lambda engine: engine.deploy(kept[name], by_hand=True))


@_deploy.command()
def resume(
    environment: Environment = "production",
    config: Config = _CONFIG,
    folder: Folder = _FOLDER,
    events: EventsOption = None,
) -> int:
    """Finish a deployment whose deployer was killed."""
    return _carry_out(read_wish(config, environment).rollout, folder, events, lambda engine: engine.resume())


@_deploy.command()
def promote(
    environment: Environment = "production",
    config: Config = _CONFIG,
    folder: Folder = _FOLDER,
    events: EventsOption = None,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> int:
    """Approve the deployment that waits; finish one that was cut, without looking further."""
    from cipredict.cli.deploy_answering import approve  # noqa: PLC0415  # not for --help

    rollout = read_wish(config, environment).rollout
    papers = _papers(rollout, folder)
    if papers.is_locked():
        approve(papers, rollout, by, reason, load_settings(events=events).events)
        return 0
    return _carry_out(rollout, folder, events, lambda engine: engine.promote())


@_deploy.command()
def abort(
    environment: Environment = "production",
    config: Config = _CONFIG,
    folder: Folder = _FOLDER,
    events: EventsOption = None,
    by: By = "",
) -> int:
    """Take back the deployment that is going on, or one that was cut: exit 0 once the old release serves."""
    from cipredict.cli.deploy_answering import stop  # noqa: PLC0415  # not for --help

    rollout = read_wish(config, environment).rollout
    papers = _papers(rollout, folder)
    if papers.is_locked():
        return stop(papers, by)
    _carry_out(rollout, folder, events, lambda engine: engine.abort())
    return 0


@_deploy.command()
def restore(environment: Environment = "production", config: Config = _CONFIG, folder: Folder = _FOLDER) -> int:
    """Bring back what should serve, after the machine or the balancer was started again."""
    from cipredict.act.deployment.engine import Engine  # noqa: PLC0415  # not for --help
    from cipredict.decide.rollout.judge import judge  # noqa: PLC0415

    rollout = read_wish(config, environment).rollout
    papers = _papers(rollout, folder)
    limits = rollout.limits
    engine = Engine(
        rollout, open_target(rollout, papers), papers, judge=lambda seen, look: judge(seen, limits, look=look)
    )
    engine.restore()
    return status(environment, config, folder)


@_deploy.command()
def status(environment: Environment = "production", config: Config = _CONFIG, folder: Folder = _FOLDER) -> int:
    """Print who serves, as the balancer and the processes say: exit 1 where that is not what the papers say."""
    rollout = read_wish(config, environment).rollout
    papers = _papers(rollout, folder)
    document = read_status(papers.load(), open_target(rollout, papers), is_locked=papers.is_locked())
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    return 0 if document["is_consistent"] else EXIT_VERDICT_NO


def read_status(state: State, target: Target, *, is_locked: bool) -> dict[str, object]:
    """Put what the papers say beside what is so."""
    from cipredict.act.deployment.interface import DeployFailed, Role  # noqa: PLC0415  # not for --help

    problems = []
    try:
        weights: Mapping[int, int] = target.weights()
    except DeployFailed as error:
        weights = {}
        problems.append(error.message)
    servers = [
        {
            "port": server.port,
            "release": server.release.name,
            "role": server.role,
            "weight": weights.get(server.port, 0),
            "is_running": target.is_running(server),
        }
        for server in state.servers
    ]
    problems += [f"port {one['port']} does not run" for one in servers if not one["is_running"]]
    problems += [
        f"port {one['port']} gets no requests"
        for one in servers
        if one["role"] is Role.STABLE and not one["weight"] and not state.going_on
    ]
    problems += [
        f"port {port} gets requests, and is nobody's" for port in weights.keys() - {one.port for one in state.servers}
    ]
    return {
        "live": state.live.name if state.live else None,
        "going_on": asdict(state.going_on) if state.going_on else None,
        "is_cut": bool(state.going_on) and not is_locked,
        "servers": servers,
        "releases": [release.name for release in state.releases],
        "pinned": dict(state.pinned),
        "problems": problems,
        "is_consistent": not problems,
    }


def read_wish(config: Path, environment: str) -> Wish:
    """Read `[tool.cipredict.deploy.<environment>]`.

    Raises
    ------
    SettingsError
        No such table, or what is wrong in it.
    """
    from cipredict.decide.rollout.wish import parse_wish  # noqa: PLC0415  # not for --help
    from cipredict.errors import SettingsError  # noqa: PLC0415
    from cipredict.settings import read_tool_table  # noqa: PLC0415

    table = read_tool_table(config).get("deploy", {})
    known = table if isinstance(table, dict) else {}
    chosen = known.get(environment)
    if not isinstance(chosen, dict):
        there = ", ".join(known) or "none"
        message = f"{config} has no [tool.cipredict.deploy.{environment}]; environments: {there}."
        raise SettingsError(message, slug="deploy-settings")
    return parse_wish(chosen, where=f"{config}: [tool.cipredict.deploy.{environment}]", environment=environment)


def open_target(rollout: Rollout, papers: Papers) -> Target:
    """Give the place that a rollout goes to.

    Raises
    ------
    SettingsError
        A setting that the target needs is missing.
    """
    from cipredict.act.deployment.command import CommandTarget  # noqa: PLC0415  # not for --help
    from cipredict.act.deployment.haproxy import HAProxy  # noqa: PLC0415
    from cipredict.act.deployment.nginx import Nginx  # noqa: PLC0415
    from cipredict.errors import SettingsError  # noqa: PLC0415

    if rollout.target == "kubernetes":
        hint = "Ask it: `kubectl -n NAMESPACE get rollouts`; return by `cipredict deploy run OLD --force WHY`."
        raise UsageError("In a cluster, its own controller keeps this.", hint=hint, slug="deploy-cluster")
    needed = {"ports": rollout.ports, "listen": rollout.listen or rollout.target == "command"}
    missing = ", ".join(key for key, value in needed.items() if not value)
    if missing:
        where = f"[tool.cipredict.deploy.{rollout.environment}]"
        raise SettingsError(f"{where}: the target '{rollout.target}' needs {missing}.", slug="deploy-settings")
    known: dict[str, Callable[[Rollout, Path], Target]] = {"haproxy": HAProxy, "nginx": Nginx, "command": CommandTarget}
    return known[rollout.target](rollout, papers.folder)


def _carry_out(rollout: Rollout, folder: Path, events: Path | None, act: Callable[[Engine], Ended]) -> int:
    from cipredict.act.deployment.engine import Engine  # noqa: PLC0415  # not for --help
    from cipredict.cli.deploy_answering import read_key  # noqa: PLC0415
    from cipredict.decide.rollout.judge import judge  # noqa: PLC0415
    from cipredict.render.deployment import render_event  # noqa: PLC0415

    def look_at(seen: Seen, *, look: int) -> Finding:
        return judge(seen, rollout.limits, look=look)

    def tell(event: str, facts: Mapping[str, object]) -> None:
        sys.stderr.write(render_event(event, facts, after_s=time.monotonic() - begin_s))

    begin_s = time.monotonic()
    papers = _papers(rollout, folder)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # CI cancels by it: take the release back
    engine = Engine(rollout, open_target(rollout, papers), papers, judge=look_at, approval_key=read_key(), tell=tell)
    return _record(rollout, act(engine), events)


def _record(rollout: Rollout, ended: Ended, events: Path | None) -> int:
    """Print how it ended, and remember it."""
    from cipredict.cli.outputs import run_key, warn  # noqa: PLC0415  # not for --help
    from cipredict.events import append_event  # noqa: PLC0415

    body = {"environment": rollout.environment, "strategy": rollout.strategy, **asdict(ended)}
    sys.stdout.write(json.dumps(body) + "\n")
    try:
        append_event(
            load_settings(events=events).events, "deployment", datetime.now(UTC), run=run_key(), body=json.dumps(body)
        )
    except OSError as error:
        warn(f"The deployment is not remembered: {error.strerror}.")
    return _EXITS.get(ended.cause, EXIT_VERDICT_NO)


def _papers(rollout: Rollout, folder: Path) -> Papers:
    from cipredict.act.deployment.papers import Papers  # noqa: PLC0415  # not for --help

    return Papers(folder / rollout.environment)


def _refuse_freeze(wish: Wish, force: str) -> None:
    from cipredict.decide.rollout.freeze import frozen_by  # noqa: PLC0415  # not for --help

    freeze = frozen_by(wish.freezes, datetime.now(UTC))
    if freeze and not force:
        message = f"Nothing is deployed now: the freeze '{freeze.text}' (UTC) holds."
        raise UsageError(message, hint="Wait, or give --force with a reason.", slug="deploy-freeze")
