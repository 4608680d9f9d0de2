"""Build steps: golden files, checked against the schemas of GitHub Actions and GitLab."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from cipredict.errors import UsageError
from cipredict.render.containers_build import BUILDERS, PLATFORMS, BuildStep, kaniko_config, render_build
from cipredict.render.pipelines.actions import PINS

GOLDEN = Path(__file__).parents[1] / "golden" / "containers"
ALL = list(itertools.product(BUILDERS, PLATFORMS))
SCHEMAS = {
    "github": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}
NO_FLAGS_OF_KANIKO = ("parallel", "branch", "skip-unused-stages", "gcr.io")


@pytest.mark.parametrize(("builder", "platform"), ALL)
def test_build_steps_are_what_they_were(builder: str, platform: str) -> None:
    text = render_build(BuildStep(builder, platform))

    assert (GOLDEN / f"{builder}-{platform}.yml").read_text(encoding="utf-8") == text
    assert render_build(BuildStep(builder, platform)) == text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_build_steps_fit_the_schemas_with_and_without_options(platform: str, tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed (pip install check-jsonschema)")
    paths = []
    for builder in BUILDERS:
        for number, more in enumerate(
            ({}, {"target": "release", "context": "app", "dockerfile": "app/Dockerfile.prod"})
        ):
            paths.append(tmp_path / f"{builder}-{number}.yml")
            paths[-1].write_text(render_build(BuildStep(builder, platform, **more)), encoding="utf-8")

    command = [sys.executable, "-m", "check_jsonschema", *SCHEMAS[platform], *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def test_workflows_pin_their_actions_and_pass_zizmor(tmp_path: Path) -> None:
    tool = which("zizmor")
    if tool is None:
        pytest.skip("zizmor is not installed")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    command = [tool, "--offline", "--no-progress", str(folder)]
    for builder in BUILDERS:
        (folder / f"{builder}.yml").write_text(render_build(BuildStep(builder, "github")), encoding="utf-8")

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

    unpinned = render_build(BuildStep("buildx", "github")).replace(PINS["docker/build-push-action"].commit, "v6")
    (folder / "buildx.yml").write_text(unpinned, encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_caches_have_a_scope_of_their_own_and_never_fail_a_build() -> None:
    text = render_build(BuildStep("buildx", "github", image="web", target="release"))

    assert "cache-to: type=gha,scope=web-release,mode=max,ignore-error=true" in text
    assert "target: release" in text


def test_a_registry_holds_image_and_cache() -> None:
    text = render_build(BuildStep("buildkit-rootless", "gitlab", registry="registry.example.org/team", image="web"))

    assert "name=registry.example.org/team/web:$CI_COMMIT_SHA,push=true" in text
    assert "ref=registry.example.org/team/web:buildcache,mode=max,ignore-error=true" in text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_kaniko_gets_only_what_its_fork_documents(platform: str) -> None:
    text = render_build(BuildStep("kaniko", platform))

    assert [word for word in NO_FLAGS_OF_KANIKO if f"--{word}" in text or f"{word}/kaniko" in text] == []
    assert "ghcr.io/osscontainertools/kaniko" in text


def test_kanikos_configuration_has_the_shape_of_the_brief() -> None:
    config = kaniko_config(BuildStep("kaniko", "gitlab", target="release"))

    assert set(config) == {"executor", "cache"}
    executor = config["executor"]
    assert isinstance(executor, dict)
    assert executor["args"][-1] == "--target=release"


@pytest.mark.parametrize(
    ("step", "slug"),
    [
        pytest.param(BuildStep("docker", "github"), "container-builder", id="builder"),
        pytest.param(BuildStep("buildx", "circleci"), "container-builder", id="platform"),
        pytest.param(BuildStep("kaniko", "gitlab", cache="gha"), "container-cache", id="cache of another"),
        pytest.param(BuildStep("buildx", "github", cache="s3"), "container-cache", id="unknown cache"),
        pytest.param(BuildStep("buildx", "github", image="Web"), "container-name", id="upper case"),
        pytest.param(BuildStep("buildx", "github", dockerfile="a; rm -rf /"), "container-name", id="shell"),
        pytest.param(BuildStep("buildx", "github", registry="x.org/$(id)"), "container-name", id="substitution"),
    ],
)
def test_what_cannot_be_meant_is_refused(step: BuildStep, slug: str) -> None:
    with pytest.raises(UsageError) as caught:
        render_build(step)

    assert caught.value.slug == slug
