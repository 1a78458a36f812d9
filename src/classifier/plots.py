"""The pictures of a report, as PNG files; none holds the text of a post."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, SLICES, VIETNAMESE, Route

_COLOURS = {"clear": "#4c9f70", "review": "#e0a030", "flag": "#c0392b"}
_BINS = 10


def plot_report(folder: Path, report: Mapping[str, Any], bands: Mapping[str, Band], posts: pd.DataFrame, probability: np.ndarray) -> None:
    """Draw all pictures of a report.

    Parameters
    ----------
    folder : Path
        Gets one PNG a picture.
    report : mapping
        Of `classifier.assessment.assess`.
    bands : mapping of str to Band
    posts : pandas.DataFrame, n rows
        The test posts' labels.
    probability : numpy.ndarray, shape (n, n_categories)
    """
    for name, draw in _BY_CATEGORY.items():
        figure = _figure(11, 8.5)
        for axis, (column, category) in zip(figure.subplots(2, 2).ravel(), enumerate(CATEGORIES), strict=True):
            known = posts[category].notna().to_numpy()
            draw(axis, posts[category].to_numpy()[known] == 1, probability[known, column], bands[category])
            axis.set_title(f"{category} · {VIETNAMESE[category]}")
        figure.savefig(folder / f"{name}.png", dpi=110)
    for name, draw_all in _WHOLE.items():
        figure = _figure(9, 5.5)
        draw_all(figure.subplots(), report)
        figure.savefig(folder / f"{name}.png", dpi=110)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # slow to import; the object interface needs no screen

    return Figure(figsize=(width, height), layout="constrained")


def draw_reliability(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    """Predicted against true shares of violations, over bins of equal width; the number of posts stands beside each."""
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


def draw_precision_recall(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    """Precision against recall, with the thresholds in use."""
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


def draw_bands(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    """How the probabilities of violations and other posts lie in the bands."""
    bins = np.linspace(0, 1, 41)
    axis.hist([probability[~truth], probability[truth]], bins=bins, stacked=True, color=["#9ab", "#333"], label=["no violation", "violation"])
    axis.axvspan(0, band.clear_below, color=_COLOURS["clear"], alpha=0.15, label="clear")
    end = 1.0 if band.flag_from is None else band.flag_from
    axis.axvspan(band.clear_below, end, color=_COLOURS["review"], alpha=0.15, label="review")
    if band.flag_from is not None:
        axis.axvspan(band.flag_from, 1, color=_COLOURS["flag"], alpha=0.15, label="flag")
    axis.set(xlabel="calibrated probability", ylabel="test posts (log scale)", yscale="log", xlim=(0, 1))
    axis.legend(fontsize=8)


def draw_trade_off(axis: Any, truth: np.ndarray, probability: np.ndarray, band: Band) -> None:
    """What every possible `clear` threshold costs in looks and misses, and every `flag` threshold in wrong flags."""
    if not truth.any() or truth.all():
        return
    order = np.argsort(-probability, kind="stable")
    found, wrong = np.cumsum(truth[order]), np.cumsum(~truth[order])
    share = np.arange(1, len(order) + 1) / len(order)
    axis.plot(share, 1 - found / truth.sum(), color=_COLOURS["review"], label="violations missed, if this share is looked at")
    axis.plot(share, wrong / np.arange(1, len(order) + 1), color=_COLOURS["flag"], label="wrong ones among them")
    for name, threshold in {"review": band.clear_below, "flag": band.flag_from}.items():
        chosen = probability >= (2.0 if threshold is None else threshold)
        if chosen.any():
            height, what = (1 - truth[chosen].sum() / truth.sum(), "missed") if name == "review" else (1 - truth[chosen].mean(), "wrong")
            taken = "not clear" if name == "review" else "flagged"
            axis.plot(chosen.mean(), height, "o", color=_COLOURS[name], label=f"chosen: {chosen.mean():.0%} {taken}, {height:.0%} {what}")
    axis.set(xlabel="share of test posts, most suspect first", xlim=(0, 0.6), ylim=(0, 1))
    axis.legend(fontsize=8)


_BY_CATEGORY: dict[str, Callable[[Any, np.ndarray, np.ndarray, Band], None]] = {
    "reliability": draw_reliability,
    "precision_recall": draw_precision_recall,
    "bands": draw_bands,
    "trade_off": draw_trade_off,
}


def draw_slices(axis: Any, report: Mapping[str, Any]) -> None:
    """What is sent to review or flagged of each protected slice."""
    left = np.zeros(len(SLICES))
    for route, key in ((Route.REVIEW, "reviewed"), (Route.FLAG, "flagged")):
        values = np.array([np.nan_to_num(report["slices"][name][key]["value"]) for name in SLICES])
        axis.barh(SLICES, values, left=left, color=_COLOURS[route.label], label=route.label)
        left += values
    axis.set(xlabel="share of the slice's test posts", title="Protected slices: what is sent to review or flagged")
    axis.invert_yaxis()
    axis.legend()


def draw_evasion(axis: Any, report: Mapping[str, Any]) -> None:
    """Recall lost to each disguise, at equal precision and at the thresholds in use."""
    names = list(report["evasion"])
    places = np.arange(len(names))
    axis.barh(places - 0.2, [report["evasion"][name]["recall_lost"] for name in names], 0.4, color="#456", label="at equal precision")
    axis.barh(
        places + 0.2, [report["evasion"][name]["recall_lost_at_thresholds"] for name in names], 0.4, color="#abc", label="at the thresholds in use"
    )
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set(xlabel="share of violations no longer found", title="What a disguise gains its writer", yticks=places, yticklabels=names)
    axis.invert_yaxis()
    axis.legend()


_WHOLE: dict[str, Callable[[Any, Mapping[str, Any]], None]] = {"slices": draw_slices, "evasion": draw_evasion}
