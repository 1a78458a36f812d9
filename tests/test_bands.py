"""Bands: what they promise holds for posts to come, and where nothing can be promised they stay closed and say what it takes."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta

from classifier.bands import ChosenBand, OutOfFold, choose_band
from classifier.params import RoutingParams
from classifier.taxonomy import CATEGORIES, NEVER_FLAGGED, Route

TARGETS = RoutingParams(flag_precision=0.9, flag_protected=0.02, clear_miss_rate=0.1, confidence=0.9, clear_probability=0.5)
UNFLAGGED = next(iter(NEVER_FLAGGED))
Sample = tuple[np.ndarray, np.ndarray]

STEPS = np.linspace(0, 1, 21)
"""A population of posts whose probability of violation is one of these ..."""
SHARES = np.exp(-6 * STEPS) + 0.25 * np.exp(-12 * (1 - STEPS))
SHARES /= SHARES.sum()
"""... in these shares: mostly harmless, some certain, with all between; a quarter are violations."""
RATE = float((SHARES * STEPS).sum())


def honest(probability: np.ndarray) -> np.ndarray:
    return probability


def boastful(probability: np.ndarray) -> np.ndarray:
    """Overconfident by a factor of two in log-odds."""
    return probability**2 / (probability**2 + (1 - probability) ** 2)


def draw(n: int, rng: np.random.Generator, score: Callable[[np.ndarray], np.ndarray] = honest) -> Sample:
    """Scores and truth of n posts of the population."""
    probability = rng.choice(STEPS, size=n, p=SHARES)
    return score(probability), rng.random(n) < probability


def learnt(sample: Sample, slices: np.ndarray | None = None) -> OutOfFold:
    """The same as training posts, of no protected slice where none is given."""
    return OutOfFold(*sample, np.full(len(sample[0]), "") if slices is None else slices)


def joined(one: Sample, other: Sample) -> Sample:
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


def true_miss_rate(chosen: ChosenBand, score: Callable[[np.ndarray], np.ndarray]) -> float:
    violations = SHARES * STEPS
    return float(violations[score(STEPS) < chosen.band.clear_below].sum() / violations.sum())


def true_precision(chosen: ChosenBand, score: Callable[[np.ndarray], np.ndarray], rate: float = RATE) -> float:
    assert chosen.band.flag_from is not None
    violations, others = SHARES * STEPS / RATE * rate, SHARES * (1 - STEPS) / (1 - RATE) * (1 - rate)
    flagged = score(STEPS) >= chosen.band.flag_from
    return float(violations[flagged].sum() / (violations + others)[flagged].sum())


def lowest_share(confidence: float, draws: int) -> float:
    """Of draws in which a promise holds: three standard errors below the confidence."""
    return confidence - 3 * float(np.sqrt(confidence * (1 - confidence) / draws))


@pytest.mark.parametrize("score", [honest, boastful])
def test_both_promises_hold_in_the_population_as_often_as_promised(score: Callable[[np.ndarray], np.ndarray]) -> None:
    draws, kept, opened = 100, {"clear": 0, "flag": 0}, {"clear": 0, "flag": 0}
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        chosen = choose_band("insult", *draw(800, rng, score), learnt(draw(2000, rng, score)), TARGETS)
        opened["clear"] += chosen.clear.threshold is not None
        opened["flag"] += chosen.band.flag_from is not None
        kept["clear"] += true_miss_rate(chosen, score) <= TARGETS.clear_miss_rate
        kept["flag"] += chosen.band.flag_from is None or true_precision(chosen, score) >= TARGETS.flag_precision
    assert min(kept.values()) >= lowest_share(TARGETS.confidence, draws) * draws
    assert min(opened.values()) >= 0.8 * draws, "a promise is cheap where bands stay closed"


@pytest.mark.parametrize(("confidence", "miss_rate"), [(0.9, 0.1), (0.5, 0.2)])
def test_the_promise_on_misses_is_no_more_cautious_than_it_says_where_no_two_posts_score_alike(confidence: float, miss_rate: float) -> None:
    draws, kept, misses = 200, 0, []
    targets = TARGETS.model_copy(update={"confidence": confidence, "clear_miss_rate": miss_rate})
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        samples = []
        for n in (800, 2000):
            probability = rng.beta(0.3, 1.2, n)
            samples.append((probability, rng.random(n) < probability))
        clear_below = choose_band(UNFLAGGED, *samples[0], learnt(samples[1]), targets).band.clear_below
        misses.append(beta.cdf(clear_below, 1.3, 1.2))  # the density of violations is that of all posts times the probability
        kept += misses[-1] <= miss_rate
    assert lowest_share(confidence, draws) <= kept / draws <= confidence + (1 - confidence) * 0.9
    assert np.mean(misses) > miss_rate / 2


def test_the_promise_on_flags_holds_among_rarer_violations_where_these_are_expected() -> None:
    draws, rate, kept, opened, kept_without = 50, 0.12, 0, 0, 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        calibration, learn = draw(1500, rng), learnt(draw(3000, rng))
        chosen = choose_band("insult", *calibration, learn, TARGETS, rate)
        opened += chosen.band.flag_from is not None
        kept += chosen.band.flag_from is None or true_precision(chosen, honest, rate) >= TARGETS.flag_precision
        unaware = choose_band("insult", *calibration, learn, TARGETS)
        kept_without += unaware.band.flag_from is None or true_precision(unaware, honest, rate) >= TARGETS.flag_precision
    assert kept >= lowest_share(TARGETS.confidence, draws) * draws
    assert opened >= 0.5 * draws
    assert kept_without < 0.5 * draws, "the example does not need the expected rate"


def test_rarer_violations_raise_the_flag_threshold_and_leave_clear_alone() -> None:
    rng = np.random.default_rng(0)
    calibration, learn = draw(3000, rng), learnt(draw(3000, rng))
    chosen = [choose_band("insult", *calibration, learn, TARGETS, rate) for rate in (None, 0.15, 0.1)]
    thresholds = [choice.band.flag_from for choice in chosen]
    assert None not in thresholds
    assert thresholds == sorted(set(thresholds))
    assert {choice.clear.threshold for choice in chosen} == {chosen[0].clear.threshold}
    for choice, rate in zip(chosen[1:], (0.15, 0.1), strict=True):
        assert choice.flag is not None and choice.flag.observed == pytest.approx(true_precision(choice, honest, rate), abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_a_promise_says_what_it_rests_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability, positive = draw(2000, rng)
    chosen = choose_band("insult", probability, positive, learnt(draw(3000, rng)), TARGETS)
    flagged = probability >= chosen.band.flag_from
    assert chosen.flag is not None
    assert (chosen.flag.target, chosen.flag.confidence, chosen.flag.threshold) == (0.9, 0.9, chosen.band.flag_from)
    assert chosen.flag.n == flagged.sum()
    assert chosen.flag.observed == pytest.approx(positive[flagged].mean())
    assert chosen.flag.observed > 0.9
    assert (chosen.clear.target, chosen.clear.n) == (0.1, positive.sum())
    assert chosen.clear.observed == pytest.approx((probability[positive] < chosen.clear.threshold).mean())
    assert 0 < chosen.clear.observed < 0.1
    assert (chosen.clear.needed, chosen.flag.needed) == (None, None)


def test_what_a_promise_reports_is_of_the_band_in_use_even_where_it_was_narrowed() -> None:
    rng = np.random.default_rng(0)
    probability, positive = draw(1000, rng)
    cautious = TARGETS.model_copy(update={"clear_probability": 0.02, "clear_miss_rate": 0.3})
    chosen = choose_band(UNFLAGGED, probability, positive, learnt(draw(2000, rng)), cautious)
    assert chosen.band.clear_below == 0.02
    assert chosen.clear.threshold == chosen.band.clear_below
    assert chosen.clear.observed == (probability[positive] < 0.02).mean()


def test_a_stricter_promise_never_gives_a_wider_band() -> None:
    rng = np.random.default_rng(1)
    calibration, learn = draw(1500, rng), learnt(draw(3000, rng))

    def band(**changed: float) -> tuple[float, float]:
        chosen = choose_band("insult", *calibration, learn, TARGETS.model_copy(update=changed)).band
        return chosen.clear_below, 1.0 if chosen.flag_from is None else chosen.flag_from

    clear_below, flag_from = band()
    assert band(clear_miss_rate=0.05)[0] < clear_below < band(clear_miss_rate=0.3)[0]
    assert band(flag_precision=0.95)[1] > flag_from > band(flag_precision=0.7)[1]
    surer = band(confidence=1 - 1e-9)
    assert surer[0] < clear_below and surer[1] > flag_from


@pytest.mark.parametrize("n", [60, 300])
def test_a_closed_flag_opens_about_as_often_as_not_with_the_posts_it_says_it_needs(n: int) -> None:
    opened = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        calibration, learn = draw(n, rng), learnt(draw(3000, rng))
        closed = choose_band("insult", *calibration, learn, TARGETS).flag
        assert closed is not None
        if closed.needed is not None:
            chosen = choose_band("insult", *joined(calibration, draw(closed.needed, rng)), learn, TARGETS)
            opened.append(chosen.band.flag_from is not None)
    assert len(opened) >= 20
    assert 0.35 < np.mean(opened) < 0.85


def test_a_closed_clear_opens_about_as_often_as_not_with_the_posts_it_says_it_needs() -> None:
    opened = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        calibration, learn = draw(40, rng), learnt(draw(3000, rng))
        needed = choose_band(UNFLAGGED, *calibration, learn, TARGETS).clear.needed
        assert needed is not None and needed > 0
        opened.append(choose_band(UNFLAGGED, *joined(calibration, draw(needed, rng)), learn, TARGETS).clear.threshold is not None)
    assert 0.35 < np.mean(opened) < 0.85


def test_a_closed_band_has_no_threshold_and_sends_all_to_review() -> None:
    rng = np.random.default_rng(0)
    calibration = draw(30, rng)
    chosen = choose_band("insult", *calibration, learnt(draw(3000, rng)), TARGETS)
    assert chosen.flag is not None
    for promise in (chosen.clear, chosen.flag):
        assert promise.threshold is None
        assert np.isnan(promise.observed)
        assert promise.needed is not None and promise.needed > 0
    assert set(chosen.band.route(calibration[0])) == {Route.REVIEW}


def test_more_posts_are_no_cure_for_a_score_that_is_never_precise() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random(4000)
    positive = rng.random(4000) < 0.5
    chosen = choose_band("insult", probability[:2000], positive[:2000], learnt((probability[2000:], positive[2000:])), TARGETS)
    assert chosen.flag is not None
    assert (chosen.flag.threshold, chosen.flag.needed) == (None, None)


def test_more_posts_are_no_cure_for_violations_that_score_lowest() -> None:
    """New violations are of another kind than those learnt from: a third score below everything known."""
    rng = np.random.default_rng(0)
    probability, positive = draw(2000, rng)
    probability = np.where(positive & (rng.random(2000) < 1 / 3), -1.0, np.clip(probability, 0.05, 1))
    learn = draw(3000, rng)
    chosen = choose_band("insult", probability, positive, learnt((np.clip(learn[0], 0.05, 1), learn[1])), TARGETS)
    assert (chosen.clear.threshold, chosen.clear.needed, chosen.band.clear_below) == (None, None, 0)


@pytest.mark.parametrize("category", CATEGORIES)
def test_only_what_text_can_prove_is_flagged(category: str) -> None:
    positive = np.arange(1000) < 300
    probability = np.where(positive, 0.99, 0.01)
    chosen = choose_band(category, probability, positive, learnt((probability, positive)), TARGETS)
    if category in NEVER_FLAGGED:
        assert chosen.flag is None
        assert (chosen.band.route(np.linspace(0, 1, 101)) < Route.FLAG).all()
    else:
        assert (chosen.band.route(probability) == np.where(positive, Route.FLAG, Route.CLEAR)).all()


@pytest.mark.parametrize("most", [0.0, 0.02, 0.2])
def test_flags_keep_off_every_protected_slice_that_they_would_have_hit_in_training(most: float) -> None:
    """Harmless posts of one slice score as high as violations; they are few, so precision alone would not mind."""
    rng = np.random.default_rng(0)
    calibration, (probability, positive) = draw(3000, rng), draw(3000, rng)
    slices = np.where(positive, "", rng.choice(["everyday", "political"], size=3000, p=[0.95, 0.05]))
    probability = np.where(slices == "political", rng.choice([0.1, 0.75, 0.85, 0.95], size=3000, p=[0.7, 0.1, 0.1, 0.1]), probability)
    targets = TARGETS.model_copy(update={"flag_protected": most})
    careless = choose_band("insult", *calibration, learnt((probability, positive)), targets).band
    careful = choose_band("insult", *calibration, learnt((probability, positive), slices), targets).band
    assert careless.flag_from is not None and careful.flag_from is not None
    flagged = {name: (probability[slices == name] >= careful.flag_from).mean() for name in ("everyday", "political")}
    assert max(flagged.values()) <= most
    assert (probability[slices == "political"] >= careless.flag_from).mean() > most
    assert careful.flag_from > careless.flag_from
    assert careful.clear_below == careless.clear_below


def test_flag_stays_closed_where_no_threshold_keeps_off_a_protected_slice() -> None:
    rng = np.random.default_rng(0)
    calibration, (probability, positive) = draw(3000, rng), draw(3000, rng)
    slices = np.where(positive, "", "everyday")
    slices[np.argmin(probability + positive)], probability[np.argmin(probability + positive)] = "help", 1.0
    chosen = choose_band("insult", *calibration, learnt((probability, positive), slices), TARGETS)
    assert chosen.flag is not None
    assert (chosen.flag.threshold, chosen.flag.needed) == (None, None)


@pytest.mark.parametrize("limit", [0.5, 0.2])
def test_what_is_likelier_than_the_limit_is_never_clear(limit: float) -> None:
    positive = np.arange(1000) < 300
    probability = np.where(positive, 0.95, 0.01)
    targets = TARGETS.model_copy(update={"clear_probability": limit})
    assert choose_band(UNFLAGGED, probability, positive, learnt((probability, positive)), targets).band.clear_below == limit


def test_clear_ends_where_flag_starts_at_the_latest() -> None:
    rng = np.random.default_rng(0)
    probability = np.where(rng.random(3000) < 0.3, rng.uniform(0.3, 0.4, 3000), rng.uniform(0, 0.1, 3000))
    positive = (probability > 0.3) | (rng.random(3000) < 0.02)
    lax = TARGETS.model_copy(update={"flag_precision": 0.7, "clear_miss_rate": 0.9})
    band = choose_band("insult", probability[:1500], positive[:1500], learnt((probability[1500:], positive[1500:])), lax).band
    assert band.flag_from is not None
    assert band.clear_below == band.flag_from < lax.clear_probability
    assert (np.diff(band.route(np.linspace(0, 1, 1001))) >= 0).all()


@pytest.mark.parametrize(
    ("probability", "positive", "learn"),
    [
        (np.linspace(0, 1, 50), np.zeros(50, dtype=bool), draw(500, np.random.default_rng(0))),
        (np.linspace(0, 1, 50), np.arange(50) > 40, (np.linspace(0, 1, 50), np.zeros(50, dtype=bool))),
        (np.array([]), np.array([], dtype=bool), draw(500, np.random.default_rng(0))),
        (np.linspace(0, 1, 50), np.arange(50) > 40, (np.array([]), np.array([], dtype=bool))),
    ],
    ids=["no violation held out", "no violation to learn from", "nothing held out", "nothing to learn from"],
)
def test_without_violations_to_judge_by_all_is_reviewed(probability: np.ndarray, positive: np.ndarray, learn: Sample) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = choose_band("insult", probability, positive, learnt(learn), TARGETS)
    assert (chosen.band.clear_below, chosen.band.flag_from) == (0, None)
    assert set(chosen.band.route(np.linspace(0, 1, 50))) == {Route.REVIEW}


@pytest.mark.parametrize("target", ["flag_precision", "clear_miss_rate"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_targets_at_their_ends_are_no_faults(target: str, value: float) -> None:
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = choose_band("insult", *draw(300, rng), learnt(draw(300, rng)), TARGETS.model_copy(update={target: value}))
    if (target, value) in (("flag_precision", 1.0), ("clear_miss_rate", 0.0)):
        promise = chosen.flag if target == "flag_precision" else chosen.clear
        assert promise is not None and (promise.threshold, promise.needed) == (None, None)
