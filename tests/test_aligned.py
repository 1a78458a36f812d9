"""Aligned text: the same characters as the built-in methods give, and where each came from."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned, compose, lower, splice, strip, substitute, translate

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
LETTERS = st.text("aAbB ẻéİΣ\u0301\u0309\u0323가ᄀ\u1161ｶﾞ\u200b\t1", max_size=20)
TEXT = ANY_TEXT | LETTERS
TABLE = {ord("a"): "", ord("b"): "xyz", ord("é"): "e", ord(" "): "  "}
STEPS = {
    "lower": (lower, str.lower),
    "strip": (strip, str.strip),
    "compose": (compose, lambda text: unicodedata.normalize("NFKC", text)),
    "translate": (lambda text: translate(text, TABLE), lambda text: text.translate(TABLE)),
    "drop": (lambda text: substitute(re.compile("[ab]"), "", text), lambda text: re.sub("[ab]", "", text)),
    "surround": (lambda text: substitute(re.compile(r"(\w+)"), r" \1 ", text), lambda text: re.sub(r"(\w+)", r" \1 ", text)),
    "call": (lambda text: substitute(re.compile(r"\w\w"), _twice, text), lambda text: re.sub(r"\w\w", _twice, text)),
    "insert": (lambda text: substitute(re.compile(r"(?=a)"), "x y", text), lambda text: re.sub(r"(?=a)", "x y", text)),
}


def _twice(match: re.Match[str]) -> str:
    return f"{match.group()} {match.group()[::-1]}"


def pieces(text: str, original: str) -> list[tuple[str, str]]:
    """Each word of a changed text beside the piece of the original that it came from."""
    assert isinstance(text, Aligned)
    return [(match.group(), original[slice(*text.span(*match.span()))]) for match in re.finditer(r"\S+", text)]


@given(TEXT, st.lists(st.sampled_from(sorted(STEPS)), max_size=4))
@settings(max_examples=500, deadline=None)
def test_any_chain_of_steps_gives_the_same_characters_and_spans_in_order(original: str, names: list[str]) -> None:
    plain, aligned = original, Aligned.of(original)
    for name in names:
        ours, built_in = STEPS[name]
        assert ours(plain) == built_in(plain)
        plain, aligned = built_in(plain), ours(aligned)
    assert isinstance(aligned, Aligned)
    assert str(aligned) == plain
    assert len(aligned.starts) == len(aligned.ends) == len(plain)
    assert list(aligned.starts) == sorted(aligned.starts)
    assert list(aligned.ends) == sorted(aligned.ends)
    assert all(0 <= start <= end <= len(original) for start, end in zip(aligned.starts, aligned.ends, strict=True))


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_a_text_comes_from_itself(text: str) -> None:
    assert pieces(Aligned.of(text), text) == [(word, word) for word in re.findall(r"\S+", text)]


def test_composed_letters_come_from_letter_and_marks() -> None:
    original = unicodedata.normalize("NFD", "quả ớt")
    composed = compose(Aligned.of(original))
    assert [original[start:end] for start, end in zip(composed.starts, composed.ends, strict=True)] == [
        unicodedata.normalize("NFD", letter) for letter in "quả ớt"
    ]


@pytest.mark.parametrize("original", ["ｶﾞ", "한국", "ﬁx", "ﷺ", "①②", "क़", "x\u0323\u0307"])
def test_composition_of_other_scripts_stays_within_the_letter(original: str) -> None:
    text = f"a {unicodedata.normalize('NFD', original)} b"
    assert pieces(compose(Aligned.of(text)), text)[0] == ("a", "a")
    assert pieces(compose(Aligned.of(text)), text)[-1] == ("b", "b")


@pytest.mark.parametrize(
    ("pattern", "replacement", "original", "expected"),
    [
        (r"(.)\1+", r"\1", "nguuu, đi", [("ngu,", "nguuu,"), ("đi", "đi")]),
        (r"\*", "", "ng*u", [("ngu", "ng*u")]),
        (r"k\b", "không", "k ai", [("không", "k"), ("ai", "ai")]),
        (r"nt\b", "nhắn tin", "nt nha", [("nhắn", "nt"), ("tin", "nt"), ("nha", "nha")]),
        (r"thằngngu", "thằng ngu", "thằngngu", [("thằng", "thằng"), ("ngu", "ngu")]),
        (r"đ ồ n g u", "đồ ngu", "đ ồ n g u", [("đồ", "đ ồ"), ("ngu", "n g u")]),
        (r"m\S+k", " mask ", "gọi m.a.s.k nha", [("gọi", "gọi"), ("mask", "m.a.s.k"), ("nha", "nha")]),
        (r"a\S+k", " mask ", "gọi amask nha", [("gọi", "gọi"), ("mask", "amask"), ("nha", "nha")]),
        (r" +mask *", " mask ", "gọi   mask", [("gọi", "gọi"), ("mask", "mask")]),
        (r"\n+", " ", "a\n\nb", [("a", "a"), ("b", "b")]),
    ],
)
def test_words_know_the_piece_they_came_from(pattern: str, replacement: str, original: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(substitute(re.compile(pattern), replacement, Aligned.of(original)), original) == expected


def test_splice_takes_plain_text_too() -> None:
    assert splice("gọi 123 nha", [(4, 7, "số"), (11, 11, "!")]) == "gọi số nha!"
    assert type(splice("abc", [(0, 1, "")])) is str
