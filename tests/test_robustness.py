"""What a disguise costs: hand-made scores of plain and disguised posts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classifier.evasion import TRANSFORMATIONS
from classifier.robustness import evasion_costs
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES

N = 40
BANDS = {category: Band(0.5, 0.9) for category in CATEGORIES}
Scorer = Callable[[list[str]], np.ndarray]


def posts(violations: int = 10) -> pd.DataFrame:
    """Some insults and then harmless posts; each text is a number, which is where the scores below look it up."""
    frame = pd.DataFrame(0.0, index=range(N), columns=list(CATEGORIES))
    frame.loc[: violations - 1, "insult"] = 1.0
    frame["text"] = [str(number) for number in range(N)]
    return frame


def scorer(plain: np.ndarray, disguised: np.ndarray) -> Scorer:
    """Score `insult` by what stands at the text's number, of `disguised` if the text is in brackets; the other categories get 0."""

    def score(texts: list[str]) -> np.ndarray:
        probability = np.zeros((len(texts), len(CATEGORIES)))
        for row, text in enumerate(texts):
            probability[row, CATEGORIES.index("insult")] = (disguised if "[" in text else plain)[int(text.strip("[]"))]
        return probability

    return score


def cost(plain: np.ndarray, disguised: np.ndarray, frame: pd.DataFrame | None = None) -> dict[str, Any]:
    """What brackets cost."""
    frame = posts() if frame is None else frame
    return evasion_costs(frame, BANDS, scorer(plain, disguised), 0, {"brackets": lambda text, rng: f"[{text}]"})["brackets"]


PLAIN = np.concatenate([[0.95] * 4, [0.7] * 4, [0.1] * 2, [0.8] * 2, [0.2] * 28])
"""Of ten violations eight are not clear, four of them flagged; of thirty harmless posts two are in review."""


def test_a_score_that_sees_through_the_disguise_loses_nothing() -> None:
    assert cost(PLAIN, PLAIN) == {
        "recall_lost": 0,
        "recall_lost_by_category": dict.fromkeys(CATEGORIES, 0),
        "recall_lost_at_thresholds": 0,
        "more_flagged": 0,
        "more_reviewed": 0,
    }


def test_seeing_through_loses_nothing_even_where_a_lower_threshold_would_be_as_precise() -> None:
    plain = PLAIN.copy()
    plain[[8, 9]] = 0.3
    assert cost(plain, plain)["recall_lost"] == 0


@pytest.mark.parametrize("constant", [0.0, 0.2, 0.6, 0.99])
def test_a_score_that_goes_blind_loses_all_it_had_found_whatever_it_says_then(constant: float) -> None:
    figures = cost(PLAIN, np.full(N, constant))
    assert figures["recall_lost"] == pytest.approx(0.8)
    assert figures["recall_lost_by_category"] == pytest.approx({"insult": 0.8, "false_info": 0, "unlawful": 0, "ethics": 0})


def test_blindness_costs_the_same_wherever_the_violations_stand_in_the_file() -> None:
    turned = posts()
    turned[list(CATEGORIES)] = turned[list(CATEGORIES)].to_numpy()[::-1]
    assert cost(PLAIN[::-1], np.full(N, 0.4), turned)["recall_lost"] == cost(PLAIN, np.full(N, 0.4))["recall_lost"]


def test_losses_are_counted_by_hand() -> None:
    """Precision was 8 in 10. Five violations and two harmless posts above them are less precise than that, four alone are not."""
    disguised = PLAIN.copy()
    disguised[[5, 6, 7]] = 0.1
    assert cost(PLAIN, disguised)["recall_lost"] == pytest.approx(0.4)
    assert cost(PLAIN, disguised)["recall_lost_at_thresholds"] == pytest.approx(0.3)


def test_lowering_all_scores_alike_loses_violations_at_the_thresholds_only() -> None:
    figures = cost(PLAIN, PLAIN - 0.25)
    assert figures["recall_lost"] == 0
    assert figures["recall_lost_at_thresholds"] == pytest.approx(0.4)


def test_raising_all_scores_to_suspicion_is_a_gain_at_the_thresholds_but_a_loss_at_equal_precision() -> None:
    rng = np.random.default_rng(0)
    figures = cost(PLAIN, 0.9 + 0.1 * rng.random(N))
    assert figures["recall_lost_at_thresholds"] == pytest.approx(-0.2)
    assert figures["recall_lost"] > 0.5
    assert (figures["more_flagged"], figures["more_reviewed"]) == pytest.approx((1, 28 / 30))


def test_more_suspicion_of_harmless_posts_is_counted_as_a_share_of_them() -> None:
    disguised = PLAIN.copy()
    disguised[[20, 21, 22]] = 0.95
    disguised[[30, 31, 32, 33, 34, 35]] = 0.6
    disguised[10] = 0.2  # was in review
    figures = cost(PLAIN, disguised)
    assert figures["more_flagged"] == pytest.approx(3 / 30)
    assert figures["more_reviewed"] == pytest.approx((3 + 6 - 1) / 30)


def test_flags_on_violations_are_no_flags_on_harmless_posts() -> None:
    disguised = PLAIN.copy()
    disguised[:10] = 0.99
    figures = cost(PLAIN, disguised)
    assert (figures["more_flagged"], figures["more_reviewed"]) == (0, 0)
    assert figures["recall_lost"] == pytest.approx(-0.2)


def test_a_category_counts_by_its_violations() -> None:
    """Of ten insults all eight found are lost, of thirty unlawful posts none: eight of forty in all."""
    frame = posts()
    frame.loc[10:, "unlawful"] = 1.0

    def score(texts: list[str]) -> np.ndarray:
        probability = scorer(PLAIN, np.zeros(N))(texts)
        probability[:, CATEGORIES.index("unlawful")] = [0.8 if int(text.strip("[]")) >= 10 else 0.1 for text in texts]
        return probability

    figures = evasion_costs(frame, BANDS, score, 0, {"brackets": lambda text, rng: f"[{text}]"})["brackets"]
    assert figures["recall_lost_by_category"] == pytest.approx({"insult": 0.8, "false_info": 0, "unlawful": 0, "ethics": 0})
    assert figures["recall_lost"] == pytest.approx(8 / 40)


def test_without_violations_or_without_harmless_posts_there_is_nothing_to_lose() -> None:
    assert cost(PLAIN, np.zeros(N), posts(violations=0))["recall_lost"] == 0
    assert cost(PLAIN, np.ones(N), posts(violations=N))["more_flagged"] == 0


def test_chance_in_a_disguise_comes_from_the_seed() -> None:
    def roll(text: str, rng: np.random.Generator) -> str:
        return f"[{text}]" if rng.random() < 0.5 else text

    def costs(seed: int) -> dict[str, Any]:
        return evasion_costs(posts(), BANDS, scorer(PLAIN, np.zeros(N)), seed, {"roll": roll})["roll"]

    assert costs(1) == costs(1)
    assert len({costs(seed)["recall_lost_at_thresholds"] for seed in range(10)}) > 1


def test_all_known_transformations_are_measured_unless_others_are_named() -> None:
    frame = posts().assign(text="mai lớp mình học phòng nào")
    costs = evasion_costs(frame, BANDS, lambda texts: np.zeros((len(texts), len(CATEGORIES))), 0)
    assert list(costs) == list(TRANSFORMATIONS)
