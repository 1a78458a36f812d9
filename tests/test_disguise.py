"""Undoing disguises: what is undone, what must be left alone, and what holds for any text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned
from classifier.disguise import undisguise
from classifier.evasion import TRANSFORMATIONS
from classifier.masking import MASKS, mask
from classifier.text import clean, normalize, strip_accents

POSTS = [text for path in sorted(Path("data/seed").glob("*.csv")) for text in pd.read_csv(path)["text"][::40]]
SIGNS = st.sampled_from(list("*.-_~|·@$ 0149sfrxjwzkhgàáạờ😂\u200b"))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("ng*u n~g~u ch*ó l*ồ*n", "ngu ngu chó lồn"),
        ("n.g.u ng.u th.ằng trườn.g", "ngu ngu thằng trường"),
        ("n-g-u th-ằng n_g_u", "ngu thằng ngu"),
        ("đồ n g u", "đồ ngu"),
        ("đ ồ n g u", "đồ ngu"),
        ("t h ằ n g n g u n h ư b ò", "thằng ngu như bò"),
        ("b ố ơi", "bố ơi"),
        ("d o n g u", "do ngu"),
        ("đ*t l*n c*c đ*o", "địt lồn cặc đéo"),
        ("đ1t l0n n9u ch0 b@n m4y ngườ1", "địt lồn ngu cho ban may người"),
        ("n😂g😂u ng🐶u đi😂ên", "ngu ngu điên"),
        ("ngguu chóó thằngg nhớớ anhh khônng", "ngu chó thằng nhớ anh không"),
        ("thawngf ngu", "thằng ngu"),
        ("tha82ng ngu", "thằng ngu"),
        ("mafy laf ddoof chos", "mày là đồ chó"),
        ("ma2y la2 d9o62 cho1 ngu", "mày là đồ chó ngu"),
        ("thằngngu đồngunhưbò mẹmày", "thằng ngu đồ ngu như bò mẹ mày"),
        ("thangngu #hocsinhgioi", "thang ngu #hoc sinh gioi"),
        ("qúa đựơc trừơng nuớc", "quá được trường nước"),
        ("fải kó khôg tôj zậy trog", "phải có không tôi vậy trong"),
    ],
)
def test_a_disguise_is_undone(written: str, plain: str) -> None:
    assert normalize(undisguise(written)) == normalize(plain)


@pytest.mark.parametrize(
    "text",
    [
        "lớp 10a1 9b 12a3 a1 b2 c3 th1 tổ1 lop1",
        "giá 80k 2tr 1tr5 650k 5h30 8h45 4g 5g 50%",
        "covid19 covid-19 h20 h2o co2 u23 mp3 k62 i5 a4 v1 g7",
        "test class online share facebook zalo ship sale form link pass file wifi real check list shop clip",
        "app add seen teen too see free wifi game camera video like iphone photo menu demo logo data combo",
        "tree beer moon book cook good door poor roof food been has mix fix box tax max car for her if of def",
        "is this the best class for us or for them",
        "london mango button common bottom kimchi taxi radio robot vitamin",
        "đắk lắk krông ana h'mông ê đê k'ho pleiku sa pa hồng kông",
        "thầy t.anh, em n.hà, bạn ng.anh lớp 9b",
        "đi học.mai nghỉ đẹp😂quá anh/chị học_sinh t/b và/hoặc",
        "pa-tê ki-lô-mét cà-rốt e-mail wi-fi x-quang coca-cola",
        "hahaha hihi kkk :)) emosmile emosad emolove",
        "k biết m ở đâu, e ơi, c à, t ăn r",
        "moóc soóc xoong boong quần soóc",
        "a.(b+c) = ab+ac, x+y, 1/2",
        *sorted(MASKS),
    ],
)
def test_what_is_no_disguise_stays(text: str) -> None:
    assert undisguise(text) == text


def test_foreign_words_that_look_like_a_disguise_stay() -> None:
    words = Path("src/classifier/foreign.tsv").read_text(encoding="utf-8").split()[1:]
    assert len(words) == len(set(words))
    assert [word for word in words if undisguise(word) != word] == []


def test_hardly_a_post_changes_that_hides_nothing() -> None:
    """The corpus does hold a few glued and starred words; moving a tone to its place changes no letter."""
    cleaned = [mask(clean(text)) for text in POSTS]
    changed = [text for text in cleaned if strip_accents(undisguise(text)) != strip_accents(text)]
    assert len(changed) / len(cleaned) < 0.02, changed


def test_one_word_of_keys_may_be_chance_and_a_post_of_them_is_not() -> None:
    assert undisguise("xem deps không") == "xem deps không"
    assert undisguise("ddungs laf xem deps khoong") == "đúng là xem dép không"


def test_spans_are_kept() -> None:
    original = "đồ ng*u, thằngngu"
    aligned = undisguise(Aligned.of(original))
    assert isinstance(aligned, Aligned)
    assert str(aligned) == "đồ ngu, thằng ngu"
    assert [original[slice(*aligned.span(start, end))] for start, end in ((3, 6), (8, 13), (14, 17))] == ["ng*u", "thằng", "ngu"]


@st.composite
def disguised_posts(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(POSTS))[:80]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for name in draw(st.lists(st.sampled_from(list(TRANSFORMATIONS)), max_size=3)):
        text = TRANSFORMATIONS[name](text, rng)
    for place, sign in draw(st.lists(st.tuples(st.integers(0, 200), SIGNS), max_size=8)):
        text = text[:place] + sign + text[place:]
    return text


@given(disguised_posts())
@settings(max_examples=400, deadline=None)
def test_normalising_again_changes_nothing_whatever_the_disguise(text: str) -> None:
    normalized = normalize(text)
    assert normalize(normalized) == normalized
    assert str(normalize(Aligned.of(text))) == normalized


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_comes_through(text: str) -> None:
    assert isinstance(undisguise(text), str)
    assert str(undisguise(Aligned.of(text))) == undisguise(text)
