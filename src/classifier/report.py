"""The report of a training: tables for the terminal, metrics.json and plots."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from classifier.evaluation import Estimate
from classifier.gates import Gate, closest_gates
from classifier.plots import plot_report
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, SLICES


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
    """Build the tables of a report, in the order in which they are read."""
    tables = [_quality(report), _calibration(report), _bands(report, bands)]
    if "promises" in report:
        tables.append(_promises(report["promises"]))
    return [*tables, _elsewhere(report), _slices(report), _overall(report), _identity(report), _pairs(report), evasion_table(report)]


def _quality(report: Mapping[str, Any]) -> Table:
    table = _table("Quality on the test split (95 % intervals)", "category", "violations", "average precision", "ROC AUC", "F1 at 0.5")
    for category in CATEGORIES:
        entry = report["categories"][category]
        table.add_row(category, str(entry["violations"]), *(_figure(entry[name]) for name in ("average_precision", "roc_auc", "f1")))
    return table


def _calibration(report: Mapping[str, Any]) -> Table:
    table = _table(
        "Calibration: the method that validated best out of fold", "category", "method", "log loss by method", "calibration error", "Brier"
    )
    for category in CATEGORIES:
        entry, chosen = report["categories"][category], report["calibration"][category]
        losses = " ".join(f"{name} {loss:.4f}" for name, loss in chosen["log_losses"].items()) or "–"
        table.add_row(category, chosen["method"], losses, _figure(entry["calibration_error"]), _figure(entry["brier"]))
    return table


def _bands(report: Mapping[str, Any], bands: Mapping[str, Band]) -> Table:
    table = _table("Bands on the test split", "category", "clear below", "flag from", "violations missed", "precision of flag", "sent to review")
    for category in CATEGORIES:
        entry, band = report["categories"][category], bands[category]
        flag_from = "closed" if band.flag_from is None else f"{band.flag_from:.3f}"
        shares = (_figure(entry[name], True) for name in ("missed", "flag_precision", "review_load"))
        table.add_row(category, f"{band.clear_below:.3f}", flag_from, *shares)
    return table


def _promises(promises: Mapping[str, Any]) -> Table:
    table = _table("Promises (with the confidence asked for)", "category", "promised", "on calibration", "on test", "")
    for category, by_band in promises.items():
        for name, promise in by_band.items():
            promised = f"clear: missed ≤ {promise['target']:.0%}" if name == "clear" else f"flag: right ≥ {promise['target']:.0%}"
            promised += f" ({promise['confidence']:.0%})"
            if promise["threshold"] is None:
                table.add_row(category, promised, "–", "–", _closed(promise["needed"]))
                continue
            observed = f"{promise['observed']:.1%} of {promise['n']}"
            table.add_row(category, promised, observed, _figure(promise["test"], True), _verdict(name, promise))
        if "flag" not in by_band:
            table.add_row(category, "flag: never, by rule", "", "", "")
    return table


def _closed(needed: int | None) -> str:
    return "closed: more posts would not open it" if needed is None else f"closed: needs some {needed:,} more labelled posts"


def _verdict(band: str, promise: Mapping[str, Any]) -> str:
    value = promise["test"]["value"]
    if np.isnan(value):
        return ""
    kept = value <= promise["target"] if band == "clear" else value >= promise["target"]
    within = promise["test"]["low"] <= promise["target"] <= promise["test"]["high"]
    return "kept" if kept else ("missed, within chance" if within else "missed")


def _elsewhere(report: Mapping[str, Any]) -> Table:
    """Where violations are rarer than here, the same bands send fewer posts to people, and more of those are harmless."""
    table = _table(
        "The same bands where violations are rarer", "category", "share of violations", "sent to people", "right among flags", "right among all sent"
    )
    for category in CATEGORIES:
        for position, entry in enumerate(report["categories"][category]["elsewhere"]):
            name = category if position == 0 else ""
            rate = f"{entry['rate']:.1%}" + (" (here)" if position == 0 else "")
            shares = (
                "–" if np.isnan(entry[key]) else f"{entry[key]:.1%}"
                for key in ("sent_to_people", "precision_of_flag", "precision_of_flag_and_review")
            )
            table.add_row(name, rate, *shares)
    return table


def _slices(report: Mapping[str, Any]) -> Table:
    table = _table("Protected slices of the test split", "slice", "posts", "flagged", "sent to review")
    for name in SLICES:
        entry = report["slices"][name]
        table.add_row(name, str(entry["flagged"]["n"]), _figure(entry["flagged"], True), _figure(entry["reviewed"], True))
    return table


def _overall(report: Mapping[str, Any]) -> Table:
    table = _table("Decisions on the test split", "share of", "value")
    for name, text in _OVERALL.items():
        table.add_row(text, _figure(report["overall"][name], True))
    return table


def _identity(report: Mapping[str, Any]) -> Table:
    table = _table("insult where an identity is named (AUC)", "kind", "violations", "others", "subgroup", "BPSN", "BNSP", "all posts")
    for kind, entry in report["identity"].items():
        figures = ("–" if np.isnan(entry[name]) else f"{entry[name]:.3f}" for name in ("subgroup", "bpsn", "bnsp", "overall"))
        table.add_row(kind, str(entry["n_positive"]), str(entry["n_negative"]), *figures)
    return table


def _pairs(report: Mapping[str, Any]) -> Table:
    table = _table("Minimal pairs: how far a probability moves with whom the sentence names", "set", "sentences", "mean spread", "largest spread")
    for name, entry in report["pairs"].items():
        table.add_row(name, str(entry["sentences"]), f"{entry['mean']:.4f}", f"{entry['largest']:.4f}")
    return table


def evasion_table(report: Mapping[str, Any]) -> Table:
    """Build the table of what each disguise costs."""
    table = _table(
        "Disguises", "transformation", "recall lost at equal precision", "at the thresholds in use", "protected flagged", "protected to review"
    )
    for name, cost in report["evasion"].items():
        columns = ("recall_lost", "recall_lost_at_thresholds", "more_flagged", "more_reviewed")
        table.add_row(name, *(f"{cost[column]:+.1%}" for column in columns))
    return table


_OVERALL = {
    "violations_cleared": "violations that end up clear (missed)",
    "violations_flagged": "violations flagged",
    "protected_flagged": "protected posts flagged",
    "protected_reviewed": "protected posts sent to review",
    "review_load": "all posts sent to review",
}


def gate_table(gates: Iterable[Gate]) -> Table:
    """Build the table that says which gate fails and by how much; of a family that holds, the closest call stands for all."""
    table = _table("Gates", "gate", "closest, and all that fail", "measured", "allowed", "")
    for family in closest_gates(gates):
        for gate in family["shown"]:
            measured = "–" if np.isnan(gate.value) else f"{gate.value:.4f}"
            held = f"[green]{family['total']} of {family['total']} passed[/green]"
            verdict = held if gate.passed else f"[bold red]failed by {gate.value - gate.limit:.4f}[/bold red]"
            table.add_row(family["name"], gate.name, measured, f"≤ {gate.limit:.4f}", verdict)
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
        Of `classifier.assessment.assess`, with its promises where they are known.
    bands : mapping of str to Band
    gates : iterable of Gate
    posts : pandas.DataFrame, n rows
        The test posts' labels.
    probability : numpy.ndarray, shape (n, n_categories)
    """
    folder.mkdir(parents=True, exist_ok=True)
    gates = list(gates)
    verdicts = [{"family": gate.family, "name": gate.name, "value": gate.value, "limit": gate.limit, "passed": gate.passed} for gate in gates]
    content = _without_nan({**report, "gates": verdicts})
    (folder / "metrics.json").write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    with (folder / "report.txt").open("w", encoding="utf-8") as stream:
        print_report(Console(file=stream, width=140), report, bands, gates)
    plot_report(folder, report, bands, posts, probability)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null instead."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
