"""The laws of docs/architecture.md, checked on what really gets imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import cipredict

PACKAGE = Path(cipredict.__file__).parent
HEAVY = {"torch", "sklearn", "xgboost", "mlflow", "pandas", "duckdb", "pyarrow", "scipy", "matplotlib"}
PROBE = """
import json, sys
from cipredict.cli.app import main
code = main(sys.argv[1:])
print("\\n" + json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def modules_after(arguments: list[str], *, standard_input: str = "", cwd: Path | None = None) -> tuple[int, set[str]]:
    """Run a command in a fresh interpreter; give its exit code and the top-level modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        input=standard_input,
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["select-tests", "--changed", "a.py", "--forecast", "nowhere"], id="select-tests"),
        pytest.param(["shard", "--shards", "2", "--forecast", "nowhere"], id="shard"),
        pytest.param(["pipeline", "plan", "--changed", "a.py", "--forecast", "nowhere"], id="pipeline plan"),
    ],
)
def test_commands_of_ci_jobs_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code, modules = modules_after(arguments, standard_input="tests/test_a.py::test_b\n", cwd=tmp_path)

    assert code == 0
    assert modules & HEAVY == set()


def test_comparing_benchmarks_imports_scipy_and_nothing_heavier(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the perf extra is not installed")
    (tmp_path / "a.json").write_text('{"parse": 1.0}')
    _, modules = modules_after(["perf", "compare", "a.json", "a.json"], cwd=tmp_path)

    assert modules & HEAVY == {"scipy"}


def test_help_imports_neither_typer_nor_rich(tmp_path: Path) -> None:
    _, modules = modules_after(["--help"], cwd=tmp_path)

    assert modules & {"typer", "rich", "numpy"} == set()


def test_shard_imports_neither_numpy_nor_onnxruntime(tmp_path: Path) -> None:
    _, modules = modules_after(
        ["shard", "--shards", "2", "--forecast", "nowhere"], standard_input="tests/test_a.py::test_b\n", cwd=tmp_path
    )

    assert modules & {"numpy", "onnxruntime"} == set()


def test_importing_the_package_or_its_plugin_imports_no_library() -> None:
    probe = "import json, sys, cipredict; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert set(json.loads(done.stdout)) & {*HEAVY, "typer", "rich", "numpy", "onnxruntime", "lxml"} == set()


def test_public_names_are_sorted_lazy_and_real() -> None:
    assert cipredict.__all__ == sorted(cipredict.__all__)
    for name in cipredict.__all__:
        if name == "CIPerfRegressionDetector" and find_spec("scipy") is None:
            continue  # it needs the extra `perf`
        assert getattr(cipredict, name) is not None


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_no_file_exceeds_600_lines() -> None:
    assert [path.name for path in sources() if len(path.read_text(encoding="utf-8").splitlines()) > 600] == []


def test_no_function_exceeds_60_lines() -> None:
    commands = {"cli"}  # signatures of commands are their documentation
    long = [
        f"{path.relative_to(PACKAGE)}:{node.name}"
        for path in sources()
        if path.parent.name not in commands
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]

    assert long == []


def test_every_module_says_what_lives_in_it() -> None:
    assert [str(path) for path in sources() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def raised_slugs() -> set[str]:
    """Collect the constant `slug=` arguments of the whole package."""
    return {
        keyword.value.value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "slug" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def test_every_message_has_a_documented_paragraph() -> None:
    messages = PACKAGE.parent / "docs" / "messages.md"
    if not messages.is_file():
        pytest.skip("docs/ is not beside an installed package")
    documented = {
        line.split("`")[1] for line in messages.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    }

    assert raised_slugs() - documented == set()
