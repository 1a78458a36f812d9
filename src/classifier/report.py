"""The report of a training: tables for the terminal, metrics.json, plots and a page that shows them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from classifier.evaluation import Estimate, Gate
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, SLICES, VIETNAMESE, Route

_COLOURS = {"clear": "#4c9f70", "review": "#e0a030", "flag": "#c0392b"}
_BINS = 10


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", no_wrap=True)
    return table


def _figure(entry: Mapping[str, Any], percent: bool = False) -> str:
    if not percent:
        return str(Estimate(**entry))
    if entry["n"] == 0 or np.isnan(entry["value"]):
        return "–"
    return f"{entry['value']:.1%} [{entry['low']:.1%}, {entry['high']:.1%}]"


def metric_tables(report: Mapping[str, Any], bands: Mapping[str, Band]) -> list[Table]:
    """Build the tables of a report: quality, bands, protected slices, decisions."""
    quality = _table("Quality on the test split (95 % intervals)", "category", "violations", "average precision", "ROC AUC", "F1 at 0.5", "Brier")
    routed = _table("Bands on the test split", "category", "clear below", "flag from", "violations missed", "precision of flag", "sent to review")
    for category in CATEGORIES:
        entry, band = report["categories"][category], bands[category]
        quality.add_row(category, str(entry["violations"]), *(_figure(entry[name]) for name in ("average_precision", "roc_auc", "f1", "brier")))
        flag_from = "closed" if band.flag_from is None else f"{band.flag_from:.3f}"
        routed.add_row(
            category, f"{band.clear_below:.3f}", flag_from, *(_figure(entry[name], True) for name in ("missed", "flag_precision", "review_load"))
        )
    protected = _table("Protected slices of the test split", "slice", "posts", "flagged", "sent to review")
    for name in SLICES:
        entry = report["slices"][name]
        protected.add_row(name, str(entry["flagged"]["n"]), _figure(entry["flagged"], True), _figure(entry["reviewed"], True))
    overall = _table("Decisions on the test split", "share of", "value")
    for name, text in _OVERALL.items():
        overall.add_row(text, _figure(report["overall"][name], True))
    return [quality, routed, protected, overall]


_OVERALL = {
    "violations_cleared": "violations that end up clear (missed)",
    "violations_flagged": "violations flagged",
    "protected_flagged": "protected posts flagged",
    "protected_reviewed": "protected posts sent to review",
    "review_load": "all posts sent to review",
}


def gate_table(gates: Iterable[Gate]) -> Table:
    """Build the table that says which gate holds, and by how much another does not."""
    table = _table("Gates", "gate", "measured", "allowed", "")
    for gate in gates:
        measured = "–" if np.isnan(gate.value) else f"{gate.value:.4f}"
        verdict = "[green]passed[/green]" if gate.passed else f"[bold red]failed by {gate.value - gate.limit:.4f}[/bold red]"
        table.add_row(gate.name, measured, f"≤ {gate.limit:.4f}", verdict)
    return table


def print_report(console: Console, report: Mapping[str, Any], bands: Mapping[str, Band], gates: Iterable[Gate]) -> None:
    """Print all tables of a training."""
    for table in [*metric_tables(report, bands), gate_table(gates)]:
        console.print(table)


def write_report(
    folder: Path,
    report: Mapping[str, Any],
    bands: Mapping[str, Band],
    gates: Iterable[Gate],
    posts: pd.DataFrame,
    probability: np.ndarray,
) -> None:
    """Save the report beside a model.

    Parameters
    ----------
    folder : Path
        Gets `metrics.json`, `report.txt` and PNG plots; holds no text of a post.
    report : mapping
        Of `classifier.evaluation.evaluate`.
    bands : mapping of str to Band
    gates : iterable of Gate
    posts : pandas.DataFrame, n rows
        The test posts' labels.
    probability : numpy.ndarray, shape (n, n_categories)
    """
    folder.mkdir(parents=True, exist_ok=True)
    gates = list(gates)
    verdicts = [{"name": gate.name, "value": gate.value, "limit": gate.limit, "passed": gate.passed} for gate in gates]
    content = _without_nan({**report, "gates": verdicts})
    (folder / "metrics.json").write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    with (folder / "report.txt").open("w", encoding="utf-8") as stream:
        print_report(Console(file=stream, width=140), report, bands, gates)
    _plot(folder, report, bands, posts, probability)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null instead."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _plot(folder: Path, report: Mapping[str, Any], bands: Mapping[str, Band], posts: pd.DataFrame, probability: np.ndarray) -> None:
    from matplotlib.figure import Figure  # slow to import; the object interface needs no screen

    for name, draw in {"reliability": _draw_reliability, "precision_recall": _draw_precision_recall, "bands": _draw_bands}.items():
        figure = Figure(figsize=(11, 8.5), layout="constrained")
        for axis, (column, category) in zip(figure.subplots(2, 2).ravel(), enumerate(CATEGORIES), strict=True):
            known = posts[category].notna().to_numpy()
            draw(axis, posts[category].to_numpy()[known] == 1, probability[known, column], bands[category])
            axis.set_title(f"{category} · {VIETNAMESE[category]}")
        figure.savefig(folder / f"{name}.png", dpi=110)
    figure = Figure(figsize=(9, 5), layout="constrained")
    _draw_slices(figure.subplots(), report)
    figure.savefig(folder / "slices.png", dpi=110)


def _draw_reliability(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    edges = np.linspace(0, 1, _BINS + 1)
    bins = np.clip(np.digitize(probability, edges) - 1, 0, _BINS - 1)
    filled = [number for number in range(_BINS) if (bins == number).any()]
    axis.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="perfectly calibrated")
    axis.plot([probability[bins == b].mean() for b in filled], [truth[bins == b].mean() for b in filled], marker="o", label="model")
    for b in filled:
        axis.annotate(
            str((bins == b).sum()), (probability[bins == b].mean(), truth[bins == b].mean()), fontsize=7, xytext=(4, -9), textcoords="offset points"
        )
    axis.set(xlabel="mean predicted probability", ylabel="share of violations", xlim=(0, 1), ylim=(0, 1))
    axis.legend(fontsize=8)


def _draw_precision_recall(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    from sklearn.metrics import precision_recall_curve

    if not truth.any():
        return
    precision, recall, _ = precision_recall_curve(truth, probability)
    axis.step(recall, precision, where="post")
    for name, threshold in {"review": band.clear_below, "flag": band.flag_from}.items():
        if threshold is not None and (probability >= threshold).any():
            chosen = probability >= threshold
            axis.plot((truth & chosen).sum() / truth.sum(), truth[chosen].mean(), "o", color=_COLOURS[name], label=f"{name} from {threshold:.2f}")
    axis.axhline(truth.mean(), color="grey", linestyle=":", linewidth=1, label="chance")
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(fontsize=8)


def _draw_bands(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    bins = np.linspace(0, 1, 41)
    axis.hist([probability[~truth], probability[truth]], bins=bins, stacked=True, color=["#9ab", "#333"], label=["no violation", "violation"])
    axis.axvspan(0, band.clear_below, color=_COLOURS["clear"], alpha=0.15, label="clear")
    end = 1.0 if band.flag_from is None else band.flag_from
    axis.axvspan(band.clear_below, end, color=_COLOURS["review"], alpha=0.15, label="review")
    if band.flag_from is not None:
        axis.axvspan(band.flag_from, 1, color=_COLOURS["flag"], alpha=0.15, label="flag")
    axis.set(xlabel="calibrated probability", ylabel="test posts (log scale)", yscale="log", xlim=(0, 1))
    axis.legend(fontsize=8)


def _draw_slices(axis: Any, report: Mapping[str, Any]) -> None:
    left = np.zeros(len(SLICES))
    for route, key in ((Route.REVIEW, "reviewed"), (Route.FLAG, "flagged")):
        values = np.array([np.nan_to_num(report["slices"][name][key]["value"]) for name in SLICES])
        axis.barh(SLICES, values, left=left, color=_COLOURS[route.label], label=route.label)
        left += values
    axis.set(xlabel="share of the slice's test posts", title="Protected slices: what is sent to review or flagged")
    axis.invert_yaxis()
    axis.legend()
