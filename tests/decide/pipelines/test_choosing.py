"""Which stages a change needs, and why."""

from __future__ import annotations

from cipredict.decide.pipelines.choosing import ChangeScope, choose_stages
from cipredict.plans.pipeline_model import Deployment, Pipeline, Stage, Strategy

DEPLOYMENT = Deployment(Strategy.BLUE_GREEN)
STAGES = Pipeline(
    stages=(
        Stage("lint", run="x"),
        Stage("unit", run="x", paths=("src/**",)),
        Stage("web", run="x", needs=("build",), paths=("web/**",)),
        Stage("build", run="x", paths=("build/**",)),
        Stage("slow", run="x", tests=("tests/slow/**",)),
        Stage("docs", run="x", paths=("docs/**",)),
        Stage("audit", run="x", always=True),
    ),
    gates={"test_coverage": 85},
    deployment=DEPLOYMENT,
).complete()


def chosen(scope: ChangeScope) -> dict[str, str]:
    return {one.stage.name: one.reason for one in choose_stages(STAGES, scope, deployment=DEPLOYMENT) if one.runs}


def scope(*paths: str, **more: object) -> ChangeScope:
    return ChangeScope(paths, run_all=("Makefile",), ignored=("**/*.md", "*.md", "docs/**"), **more)  # type: ignore[arg-type]  # fields by name


def test_documentation_runs_what_watches_it_and_what_always_runs() -> None:
    assert set(chosen(scope("docs/a.md"))) == {"docs", "audit", "quality-gates"}


def test_a_path_runs_its_stages_and_those_without_rules() -> None:
    reasons = chosen(scope("src/a.py", selected=()))

    assert set(reasons) == {"lint", "unit", "audit", "quality-gates"}
    assert reasons["unit"] == "src/a.py changed"
    assert reasons["lint"] == "src/a.py changed, and the stage has no path rules"


def test_a_stage_pulls_in_what_it_needs() -> None:
    assert chosen(scope("web/x.js", selected=()))["build"] == "'web' needs it"


def test_an_import_reaches_a_stage() -> None:
    reasons = chosen(scope("lib/b.py", reached={"src/a.py": "lib/b.py"}))

    assert reasons["unit"] == "src/a.py imports lib/b.py, which changed"


def test_selected_cases_decide_about_test_stages() -> None:
    case = "tests/slow/test_a.py::test_b"

    assert chosen(scope("src/a.py", selected=(case,)))["slow"] == f"1 of its cases are selected, such as {case}"
    assert "slow" not in chosen(scope("src/a.py", selected=("tests/unit/test_a.py::test_b",)))
    assert "slow" in chosen(scope("src/a.py"))


def test_without_knowledge_everything_but_the_deployment_runs() -> None:
    everything = {stage.name for stage in STAGES} - {"deploy"}

    assert set(chosen(scope())) == everything
    assert set(chosen(scope("Makefile"))) == everything


def test_what_is_deployed_has_passed_everything() -> None:
    reasons = chosen(scope("src/a.py", selected=(), branch="main", is_push=True))

    assert set(reasons) == {stage.name for stage in STAGES}
    assert reasons["docs"] == "'quality-gates' needs it"
    assert reasons["deploy"] == "a push to main"


def test_other_branches_do_not_deploy() -> None:
    assert "deploy" not in chosen(scope("src/a.py", branch="develop", is_push=True))
    assert "deploy" not in chosen(scope("src/a.py", branch="main"))
