"""The figures of the review: right, with intervals that hold, and blind to who answered."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from classifier.corpus.agreement import gwet_ac1
from classifier.distributions import CategoryDistributions, Distributions
from classifier.evaluation import exact_share
from classifier.monitoring import compare
from classifier.params import Params
from classifier.review import figures, pictures
from classifier.review.store import Answer, Database, NewItem, User, records, work
from classifier.taxonomy import CATEGORIES

DAY = 86400.0


def answers(pairs: list[tuple[str, str]], informed: bool = False) -> pd.DataFrame:
    """Two people's first answers, item by item."""
    rows = [(item, reviewer, given, informed) for item, pair in enumerate(pairs) for reviewer, given in enumerate(pair, start=1)]
    return pd.DataFrame(rows, columns=["item_id", "reviewer", "first", "first_informed"])


def settled(rows: list[tuple[str, str]], weight: float | list[float] = 1.0, copies: int | list[int] = 1) -> pd.DataFrame:
    """Items by what the model said of `insult` and what people decided; the other categories are clear."""
    table = pd.DataFrame(rows, columns=["decision", "categories"])
    routes = {f"route_{category}": table["decision"] if category == "insult" else "clear" for category in CATEGORIES}
    return table.assign(weight=weight, copies=copies, **routes)


# Gwet's example of 125 posts in which both say yes 118 times, one alone 7 times and both no never.
PARADOX = [("insult", "insult")] * 118 + [("insult", "")] * 5 + [("", "insult")] * 2


def test_agreement_is_that_of_the_literature() -> None:
    found = figures.agreement(answers(PARADOX))["insult"]
    assert found["raw"].value == pytest.approx(118 / 125)
    assert found["kappa"].value == pytest.approx(-0.0288, abs=5e-5)
    assert found["ac1"].value == pytest.approx(0.9408, abs=5e-5)
    one, other = (np.array([side == "insult" for side in pair]) for pair in zip(*PARADOX, strict=True))
    assert found["ac1"].value == pytest.approx(gwet_ac1(one, other))
    assert all(each.low <= each.value <= each.high for each in found.values())


def test_which_of_the_two_answered_first_changes_nothing() -> None:
    turned = answers([(other, one) for one, other in PARADOX])
    assert figures.agreement(turned)["insult"] == figures.agreement(answers(PARADOX))["insult"]


def test_answers_given_with_the_suggestion_in_sight_and_single_ones_do_not_count() -> None:
    blind = answers(PARADOX)
    informed = answers([("insult", "")] * 50, informed=True).assign(item_id=lambda rows: rows["item_id"] + 1000)
    half_informed = answers([("insult", "")] * 20).assign(item_id=lambda rows: rows["item_id"] + 2000)
    half_informed["first_informed"] = half_informed["reviewer"] == 2
    single = answers([("insult", "")] * 30).query("reviewer == 1").assign(item_id=lambda rows: rows["item_id"] + 3000)
    everything = pd.concat([blind, informed, half_informed, single])
    assert figures.agreement(everything)["insult"] == figures.agreement(blind)["insult"]


def test_agreement_without_posts_is_unknown_not_perfect() -> None:
    for table in (answers([]), answers([("", "")])):
        found = figures.agreement(table)["insult"]
        assert np.isnan(found["kappa"].value)
        assert np.isnan(found["ac1"].value)
    nobody = figures.agreement(answers([("", "")] * 20))["insult"]
    assert np.isnan(nobody["kappa"].value)
    assert nobody["ac1"].value == 1
    assert nobody["ac1"].low == pytest.approx(exact_share(20, 20, 0.95).low)


@pytest.mark.parametrize("figure", ["kappa", "ac1"])
@pytest.mark.parametrize(("posts", "rate"), [(12, 0.3), (60, 0.1)])
def test_intervals_of_agreement_hold_the_truth(figure: str, posts: int, rate: float) -> None:
    rng = np.random.default_rng(6)
    right = 0.9

    def pairs(number: int) -> list[tuple[str, str]]:
        truth = rng.random(number) < rate
        said = (rng.random((2, number)) < right) == truth
        return [tuple("insult" if yes else "" for yes in pair) for pair in said.T]

    truth = figures.agreement(answers(pairs(100_000)))["insult"][figure].value
    estimates = [figures.agreement(answers(pairs(posts)))["insult"][figure] for _ in range(150)]
    known = [each for each in estimates if not np.isnan(each.value)]
    assert len(known) > 100
    assert np.mean([each.low <= truth <= each.high for each in known]) >= 0.93


def test_the_model_is_held_against_people_by_route() -> None:
    flagged = [("flag", "insult")] * 8 + [("flag", "ethics"), ("flag", "")]
    reviewed = [("review", "insult;ethics")] * 3 + [("review", "")] * 7
    rows = [*flagged, *reviewed, *[("clear", "")] * 4]
    found = figures.against_people(settled([*rows, ("clear", "insult")]))["insult"]
    assert found["flag"] == exact_share(8, 10, 0.95)
    assert found["review"] == exact_share(3, 10, 0.95)
    assert found["clear"].value == pytest.approx(1 / 5)
    assert found["overruled"].value == pytest.approx(3 / 15)
    assert np.isnan(figures.against_people(settled([]))["insult"]["flag"].value)


def test_overruling_is_what_monitoring_compares(params: Params) -> None:
    even = CategoryDistributions(probability=[0.1, 0.9], size=2000, routes={"clear": 0.5, "review": 0, "flag": 0.5}, overruled={})
    wrong = settled([("flag", "")] * 60 + [("flag", "insult")] * 40)
    people = figures.overruled_by_people(wrong)
    assert people["insult"]["flag"].value == 0.6
    assert people["ethics"]["clear"].value == 0
    known = even.model_copy(update={"overruled": {"flag": people["insult"]["flag"].model_copy(update={"value": 0.03})}})
    training = Distributions(unknown_words=None, categories={**dict.fromkeys(CATEGORIES, even), "insult": known})
    assert [drift.subject for drift in compare(training, training, params.monitoring, people) if drift.drifted] == ["insult/flag"]
    assert figures.overruled_by_people(settled([])) == {}


def test_missed_posts_are_estimated_without_bias_and_intervals_hold() -> None:
    rng = np.random.default_rng(7)
    population = 20_000
    copies = np.where(rng.random(population) < 0.9, 1, rng.integers(2, 10, population))
    violation = rng.random(population) < np.where(copies > 1, 0.06, 0.02)
    truth = float((copies * violation).sum() / copies.sum())
    estimates = []
    for _ in range(300):
        seen = rng.random(population) < 0.02
        rows = [("clear", "ethics" if hit else "") for hit in violation[seen]]
        estimates.append(figures.missed_among_clear(settled(rows, weight=50.0, copies=copies[seen].tolist())))
    assert np.mean([each.value for each in estimates]) == pytest.approx(truth, rel=0.06)
    unweighted = float(violation.mean())
    assert abs(unweighted - truth) > 0.06 * truth
    assert np.mean([each.low <= truth <= each.high for each in estimates]) >= 0.93


def test_missed_posts_without_a_hit_keep_an_upper_bound() -> None:
    found = figures.missed_among_clear(settled([("clear", "")] * 100, weight=50.0))
    assert (found.value, found.low, found.n) == (0, 0, 100)
    assert found.high == pytest.approx(exact_share(0, 100, 0.95).high)
    few = figures.missed_among_clear(settled([("clear", "")] * 100, weight=50.0, copies=[100, *[1] * 99]))
    assert few.high > 3 * found.high
    assert figures.in_posts(found, 5000).high == pytest.approx(5000 * found.high)


def test_posts_that_the_model_doubted_do_not_count_as_missed() -> None:
    found = figures.missed_among_clear(settled([("clear", ""), ("clear", "ethics"), ("review", "insult"), ("flag", "insult")]))
    assert (found.value, found.n) == (0.5, 2)
    nothing = figures.missed_among_clear(settled([("flag", "insult")]))
    assert np.isnan(nothing.value)
    assert (nothing.low, nothing.high, nothing.n) == (0, 1, 0)


def test_violations_of_one_stratum_do_not_make_the_other_certain() -> None:
    mixed = settled([("clear", "insult")] * 30 + [("clear", "")] * 970 + [("clear", "")] * 40, weight=[1.0] * 1000 + [50.0] * 40)
    assert figures.missed_among_clear(mixed).high > 0.04


def test_a_few_heavy_hits_are_less_certain_than_many_light_ones() -> None:
    weight = np.array([1.0] * 90 + [9.0] * 10)
    light, heavy = np.arange(100) < 45, np.arange(100) >= 95
    many, few = (figures.weighted_share(hits, weight, 0.95) for hits in (light, heavy))
    assert many.value == few.value == 0.25
    assert few.high - few.low > 1.1 * (many.high - many.low)


def test_queue_length_and_age() -> None:
    waiting = pd.DataFrame({"state": ["open", "open", "open", "disputed"], "age": [0.5 * DAY, 2 * DAY, 30 * DAY, 4 * DAY]})
    to_decide, to_adjudicate = figures.queue_length(waiting)
    assert (to_decide.posts, to_decide.median_days, to_decide.oldest_days, to_decide.ages) == (3, 2, 30, (1, 1, 0, 1))
    assert (to_adjudicate.state, to_adjudicate.posts, to_adjudicate.ages) == ("disputed", 1, (0, 0, 1, 0))
    assert np.isnan(figures.queue_length(waiting.iloc[:0])[0].oldest_days)


def distributions(probability: np.ndarray) -> Distributions:
    each = CategoryDistributions(probability=sorted(probability.tolist()), size=len(probability), routes={})
    return Distributions(unknown_words=None, categories=dict.fromkeys(CATEGORIES, each))


def batch(number: int, probability: np.ndarray, version: str = "v1") -> dict[str, object]:
    histogram = np.histogram(probability, bins=20, range=(0, 1))[0].tolist()
    summary = {"decisions": {"clear": len(probability) - 1, "flag": 1}, "histograms": dict.fromkeys(CATEGORIES, histogram)}
    return {"batch_id": number, "name": f"batch {number}", "created_at": number * DAY, "model_version": version, "summary": summary}


def test_drift_of_batches_tells_a_shift_from_chance() -> None:
    rng = np.random.default_rng(8)
    references = {"v1": distributions(rng.beta(0.5, 4, 2000))}
    alike = [batch(number, rng.beta(0.5, 4, size)) for number, size in enumerate([20, 60, 300] * 30)]
    shifted = [batch(number, rng.beta(2, 4, size)) for number, size in enumerate([300] * 30, start=100)]
    found = figures.drift(pd.DataFrame([*alike, *shifted, batch(999, rng.random(50), "v0")]), references, limit=0.25)
    assert set(found["batch_id"]) == {row["batch_id"] for row in (*alike, *shifted)}
    assert found.loc[found["batch_id"] < 100, "drifted"].mean() <= 0.01
    assert (found.loc[found["batch_id"] < 100, "stability"] > 0.25).any()
    assert found.loc[found["batch_id"] >= 100, "drifted"].all()
    sixty = found.loc[(found["batch_id"] < 100) & (found["posts"] == 60), "stability"]
    assert sixty.mean() < 0.15  # nearly empty bins would bring it to 0.28


def test_pictures_are_drawn_in_both_languages_with_and_without_figures() -> None:
    rng = np.random.default_rng(9)
    batches = pd.DataFrame([batch(number, rng.random(200)) for number in range(3)])
    waiting = pd.DataFrame({"state": ["open", "disputed"], "age": [DAY, 9 * DAY]})
    days = pd.DataFrame({"day": [pd.Timestamp("2026-11-01").date(), pd.Timestamp("2026-11-24").date()], "decisions": [3, 40]})
    drift = figures.drift(batches, {"v1": distributions(rng.random(500))}, 0.25)
    full, empty = settled([("flag", "insult"), ("review", ""), ("clear", "")] * 5), settled([])
    drawings: list[tuple[Callable[..., bytes], object, object]] = [
        (pictures.draw_ages, figures.queue_length(waiting), figures.queue_length(waiting.iloc[:0])),
        (pictures.draw_decisions, days, days.iloc[:0]),
        (pictures.draw_agreement, figures.agreement(answers(PARADOX)), figures.agreement(answers([]))),
        (pictures.draw_against_people, figures.against_people(full), figures.against_people(empty)),
        (lambda table, language: pictures.draw_drift(table, 0.25, language), drift, drift.iloc[:0]),
    ]
    for draw, given, nothing in drawings:
        drawn = {draw(table, language) for table in (given, nothing) for language in pictures.LANGUAGES}
        assert len(drawn) == 4
        assert all(picture.startswith(b"\x89PNG") for picture in drawn)


def test_the_store_gives_what_figures_take(
    database: Database, queue: Callable[..., int], new_item: Callable[..., NewItem], add_people: Callable[..., list[User]]
) -> None:
    with database.reading() as connection:
        assert np.isnan(figures.agreement(records.current_answers(connection))["insult"]["raw"].value)
        assert np.isnan(figures.missed_among_clear(records.settled_items(connection)).value)
        assert pictures.draw_decisions(records.decisions_by_day(connection), "vi")
        assert pictures.draw_drift(figures.drift(records.batches(connection), {}, 0.25), 0.25, "vi")
    clear = dict.fromkeys(CATEGORIES, "clear")
    flagged = new_item("a", decision="flag", routes={**clear, "insult": "flag"}, needed=2, rank=2.0)
    let_pass = [new_item(f"c{number}", decision="clear", routes=clear, weight=50.0, rank=1.0) for number in range(3)]
    summary = {"decisions": {"flag": 1, "clear": 150}, "histograms": {category: [151] + [0] * 19 for category in CATEGORIES}}
    queue([flagged, *let_pass, new_item("d", rank=-9.0)], summary=summary)
    one, other = add_people(2)
    for reviewer, categories, posts in ((one, {"insult"}, 1), (other, {"insult"}, 1), (one, set(), 2), (other, {"ethics"}, 1)):
        for _ in range(posts):
            with database.writing() as connection:
                given = work.next_item(connection, DAY, reviewer.id, 600.0, 0.0, 1.0)
                assert given is not None
                answer = Answer(frozenset(categories), "", 3, "because" if categories else "")
                work.answer(connection, DAY, reviewer.id, given.lease_id, answer, False)
    with database.reading() as connection:
        decided, given = records.settled_items(connection), records.current_answers(connection)
        batches, waiting = records.batches(connection), records.queue_state(connection, 2 * DAY)
        days = records.decisions_by_day(connection)
    assert figures.agreement(given)["insult"]["raw"] == exact_share(1, 1, 0.95)
    assert figures.against_people(decided)["insult"]["flag"] == exact_share(1, 1, 0.95)
    missed = figures.missed_among_clear(decided)
    assert (missed.value, missed.n) == (pytest.approx(1 / 3), 3)
    assert figures.in_posts(missed, 150).value == pytest.approx(50)
    assert [each.posts for each in figures.queue_length(waiting)] == [1, 0]
    assert figures.overruled_by_people(decided)["ethics"]["clear"].value == pytest.approx(50 / 151)
    assert len(figures.drift(batches, {"v1": distributions(np.full(500, 0.01))}, 0.25)) == len(CATEGORIES)
    assert pictures.draw_decisions(days, "vi")
