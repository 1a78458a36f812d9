"""The model card of a version: purpose, misuse, data, figures, promise and appeal, written in English and in Vietnamese.

After Mitchell et al. (2019), Model Cards for Model Reporting. All words stand in the templates `model_card.<language>.md`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from classifier.corpus.splits import SPLITS
from classifier.gates import Gate, closest_gates
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, NEVER_FLAGGED, SLICES, VIETNAMESE

_UNKNOWN = "–"


@dataclass(frozen=True)
class Notation:
    """How a language writes figures.

    Attributes
    ----------
    decimal, thousands : str
        Signs within a number.
    between : str
        What stands between the ends of an interval.
    time : str
        Format of a point in time, for `strftime`.

    Examples
    --------
    >>> vietnamese = Notation(",", ".", "; ", "%d/%m/%Y")
    >>> vietnamese.figure({"value": 0.855, "low": 0.819, "high": 0.887, "n": 1918})
    '0,855 [0,819; 0,887]'
    >>> vietnamese.whole(1918), vietnamese.percent(0.099), vietnamese.points(-0.0312), vietnamese.hundred(0.9)
    ('1.918', '9,9 %', '−3,1', '90')
    """

    decimal: str
    thousands: str
    between: str
    time: str

    def number(self, value: float, digits: int = 3) -> str:
        """Write a number with so many decimals."""
        return _UNKNOWN if np.isnan(value) else self._signs(f"{round(value, digits) + 0.0:,.{digits}f}")

    def whole(self, value: int) -> str:
        """Write a count."""
        return self._signs(f"{value:,}")

    def hundred(self, share: float) -> str:
        """Write how many of a hundred a share is."""
        return self._signs(f"{100 * share:g}")

    def percent(self, share: float) -> str:
        """Write a share in per cent."""
        return _UNKNOWN if np.isnan(share) else f"{self.number(100 * share, 1)} %"

    def points(self, change: float) -> str:
        """Write a change of a share in percentage points, always with its sign."""
        return _UNKNOWN if np.isnan(change) else self._signs(f"{round(100 * change, 1) + 0.0:+,.1f}")

    def figure(self, entry: Mapping[str, Any], digits: int = 3) -> str:
        """Write a figure with its interval."""
        if np.isnan(entry["value"]):
            return _UNKNOWN
        return f"{self.number(entry['value'], digits)} {self._interval(entry['low'], entry['high'], digits)}"

    def share(self, entry: Mapping[str, Any]) -> str:
        """Write a share with its interval in per cent."""
        if np.isnan(entry["value"]):
            return _UNKNOWN
        return f"{self.percent(entry['value'])} {self._interval(100 * entry['low'], 100 * entry['high'], 1)}"

    def moment(self, stamp: str) -> str:
        """Write a point in time that is given as `2026-11-24T08:48:10Z`."""
        return datetime.fromisoformat(stamp).strftime(self.time)

    def _interval(self, low: float, high: float, digits: int) -> str:
        return f"[{self.number(low, digits)}{self.between}{self.number(high, digits)}]"

    def _signs(self, number: str) -> str:
        return number.translate(str.maketrans(".,-", f"{self.decimal}{self.thousands}−"))


NOTATIONS = {"en": Notation(".", ",", ", ", "%Y-%m-%d, %H:%M UTC"), "vi": Notation(",", ".", "; ", "%H:%M ngày %d/%m/%Y (giờ UTC)")}
CARD_FILES = {"en": "MODEL_CARD.md", "vi": "MODEL_CARD.vi.md"}
_FIGURES = ("number", "whole", "hundred", "percent", "points", "figure", "share", "moment")


def write_card(folder: Path, report: Mapping[str, Any], bands: Mapping[str, Band], gates: Iterable[Gate], metadata: Mapping[str, Any]) -> None:
    """Write a version's model card in both languages.

    Parameters
    ----------
    folder : Path
        `models/<version>`; gets `MODEL_CARD.md` and `MODEL_CARD.vi.md`, which hold no text of a post.
    report : mapping
        Of `classifier.assessment.assess`, with `promises`, of `classifier.assessment.promises_kept`.
    bands : mapping of str to Band
    gates : iterable of Gate
    metadata : mapping
        What is saved with the version: date, hashes, numbers of posts, params, libraries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gates = list(gates)
    for language, name in CARD_FILES.items():
        (folder / name).write_text(model_card(language, folder.name, report, bands, gates, metadata), encoding="utf-8")


def model_card(
    language: str, version: str, report: Mapping[str, Any], bands: Mapping[str, Band], gates: Iterable[Gate], metadata: Mapping[str, Any]
) -> str:
    """Return a version's model card as Markdown.

    Parameters
    ----------
    language : str
        `en` or `vi`.
    version : str
    report, bands, gates, metadata
        See `write_card`.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters |= {name: getattr(NOTATIONS[language], name) for name in _FIGURES}
    template = environment.from_string(files("classifier").joinpath(f"model_card.{language}.md").read_text(encoding="utf-8"))
    gates = list(gates)
    return template.render(
        version=version,
        report=report,
        bands=bands,
        gates=gates,
        families=closest_gates(gates),
        metadata=metadata,
        sources=_sources(metadata),
        expected_rate=metadata["params"]["model"]["expected_rate"] or {},
        confidence=metadata["params"]["evaluation"]["confidence"],
        verdict=_verdict,
        categories=CATEGORIES,
        never_flagged=NEVER_FLAGGED,
        slices=SLICES,
        vietnamese=VIETNAMESE,
    )


def _sources(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each source gave: its weight and its posts by split."""
    weights = {source["name"]: source["weight"] for source in metadata["params"]["corpus"]["sources"]}
    counts: dict[str, dict[str, int]] = {}
    for key, count in metadata["posts"].items():
        source, split = key.rsplit("/", 1)
        counts.setdefault(source, dict.fromkeys(SPLITS, 0))[split] = count
    return [{"name": name, "weight": weights.get(name, float("nan")), "posts": by_split} for name, by_split in counts.items()]


def _verdict(band: str, promise: Mapping[str, Any]) -> str:
    """Whether the test posts bear a promise out: `kept`, `chance` (not, but within chance), `broken`, or `unknown`."""
    test, target = promise["test"], promise["target"]
    if np.isnan(test["value"]):
        return "unknown"
    if test["value"] <= target if band == "clear" else test["value"] >= target:
        return "kept"
    return "chance" if test["low"] <= target <= test["high"] else "broken"
