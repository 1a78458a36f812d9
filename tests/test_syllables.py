"""Vietnamese syllables and input methods: what is one, what is not, and how keys spell one."""

import csv
import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.evasion import TRANSFORMATIONS
from classifier.input_methods import telex, vni
from classifier.syllables import count_syllables, frequency, is_plain_syllable, is_syllable, plain, respell, syllables
from classifier.teencode import teencode
from classifier.text import normalize

SEED = Path("data/seed")
SYLLABLES = [
    syllable for word in Path("src/classifier/syllables.tsv").read_text(encoding="utf-8").splitlines()[1:] for syllable in [word.split("\t")[0]]
]
ACCENTED = st.sampled_from([syllable for syllable in SYLLABLES if not syllable.isascii()])


@pytest.fixture(scope="module")
def seed_texts() -> list[str]:
    return [text for path in sorted(SEED.glob("*.csv")) for text in pd.read_csv(path)["text"]]


@pytest.mark.parametrize(
    "text",
    [
        *"nghiêng người quý quỳ già gì gìn giếng giữ ghế kẹo cũng hòa hoàng hoài khỏe khuỷu thúy thuở".split(),
        *"uống yêu ỉa ý xoong boong tuýp buýt đường được ơi ở".split(),
    ],
)
def test_syllables_as_spelled_are_syllables(text: str) -> None:
    assert is_syllable(text)
    assert is_plain_syllable(plain(text))


@pytest.mark.parametrize(
    "text",
    ["ngiêng", "nghành", "cẻ", "kả", "gế", "hoc", "hòc", "hoà", "qúa", "zậy", "fải", "ngx", "ngườii", "bờng", "", "đc", "facebook", "class", "10a1"],
)
def test_what_breaks_a_rule_of_spelling_is_none(text: str) -> None:
    assert not is_syllable(text)


def test_nearly_every_accented_word_of_the_corpus_is_a_syllable(seed_texts: list[str]) -> None:
    words = [word for text in seed_texts for word in re.findall(r"[^\W\d_]+", normalize(text)) if not word.isascii()]
    refused = [word for word in words if not is_syllable(word) and word not in teencode()]
    assert len(words) > 200_000
    assert len(refused) / len(words) < 0.001, refused


def test_few_english_words_are_syllables() -> None:
    words = (
        "the and you that was for are with his they this have from one had word but not what all were when your can said there use each which".split()
    )
    assert sum(map(is_plain_syllable, words)) <= 5


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("thawngf", "thằng"),
        ("thangwf", "thằng"),
        ("thawfng", "thằng"),
        ("dduwowcj", "được"),
        ("dduocwj", "được"),
        ("nguwowif", "người"),
        ("tieengs", "tiếng"),
        ("tiengse", "tiếng"),
        ("khoong", "không"),
        ("hoawcj", "hoặc"),
        ("gif", "gì"),
        ("giaf", "già"),
        ("quas", "quá"),
        ("nhw", "như"),
        ("did", "đi"),
        ("trươngf", "trường"),
    ],
)
def test_telex_keys_spell_a_syllable(keys: str, expected: str) -> None:
    assert telex(keys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [("tha82ng", "thằng"), ("thang82", "thằng"), ("d9uo75c", "được"), ("ngu7o7i2", "người"), ("kho6ng", "không"), ("gi2", "gì"), ("d9i", "đi")],
)
def test_vni_keys_spell_a_syllable(keys: str, expected: str) -> None:
    assert vni(keys) == expected


@pytest.mark.parametrize("keys", ["ngu", "class", "online", "pass", "facebook", "bass", "", "xyz", "10a1", "9b", "lop9", "covid19", "mp3", "h2o"])
def test_other_words_hold_no_keys(keys: str) -> None:
    assert telex(keys) is None
    assert vni(keys) is None


@given(ACCENTED, st.integers(0, 3))
def test_keys_typed_for_a_syllable_give_it_back(syllable: str, seed: int) -> None:
    for name, decode in (("Telex", telex), ("VNI", vni)):
        typed = _typed(name, syllable, seed)
        if typed != syllable:
            assert decode(typed) == syllable


def _typed(name: str, syllable: str, seed: int) -> str:
    """The first disguise that touches the word, from the seed on; two letters are too short to be touched."""
    import numpy as np

    return next(
        (typed for each in range(seed, seed + 20) if (typed := TRANSFORMATIONS[name](syllable, np.random.default_rng(each))) != syllable), syllable
    )


@given(ACCENTED)
def test_a_syllable_is_found_by_its_plain_form_and_respelled_to_itself(syllable: str) -> None:
    assert syllable in syllables(plain(syllable))
    assert respell(syllable) == syllable


@pytest.mark.parametrize(
    ("text", "expected"), [("qúa", "quá"), ("hoà", "hòa"), ("đựơc", "được"), ("nuớc", "nước"), ("trưòng", "trường"), ("ngọai", "ngoại")]
)
def test_a_misplaced_tone_goes_where_it_belongs(text: str, expected: str) -> None:
    assert respell(text) == expected


def test_the_counts_are_those_of_the_seed_corpus(seed_texts: list[str]) -> None:
    accented = [text for text in seed_texts if sum(not word.isascii() for word in text.split()) >= 0.3 * len(text.split())]
    counts = {word: count for word, count in count_syllables(accented).items() if count > 1}
    with Path("src/classifier/syllables.tsv").open(encoding="utf-8") as file:
        table = {row["syllable"]: int(row["count"]) for row in csv.DictReader(file, delimiter="\t")}
    assert all(word == unicodedata.normalize("NFC", word) and is_syllable(word) for word in table)
    agreeing = sum(abs(counts.get(word, 0) - count) <= 0.1 * count for word, count in table.items())
    assert agreeing / len(table) > 0.95  # a few posts may come and go before the table is made anew
    assert frequency("không") == table["không"]
