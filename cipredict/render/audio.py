"""Scores of audio files for people: the worst first, then what could not be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cipredict.render.inert import one_line
from cipredict.render.plain import plain_table

_COLUMNS = ("pesq_nb", "pesq_wb", "stoi", "estoi", "si_sdr", "dnsmos_ovrl", "loudness")


def render_scores(document: Mapping[str, object], *, worst: int) -> str:
    """Give the table of the worst files by the score in use, the files without one, and the means."""
    files = [one for one in _list(document["files"]) if isinstance(one, dict)]
    score = str(document["score"])
    scored = sorted((one for one in files if score in one["scores"]), key=lambda one: one["scores"][score])
    columns = [name for name in _COLUMNS if any(name in one["scores"] for one in files)]
    rows = [
        [one_line(one["name"], longest=60), *(_cell(one["scores"], name) for name in columns)] for one in scored[:worst]
    ]
    lines = []
    if rows:
        title = f"Worst {len(rows)} of {len(files)} files by {score}" if len(scored) > worst else f"Files by {score}"
        lines = [plain_table(title, ["file", *columns], rows), ""]
    lines += [
        f"{one_line(one['name'])}: {'; '.join(map(one_line, one['problems']))}" for one in files if one["problems"]
    ]
    lines += [
        f"{one_line(one['name'])}: {'; '.join(map(one_line, one['notes']))}" for one in scored[:worst] if one["notes"]
    ]
    return "\n".join([*lines, *_means(document)]) + "\n"


def _means(document: Mapping[str, object]) -> list[str]:
    metrics = [one for one in _list(document["metrics"]) if isinstance(one, dict)]
    return [
        f"{one['name']}: {'-' if one['value'] is None else one['value']} ({one_line(str(one['reason']))})"
        for one in metrics
        if one["name"] == "audio_quality_score"
    ]


def _cell(scores: Mapping[str, float], name: str) -> str:
    if name not in scores:
        return "-"
    return f"{scores[name]:.1f}" if name in {"si_sdr", "loudness"} else f"{scores[name]:.3f}"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []
