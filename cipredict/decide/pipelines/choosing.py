"""Which stages a change needs, with a reason for each. In doubt a stage runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from cipredict.decide.globs import path_matcher
from cipredict.plans.pipeline_model import Deployment, Kind, Stage


@dataclass(frozen=True, slots=True)
class ChangeScope:
    """What is known of a change.

    Attributes
    ----------
    paths : changed; empty means that nothing is known
    reached : unchanged file → a changed file that it imports, directly or not
    selected : cases that test selection runs; None: nobody selected
    branch, is_push : decide about deployments
    run_all, ignored : globs, as in the settings
    """

    paths: Sequence[str] = ()
    reached: dict[str, str] = field(default_factory=dict)
    selected: Collection[str] | None = None
    branch: str = ""
    is_push: bool = False
    run_all: Sequence[str] = ()
    ignored: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StageChoice:
    """Whether a stage runs, and why."""

    stage: Stage
    runs: bool
    reason: str


def choose_stages(
    stages: Sequence[Stage], scope: ChangeScope, *, deployment: Deployment | None = None
) -> list[StageChoice]:
    """Decide for each stage on its own, then let what runs pull in what it needs."""
    verdicts = {stage.name: _judge(stage, scope, deployment) for stage in stages if stage.kind is Kind.WORK}
    works = any(runs for runs, _ in verdicts.values())
    for stage in stages:
        if stage.kind is Kind.GATE:
            verdicts[stage.name] = (
                works,
                "stages run whose results it judges" if works else "there is nothing to judge",
            )
        elif stage.kind is Kind.DEPLOY:
            verdicts[stage.name] = _judge_deployment(scope, deployment, is_anything_new=works)
    _pull_in(stages, verdicts)
    return [StageChoice(stage, *verdicts[stage.name]) for stage in stages]


def _judge(stage: Stage, scope: ChangeScope, deployment: Deployment | None) -> tuple[bool, str]:
    if stage.environment:
        return _judge_deployment(scope, deployment, is_anything_new=True)
    if why := _in_any_case(stage, scope):
        return True, why
    if stage.paths:
        return _by_paths(stage, scope)
    is_ignored = path_matcher(scope.ignored)
    if all(map(is_ignored, scope.paths)):
        return False, f"only documentation changed, such as {scope.paths[0]}"
    if stage.tests and scope.selected is not None:
        return _by_cases(stage, scope.selected)
    moving = next(path for path in scope.paths if not is_ignored(path))
    return True, f"{moving} changed, and the stage has no path rules"


def _in_any_case(stage: Stage, scope: ChangeScope) -> str:
    """Give why no rule can skip a stage, empty where one can."""
    if stage.always:
        return "it always runs"
    if not scope.paths:
        return "nothing is known of what changed"
    reaches_all = path_matcher(scope.run_all)
    reaching = [path for path in scope.paths if reaches_all(path)]
    return f"{reaching[0]} can move anything" if reaching else ""


def _by_paths(stage: Stage, scope: ChangeScope) -> tuple[bool, str]:
    is_watched = path_matcher(stage.paths)
    if watched := [path for path in scope.paths if is_watched(path)]:
        return True, f"{watched[0]} changed"
    if reached := sorted(path for path in scope.reached if is_watched(path)):
        return True, f"{reached[0]} imports {scope.reached[reached[0]]}, which changed"
    return False, f"no change to {', '.join(stage.paths)}"


def _by_cases(stage: Stage, selected: Collection[str]) -> tuple[bool, str]:
    is_ours = path_matcher(stage.tests)
    ours = sorted(case for case in selected if is_ours(case.partition("::")[0]))
    if ours:
        return True, f"{len(ours)} of its cases are selected, such as {ours[0]}"
    return False, "none of its cases is selected"


def _judge_deployment(scope: ChangeScope, deployment: Deployment | None, *, is_anything_new: bool) -> tuple[bool, str]:
    branches = deployment.branches if deployment else ("main",)
    if not scope.is_push or not path_matcher(branches)(scope.branch):
        return False, f"only pushes to {', '.join(branches)} deploy"
    if not is_anything_new:
        return False, "nothing changed that is deployed"
    return True, f"a push to {scope.branch}"


def _pull_in(stages: Sequence[Stage], verdicts: dict[str, tuple[bool, str]]) -> None:
    """Run what a running stage needs: a provider skips a job whose need was skipped.

    A gate judges what ran, and pulls in nothing, unless something is deployed behind it: that has passed everything.
    """
    by_name = {stage.name: stage for stage in stages}
    deploys = any(stage.kind is Kind.DEPLOY and verdicts[stage.name][0] for stage in stages)
    waiting = [stage for stage in stages if verdicts[stage.name][0]]
    while waiting:
        stage = waiting.pop()
        if stage.kind is Kind.GATE and not deploys:
            continue
        for name in stage.needs:
            if not verdicts[name][0]:
                verdicts[name] = (True, f"'{stage.name}' needs it")
                waiting.append(by_name[name])
