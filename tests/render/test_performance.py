from __future__ import annotations

import re
from math import log

from cipredict.plans.comparison import Comparison, SeriesFinding, Standing
from cipredict.render.performance import render_annotations, render_comparison, render_markdown

SLOWER = SeriesFinding(
    "parse|json", Standing.REGRESSION, "z 9.0", unit="s", base=0.001, head=0.0012, shift=log(1.2), low=0.1, high=0.3
)
UNCHANGED = SeriesFinding("load", Standing.UNCHANGED, "z 0.1", unit="s", base=1.0, head=1.0, shift=0.0)
COMPARISON = Comparison((SLOWER, UNCHANGED), (), paired=True, notes=("A note.",))


def test_people_see_what_stands_out_and_why() -> None:
    text = "\n".join(render_comparison(COMPARISON))

    cells = ["parse|json", "regression", "1 ms", "1.2 ms", "+20.0 %", "+10.5 … +35.0 %", "z 9.0"]

    assert cells in [re.split(r"\s{2,}", line) for line in text.splitlines()]
    assert "load" not in text
    assert text.endswith("block: Slower, and a second machine confirms it. 1 regression, 1 unchanged.")


def test_all_can_be_listed() -> None:
    assert "load" in "\n".join(render_comparison(COMPARISON, show_all=True))


def test_candidates_ask_for_a_second_machine() -> None:
    candidate = Comparison((SLOWER._replace(standing=Standing.CANDIDATE),), (), paired=True)

    assert "Measure 1 again on another machine" in "\n".join(render_comparison(candidate))


def test_a_long_list_is_cut_and_says_so() -> None:
    many = Comparison(tuple(SLOWER._replace(series=str(k)) for k in range(50)), (), paired=True)

    assert "… and 10 more" in "\n".join(render_comparison(many))


def test_markdown_escapes_what_would_break_a_table() -> None:
    assert "`parse\\|json`" in render_markdown(COMPARISON)


def test_annotations_are_errors_for_what_blocks_only() -> None:
    soft = SLOWER._replace(is_blocking=False)
    lines = render_annotations(Comparison((SLOWER, soft, UNCHANGED), (), paired=True)).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]
    assert "20.0 %25 worse" in lines[0]
