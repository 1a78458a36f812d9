"""The order of the queue and who decides: what is worth a look, what can't wait, the random shares."""

import csv
import hashlib
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from classifier.masking import mask
from classifier.params import OrderParams
from classifier.review.queue import hide_sample, is_urgent, needed, rank, sampled, value_of_a_look
from classifier.taxonomy import CATEGORIES
from classifier.text import fold

ORDER = OrderParams(severity={"insult": 0.6, "false_info": 0.5, "unlawful": 1.0, "ethics": 0.7}, urgent=1.0, uncertainty=0.3, age=0.2)
DIGESTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4000)]
THREATS = [
    "chiều tan học tao đợi, đập gãy chân cho chừa",
    "chieu tan hoc tao doi, dap gay chan cho chua",
    "Đ.ậ.p g.ã.y chân nó đi",
    "mỗi đứa góp một cú đạp cho nó nhớ",
    "tối nay tao qua đốt nhà mày",
    "Cô nhớ đi xe cẩn thận, con cô hay về một mình mà",
]
EXPOSED = [
    "sđt con nhỏ đó nè 0951 234 567, mọi người gọi chửi đi",
    "Bạn nào muốn hỏi thăm thì 0957-330-118, trọ phòng 3 dãy sau chợ",
    "căn cước công dân của thằng quỵt tiền đây: 079 099 000 004",
    "ai cần xem ảnh nóng của nó thì ib",
]
LET_WAIT = [
    "nhận làm bằng các loại, liên hệ 0951234567",
    "kèo thơm tối nay, nạp 100 tặng 100, vào maskurl",
    "cho vay không thế chấp, alo 0957 330 118",
    "bán pod nhiều vị, giao tận cổng",
]


@pytest.mark.parametrize("text", [*THREATS, *EXPOSED])
def test_threats_and_exposed_people_are_urgent_as_typed_and_masked(text: str) -> None:
    assert is_urgent(text, 0.6)
    assert is_urgent(mask(text), 0.6)


@pytest.mark.parametrize("text", LET_WAIT)
def test_other_unlawful_posts_are_not_urgent(text: str) -> None:
    assert not is_urgent(text, 0.99)


@pytest.mark.parametrize("p", [0.0, 0.05, float("nan")])
def test_words_alone_make_nothing_urgent(p: float) -> None:
    assert not any(is_urgent(text, p) for text in [*THREATS, *EXPOSED])


def test_every_urgent_expression_says_what_it_counts_for_and_none_stands_twice() -> None:
    rows = list(csv.DictReader(files("classifier.review").joinpath("urgent.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    assert {row["kind"] for row in rows} == {"threat", "exposed", "contact"}
    folded = [(fold(row["expression"].replace("…", " dots ")), row["kind"]) for row in rows]
    assert len(set(folded)) == len(folded)
    assert all(len(expression) > 1 for expression, _ in folded)


def value(text: str = "bài", **probability: float) -> float:
    return float(value_of_a_look(np.array([[probability.get(category, 0.0) for category in CATEGORIES]]), [text], ORDER)[0])


def test_a_look_is_worth_more_the_likelier_severer_and_less_certain_the_harm() -> None:
    order = [value(), value(insult=0.9), value(unlawful=0.9), value(text=THREATS[0], unlawful=0.9)]
    assert order == sorted(order) and len(set(order)) == len(order)
    assert value(insult=0.3) < value(insult=0.45)
    assert value(insult=1.0) < value(insult=1.0, ethics=0.5)
    assert value(insult=0.5, ethics=0.5) < value(insult=0.5, unlawful=0.5)


def test_the_parts_add_up_as_explained() -> None:
    assert value(unlawful=0.75) == pytest.approx(1.0 * 0.75 + 0.3 * 0.5)
    assert value(insult=0.2, false_info=1.0) == pytest.approx(max(0.6 * 0.2, 0.5) + 0.3 * 0.4)
    assert value(text=THREATS[0], unlawful=1.0) == pytest.approx(1.0 + 1.0)


def test_no_posts_have_no_value() -> None:
    assert value_of_a_look(np.empty((0, len(CATEGORIES))), [], ORDER).shape == (0,)


def test_the_static_rank_orders_as_value_plus_age_would_at_any_instant() -> None:
    rng = np.random.default_rng(0)
    values, created = rng.uniform(0, 2, 200), rng.uniform(1.79e9, 1.8e9, 200)
    ranks = np.array([rank(np.array([v]), at, 0.2)[0] for v, at in zip(values, created, strict=True)])
    for now in (1.8e9, 1.9e9):
        worth = values + 0.2 * (now - created) / 86_400
        assert np.argsort(ranks).tolist() == np.argsort(worth).tolist()


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_the_random_share_has_its_size_and_stays_the_same(share: float) -> None:
    drawn = [sampled(digest, 2017, share) for digest in DIGESTS]
    assert np.mean(drawn) == pytest.approx(share, abs=4 * (share / len(DIGESTS)) ** 0.5)
    assert drawn == [sampled(digest, 2017, share) for digest in DIGESTS]
    assert drawn != [sampled(digest, 2018, share) for digest in DIGESTS]
    assert not any(sampled(digest, 2017, 0.0) for digest in DIGESTS) and all(sampled(digest, 2017, 1.0) for digest in DIGESTS)


def test_two_people_decide_on_flags_and_on_a_random_share_of_the_rest() -> None:
    assert {needed("flag", digest, 0.0) for digest in DIGESTS} == {2}
    for decision in ("review", "clear"):
        assert np.mean([needed(decision, digest, 0.1) == 2 for digest in DIGESTS]) == pytest.approx(0.1, abs=0.02)
        assert {needed(decision, digest, 0.0) for digest in DIGESTS} == {1}


def test_double_review_is_drawn_apart_from_the_sample_of_clear_posts() -> None:
    chosen = [digest for digest in DIGESTS if sampled(digest, 2017, 0.3)]
    assert np.mean([needed("clear", digest, 0.1) == 2 for digest in chosen]) == pytest.approx(0.1, abs=0.04)


def test_sampled_clear_posts_stand_anywhere_in_the_queue_whatever_they_are_worth() -> None:
    worth, hidden = np.linspace(0, 2, 2000), np.arange(2000) % 2 == 0
    placed = hide_sample(worth, hidden, DIGESTS[:2000])
    assert (placed[~hidden] == worth[~hidden]).all()
    assert set(placed[hidden]) <= set(worth[~hidden])
    quarters = np.histogram(placed[hidden], bins=4, range=(0, 2))[0]
    assert quarters == pytest.approx(250, abs=60)
    assert abs(np.corrcoef(placed[hidden], worth[hidden])[0, 1]) < 0.1
    np.testing.assert_array_equal(placed[hidden], hide_sample(np.where(hidden, 0.0, worth), hidden, DIGESTS[:2000])[hidden])


def test_a_queue_of_sampled_clear_posts_alone_is_in_an_order_by_chance() -> None:
    placed = hide_sample(np.zeros(50), np.ones(50, dtype=bool), DIGESTS[:50])
    assert len(set(placed)) == 50
    assert any(a > b for a, b in pairwise(placed))
    assert hide_sample(np.empty(0), np.empty(0, dtype=bool), []).shape == (0,)
