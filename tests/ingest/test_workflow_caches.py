from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.ingest.workflow_caches import CacheStep, read_workflow_caches

pytest.importorskip("yaml", reason="needs the store extra")

ASKED = """
on: push
jobs:
  test:
    steps:
      - uses: actions/checkout@v4
      - run: echo
      - uses: actions/cache@v4
        with:
          path: |
            ~/.cache/uv
            .venv
          key: ${{ runner.os }}-uv-${{ hashFiles('uv.lock') }}
          restore-keys: |
            ${{ runner.os }}-uv-
            ${{ runner.os }}-
"""


def steps_of(tmp_path: Path, **files: str) -> tuple[list[CacheStep], list[str]]:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return read_workflow_caches(tmp_path)


def test_a_cache_step_is_read_with_all_its_keys(tmp_path: Path) -> None:
    steps, complaints = steps_of(tmp_path, ci=ASKED)

    assert [
        CacheStep(
            "ci.yml, job test",
            "${{ runner.os }}-uv-${{ hashFiles('uv.lock') }}",
            ("${{ runner.os }}-uv-", "${{ runner.os }}-"),
            ("~/.cache/uv", ".venv"),
        )
    ] == steps
    assert [] == complaints


@pytest.mark.parametrize(
    ("action", "inputs", "key", "restore"),
    [
        ("actions/setup-node@v4", "{cache: npm}", "**/package-lock.json", ()),
        ("actions/setup-node@v4", "{cache: yarn, cache-dependency-path: web/yarn.lock}", "'web/yarn.lock'", ()),
        (
            "actions/setup-python@v5",
            "{cache: pip}",
            "**/requirements*.txt",
            ("setup-python-${{ runner.os }}-python-pip",),
        ),
        ("actions/setup-python@v5", "{cache: poetry}", "**/poetry.lock", ()),
        ("actions/setup-go@v5", "{go-version: stable}", "go.sum", ()),
        ("astral-sh/setup-uv@v5", "{version: latest}", "**/uv.lock", ()),
    ],
)
def test_setup_actions_imply_a_key(
    tmp_path: Path, action: str, inputs: str, key: str, restore: tuple[str, ...]
) -> None:
    steps, _ = steps_of(tmp_path, ci=f"jobs: {{a: {{steps: [{{uses: {action}, with: {inputs}}}]}}}}")

    [step] = steps
    assert key in step.key
    assert restore == step.restore_keys


@pytest.mark.parametrize(
    "step",
    [
        "{uses: actions/setup-node@v4}",
        "{uses: actions/setup-python@v5, with: {python-version: '3.12'}}",
        "{uses: actions/setup-go@v5, with: {cache: false}}",
        "{uses: astral-sh/setup-uv@v5, with: {enable-cache: false}}",
        "{uses: actions/cache@v4}",
        "{uses: actions/cache/save@v4, with: {key: x}}",
        "7",
    ],
)
def test_a_step_without_a_cache_gives_none(tmp_path: Path, step: str) -> None:
    assert ([], []) == steps_of(tmp_path, ci=f"jobs: {{a: {{steps: [{step}]}}}}")


def test_a_broken_workflow_is_one_line_and_the_others_count(tmp_path: Path) -> None:
    steps, complaints = steps_of(tmp_path, a="jobs: [", b=ASKED, c="- nothing", d="jobs: {x: {steps: 3}, y: 7}")

    assert 1 == len(steps)
    [line] = complaints
    assert line.startswith("a.yml cannot be read")
    assert "\n" not in line


def test_a_project_without_workflows_has_no_steps(tmp_path: Path) -> None:
    assert ([], []) == read_workflow_caches(tmp_path)
