"""The conditions of promotion: what a model must show before it replaces the one in use."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.evasion import NO_ACCENTS
from classifier.params import GateParams
from classifier.taxonomy import SLICES


@dataclass(frozen=True)
class Gate:
    """One condition of promotion.

    Attributes
    ----------
    family : str
        What it is about; gates of one family have one reason.
    name : str
    value : float
        What was measured; NaN where there was nothing to measure.
    limit : float
        The largest value that passes.
    """

    family: str
    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the gate lets the model through; what can't be measured does not hold it up."""
        return bool(np.isnan(self.value) or self.value <= self.limit + 1e-12)


def judge(report: Mapping[str, Any], losses: Mapping[str, float] | None, params: GateParams) -> list[Gate]:
    """Hold a model against the gates.

    Parameters
    ----------
    report : mapping
        Of `classifier.assessment.assess` on the test split.
    losses : mapping of str to float, or None
        For each category how far its average precision lies below that of the model in use on the same posts; None where
        no model is in use yet.
    params : GateParams

    Returns
    -------
    list of Gate
    """
    return [*_protected(report, params), *_alike(report, params), *_calibrated(report, params), *_evasion(report, params), *_no_loss(losses, params)]


def _protected(report: Mapping[str, Any], params: GateParams) -> Iterator[Gate]:
    for name in SLICES:
        yield Gate("opinion and complaint pass", f"flagged in {name}", report["slices"][name]["flagged"]["value"], params.protected_flagged)


def _alike(report: Mapping[str, Any], params: GateParams) -> Iterator[Gate]:
    for kind, figures in report["identity"].items():
        yield Gate("no group pays for being named", f"AUC lost where {kind} is named", figures["auc_lost"], params.identity_auc_loss)
    yield Gate("no side is favoured", "spread over political pairs", report["pairs"]["political"]["largest"], params.political_spread)


def _calibrated(report: Mapping[str, Any], params: GateParams) -> Iterator[Gate]:
    for category, figures in report["categories"].items():
        yield Gate(
            "a probability means what it says", f"calibration error of {category}", figures["calibration_error"]["value"], params.calibration_error
        )


def _evasion(report: Mapping[str, Any], params: GateParams) -> Iterator[Gate]:
    for name, cost in report["evasion"].items():
        limit = params.recall_lost_bare if name == NO_ACCENTS else params.recall_lost
        yield Gate("dodging does not pay", f"recall lost to {name}", cost["recall_lost"], limit)
        yield Gate("disguise makes no suspect", f"more flagged under {name}", cost["more_flagged"], params.disguised_flagged)


def _no_loss(losses: Mapping[str, float] | None, params: GateParams) -> Iterator[Gate]:
    for category, loss in (losses or {}).items():
        yield Gate("no worse than the model in use", f"loss of average precision in {category}", loss, params.average_precision_loss)


def closest_gates(gates: Iterable[Gate]) -> list[dict[str, Any]]:
    """Return for each family of gates its name, how many gates it has, and those shown: all that fail, else the closest call."""
    families: dict[str, list[Gate]] = {}
    for gate in gates:
        families.setdefault(gate.family, []).append(gate)
    return [
        {"name": name, "total": len(members), "shown": [gate for gate in members if not gate.passed] or [min(members, key=_room)]}
        for name, members in families.items()
    ]


def _room(gate: Gate) -> float:
    return float("inf") if np.isnan(gate.value) else gate.limit - gate.value
