"""The figures of the review as PNG pictures, each beside a table of the same numbers; none holds a post or a name."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from classifier.evaluation import Estimate
from classifier.review.figures import AGE_BINS, Waiting
from classifier.taxonomy import CATEGORIES, VIETNAMESE

_COLOURS = {"clear": "#4c9f70", "review": "#e0a030", "flag": "#c0392b", "overruled": "#555555"}
_AGREEMENT_COLOURS = {"raw": "#99aabb", "kappa": "#445566", "ac1": "#4c9f70"}
_STATE_COLOURS = {"open": "#445566", "disputed": "#c0392b"}
_LIMIT = "#c0392b"
_OWN_LINES = 12
"""Batches that fit beside each other."""

LANGUAGES = ("vi", "en")
_VI = {
    **VIETNAMESE,
    "ages": "Bài đang chờ, theo thời gian đã chờ",
    "days": "ngày",
    "posts": "số bài",
    "open": "chờ quyết định",
    "disputed": "chờ phân xử",
    "decisions": "Số quyết định mỗi ngày",
    "agreement": "Hai người đồng ý với nhau đến đâu, khi chưa thấy ý nhau",
    "raw": "tỉ lệ trùng ý",
    "kappa": "kappa",
    "ac1": "AC1",
    "against_people": "Người duyệt cho là vi phạm, theo cách máy xếp",
    "overruled": "máy bị bác",
    "share": "tỉ lệ, kèm khoảng tin cậy",
    "drift": "Xác suất của từng đợt lệch bao xa so với lúc huấn luyện",
    "stability": "chỉ số ổn định (PSI)",
    "limit": "giới hạn",
    "empty": "chưa có số liệu",
}
_EN = {
    "ages": "Waiting posts by how long they have waited",
    "days": "days",
    "posts": "posts",
    "open": "to be decided",
    "disputed": "to be adjudicated",
    "decisions": "Decisions a day",
    "agreement": "How far two people agree who have not seen each other's answer",
    "raw": "raw agreement",
    "kappa": "kappa",
    "ac1": "AC1",
    "against_people": "Violations according to people, by the model's route",
    "overruled": "model overruled",
    "share": "share, with interval",
    "drift": "How far each batch's probabilities lie from training",
    "stability": "population stability index (PSI)",
    "limit": "limit",
    "empty": "no figures yet",
}


def draw_ages(length: Sequence[Waiting], language: str) -> bytes:
    """Draw how long posts have waited; `length` is that of `figures.queue_length`."""
    words = _words(language)
    figure, axis = _canvas(words["ages"])
    names = [f"{low:g}–{high:g}" if np.isfinite(high) else f"> {low:g}" for low, high in pairwise(AGE_BINS)]
    bottom = np.zeros(len(names))
    for row in length:
        axis.bar(names, row.ages, bottom=bottom, color=_STATE_COLOURS[row.state], label=words[row.state])
        bottom += np.array(row.ages)
    axis.set(xlabel=words["days"], ylabel=words["posts"])
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.legend()
    return _png(figure)


def draw_decisions(by_day: pd.DataFrame, language: str) -> bytes:
    """Draw the decisions a day; `by_day` is that of `store.decisions_by_day`."""
    words = _words(language)
    figure, axis = _canvas(words["decisions"])
    if by_day.empty:
        return _without_figures(figure, axis, words)
    counts = by_day.set_index(pd.to_datetime(by_day["day"]))["decisions"].asfreq("D", fill_value=0)
    axis.bar([f"{day:%d/%m}" for day in counts.index], counts.to_numpy(), color=_STATE_COLOURS["open"])
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.set_xticks(axis.get_xticks()[:: max(1, len(counts) // _OWN_LINES)])
    return _png(figure)


def draw_agreement(agreement: Mapping[str, Mapping[str, Estimate]], language: str) -> bytes:
    """Draw what `figures.agreement` gives."""
    return _draw_estimates(agreement, _AGREEMENT_COLOURS, "agreement", language)


def draw_against_people(figures: Mapping[str, Mapping[str, Estimate]], language: str) -> bytes:
    """Draw what `figures.against_people` gives."""
    return _draw_estimates(figures, _COLOURS, "against_people", language)


def draw_drift(drift: pd.DataFrame, limit: float, language: str) -> bytes:
    """Draw what `figures.drift` gives, the latest batches on the right."""
    words = _words(language)
    figure, axis = _canvas(words["drift"])
    if drift.empty:
        return _without_figures(figure, axis, words)
    for category, rows in drift.groupby("category", sort=False):
        last = rows.sort_values("batch_id").tail(_OWN_LINES)
        axis.plot([f"#{batch}" for batch in last["batch_id"]], last["stability"], marker="o", label=words[str(category)])
    axis.axhline(limit, color=_LIMIT, linestyle="--", linewidth=1, label=words["limit"])
    axis.set(ylabel=words["stability"])
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)
    return _png(figure)


def _draw_estimates(estimates: Mapping[str, Mapping[str, Estimate]], colours: Mapping[str, str], title: str, language: str) -> bytes:
    """Points with intervals, side by side within each category; what isn't known is left out."""
    words = _words(language)
    figure, axis = _canvas(words[title])
    places = np.arange(len(CATEGORIES))
    for shift, (name, colour) in zip(np.linspace(-0.27, 0.27, len(colours)), colours.items(), strict=True):
        known = [(place, estimates[category][name]) for place, category in enumerate(CATEGORIES) if not np.isnan(estimates[category][name].value)]
        if known:
            value = np.array([estimate.value for _, estimate in known])
            reach = np.array([[estimate.value - estimate.low, estimate.high - estimate.value] for _, estimate in known]).T.clip(min=0)
            axis.errorbar([place + shift for place, _ in known], value, yerr=reach, fmt="o", color=colour, capsize=3, label=words[name])
    if not axis.containers:
        return _without_figures(figure, axis, words)
    axis.set(xticks=places, xticklabels=[words[category] for category in CATEGORIES], ylabel=words["share"])
    axis.set_ylim(top=1.05)
    axis.grid(axis="y", linewidth=0.4)
    axis.legend(fontsize=8)
    return _png(figure)


def _words(language: str) -> dict[str, str]:
    """Every word of the pictures in one of `LANGUAGES`; in English the names of categories and routes are their own."""
    return _VI if language == "vi" else {**{name: name for name in VIETNAMESE}, **_EN}


def _canvas(title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # slow to import; the object interface needs no screen and is safe among threads

    figure = Figure(figsize=(8, 4), layout="constrained")
    axis = figure.subplots()
    axis.set_title(title, fontsize=11)
    return figure, axis


def _without_figures(figure: Any, axis: Any, words: Mapping[str, str]) -> bytes:
    axis.text(0.5, 0.5, words["empty"], ha="center", va="center", transform=axis.transAxes)
    axis.set_axis_off()
    return _png(figure)


def _png(figure: Any) -> bytes:
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()
