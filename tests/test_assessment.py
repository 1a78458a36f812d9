"""What a model must answer for, put together: bias where an identity is named, spreads over minimal pairs, promises kept."""

import numpy as np
import pandas as pd
import pytest

from classifier.assessment import identity_bias, pair_spreads, promises_kept
from classifier.bands import ChosenBand, Promise
from classifier.calibration import precision_elsewhere
from classifier.evaluation import exact_share
from classifier.neutral import IDENTITIES
from classifier.probes import probe_sets
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, NEVER_FLAGGED

INSULT = CATEGORIES.index("insult")


def posts_about(text: str, n: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    """Posts of which every fifth is `text`, half of each kind insults; and scores that tell the two apart, more or less."""
    rng = np.random.default_rng(0)
    insult = rng.random(n) < 0.5
    posts = pd.DataFrame(0.0, index=range(n), columns=list(CATEGORIES)).assign(insult=insult.astype(float))
    posts["text"] = [text if number % 5 == 0 else "mai lớp mình học phòng nào vậy" for number in range(n)]
    probability = np.zeros((n, len(CATEGORIES)))
    probability[:, INSULT] = 0.2 + 0.3 * insult + 0.3 * rng.random(n)
    return posts, probability


@pytest.mark.parametrize(("text", "kind"), [("mình là người Tày", "ethnicity"), ("bạn mình theo đạo Phật", "religion")])
def test_suspicion_of_who_is_named_counts_as_auc_lost_of_that_kind_alone(text: str, kind: str) -> None:
    posts, probability = posts_about(text)
    fair = identity_bias(posts, probability)
    assert set(fair) == set(IDENTITIES)
    assert fair[kind]["n_positive"] + fair[kind]["n_negative"] == 40
    assert fair[kind]["auc_lost"] < 0.1
    probability[:, INSULT] += 0.4 * (posts["text"] == text)
    biased = identity_bias(posts, probability)
    assert biased[kind]["auc_lost"] == biased[kind]["overall"] - biased[kind]["bpsn"] > 0.3
    assert all(np.isnan(figures["auc_lost"]) for name, figures in biased.items() if name != kind)


def test_without_labels_of_both_kinds_there_is_no_bias_to_measure() -> None:
    posts, probability = posts_about("mình là người Tày")
    assert identity_bias(posts.assign(insult=0.0), probability) == {}
    posts.loc[::5, "insult"] = np.nan
    assert np.isnan(identity_bias(posts, probability)["ethnicity"]["auc_lost"])


def test_pairs_have_no_spread_for_a_score_that_does_not_read_them_and_a_large_one_for_a_score_that_counts_letters() -> None:
    blind = pair_spreads(lambda texts: np.full((len(texts), len(CATEGORIES)), 0.7))
    assert set(blind) == set(probe_sets())
    assert {figures["largest"] for figures in blind.values()} == {0}

    def length(texts: list[str]) -> np.ndarray:
        return np.tile([[len(text) / 1000] for text in texts], len(CATEGORIES))

    political = pair_spreads(length)["political"]
    assert political["largest"] == max(political["by_sentence"].values()) > political["mean"] > 0
    assert political["sentences"] == len(political["by_sentence"])


def test_a_promise_is_kept_beside_the_figure_of_the_test_posts_and_of_the_batches_it_is_about() -> None:
    clear, flag = Promise(0.16, 0.9, 0.2, 0.1, 100, None), Promise(0.9, 0.9, 0.8, 0.95, 60, None)
    chosen = {name: ChosenBand(Band(0.2, 0.8), clear, None if name in NEVER_FLAGGED else flag) for name in CATEGORIES}
    missed, precision = vars(exact_share(12, 100, 0.95)), vars(exact_share(45, 50, 0.95))
    figures = {"missed": missed, "flag_precision": precision, "violations": 100, "brier": {"n": 500}}
    kept = promises_kept({"categories": dict.fromkeys(CATEGORIES, figures)}, chosen, {"unlawful": 0.02})
    assert kept["insult"] == {"clear": {**vars(clear), "test": missed}, "flag": {**vars(flag), "test": precision}}
    assert [name for name in CATEGORIES if "flag" not in kept[name]] == sorted(NEVER_FLAGGED)
    rarer = kept["unlawful"]["flag"]["test"]
    assert rarer == {"n": 50, **{key: precision_elsewhere(precision[key], 0.2, 0.02) for key in ("value", "low", "high")}}
    assert rarer["low"] < rarer["value"] < rarer["high"] < precision["value"]
    assert kept["unlawful"]["clear"]["test"] == missed
