"""Pictures of a backtest: what share of failing runs each policy catches for what share of time, and calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cipredict.learn.failure import MODEL, FailureStudy

_SHOWN = ("cipredict", "prior/time", "decay10/time", "last-failed", "random", "oracle")
_COLOURS = {
    "cipredict": "#0b6e4f",
    "prior/time": "#c77d1e",
    "decay10/time": "#3066be",
    "last-failed": "#7d5ba6",
    "random": "#9aa0a6",
    "oracle": "#d0d4d9",
}


def draw_figures(study: FailureStudy, folder: Path) -> list[Path]:
    """Draw the caught curve and the calibration of a study as PNG files; give their paths."""
    paths = [draw_caught_curve(study, folder / "caught.png")]
    if study.calibration:
        paths.append(draw_calibration(study, folder / "calibration.png"))
    return paths


def draw_caught_curve(study: FailureStudy, path: Path) -> Path:
    """Draw the share of failing runs caught against the share of test time spent."""
    figure = Figure(figsize=(7, 4.2), dpi=144, layout="constrained")
    axes = figure.subplots()
    for name in _SHOWN:
        if name in study.results and study.results[name].first_shares:
            _draw_curve(axes, name, study.results[name].first_shares)
    axes.set(xlabel="share of test time spent", ylabel="failing runs caught", xlim=(0, 1), ylim=(0, 1.01))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    runs = study.results["oracle"].runs
    axes.set_title(f"{runs} failing runs that nothing was fitted on", fontsize=10, loc="left")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="lower right")
    figure.savefig(path)
    return path


def _draw_curve(axes: Axes, name: str, first_shares: tuple[float, ...]) -> None:
    shares = np.sort(np.asarray(first_shares))
    caught = np.arange(1, len(shares) + 1) / len(shares)
    axes.step(
        np.concatenate([[0], shares, [1]]),
        np.concatenate([[0], caught, [1]]),
        where="post",
        label=name,
        color=_COLOURS[name],
        linewidth=2.2 if name == MODEL else 1.3,
        zorder=3 if name == MODEL else 2,
    )


def draw_calibration(study: FailureStudy, path: Path) -> Path:
    """Draw observed against forecast failure probability, both on a logarithmic scale."""
    figure = Figure(figsize=(4.6, 4.2), dpi=144, layout="constrained")
    axes = figure.subplots()
    rows = [row for row in study.calibration if row.observed > 0]
    axes.plot([1e-4, 1], [1e-4, 1], color="#9aa0a6", linewidth=1)
    axes.scatter(
        [row.mean_forecast for row in rows],
        [row.observed for row in rows],
        s=[12 + 20 * np.log10(row.cases) for row in rows],
        color=_COLOURS[MODEL],
        zorder=3,
    )
    axes.set(xscale="log", yscale="log", xlabel="forecast probability of failure", ylabel="observed share")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    return path
