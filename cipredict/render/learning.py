"""What a training or backtest measured, as tables and as a model card. Pure: values in, tables and text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from cipredict.forecast.bundle import Manifest
from cipredict.render.console import render_table
from cipredict.render.plain import percent

Measures = Mapping[str, float]
BUDGETS = ("5", "10", "20", "30", "50")
_ORDER = (
    "oracle",
    "cipredict",
    "champion",
    "prior/time",
    "rules/time",
    "decay10/time",
    "decay10",
    "last-failed",
    "failure-rate",
    "shortest",
    "random",
)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _in_order(metrics: Mapping[str, Measures]) -> list[tuple[str, Measures]]:
    known = [name for name in _ORDER if name in metrics]
    return [(name, metrics[name]) for name in (*known, *sorted(metrics.keys() - set(known)))]


def render_policies(metrics: Mapping[str, Measures], *, runs: int, new_runs: int) -> list[Table]:
    """Lay out every policy: all failing runs, then only the newly failing cases."""
    everything = [
        [name, _number(m.get("apfd")), _number(m.get("apfdc")), *(percent(m.get(f"caught_{b}")) for b in BUDGETS)]
        for name, m in _in_order(metrics)
    ]
    newly = [
        [name, _number(m.get("new_apfdc")), *(percent(m.get(f"new_caught_{b}")) for b in BUDGETS)]
        for name, m in _in_order(metrics)
    ]
    budgets = [f"caught at {budget}%" for budget in BUDGETS]
    return [
        render_table(
            f"Failing runs caught, by share of test time ({runs} runs)",
            ["policy", "APFD", "APFDc", *budgets],
            everything,
        ),
        render_table(f"Newly failing cases only ({new_runs} runs)", ["policy", "APFDc", *budgets], newly),
    ]


def render_seconds(predictor: str, manifest_metrics: Mapping[str, Measures], *, served_by: str) -> Table:
    """Lay out the error of a forecast of seconds beside its baselines."""
    rows = [
        [f"{name}{'  (serves)' if name == served_by else ''}", percent(m.get("wape"))]
        for name, m in sorted(manifest_metrics.items(), key=lambda item: item[1].get("wape", 9e9))
    ]
    return render_table(f"{predictor}: error of expected seconds", ["policy", "WAPE"], rows)


def render_calibration(rows: Iterable[tuple[float, float, int, float, float]]) -> Table:
    """Lay out forecast against observed failure shares."""
    cells = [
        [f"{percent(low)} to {percent(high)}", f"{cases:,}", f"{forecast:.2%}", f"{observed:.2%}"]
        for low, high, cases, forecast, observed in rows
    ]
    return render_table(
        "Calibration of failure probabilities", ["forecast", "case runs", "mean forecast", "observed"], cells
    )


def render_summary(manifest: Manifest) -> Table:
    """Say to a newcomer what selection would have brought on runs that nothing was learned from."""
    metrics = manifest.served["failure"].metrics
    who = (
        ("cipredict", "cipredict"),
        ("prior/time", "history and change, nothing learned"),
        ("decay10/time", "decayed failure rate / time"),
        ("last-failed", "last failed first"),
        ("random", "random order"),
    )
    rows = [
        [
            words,
            percent(metrics[name].get("caught_20")),
            percent(metrics[name].get("new_caught_20")),
            percent(metrics[name].get("time_to_red_saved")),
        ]
        for name, words in who
        if name in metrics
    ]
    return render_table(
        f"What {len(manifest.needed_shares)} failing runs of the holdout would have seen",
        ["order of cases", "caught in 20% of the time", "newly failing caught", "time to first failure saved"],
        rows,
    )


def render_served(manifest: Manifest) -> Table:
    """Say who serves each predictor, and why."""
    rows = [
        [
            name,
            served.by,
            " ".join(f"{member} {weight:.2f}" for member, weight in sorted(served.weights.items())) or "-",
            served.reasons[0] if served.reasons else "beats every baseline",
        ]
        for name, served in manifest.served.items()
    ]
    return render_table(
        f"Who serves (model version {manifest.model_version or '-'})",
        ["predictor", "served by", "weights", "because"],
        rows,
    )


def render_card(manifest: Manifest) -> str:
    """Write a model card in Markdown (Mitchell et al., "Model Cards for Model Reporting", 2019)."""
    lines = [
        f"# Model card: cipredict version {manifest.model_version or 'unregistered'}",
        "",
        f"Repository `{manifest.repository or 'unnamed'}`, {manifest.history_runs} runs "
        f"from {manifest.history_from[:10]} to {manifest.history_to[:10]}; "
        f"learned from runs up to {manifest.trained_to[:10]}, judged on the later ones.",
        "",
        "## Who serves",
        "",
        *_markdown(
            ["predictor", "served by", "fitted weights", "why not the ensemble"],
            [[n, s.by, _weights(s.weights), "; ".join(s.reasons) or "-"] for n, s in manifest.served.items()],
        ),
        "",
        "## Failure of a case given a change, on the holdout",
        "",
        *_markdown(
            ["policy", "APFD", "APFDc", "caught at 20 % of time", "newly failing caught at 20 %"],
            [
                [
                    n,
                    _number(m.get("apfd")),
                    _number(m.get("apfdc")),
                    percent(m.get("caught_20")),
                    percent(m.get("new_caught_20")),
                ]
                for n, m in _in_order(manifest.served["failure"].metrics)
            ],
        ),
        "",
        "## Seconds, WAPE on the holdout",
        "",
        *_markdown(
            ["predictor", "policy", "WAPE"],
            [
                [predictor, name, percent(m.get("wape"))]
                for predictor in ("case_time", "run_time")
                for name, m in sorted(manifest.served[predictor].metrics.items())
            ],
        ),
        "",
        f"Intervals promise {percent(manifest.coverage)}; observed on the holdout: "
        + ", ".join(f"{name} {percent(share)}" for name, share in sorted(manifest.observed_coverage.items()))
        + ".",
        "",
        "## Limits",
        "",
        "A case that no feature ties to a change is ranked by its history and cost alone. Probabilities are calibrated",
        "on the runs before the holdout; a project that changes its ways needs a new training. Full runs on the",
        "default branch keep the labels unbiased.",
    ]
    return "\n".join(lines) + "\n"


def _weights(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:.2f}" for name, weight in sorted(weights.items())) or "-"


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
