"""Words of a post, alone and in batches."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.features import prepare
from classifier.masking import MASKS
from classifier.segment import segment
from classifier.text import normalize, strip_accents

VIETNAMESE_LETTERS = "aăâeêioôơuưàáạảãấộđbcghklmnrtv  0123.,!?-_'()😂👍🏽"
PIECES = [*sorted(MASKS), "học sinh", "nhà trường", "không", "đẹp", "😂", "!", "...", "305", "10a1"]
TEXT = (
    st.text(st.characters(exclude_categories=()), max_size=40)
    | st.text(st.sampled_from(VIETNAMESE_LETTERS), max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join)
)


def letters(text: str) -> str:
    """Letters without spaces and accents: underthesea writes "ð" as "đ" and has its own placement of tone marks."""
    return strip_accents(text).replace("ð", "d").replace("_", "").replace(" ", "")


def test_the_syllables_of_a_word_are_joined() -> None:
    assert segment("học sinh trường mình đi học sớm") == ["học_sinh", "trường", "mình", "đi", "học", "sớm"]


def test_an_empty_post_has_no_words() -> None:
    assert segment("") == []


@pytest.mark.parametrize("alone", [*sorted(MASKS), "😂", "👍", "❤"])
def test_mask_tokens_and_emoji_stand_alone(alone: str) -> None:
    for text in (f"học sinh {alone} nhà trường", f"{alone} giáo viên", f"vui {alone} {alone} lắm", f"email {alone} zalo {alone}"):
        words = segment(text)
        assert words.count(alone) == text.split().count(alone), words


def test_a_batch_over_processes_gives_the_same_as_in_one() -> None:
    texts = [f"học sinh lớp {number} nghỉ học" if number % 3 else "" for number in range(4001)]
    assert prepare(texts, n_jobs=2) == prepare(texts)


def test_a_batch_keeps_its_order_and_its_repeats() -> None:
    assert prepare(["giáo viên", "", "học sinh", "giáo viên"]).words == ["giáo_viên", "", "học_sinh", "giáo_viên"]


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_segmenting_neither_adds_nor_loses_letters(text: str) -> None:
    normalized = normalize(text)
    words = segment(normalized)
    assert letters("".join(words)) == letters(normalized)
    assert not any(" " in word or word == "" for word in words)
