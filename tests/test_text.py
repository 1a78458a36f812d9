"""Normalising and folding: what is made alike, what is kept, and what holds for any text."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aligned import Aligned
from classifier.masking import MASKS
from classifier.text import fold, normalize, teencode

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
VIETNAMESE_LETTERS = "aăâeêioôơuưyàáạảãằắậéèẽếọộúùụứýđĐƯbcdghklmnpqrstvx0134$@ .-_*~'|·!?:;=)(\u0301\u0300\u0323\u200b\tСоɴ😂👍🏽\ud83d\ude02"
VIETNAMESE_PIECES = [
    *sorted(MASKS),
    "k",
    "ko",
    "đc",
    "vcl",
    "kkkk",
    "haha",
    ":)",
    "=((",
    "n g u",
    "ng.u",
    "hòa",
    "0951234567",
    "a@b.example",
    "stk",
    "😂",
]
VIETNAMESE_TEXT = st.text(st.sampled_from(VIETNAMESE_LETTERS), max_size=60) | st.lists(st.sampled_from(VIETNAMESE_PIECES), max_size=12).flatmap(
    lambda words: st.sampled_from(["", " ", ".", ". ", "-", "\n"]).map(lambda sign: sign.join(words))
)
TEXT = ANY_TEXT | VIETNAMESE_TEXT


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (unicodedata.normalize("NFD", "Trường đẹp quá"), "trường đẹp quá"),
        ("ｔｒường", "trường"),
        ("𝐧𝐠𝐮 ⓝⓖⓤ", "ngu ngu"),
        ("trư\u200bờ\ufeffng\u00ad đẹp", "trường đẹp"),
        ("a\u202eb\x00c\x07d", "abcd"),
        ("trường\t\r\n  đẹp ", "trường đẹp"),
        ("đẹp \ud83d\ude02", "đẹp 😂"),
        ("đẹp\ud83d quá\ude02", "đẹp quá"),
        ("đẹpppppp", "đẹp"),
        ("đẹp quá!!!! thật à????", "đẹp quá! thật à?"),
        ("kkkkkk hahahaha hihihi", "haha haha haha"),
        ("vui :))) buồn =(((", "vui emosmile buồn emosad"),
        ("đẹp😂😂😂quá", "đẹp 😂 quá"),
        ("hòa khỏe thủy quý", "hòa khỏe thủy quý"),
        ("hòa khỏe thủy quý", "hòa khỏe thủy quý"),
        ("K ngờ đc luôn", "không ngờ được luôn"),
        ("đồ n g u", "đồ ngu"),
        ("đồ n.g.u", "đồ ngu"),
        ("đồ N-G-U", "đồ ngu"),
        ("gọi 0951234567 nha", "gọi maskphone nha"),
    ],
)
def test_normalize_makes_ways_of_writing_alike(written: str, expected: str) -> None:
    assert normalize(written) == expected


@pytest.mark.parametrize("text", ["mai lớp mình học ở phòng 305", "xoong nồi", "điểm 10 9 8", "đi học.mai nghỉ", "quý thầy cô, ba mẹ"])
def test_normalize_leaves_plain_posts_alone(text: str) -> None:
    assert normalize(text) == text


@pytest.mark.parametrize(
    "written",
    [
        "đồ ngu",
        "do ngu",
        "ĐỒ NGUUUU",
        "đồ ng.u",
        "đồ n.g.u",
        "đồ ng*u",
        "đồ ng_u",
        "đồ n g u",
        "đồ пgu",
        "đồ nցu",
        "đồ ngυ",
        "đồ ɴɢᴜ",
        "đ0 ngu",
        "d\u200bo ng\u00adu",
    ],
)
def test_fold_undoes_every_disguise_of_a_word(written: str) -> None:
    assert fold(normalize(written)) == "do ngu"


@pytest.mark.parametrize(
    ("written", "expected"),
    [("сhó", "cho"), ("ch0", "cho"), ("b@n", "ban"), ("s1ng", "sing"), ("10a1 covid19", "10a1 covid19"), ("th4y", "thay"), ("ma$k", "mask")],
)
def test_fold_reads_look_alike_letters_and_digits(written: str, expected: str) -> None:
    assert fold(written) == expected


@pytest.mark.parametrize("text", ["3", "305", "1 2 3", "2024", *sorted(MASKS)])
def test_fold_keeps_numbers_and_mask_tokens(text: str) -> None:
    assert fold(text) == text


def test_fold_keeps_words_apart_where_only_a_space_is_missing() -> None:
    assert fold("đi học.mai nghỉ") == "di hoc mai nghi"


def test_the_teencode_table_writes_single_words_out_once() -> None:
    table = teencode()
    assert len(table) >= 250
    assert [short for short in table if not short.isalnum() or short != short.lower()] == []
    assert [full for full in table.values() if not full or full != full.lower().strip()] == []
    assert {short: full for short, full in table.items() if table.keys() & full.split()} == {}


def test_every_teencode_entry_is_written_out() -> None:
    left = {short: normalize(short) for short, full in teencode().items() if normalize(short) != normalize(full)}
    assert left == {}


@given(TEXT)
@settings(max_examples=500, deadline=None)
def test_normalize_and_fold_again_change_nothing(text: str) -> None:
    normalized = normalize(text)
    assert normalize(normalized) == normalized
    folded = fold(normalized)
    assert fold(folded) == folded


@given(TEXT)
@settings(max_examples=500, deadline=None)
def test_both_forms_are_short_lower_case_and_without_control_characters(text: str) -> None:
    normalized = normalize(text)
    for form in (normalized, fold(normalized)):
        assert len(form) <= 10 * len(text) + 20
        assert form == form.lower() == form.strip()
        assert not [char for char in form if unicodedata.category(char) in ("Cc", "Cs")]


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_composed_and_decomposed_text_are_alike(text: str) -> None:
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    assert normalize(unicodedata.normalize("NFD", joined)) == normalize(unicodedata.normalize("NFC", joined))


@given(ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_fold_takes_text_that_was_not_normalised(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded


@given(TEXT)
@settings(max_examples=500, deadline=None)
def test_positions_change_no_character_and_stay_in_order(text: str) -> None:
    for step in (normalize, fold):
        form = step(Aligned.of(text))
        assert isinstance(form, Aligned)
        assert str(form) == step(text)
        assert len(form.starts) == len(form.ends) == len(form)
        assert list(form.starts) == sorted(form.starts)
        assert list(form.ends) == sorted(form.ends)
        assert all(0 <= start <= end <= len(text) for start, end in zip(form.starts, form.ends, strict=True))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Đồ nguuuu!!!! ", [("đồ", "Đồ"), ("ngu!", "nguuuu!!!!")]),
        ("đồ n g u, n.g.u", [("đồ", "đồ"), ("ngu,", "n g u,"), ("ngu", "n.g.u")]),
        ("\u200bđ\u200bồ N\u200bG\u200bU", [("đồ", "đ\u200bồ"), ("ngu", "N\u200bG\u200bU")]),
        (unicodedata.normalize("NFD", "quả ớt"), [("quả", unicodedata.normalize("NFD", "quả")), ("ớt", unicodedata.normalize("NFD", "ớt"))]),
        ("𝐧𝐠𝐮 ｎցu", [("ngu", "𝐧𝐠𝐮"), ("ngu", "ｎցu")]),
        ("hoàaaa k vcl", [("hòa", "hoàaaa"), ("không", "k"), ("vãi", "vcl"), ("cả", "vcl"), ("lồn", "vcl")]),
        ("gọi  0951 234 567 nha", [("gọi", "gọi"), ("maskphone", "0951 234 567"), ("nha", "nha")]),
        ("đẹp\ud83d\ude02😂 :)))", [("đẹp", "đẹp"), ("😂", "\ud83d\ude02😂"), ("emosmile", ":)))")]),
    ],
)
def test_normalised_words_know_what_they_were(written: str, expected: list[tuple[str, str]]) -> None:
    form = normalize(Aligned.of(written))
    assert isinstance(form, Aligned)
    assert [(word.group(), written[slice(*form.span(*word.span()))]) for word in re.finditer(r"\S+", form)] == expected
