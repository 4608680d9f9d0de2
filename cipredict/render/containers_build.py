"""Workflows that build an image and keep its layer cache, for GitHub Actions and GitLab: text from a few names."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from typing import NamedTuple

from cipredict.errors import UsageError
from cipredict.render.pipelines.actions import PINS

BUILDERS = ("buildx", "buildkit-rootless", "kaniko", "buildah")
PLATFORMS = ("github", "gitlab")
CACHES = ("gha", "registry")
KANIKO_IMAGE = "ghcr.io/osscontainertools/kaniko:debug"
"""The maintained fork, with the shell that runners need."""
_NAME = re.compile(r"[a-z0-9]+(?:[._/:-][a-z0-9]+)*")
_PATH = re.compile(r"[\w./+@-]+")


class BuildStep(NamedTuple):
    """What is built by which builder on which CI platform; paths are in the repository, an empty cache is chosen."""

    builder: str
    platform: str
    registry: str = ""
    image: str = "app"
    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""
    cache: str = ""

    @property
    def scope(self) -> str:
        """Name the cache after image and stage: BuildKit's default scope is shared by all images of a repository."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.image}-{self.target}".lower()).strip("-")


def render_build(step: BuildStep) -> str:
    """Give the workflow as YAML.

    Raises
    ------
    UsageError
        Unknown names, or a wish that the builder cannot fulfil.
    """
    checked = _checked(step)
    job = _GITHUB[checked.builder](checked) if checked.platform == "github" else _GITLAB[checked.builder](checked)
    return _header(checked) + job


def _checked(step: BuildStep) -> BuildStep:
    for value, known, option in ((step.builder, BUILDERS, "--builder"), (step.platform, PLATFORMS, "--ci")):
        if value not in known:
            message = f"{option}: no '{value}', choose from {', '.join(known)}."
            raise UsageError(message, slug="container-builder")
    is_hub = step.platform == "github" and step.builder in {"buildx", "buildkit-rootless"}
    cache = step.cache or ("gha" if is_hub else "registry")
    if cache not in CACHES or (cache == "gha" and not is_hub):
        message = f"--cache: {step.builder} on {step.platform} cannot use '{cache}'."
        raise UsageError(message, slug="container-cache", hint="Leave it out, or give registry.")
    default = "ghcr.io/${{ github.repository }}" if step.platform == "github" else "$CI_REGISTRY_IMAGE"
    for value, pattern, option in (
        (step.registry, _NAME, "--registry"),
        (step.image, _NAME, "--image"),
        (step.dockerfile, _PATH, "--dockerfile"),
        (step.context, _PATH, "--context"),
        (step.target, _PATH, "--target"),
    ):
        if value and not pattern.fullmatch(value):
            message = f"{option}: '{value}' cannot stand in a workflow as it is."
            raise UsageError(message, slug="container-name", hint="Use letters, digits and . _ - / only.")
    return step._replace(cache=cache, registry=step.registry or default)


def _header(step: BuildStep) -> str:
    return f"# Written by `cipredict container build-config --builder {step.builder} --ci {step.platform}`.\n"


def _image(step: BuildStep) -> str:
    return f"{step.registry}/{step.image}"


def _tag(step: BuildStep) -> str:
    return "${{ github.sha }}" if step.platform == "github" else "$CI_COMMIT_SHA"


def _cache_options(step: BuildStep) -> tuple[str, str]:
    """Give what a BuildKit imports and exports; an export that fails must not fail the build."""
    where = f"type=gha,scope={step.scope}" if step.cache == "gha" else f"type=registry,ref={_image(step)}:buildcache"
    return where, f"{where},mode=max,ignore-error=true"


def _github(step: BuildStep, steps: list[str], *, name: str = "image") -> str:
    body = "".join(f"      {line}\n" if line else "\n" for one in steps for line in one.split("\n"))
    return (
        f"name: {name}\n"
        '"on":\n  push:\n    branches: [main]\n  pull_request:\n'
        "permissions:\n  contents: read\n"
        'concurrency:\n  group: "${{ github.workflow }}-${{ github.ref }}"\n'
        "  cancel-in-progress: ${{ github.event_name == 'pull_request' }}\n"
        f"jobs:\n  {step.scope}:\n    name: Build {step.image}\n    runs-on: ubuntu-latest\n"
        "    permissions:\n      contents: read\n      packages: write # to push the image\n    steps:\n"
        f"      {_uses('actions/checkout')}\n        with:\n          persist-credentials: false\n" + body
    )


def _uses(action: str) -> str:
    pin = PINS[action]
    return f"- uses: {action}@{pin.commit} # {pin.version}"


def _host(step: BuildStep) -> str:
    return step.registry.partition("/")[0]


def _github_login(step: BuildStep) -> str:
    return (
        f"{_uses('docker/login-action')}\n"
        "  if: github.event_name != 'pull_request'\n"
        f"  with:\n    registry: {_host(step)}\n    username: ${{{{ github.actor }}}}\n"
        "    password: ${{ secrets.GITHUB_TOKEN }}"
    )


def _github_buildx(step: BuildStep) -> str:
    setup = _uses("docker/setup-buildx-action")
    if step.builder == "buildkit-rootless":
        setup += "\n  with:\n    driver: docker-container\n    driver-opts: image=moby/buildkit:rootless"
    imports, exports = _cache_options(step)
    lines = [
        _uses("docker/build-push-action"),
        "  with:",
        f"    context: {step.context}",
        f"    file: {step.dockerfile}",
        *([f"    target: {step.target}"] if step.target else []),
        "    push: ${{ github.event_name != 'pull_request' }}",
        f"    tags: {_image(step)}:{_tag(step)}",
        f"    cache-from: {imports}",
        f"    cache-to: {exports}",
    ]
    return _github(step, [setup, _github_login(step), "\n".join(lines)])


def _kaniko_arguments(step: BuildStep, folder: str) -> list[str]:
    context = folder if step.context == "." else posixpath.join(folder, step.context)
    return [
        f"--context=dir://{context}",
        f"--dockerfile={posixpath.join(folder, step.dockerfile)}",
        *([f"--target={step.target}"] if step.target else []),
        f"--destination={_image(step)}:{_tag(step)}",
        "--cache=true",
        "--cache-copy-layers=true",
        f"--cache-repo={_image(step)}/cache",
        "--cache-ttl=336h",
    ]


def _github_kaniko(step: BuildStep) -> str:
    mount = '-v "$GITHUB_WORKSPACE":/workspace -v "$HOME/.docker/config.json":/kaniko/.docker/config.json:ro'
    lines = [f"    docker run --rm {mount} \\", f"      {KANIKO_IMAGE.replace(':debug', ':latest')} \\"]
    lines += [f'      "{one}" \\' for one in _kaniko_arguments(step, "/workspace")]
    run = "\n".join(["- name: Build with kaniko", "  if: github.event_name != 'pull_request'", "  run: |", *lines])
    return _github(step, [_github_login(step), run.removesuffix(" \\")])


def _buildah_commands(step: BuildStep) -> list[str]:
    cache = f"{_image(step)}/cache"
    target = f" --target {step.target}" if step.target else ""
    image = f"{_image(step)}:{_tag(step)}"
    return [
        f"buildah build --layers --cache-from {cache} --cache-to {cache}{target} \\",
        f"  --file {shlex.quote(step.dockerfile)} --tag {image} {shlex.quote(step.context)}",
        f"buildah push {image}",
    ]


def _github_buildah(step: BuildStep) -> str:
    login = (
        "- name: Log in\n  if: github.event_name != 'pull_request'\n  env:\n    TOKEN: ${{ secrets.GITHUB_TOKEN }}\n"
        f'  run: echo "$TOKEN" | buildah login --username "$GITHUB_ACTOR" --password-stdin {_host(step)}'
    )
    head = "- name: Build with buildah\n  if: github.event_name != 'pull_request'\n  run: |\n"
    return _github(step, [login, head + "\n".join(f"    {line}" for line in _buildah_commands(step))])


def _gitlab(step: BuildStep, *, image: str, before: list[str], script: list[str], more: str = "") -> str:
    def block(key: str, lines: list[str]) -> str:
        return f"  {key}:\n    - |\n" + "".join(f"      {line}\n" for line in lines) if lines else ""

    return f"{step.scope}:\n  stage: build\n{image}{more}{block('before_script', before)}{block('script', script)}"


def _gitlab_auth(folder: str) -> list[str]:
    login = {"username": "$CI_REGISTRY_USER", "password": "$CI_REGISTRY_PASSWORD"}
    auth = json.dumps({"auths": {"$CI_REGISTRY": login}}, separators=(",", ":")).replace('"', '\\"')
    return [f"mkdir -p {folder}", f'echo "{auth}" > {folder}/config.json']


def _gitlab_buildx(step: BuildStep) -> str:
    imports, exports = _cache_options(step)
    target = f" --target {step.target}" if step.target else ""
    script = [
        f"docker buildx build --push --file {step.dockerfile}{target} \\",
        f"  --cache-from {imports} \\",
        f"  --cache-to {exports} \\",
        f"  --tag {_image(step)}:{_tag(step)} {step.context}",
    ]
    before = [
        'echo "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"',
        "docker context create builder  # buildx takes the daemon's certificates from a context only",
        "docker buildx create --use --driver docker-container builder",
    ]
    image = "  image: docker:27\n  services:\n    - docker:27-dind\n"
    return _gitlab(step, image=image, before=before, script=script)


def _gitlab_rootless(step: BuildStep) -> str:
    imports, exports = _cache_options(step)
    folder, name = posixpath.split(step.dockerfile)
    script = [
        "buildctl-daemonless.sh build --frontend dockerfile.v0 \\",
        f"  --local context={step.context} --local dockerfile={folder or '.'} --opt filename={name} \\",
        *([f"  --opt target={step.target} \\"] if step.target else []),
        f"  --import-cache {imports} \\",
        f"  --export-cache {exports} \\",
        f"  --output type=image,name={_image(step)}:{_tag(step)},push=true",
    ]
    image = '  image:\n    name: moby/buildkit:rootless\n    entrypoint: [""]\n'
    more = "  variables:\n    BUILDKITD_FLAGS: --oci-worker-no-process-sandbox\n"
    return _gitlab(step, image=image, before=_gitlab_auth("~/.docker"), script=script, more=more)


def _gitlab_kaniko(step: BuildStep) -> str:
    arguments = [f'  "{one}" \\' for one in _kaniko_arguments(step, "$CI_PROJECT_DIR")]
    arguments[-1] = arguments[-1].removesuffix(" \\")
    image = f'  image:\n    name: {KANIKO_IMAGE}\n    entrypoint: [""]\n'
    return _gitlab(
        step, image=image, before=_gitlab_auth("/kaniko/.docker"), script=["/kaniko/executor \\", *arguments]
    )


def _gitlab_buildah(step: BuildStep) -> str:
    login = (
        'echo "$CI_REGISTRY_PASSWORD" | buildah login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"'
    )
    more = "  variables:\n    BUILDAH_ISOLATION: chroot\n    STORAGE_DRIVER: vfs\n"
    image = "  image: quay.io/buildah/stable\n"
    return _gitlab(step, image=image, before=[login], script=_buildah_commands(step), more=more)


_GITHUB = {
    "buildx": _github_buildx,
    "buildkit-rootless": _github_buildx,
    "kaniko": _github_kaniko,
    "buildah": _github_buildah,
}
_GITLAB = {
    "buildx": _gitlab_buildx,
    "buildkit-rootless": _gitlab_rootless,
    "kaniko": _gitlab_kaniko,
    "buildah": _gitlab_buildah,
}


def kaniko_config(step: BuildStep) -> dict[str, object]:
    """Give kaniko's image and arguments, with `${…}` where a pipeline puts its own values."""
    return {
        "executor": {
            "image": KANIKO_IMAGE,
            "args": [
                "--dockerfile=${DOCKERFILE}",
                "--context=${CONTEXT}",
                "--destination=${REGISTRY}/${IMAGE}:${TAG}",
                "--cache=true",
                "--cache-copy-layers=true",
                "--cache-repo=${REGISTRY}/${IMAGE}/cache",
                "--cache-ttl=336h",
                *([f"--target={step.target}"] if step.target else []),
            ],
        },
        "cache": {"repo": "${REGISTRY}/${IMAGE}/cache"},
    }
