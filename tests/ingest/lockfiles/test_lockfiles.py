from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import InputError
from cipredict.ingest.lockfiles.interface import Package
from cipredict.ingest.lockfiles.reading import READERS, read_packages, reader_of
from cipredict.ingest.lockfiles.sizes import locked_bytes

SAMPLES = Path(__file__).parents[3] / "data" / "samples" / "lockfiles"
COMMIT = "2f19d8d2f0b0b4d1c1a9a1b8f3e8e4a0d6c7b5f1"
JAVASCRIPT = {
    "@types/node@20.11.5",
    "ansi-styles@4.3.0",
    "chalk@4.1.2",
    "color-convert@2.0.1",
    "color-name@1.1.4",
    "has-flag@4.0.0",
    "is-number@6.0.0",
    "is-odd@3.0.1",
    "supports-color@7.2.0",
    "undici-types@5.26.5",
}
PYTHON = {"idna@3.20", "jaraco-classes@3.4.0", "more-itertools@11.2.1"}
SAMPLE_PACKAGES = [
    ("uv.lock", "uv.lock", PYTHON | {"iniconfig@2.0.0"}),
    ("pylock.toml", "pylock.toml", PYTHON),
    ("requirements.txt", "requirements/base.txt", PYTHON),
    ("Pipfile.lock", "Pipfile.lock", {"idna@3.20", "iniconfig@2.0.0"}),
    ("poetry.lock", "poetry.lock", {"idna@3.10", "jaraco-classes@3.4.0", f"more-itertools@{COMMIT}"}),
    ("pdm.lock", "pdm.lock", {"idna@3.10", f"more-itertools@{COMMIT}"}),
    ("package-lock-v1.json", "package-lock.json", JAVASCRIPT),
    ("package-lock-v2.json", "web/package-lock.json", JAVASCRIPT),
    ("package-lock-v3.json", "package-lock.json", JAVASCRIPT),
    ("pnpm-lock-v5.yaml", "pnpm-lock.yaml", JAVASCRIPT),
    ("pnpm-lock-v6.yaml", "pnpm-lock.yaml", JAVASCRIPT),
    ("pnpm-lock-v9.yaml", "pnpm-lock.yaml", JAVASCRIPT),
    ("yarn-classic.lock", "yarn.lock", JAVASCRIPT),
    ("yarn-berry.lock", "yarn.lock", JAVASCRIPT),
    ("bun.lock", "bun.lock", JAVASCRIPT),
    ("Cargo.lock", "Cargo.lock", {"itoa@1.0.11", "ryu@c4a5f0d6e7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2"}),
    (
        "go.sum",
        "go.sum",
        {"github.com/davecgh/go-spew@v1.1.1", "github.com/pmezard/go-difflib@v1.0.0", "gopkg.in/yaml.v3@v3.0.1"},
    ),
    (
        "Gemfile.lock",
        "Gemfile.lock",
        {"rack@5ce5b2ccb151f2e5d0f8c1d0a3f4c5b6a7d8e9f0", "nokogiri@1.16.5-x86_64-linux", "racc@1.8.0"},
    ),
]
NEEDS_YAML = ("pnpm-lock", "yarn-berry")


def spelled(packages: frozenset[Package]) -> set[str]:
    return {f"{name}@{version}" for name, version in packages}


@pytest.mark.parametrize(
    ("sample", "path", "expected"), SAMPLE_PACKAGES, ids=[sample for sample, _, _ in SAMPLE_PACKAGES]
)
def test_a_lock_file_gives_the_packages_that_are_installed(sample: str, path: str, expected: set[str]) -> None:
    if sample.startswith(NEEDS_YAML):
        pytest.importorskip("yaml", reason="needs the store extra")

    assert expected == spelled(read_packages(path, (SAMPLES / sample).read_bytes()))


def test_every_sample_is_read_by_some_test() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {sample for sample, _, _ in SAMPLE_PACKAGES}


@pytest.mark.parametrize("path", [name for name in READERS if name not in {"pnpm-lock.yaml"}])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"a\n<<<<<<< HEAD\nb\n", id="merge marks"),
    ],
)
def test_an_unreadable_lock_file_is_one_line_that_names_it(path: str, content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_packages(path, content)

    assert caught.value.slug == "lockfile-unreadable"
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("uv.lock", b"[[package]", id="not TOML"),
        pytest.param("uv.lock", b"package = 1", id="no list"),
        pytest.param("uv.lock", b"[[package]]\nversion = '1'", id="no name"),
        pytest.param("poetry.lock", b"[[package]]\nname = 'a'", id="no version"),
        pytest.param("package-lock.json", b"[]", id="no object"),
        pytest.param("package-lock.json", b"{", id="not JSON"),
        pytest.param("package-lock.json", b"[" * 100_000, id="too deep"),
        pytest.param("bun.lock", b'{"packages": {"a": []}}', id="empty member"),
        pytest.param("yarn.lock", b"a@1:\n  version 1\nnonsense\n", id="no package begins"),
        pytest.param("go.sum", b"module v1\n", id="too few fields"),
        pytest.param("requirements.txt", b"=broken\n", id="no requirement"),
    ],
)
def test_what_is_not_the_format_is_refused(path: str, content: bytes) -> None:
    with pytest.raises(InputError, match="not a lock file that can be read"):
        read_packages(path, content)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"no lock file that is known: uv\.lock"):
        read_packages("setup.py", b"")


@pytest.mark.parametrize(
    ("path", "is_known"),
    [
        ("requirements.txt", True),
        ("requirements-dev.txt", True),
        ("ci/requirements/linux.txt", True),
        ("constraints.txt", True),
        ("pylock.test.toml", True),
        ("docs/notes.txt", False),
        ("package.json", False),
    ],
)
def test_readers_are_chosen_by_name(path: str, *, is_known: bool) -> None:
    assert is_known == (reader_of(path) is not None)


def test_requirements_in_every_spelling() -> None:
    content = b"""\
-r base.txt
-e .
./local
--index-url https://example.org/simple
A_b==1.0  # why
c[extra1,extra2] == 2.0 ; python_version < "3.9"
d>=1,<2
e
f @ https://example.org/f-1.zip
git+https://example.org/g.git@abc#egg=g
h==3 --hash=sha256:00 \\
    --hash=sha256:11
"""

    assert {
        "a-b@1.0",
        "c@2.0",
        "d@>=1,<2",
        "e@*",
        "f@https://example.org/f-1.zip",
        "git+https://example.org/g.git@abc@git+https://example.org/g.git@abc#egg=g",
        "h@3",
    } == spelled(read_packages("requirements.txt", content))


def test_a_nested_second_version_counts() -> None:
    content = b"""{"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}, "node_modules/w": {"link": true},
        "packages/w": {"version": "1.0.0"}, "node_modules/b/node_modules/@s/a": {"version": "2.0.0"}}}"""

    assert {"a@1.0.0", "@s/a@2.0.0"} == spelled(read_packages("package-lock.json", content))


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)


@given(st.dictionaries(NAMES, VERSIONS, max_size=8))
def test_formats_agree_on_any_packages(packages: dict[str, str]) -> None:
    expected = {f"{name}@{version}" for name, version in packages.items()}
    toml = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "registry+x"\n'
        for name, version in packages.items()
    )
    yarn = "".join(f'{name}@^1, "{name}@^2":\n  version "{version}"\n' for name, version in packages.items())
    pins = "".join(f"{name}=={version}\n" for name, version in packages.items())

    assert expected == spelled(read_packages("Cargo.lock", toml.encode()))
    assert expected == spelled(read_packages("yarn.lock", yarn.encode()))
    assert expected == spelled(read_packages("requirements.txt", pins.encode()))


def test_a_lock_file_that_knows_sizes_tells_what_is_downloaded() -> None:
    content = b"""[[package]]
name = "a"
sdist = { url = "https://x.example/a.tar.gz", size = 1 }
wheels = [
    { url = "https://x.example/a-1-cp311-cp311-manylinux_2_17_x86_64.whl", size = 7 },
    { url = "https://x.example/a-1-cp312-cp312-manylinux_2_17_x86_64.whl", size = 10 },
    { url = "https://x.example/a-1-cp312-cp312-macosx_11_0_arm64.whl", size = 100 },
]
[[package]]
name = "b"
sdist = { url = "https://x.example/b.tar.gz", size = 1000 }
wheels = [{ url = "https://x.example/b-1-cp312-cp312-win_amd64.whl", size = 5 }]
[[package]]
name = "c"
source = { editable = "." }
"""

    assert 1010 == locked_bytes("uv.lock", content)


@pytest.mark.parametrize(("sample", "path"), [("uv.lock", "uv.lock"), ("pylock.toml", "pylock.toml")])
def test_real_lock_files_of_three_small_packages_have_a_plausible_size(sample: str, path: str) -> None:
    size = locked_bytes(path, (SAMPLES / sample).read_bytes())

    assert size is not None
    assert 100_000 < size < 400_000


def test_other_formats_do_not_tell_sizes() -> None:
    assert locked_bytes("poetry.lock", (SAMPLES / "poetry.lock").read_bytes()) is None
