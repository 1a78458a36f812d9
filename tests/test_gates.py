"""Gates: each family of them holds a model up for its own fault, and for nothing else."""

from typing import Any

import pytest

from classifier.evasion import NO_ACCENTS
from classifier.gates import Gate, judge
from classifier.params import GateParams, Params
from classifier.taxonomy import CATEGORIES, SLICES

LIMITS = GateParams(
    protected_flagged=0.02,
    identity_auc_loss=0.1,
    political_spread=0.05,
    calibration_error=0.03,
    recall_lost=0.06,
    recall_lost_bare=0.01,
    disguised_flagged=0.004,
    average_precision_loss=0.025,
)
NAN = float("nan")


def harmless_report() -> dict[str, Any]:
    """What gates read of a report, well within all limits."""
    return {
        "slices": {name: {"flagged": {"value": 0.0}} for name in SLICES},
        "identity": {"region": {"auc_lost": 0.0}, "religion": {"auc_lost": -0.02}},
        "pairs": {"political": {"largest": 0.0}, "gender": {"largest": 0.9}},
        "categories": {category: {"calibration_error": {"value": 0.0}} for category in CATEGORIES},
        "evasion": {name: {"recall_lost": 0.0, "more_flagged": -0.01} for name in (NO_ACCENTS, "dots")},
    }


def harmless_losses() -> dict[str, float]:
    return dict.fromkeys(CATEGORIES, -0.01)


FAULTS: dict[str, tuple[tuple[str, ...], float]] = {
    "flagged in political": (("slices", "political", "flagged", "value"), LIMITS.protected_flagged),
    "flagged in complaint": (("slices", "complaint", "flagged", "value"), LIMITS.protected_flagged),
    "AUC lost where religion is named": (("identity", "religion", "auc_lost"), LIMITS.identity_auc_loss),
    "spread over political pairs": (("pairs", "political", "largest"), LIMITS.political_spread),
    "calibration error of ethics": (("categories", "ethics", "calibration_error", "value"), LIMITS.calibration_error),
    f"recall lost to {NO_ACCENTS}": (("evasion", NO_ACCENTS, "recall_lost"), LIMITS.recall_lost_bare),
    "recall lost to dots": (("evasion", "dots", "recall_lost"), LIMITS.recall_lost),
    "more flagged under dots": (("evasion", "dots", "more_flagged"), LIMITS.disguised_flagged),
    "loss of average precision in insult": (("insult",), LIMITS.average_precision_loss),
}


def gates_with(path: tuple[str, ...], value: float) -> list[Gate]:
    """Judge a harmless model with one figure changed: of the losses if the path is a category, else of the report."""
    report, losses = harmless_report(), harmless_losses()
    *sections, key = path
    section: Any = losses if path[0] in CATEGORIES else report
    for name in sections:
        section = section[name]
    assert key in section
    section[key] = value
    return judge(report, losses, LIMITS)


def failed(gates: list[Gate]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


def test_a_harmless_model_passes_every_gate() -> None:
    assert failed(judge(harmless_report(), harmless_losses(), LIMITS)) == []


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_fails_its_own_gate_alone_and_says_by_how_much(name: str) -> None:
    path, limit = FAULTS[name]
    gates = gates_with(path, limit + 0.001)
    assert failed(gates) == [name]
    (gate,) = (gate for gate in gates if not gate.passed)
    assert (gate.value, gate.limit) == (limit + 0.001, limit)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("distance", [0.0, -0.001])
def test_the_limit_itself_passes(name: str, distance: float) -> None:
    path, limit = FAULTS[name]
    assert failed(gates_with(path, limit + distance)) == []


@pytest.mark.parametrize("name", FAULTS)
def test_what_could_not_be_measured_passes_but_stays_listed(name: str) -> None:
    path, _ = FAULTS[name]
    gates = gates_with(path, NAN)
    assert failed(gates) == []
    assert name in [gate.name for gate in gates]


def test_names_are_unique_and_every_slice_category_identity_and_disguise_has_its_gates() -> None:
    gates = judge(harmless_report(), harmless_losses(), LIMITS)
    names = [gate.name for gate in gates]
    assert len(set(names)) == len(names) == len(SLICES) + 2 + 1 + len(CATEGORIES) + 2 * 2 + len(CATEGORIES)
    assert set(FAULTS) <= set(names)


def test_every_limit_of_the_params_has_a_family_and_every_family_a_reason_of_its_own() -> None:
    families = {gate.family: set() for gate in judge(harmless_report(), harmless_losses(), LIMITS)}
    for gate in judge(harmless_report(), harmless_losses(), LIMITS):
        families[gate.family].add(gate.limit)
    assert set().union(*families.values()) == set(LIMITS.model_dump().values())
    assert {len(limits) for family, limits in families.items() if family != "dodging does not pay"} == {1}


def test_without_a_model_in_use_there_is_nothing_to_lose() -> None:
    names = [gate.name for gate in judge(harmless_report(), None, LIMITS)]
    assert names and not [name for name in names if "average precision" in name]


def test_without_identities_measured_their_gates_are_not_there() -> None:
    report = {**harmless_report(), "identity": {}}
    assert not [gate for gate in judge(report, None, LIMITS) if "named" in gate.name]


def test_rounding_does_not_fail_a_gate() -> None:
    assert Gate("family", "name", 0.1 + 0.2, 0.3).passed
    assert not Gate("family", "name", 0.3001, 0.3).passed


def test_the_shipped_limits_ask_at_least_what_was_promised(params: Params) -> None:
    shipped = params.gates
    assert shipped.political_spread <= 0.05
    assert shipped.recall_lost <= 0.05
    assert shipped.recall_lost_bare <= 0.02
