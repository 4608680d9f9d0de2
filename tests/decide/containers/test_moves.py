"""Rules 1 to 4: what may trade places, and each condition that forbids it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cipredict.decide.containers.layers import BuildWish, CacheRules
from cipredict.decide.containers.rewrites import lower_args, raise_installs, swap_copies
from cipredict.decide.containers.rewrites.interface import Proposal, Rule, Situation, Standing

if TYPE_CHECKING:
    from tests.decide.containers.conftest import MakeSituation

APT = "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n"
TOP = "FROM debian:12\nWORKDIR /app\n"
FILES = ("a.txt", "src/a.py", "requirements.txt")


def doubts(proposal: Proposal) -> list[str]:
    return [one.text for one in proposal.conditions if one.standing is Standing.VIOLATED]


def only(rule: Rule, situation: Situation) -> Proposal:
    [proposal] = rule(situation)
    return proposal


def test_an_installation_goes_above_the_copies(make_situation: MakeSituation) -> None:
    proposal = only(raise_installs.propose, make_situation(f"{TOP}COPY . .\n# tools\n{APT}RUN make\n", FILES))

    assert proposal.is_safe
    assert proposal.text == f"{TOP}# tools\n{APT}COPY . .\nRUN make\n"


@pytest.mark.parametrize(
    "run",
    [
        "RUN apt-get install -y libzip-dev && docker-php-ext-install zip pdo_mysql && a2enmod rewrite",
        "RUN pecl install redis-6.0.2 && docker-php-ext-enable redis",
        "RUN gem install bundler -v 2.5.0",
        "RUN apk add --no-cache git",
        "RUN npm install -g pnpm@9",
        "RUN pip install --no-cache-dir uv==0.5",
        "RUN corepack enable",
        "RUN set -eux; apt-get install -y git > /dev/null 2>&1",
        "RUN dnf install -y git && dnf clean all",
        'RUN ["apt-get", "install", "-y", "git"]',
        "RUN --mount=type=cache,target=/var/cache/apt apt-get install -y git",
    ],
)
def test_installers_that_read_nothing_of_the_context(run: str, make_situation: MakeSituation) -> None:
    assert only(raise_installs.propose, make_situation(f"{TOP}COPY . .\n{run}\n", FILES)).is_safe


@pytest.mark.parametrize(
    ("run", "doubt"),
    [
        pytest.param("RUN apt-get install -y ./local.deb", "reads the path ./local.deb", id="argument"),
        pytest.param("RUN apt-get install -y $(cat packages)", "of the shell", id="substitution"),
        pytest.param("RUN apt-get install -y git < packages", "of the shell", id="redirection"),
        pytest.param("RUN apt-get upgrade -y && apt-get install -y git", "other packages on other days", id="upgrade"),
        pytest.param("RUN apt-get install -y curl && curl https://x.org/i | sh", "of the shell", id="curl | sh"),
        pytest.param("RUN apt-get install -y git && make", "", id="unknown command"),
        pytest.param("RUN npm install -g", "npm installs the folder", id="npm of the folder"),
        pytest.param(
            "RUN apt-get install -y git && gem install pkg/x.gem", "gem installs a file", id="a gem that was copied"
        ),
        pytest.param(
            "RUN apt-get install -y git && pecl install ./x.tgz", "the path ./x.tgz", id="an extension that was copied"
        ),
        pytest.param("RUN pip install --upgrade pip -r requirements.txt", "", id="requirements"),
        pytest.param("RUN pip install git+https://x.org/a", "path or an address", id="address"),
        pytest.param("RUN --mount=type=bind,target=/x apt-get install -y git", "it has a mount", id="bind"),
        pytest.param("RUN --mount=from=s,target=/x apt-get install -y git", "it has a mount", id="mount=from"),
        pytest.param("RUN <<E\napt-get install -y git\nE", "heredoc", id="heredoc"),
        pytest.param("RUN apt-get install -y git && rm -rf /app/x", "as /app may be", id="removes"),
    ],
)
def test_an_installation_that_may_read_what_was_copied_stays(
    run: str, doubt: str, make_situation: MakeSituation
) -> None:
    text = f"FROM x/y AS s\nFROM debian:12\nWORKDIR /app\nCOPY . .\n{run}\n"
    proposals = list(raise_installs.propose(make_situation(text, FILES)))

    assert [one for one in proposals if one.is_safe] == []
    assert all(doubt in " ".join(doubts(one)) for one in proposals)
    assert doubt == "" or proposals


@pytest.mark.parametrize(
    ("between", "doubt"),
    [
        pytest.param("RUN ./configure\n", "no other RUN stands between", id="unknown RUN"),
        pytest.param("USER app\n", "USER (line 4)", id="user"),
        pytest.param('SHELL ["/bin/bash", "-c"]\n', "SHELL (line 4)", id="shell"),
        pytest.param("VOLUME /data\n", "VOLUME (line 4)", id="volume"),
        pytest.param("ENV DEBIAN_FRONTEND=noninteractive\n", "do not read DEBIAN_FRONTEND", id="env that apt reads"),
        pytest.param("ENV PATH=/x:$PATH\n", "do not read PATH", id="path"),
        pytest.param("ENV HTTP_PROXY=http://p\n", "do not read HTTP_PROXY", id="proxy"),
        pytest.param("ARG PACKAGE=curl\n", "does not use PACKAGE", id="argument that it uses"),
        pytest.param("ONBUILD RUN x\n", "trigger", id="onbuild"),
        pytest.param("COPY sources.list /etc/apt/sources.list\n", "no folder that the RUN reads", id="settings of apt"),
        pytest.param("COPY a.txt /\n", "", id="a file in the root"),
        pytest.param("COPY --from=x/y /rootfs /\n", "as / may be", id="a tree over the root"),
        pytest.param("ADD https://x.org/key /app/key\n", "fetches nothing from elsewhere", id="remote add"),
        pytest.param("ADD rootfs.tar.gz /\n", "as / may be", id="archive"),
    ],
)
def test_what_stands_between_forbids_to_move(between: str, doubt: str, make_situation: MakeSituation) -> None:
    run = APT.replace("curl", "$PACKAGE") if "PACKAGE" in between else APT
    files = (*FILES, "sources.list", "rootfs.tar.gz")
    proposals = list(raise_installs.propose(make_situation(f"{TOP}COPY . .\n{between}{run}", files)))

    safe = [one for one in proposals if one.is_safe]
    assert bool(safe) is (doubt == "")
    assert doubt in " ".join(text for one in proposals for text in doubts(one))


def test_a_copy_into_the_systems_folders_is_not_crossed(make_situation: MakeSituation) -> None:
    for place in ("/etc/app", "/usr/local/bin/x", "/usr", "/var/lib/x", "/root/.npmrc"):
        proposal = only(raise_installs.propose, make_situation(f"{TOP}COPY a.txt {place}\n{APT}", FILES))
        assert not proposal.is_safe, place


@pytest.mark.parametrize("place", ["/usr/src/app/", "/opt/app/", "/srv/x/", "/var/www/html/", "/home/app/src/", "/app"])
def test_folders_of_applications_are_crossed(place: str, make_situation: MakeSituation) -> None:
    assert only(raise_installs.propose, make_situation(f"FROM a/a\nCOPY src {place}\n{APT}", FILES)).is_safe


def test_the_working_folder_of_a_base_image_is_assumed_to_be_no_system_folder(make_situation: MakeSituation) -> None:
    proposal = only(raise_installs.propose, make_situation(f"FROM a/a\nCOPY . .\n{APT}", FILES))

    assert proposal.is_safe
    assert "the base image's working folder is none of the system's" in [
        one.text for one in proposal.conditions if one.standing is Standing.ASSUMED
    ]
    assert not only(raise_installs.propose, make_situation(f"FROM a/a\nCOPY . .\n{APT}", (*FILES, "etc/x"))).is_safe


@pytest.mark.parametrize(
    ("variable", "run", "is_safe"),
    [
        ("PIP_CONSTRAINT=/app/c.txt", "pip install uv", False),
        ("PIP_CONSTRAINT=c.txt", "pip install uv", False),
        ("PYTHONPATH=/app", "pip install uv", False),
        ("PATH=/app/.venv/bin:$PATH", "pip install uv", False),
        ("NODE_OPTIONS=--require=/app/x.js", "npm install -g pnpm", False),
        ("PATH=/app/node_modules/.bin:$PATH", "npm install -g pnpm", True),
        ("PATH=/app/bin:$PATH", "npm install -g pnpm", False),
        ("PATH=$HERE/node_modules/.bin:$PATH", "npm install -g pnpm", True),
        ("PATH=/app/.venv/bin:$PATH", "apt-get install -y git", True),
        ("PYTHONUNBUFFERED=1", "pip install uv", True),
    ],
)
def test_variables_that_point_into_the_copy_forbid(
    variable: str,
    run: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    text = f"FROM a/a\nENV {variable}\nCOPY . /app\nRUN {run}\n"
    situation = make_situation(text, FILES, ignore=["node_modules"])

    assert only(raise_installs.propose, situation).is_safe is is_safe


def test_a_link_at_the_destination_forbids(make_situation: MakeSituation) -> None:
    made = make_situation(f"FROM a/a\nRUN ln -s /usr/share/x /data\nCOPY src /data/src\n{APT}", FILES)
    copied = make_situation(f"FROM a/a\nWORKDIR /app\nCOPY src ./lnk/src\n{APT}", (*FILES, "lnk"), links=("lnk",))

    for situation in (made, copied):
        proposal = only(raise_installs.propose, situation)
        assert "no symbolic link" in " ".join(doubts(proposal))


@pytest.mark.parametrize(
    ("run", "is_safe"),
    [
        ("mkdir ./data", True),
        ("mkdir -p /app/data/deep /srv/x", True),
        ("mkdir data && chown 1000:1000 data && chmod 700 data", True),
        ("useradd --system app && mkdir /data && chown app /data", True),
        ("mkdir -p src/deep", False),
        ("mkdir -p /app", False),
        ("mkdir data && chown -R 1000 /app", False),
        ("chmod +x a.txt", False),
        ("mkdir $DATA", False),
        ("mkdir a.txt/x", False),
    ],
)
def test_folders_are_made_above_copies_that_put_nothing_there(
    run: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    proposals = list(raise_installs.propose(make_situation(f"{TOP}COPY . .\nRUN {run}\n", FILES)))

    assert bool([one for one in proposals if one.is_safe]) is is_safe


def test_a_folder_made_in_the_working_folder_stays_below_it(make_situation: MakeSituation) -> None:
    situation = make_situation("FROM a/a\nCOPY src /src\nWORKDIR /app\nRUN mkdir data\n", FILES)

    assert [one for one in raise_installs.propose(situation) if one.is_safe] == []


def test_other_syntaxes_and_windows_are_left_alone(make_situation: MakeSituation) -> None:
    text = f"{TOP}COPY . .\n{APT}"

    assert not only(raise_installs.propose, make_situation(f"# syntax=me/front\n{text}", FILES)).is_safe
    assert not only(raise_installs.propose, make_situation(f"# escape=`\n{text}", FILES)).is_safe
    assert only(raise_installs.propose, make_situation(f"# syntax=docker/dockerfile:1.7\n{text}", FILES)).is_safe


def test_an_argument_goes_down_to_its_use(make_situation: MakeSituation) -> None:
    wish = BuildWish(volatile=frozenset({"COMMIT"}))
    text = f"FROM a/a\nARG COMMIT\n{APT}COPY . .\nRUN build $COMMIT\n"
    proposal = only(lower_args.propose, make_situation(text, FILES, wish=wish))

    assert proposal.is_safe
    assert proposal.text == f"FROM a/a\n{APT}COPY . .\nARG COMMIT\nRUN build $COMMIT\n"


@pytest.mark.parametrize(
    ("middle", "files"),
    [
        pytest.param("RUN echo $COMMIT\n", {"a": ""}, id="read in the shell"),
        pytest.param("RUN echo ${COMMIT:-x}\n", {"a": ""}, id="read with default"),
        pytest.param("ENV REV=$COMMIT\n", {"a": ""}, id="becomes a variable"),
        pytest.param("COPY $COMMIT /x\n", {"a": ""}, id="in a path"),
        pytest.param("RUN <<E\necho $COMMIT\nE\n", {"a": ""}, id="in a heredoc"),
        pytest.param("ARG COMMIT=other\n", {"a": ""}, id="declared again"),
        pytest.param("RUN ./build\n", {"build": "echo $COMMIT"}, id="a script reads it"),
        pytest.param("RUN make\n", {"Makefile": "x:\n\techo $(COMMIT)\n"}, id="make reads it"),
        pytest.param("RUN make\n", {"Makefile": "COMMIT ?= x\nx:\n\techo $(COMMIT)\n"}, id="make prefers it"),
        pytest.param("RUN make\n", {"Makefile": "COMMIT := x\ny:\n\techo $$COMMIT\n"}, id="a recipe's shell reads it"),
        pytest.param("RUN npm run build\n", {"vite.config.js": "process.env.COMMIT"}, id="a tool's settings read it"),
        pytest.param("RUN go run x\n", {"x.go": 'os.Getenv("COMMIT")'}, id="go"),
        pytest.param("RUN ./x\n", {"x.py": 'os.environ["COMMIT"]'}, id="python"),
        pytest.param("RUN ./x\n", {"x.js": "const { CI, COMMIT } = process.env"}, id="destructured"),
        pytest.param("RUN ./x\n", {"x.rs": 'option_env!("COMMIT")'}, id="rust"),
        pytest.param("RUN ./x\n", {"x.yml": "commit: ${COMMIT}"}, id="template"),
        pytest.param("RUN ./build\n", {}, id="nobody knows the files"),
    ],
)
def test_an_argument_stays_above_what_may_read_it(
    middle: str, files: dict[str, str], make_situation: MakeSituation
) -> None:
    text = f"FROM a/a\nARG COMMIT\n{middle}RUN z $COMMIT\n"
    situation = make_situation(text, files, wish=BuildWish(volatile=frozenset({"COMMIT"})))
    proposals = [one for one in lower_args.propose(situation) if "ARG COMMIT from line 2" in one.title]

    assert [one for one in proposals if one.is_safe] == []


def test_a_makefile_that_sets_the_name_itself_does_not_read_it(make_situation: MakeSituation) -> None:
    files = {"Makefile": "COMMIT := $(shell git rev-parse HEAD)\nx:\n\techo $(COMMIT)\n"}
    situation = make_situation(
        "FROM a/a\nARG COMMIT\nRUN make x\nRUN z $COMMIT\n", files, wish=BuildWish(volatile=frozenset({"COMMIT"}))
    )

    assert only(lower_args.propose, situation).text == "FROM a/a\nRUN make x\nARG COMMIT\nRUN z $COMMIT\n"


def test_a_bare_word_of_another_language_reads_nothing(make_situation: MakeSituation) -> None:
    files = {"db.go": "const q = `BEGIN;\nCREATE TABLE x;\nCOMMIT;\n`"}
    situation = make_situation(
        "FROM a/a\nARG COMMIT\nRUN ./x\nRUN z $COMMIT\n", files, wish=BuildWish(volatile=frozenset({"COMMIT"}))
    )

    assert only(lower_args.propose, situation).is_safe


def test_a_label_alone_moves_for_chain_builders_only(make_situation: MakeSituation) -> None:
    text = "FROM a/a\nARG COMMIT\nLABEL r=$COMMIT\nCOPY a.txt /x\n"
    wish = BuildWish(volatile=frozenset({"COMMIT"}))

    assert [
        one.line for one in lower_args.propose(make_situation(text, FILES, wish=wish)) if "LABEL" in one.title
    ] == []
    chain = make_situation(text, FILES, wish=wish._replace(rules=CacheRules.CHAIN))
    assert [one.text for one in lower_args.propose(chain)] == [
        "FROM a/a\nARG COMMIT\nCOPY a.txt /x\nLABEL r=$COMMIT\n",
        "FROM a/a\nCOPY a.txt /x\nARG COMMIT\nLABEL r=$COMMIT\n",
    ]


def test_copies_with_destinations_apart_are_swapped(make_situation: MakeSituation) -> None:
    proposal = only(swap_copies.propose, make_situation("FROM a/a\nCOPY src /src\nCOPY a.txt /a/\n", FILES))

    assert proposal.is_safe
    assert proposal.text == "FROM a/a\nCOPY a.txt /a/\nCOPY src /src\n"


@pytest.mark.parametrize(
    "copies",
    [
        pytest.param("COPY src /x\nCOPY docs /x/docs\n", id="one inside the other"),
        pytest.param("COPY src /x\nCOPY docs /x\n", id="the same folder"),
        pytest.param("COPY a.txt /x/\nCOPY other/a.txt /x/\n", id="the same file"),
        pytest.param("WORKDIR /x\nCOPY . .\nCOPY a.txt ./a.txt\n", id="the last writer wins"),
        pytest.param("COPY src ./\nCOPY docs /docs\n", id="working folder unknown"),
        pytest.param("ADD x.tar.gz /x\nCOPY docs /x/docs\n", id="archive"),
        pytest.param("ADD https://x.org/y /x\nCOPY docs /docs\nADD https://x.org/z /z\nCOPY src /s\n", id="remote"),
        pytest.param("COPY --chown=1 src /x/a\nCOPY docs /x/b\n", id="owners of folders"),
        pytest.param("RUN ln -s /docs /src\nCOPY src /src\nCOPY docs /docs\n", id="symbolic link"),
    ],
)
def test_copies_that_may_overwrite_each_other_stay(copies: str, make_situation: MakeSituation) -> None:
    files = (*FILES, "docs/d.md", "other/a.txt", "x.tar.gz")
    proposals = list(swap_copies.propose(make_situation(f"FROM a/a\n{copies}", files)))

    assert [one.text for one in proposals if one.is_safe and "https" not in copies] == []


def test_files_of_one_folder_are_apart(make_situation: MakeSituation) -> None:
    situation = make_situation("FROM a/a\nWORKDIR /x\nCOPY a.txt ./\nCOPY requirements.txt ./\n", FILES)

    assert only(swap_copies.propose, situation).is_safe


def test_what_differs_goes_down_with_the_labels_made_of_it(make_situation: MakeSituation) -> None:
    head = "FROM a/a\nARG BUILD_DATE\nARG VCS_REF\n"
    label = "LABEL date=$BUILD_DATE \\\n      ref=$VCS_REF\n"
    rest = f"{APT}LABEL name=x\nCOPY a.txt /x\n"
    wish = BuildWish(volatile=frozenset({"BUILD_DATE", "VCS_REF"}))
    [proposal] = lower_args.propose(make_situation(f"{head}{label}\n{rest}CMD y\n", FILES, wish=wish))

    assert proposal.is_safe
    assert proposal.text == f"FROM a/a\n\n{rest}ARG BUILD_DATE\nARG VCS_REF\n{label}CMD y\n"


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("RUN echo $REF\n", id="a RUN uses it"),
        pytest.param("LABEL r=2\nRUN x\n", id="another label of the same name"),
        pytest.param("ONBUILD RUN x\n", id="a trigger"),
    ],
)
def test_labels_stay_above_what_uses_or_overrides_them(use: str, make_situation: MakeSituation) -> None:
    text = f"FROM a/a\nARG REF\nLABEL r=$REF\n{use}"

    assert list(lower_args.propose(make_situation(text, FILES, wish=BuildWish(volatile=frozenset({"REF"}))))) == []


def test_the_folder_that_nginx_serves_is_crossed_unless_nginx_is_installed(make_situation: MakeSituation) -> None:
    text = "FROM a/a\nCOPY src /usr/share/nginx/html\n"

    assert only(raise_installs.propose, make_situation(f"{text}RUN apk add curl\n", FILES)).is_safe
    assert not only(raise_installs.propose, make_situation(f"{text}RUN apk add nginx\n", FILES)).is_safe


@pytest.mark.parametrize(
    ("name", "package", "is_safe"),
    [
        ("REACT_APP_SHA", "{}", True),
        ("REACT_APP_SHA", '{"scripts": {"postinstall": "echo $REACT_APP_SHA"}}', False),
        ("NPM_SHA", "{}", False),
    ],
)
def test_what_the_build_of_a_project_reads_goes_below_its_installation(
    name: str,
    package: str,
    is_safe: bool,  # noqa: FBT001  # a column of the table
    make_situation: MakeSituation,
) -> None:
    files = {"package.json": package, "src/a.js": f"process.env.{name}"}
    situation = make_situation(
        f"FROM a/a\nARG {name}\nRUN yarn install\nRUN yarn build\n", files, wish=BuildWish(volatile=frozenset({name}))
    )
    proposals = list(lower_args.propose(situation))

    assert [one.text for one in proposals if one.is_safe] == (
        [f"FROM a/a\nRUN yarn install\nARG {name}\nRUN yarn build\n"] if is_safe else []
    )
