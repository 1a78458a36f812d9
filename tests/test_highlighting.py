"""Highlighting: words are found where they were typed, personal data never shows, no weight is lost."""

import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned
from classifier.attribution import Attribution
from classifier.forms import normal_form
from classifier.highlighting import heaviest_words, highlighted, locate, written_pieces
from classifier.masking import MASKS, PHONE

PIECES = ["đồ", "NGUUU", "n g u", "ng*u", "vcl", "nt", "0951 234 567", "a@b.example", "stk 95123456", "😂", ":)", "ngu\u200b", "\ud800", "\n", "."]
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).flatmap(
    lambda parts: st.sampled_from(["", " ", "  "]).map(lambda sign: sign.join(parts))
)


def located(text: str, **weights: float) -> Attribution:
    """An attribution with the given weight for every word of that name, 1 for all others."""
    words = normal_form(text).split()
    return locate(Attribution(words, np.array([[weights.get(word, 1.0), 0.0] for word in words]).reshape(-1, 2)), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Đồ  NGUUUU!!!", {"đồ": "Đồ", "ngu!": "NGUUUU!!!"}),
        ("Đồ n g u,đi", {"đồ": "Đồ", "ngu,đi": "n g u,đi"}),
        ("đồ ng\u200bu", {"đồ": "đồ", "ngu": "ng\u200bu"}),
        (unicodedata.normalize("NFD", "quả ớt"), {"quả": unicodedata.normalize("NFD", "quả"), "ớt": unicodedata.normalize("NFD", "ớt")}),
        ("gọi 0951 234 567 k", {"gọi": "gọi", "maskphone": "0951 234 567", "không": "k"}),
    ],
)
def test_words_are_found_where_they_were_typed(text: str, expected: dict[str, str]) -> None:
    attribution = located(text)
    assert {word: text[start:end] for word, (start, end) in zip(attribution.words, attribution.spans, strict=True)} == expected


def test_words_are_found_around_what_white_space_does_not_divide() -> None:
    text = "Hôm qua  MAI ra chợ mua cá, ai CẦN thì gọi 0951 234 567 n h a, còn bạn H. lớp 9 thì ĐỢI ở đó K đi"
    attribution = located(text)
    written = [text[start:end] for start, end in attribution.spans]
    assert written[:6] == ["Hôm", "qua", "MAI", "ra", "chợ", "mua"]
    assert written[written.index("gọi") + 1 : written.index("gọi") + 3] == ["0951 234 567", "n h a,"]
    assert written[-5:] == ["ĐỢI", "ở", "đó", "K", "đi"]


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_the_form_that_features_read_keeps_its_positions(text: str) -> None:
    form = normal_form(Aligned.of(text))
    assert isinstance(form, Aligned)
    assert str(form) == normal_form(text)
    assert len(form.starts) == len(form.ends) == len(form)
    assert list(form.starts) == sorted(form.starts)
    assert list(form.ends) == sorted(form.ends)


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_pieces_are_in_order_and_lose_neither_weight_nor_text(text: str) -> None:
    attribution = located(text)
    pieces = written_pieces(text, attribution)
    edges = [edge for piece in pieces for edge in (piece.start, piece.end)]
    assert edges == sorted(edges)
    assert sum(weight for _, weight in highlighted(text, attribution, 0)) == len(attribution.words)
    shown = "".join(piece for piece, _ in highlighted(text, attribution, 0))
    expected = text
    for piece in reversed(pieces):
        expected = expected[: piece.start] + piece.text + expected[piece.end :]
    assert shown == expected
    if MASKS.isdisjoint(attribution.words):
        assert shown == text


@given(
    st.text("0123456789", min_size=7, max_size=7),
    st.lists(st.sampled_from(["", " ", ".", "-", "\u200b", ". "]), min_size=9, max_size=9),
    st.sampled_from(["", "gọi ", "đồ ngu", "vcl "]),
    st.sampled_from(["", " nha", ") nhé", "!!!"]),
)
@settings(max_examples=300, deadline=None)
def test_no_digit_of_a_masked_phone_number_is_shown(digits: str, gaps: list[str], before: str, after: str) -> None:
    text = before + "".join(digit + gap for digit, gap in zip("095" + digits, [*gaps, ""], strict=True)) + after
    assume(normal_form(text).split().count(PHONE) == 1)
    attribution = located(text)
    shown = "".join(piece for piece, _ in highlighted(text, attribution, 0))
    assert PHONE in shown
    assert not any(char.isdigit() for char in shown)
    assert not any(char.isdigit() for word in heaviest_words(text, attribution, np.array([True, False]), 10) for char in word)


def test_words_written_as_one_abbreviation_are_one_piece() -> None:
    assert highlighted("vcl thật", located("vcl thật", thật=0.5), 0) == [("vcl", 3.0), (" ", 0.0), ("thật", 0.5)]


def test_reasons_are_as_typed_distinct_and_heaviest_first() -> None:
    text = "“Đồ NGUUU”, ngu! gọi 0951234567\nK\u202e đi;"
    attribution = located(text, **{"“đồ": 0.5, "ngu”,": 2.0, "ngu!": 1.5, "gọi": -1.0, "maskphone": 3.0, "không": 0.9, "đi;": 0.2})
    chosen = np.array([True, False])
    assert heaviest_words(text, attribution, chosen, 10) == ["maskphone", "NGUUU", "ngu", "K", "Đồ", "đi"]
    assert heaviest_words(text, attribution, chosen, 1) == ["maskphone"]
    assert heaviest_words(text, attribution, ~chosen, 10) == []


def test_reasons_can_be_shown_and_written_anywhere() -> None:
    text = "ng\ud800u a\x1b[31mb \u202engừ"
    words = heaviest_words(text, located(text), np.array([True, False]), 5)
    assert sorted(words) == ["a[31mb", "ngu", "ngừ"]


def test_an_attribution_of_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="another text"):
        locate(located("đồ ngu"), "đồ bò")
