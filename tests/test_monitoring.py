"""Drift: batches like the reference pass, shifted ones do not, and small ones raise no alarm by being small."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.distributions import (
    REFERENCE_FILE,
    CategoryDistributions,
    Distributions,
    Share,
    observe,
    overruled,
    read_reference,
    reference,
    unknown_words,
    write_reference,
)
from classifier.errors import InputError
from classifier.features import PostVectorizer, prepare
from classifier.model import CalibratedLinearHead, PostClassifier
from classifier.monitoring import Drift, compare, population_stability, stability_noise
from classifier.params import Params
from classifier.registry import StoredModel
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES, Route

BAND = Band(0.3, 0.8)
TEXTS = [
    "đồ ngu như bò",
    "mày ngu quá",
    "thằng óc chó",
    "cái đồ ngu xuẩn",
    "đúng là đồ bò",
    "con chó này ngu",
    "mai học phòng nào",
    "trời hôm nay đẹp",
    "cô giáo giảng hay quá",
    "bán sách cũ giá rẻ",
    "lớp mình mai đi chơi",
    "cảm ơn bạn nhiều nha",
] * 2
LABELS = np.array(([1.0] * 6 + [0.0] * 6) * 2)


def drawn(rng: np.random.Generator, posts: int, violations: float = 0.2, unknown: float = 0.05, wrong: float = 0.02) -> Distributions:
    """Posts of which a share are violations, as a model that tells them apart fairly well would see them."""
    categories = {}
    for category in CATEGORIES:
        truth = rng.random(posts) < violations
        probability = np.where(truth, rng.beta(4, 2, posts), rng.beta(1, 12, posts))
        routes = BAND.route(probability)
        claimed = Share(value=rng.binomial(posts, wrong) / posts, size=posts)
        categories[category] = CategoryDistributions(
            probability=sorted(probability.tolist()),
            size=posts,
            routes={route.label: float((routes == route).mean()) for route in Route},
            overruled={"clear": claimed, "flag": claimed},
        )
    words = 15 * posts
    return Distributions(unknown_words=Share(value=rng.binomial(words, unknown) / words, size=words), categories=categories)


def checked(training: Distributions, batch: Distributions, params: Params) -> list[Drift]:
    people = {category: found.overruled for category, found in batch.categories.items()}
    return compare(training, batch, params.monitoring, people)


@pytest.mark.parametrize("posts", [30, 60, 300, 2000])
def test_batches_like_the_reference_pass(posts: int, params: Params) -> None:
    rng = np.random.default_rng(posts)
    alarms = sum(any(check.drifted for check in checked(drawn(rng, 2000), drawn(rng, posts), params)) for _ in range(100))
    assert alarms <= 3


def test_small_batches_are_often_beyond_the_limits_by_chance_alone(params: Params) -> None:
    rng = np.random.default_rng(1)
    beyond = sum(any(check.distance > check.limit for check in checked(drawn(rng, 2000), drawn(rng, 30), params)) for _ in range(50))
    assert beyond > 25


@pytest.mark.parametrize(
    ("check", "shift"),
    [
        ("probability_psi", {"violations": 0.6}),
        ("probability_ks", {"violations": 0.6}),
        ("route_share", {"violations": 0.6}),
        ("unknown_words", {"unknown": 0.25}),
        ("override_rate", {"wrong": 0.3}),
    ],
)
@pytest.mark.parametrize("posts", [200, 2000])
def test_shifted_batches_fail(check: str, shift: dict[str, float], posts: int, params: Params) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        found = {drift.check for drift in checked(drawn(rng, 2000), drawn(rng, posts, **shift), params) if drift.drifted}
        assert check in found
        assert ("violations" in shift) == bool(found & {"probability_psi", "probability_ks", "route_share"})


def test_known_words_and_agreeing_people_are_no_drift(params: Params) -> None:
    rng = np.random.default_rng(3)
    found = checked(drawn(rng, 2000, unknown=0.25, wrong=0.4), drawn(rng, 2000, unknown=0.05, wrong=0.02), params)
    assert not any(drift.drifted for drift in found)


def test_without_decisions_there_is_no_check_of_them(params: Params) -> None:
    rng = np.random.default_rng(4)
    assert "override_rate" not in {drift.check for drift in compare(drawn(rng, 500), drawn(rng, 500), params.monitoring)}


def test_stability_is_symmetric_and_finite_with_empty_bins() -> None:
    assert population_stability([100, 100, 0], [0, 100, 100]) == pytest.approx(population_stability([0, 100, 100], [100, 100, 0]))
    assert 2 < population_stability([100, 100, 0], [0, 100, 100]) < 10
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    assert population_stability(p * 1e6, q * 1e6) == pytest.approx(float(np.sum((q - p) * np.log(q / p))), rel=1e-4)


def test_chance_exceeds_the_noise_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(5)
    shares = np.full(10, 0.1)
    indices = [population_stability(rng.multinomial(800, shares), rng.multinomial(300, shares)) for _ in range(4000)]
    assert np.mean(np.array(indices) > stability_noise(800, 300, 10, 0.05)) == pytest.approx(0.05, abs=0.015)


def test_people_contradict_flags_and_clear_posts_but_not_review() -> None:
    routes = np.array([Route.FLAG, Route.FLAG, Route.CLEAR, Route.CLEAR, Route.REVIEW])
    found = overruled(routes, np.array([True, False, True, False, True]), np.array([1.0, 1.0, 1.0, 49.0, 1.0]))
    assert {route: share.value for route, share in found.items()} == {"clear": 0.02, "flag": 0.5}
    assert found["flag"].size == 2
    assert 1 < found["clear"].size < 2
    assert overruled(routes[-1:], np.array([True]), np.ones(1)) == {}


def fitted(rate: float | None = None) -> PostClassifier:
    labels = np.column_stack([LABELS, 1 - LABELS, LABELS, 1 - LABELS])
    classifier = PostClassifier(PostVectorizer(min_df=1), CalibratedLinearHead(calibration="sigmoid", folds=2))
    return classifier.set_params(expected_rates=None if rate is None else dict.fromkeys(CATEGORIES, rate)).fit(TEXTS, labels)


@pytest.fixture(scope="module")
def classifier() -> PostClassifier:
    return fitted()


def described(classifier: PostClassifier) -> Distributions:
    posts = pd.DataFrame(np.column_stack([LABELS, 1 - LABELS, LABELS, 1 - LABELS]), columns=list(CATEGORIES))
    prepared = prepare(TEXTS)
    return reference(classifier, prepared, posts, classifier.predict_proba(prepared), dict.fromkeys(CATEGORIES, BAND))


def test_words_that_training_never_saw_are_counted(classifier: PostClassifier) -> None:
    unknown, words = unknown_words(classifier, prepare(["đồ ngu", "đồ ngu blockchain !!! 2026", "!!!"]))
    assert unknown.tolist() == [0, 1, 0]
    assert words.tolist() == [2, 3, 0]


def test_the_reference_comes_back_from_its_file(classifier: PostClassifier, tmp_path: Path) -> None:
    found = described(classifier)
    write_reference(tmp_path, found)
    assert read_reference(tmp_path) == found
    assert found.unknown_words is not None
    assert found.unknown_words.value == 0
    assert found.categories["insult"].size == len(TEXTS)
    assert sum(found.categories["insult"].routes.values()) == pytest.approx(1)


@pytest.mark.parametrize("content", ["", "{}", '{"unknown_words": null, "categories": {}}', '{"unknown_words": {"value": 2}, "categories": {}}'])
def test_a_damaged_reference_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / REFERENCE_FILE).write_text(content)
    with pytest.raises(InputError, match="train again"):
        read_reference(tmp_path)


def test_a_model_without_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        read_reference(tmp_path)


def test_the_reference_has_the_expected_rate_of_violations() -> None:
    found = described(fitted(0.05)).categories["insult"]
    assert found.size < len(TEXTS)
    violation_like = fitted(0.05).predict_proba(TEXTS)[LABELS == 1, 0].min()
    assert np.mean(np.array(found.probability) >= violation_like - 1e-6) == pytest.approx(0.05, abs=0.05)


def stored(classifier: PostClassifier) -> StoredModel:
    return StoredModel("v", Path(), classifier, dict.fromkeys(CATEGORIES, BAND), {"max_characters": 100, "reasons": 0})


def test_a_batch_is_described_without_its_invalid_rows(classifier: PostClassifier, tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    pd.DataFrame({"text": [*TEXTS, "", "x" * 200]}).to_csv(path, index=False)
    done: list[int] = []
    found = observe(stored(classifier), path, "text", 7, done.append)
    assert sum(done) == len(TEXTS) + 2
    expected = described(classifier)
    for category in CATEGORIES:
        assert found.categories[category].probability == pytest.approx(expected.categories[category].probability, abs=2e-6)
        assert found.categories[category].routes == pytest.approx(expected.categories[category].routes)
    assert found.unknown_words == expected.unknown_words


@pytest.mark.parametrize(("rows", "column", "match"), [([" ", ""], "text", "no row"), (["đồ ngu"], "body", "no column")])
def test_a_batch_with_nothing_to_compare_is_refused(classifier: PostClassifier, rows: list[str], column: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    pd.DataFrame({"text": rows, "n": 1}).to_csv(path, index=False)
    with pytest.raises(InputError, match=match):
        observe(stored(classifier), path, column, 7)
