"""Bias towards posts that name a group: the AUCs of Borkan et al. (2019) on hand-made examples, and spreads over minimal pairs."""

import numpy as np
import pytest

from classifier.fairness import spreads, subgroup_auc

KINDS = {"violation that names": (True, True), "other that names": (False, True), "violation": (True, False), "other": (False, False)}


def posts(**scores: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, score and membership; the scores of each kind of post of `KINDS`, with _ for spaces."""
    rows = [(*KINDS[kind.replace("_", " ")], value) for kind, values in scores.items() for value in values]
    truth, member, score = (np.array(column) for column in zip(*rows, strict=True))
    return truth, score, member


def test_each_auc_compares_the_two_kinds_of_post_that_its_name_says() -> None:
    figures = subgroup_auc(*posts(violation_that_names=[0.9] * 5, other_that_names=[0.8] * 6, violation=[0.7] * 7, other=[0.1] * 8))
    assert (figures.subgroup, figures.bpsn, figures.bnsp) == (1, 0, 1)
    assert (figures.n_positive, figures.n_negative) == (5, 6)
    assert figures.lowest == 0


def test_an_auc_is_the_share_of_pairs_in_order_and_ties_count_half() -> None:
    figures = subgroup_auc(
        *posts(
            violation_that_names=[0.2, 0.4, 0.6, 0.8, 1.0],
            other_that_names=[0.1, 0.3, 0.5, 0.7, 0.9],
            violation=[0.5] * 5,
            other=[0.0, 0.0, 0.0, 0.0, 0.2],
        )
    )
    assert figures.subgroup == pytest.approx((1 + 2 + 3 + 4 + 5) / 25)
    assert figures.bpsn == pytest.approx((5 * 2 + 5 * 0.5) / 25)
    assert figures.bnsp == pytest.approx((4 * 5 + 4 + 0.5) / 25)
    assert figures.lowest == figures.bpsn


@pytest.mark.parametrize(
    ("few", "unknown"),
    [
        ("violation_that_names", {"subgroup", "bnsp"}),
        ("other_that_names", {"subgroup", "bpsn"}),
        ("violation", {"bpsn"}),
        ("other", {"bnsp"}),
    ],
)
def test_fewer_than_five_posts_of_a_kind_say_nothing(few: str, unknown: set[str]) -> None:
    enough = {"violation_that_names": [0.9] * 5, "other_that_names": [0.2] * 5, "violation": [0.8] * 5, "other": [0.1] * 5}
    figures = subgroup_auc(*posts(**{**enough, few: enough[few][:4]}))
    assert {name for name in ("subgroup", "bpsn", "bnsp") if np.isnan(getattr(figures, name))} == unknown
    assert figures.lowest == 1
    assert not np.isnan(subgroup_auc(*posts(**enough)).lowest)


def test_where_nobody_names_the_group_nothing_is_known() -> None:
    figures = subgroup_auc(*posts(violation=[0.9] * 20, other=[0.1] * 20))
    assert np.isnan(figures.lowest)
    assert (figures.n_positive, figures.n_negative) == (0, 0)


def simulated(bias: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posts of which a tenth name a group, and scores that are `bias` higher for these."""
    rng = np.random.default_rng(0)
    truth, member = rng.random(5000) < 0.3, rng.random(5000) < 0.1
    return truth, rng.normal(size=5000) + 2 * truth + bias * member, member


def test_a_score_that_suspects_the_group_lowers_bpsn_and_one_that_spares_it_lowers_bnsp() -> None:
    fair, suspicious, sparing = (subgroup_auc(*simulated(bias)) for bias in (0, 1.5, -1.5))
    assert min(fair.subgroup, fair.bpsn, fair.bnsp) > 0.88
    assert suspicious.bpsn < 0.7 < 0.95 < suspicious.bnsp
    assert sparing.bnsp < 0.7 < 0.95 < sparing.bpsn
    assert suspicious.subgroup == pytest.approx(fair.subgroup)
    assert suspicious.lowest == suspicious.bpsn


def test_a_spread_is_the_largest_difference_within_a_sentence_over_all_categories() -> None:
    probability = np.array([[0.1, 0.5], [0.9, 0.5], [0.2, 0.8], [0.3, 0.5], [0.4, 0.4]])
    assert spreads(["a", "b", "a", "a", "b"], probability) == pytest.approx({"a": 0.3, "b": 0.5})
    assert list(spreads(["b", "a"], probability[:2])) == ["b", "a"]


def test_a_sentence_that_scores_alike_for_all_has_no_spread() -> None:
    assert spreads(["a", "a", "b"], np.array([[0.3, 0.7], [0.3, 0.7], [0.9, 0.1]])) == {"a": 0, "b": 0}
