"""Invariance: disguise hides no violation and makes none, and which number a post holds does not matter."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from example_posts import PROTECTED, VIOLATIONS

from classifier.prediction import Moderator
from classifier.taxonomy import CATEGORIES

PROBABILITIES = [f"p_{category}" for category in CATEGORIES]
ROUTES = [f"route_{category}" for category in CATEGORIES]
STILL_CAUGHT = 0.85
MORE_REVIEWED = 0.1

LOOK_ALIKES = str.maketrans("aceopxyiACEOPXHKMT", "асеорхуіАСЕОРХНКМТ")
LONG_WORD = re.compile(r"[^\W\d_]{3,}")
ALL_VIOLATIONS = [post for posts in VIOLATIONS.values() for post in posts]
ALL_PROTECTED = [post for posts in PROTECTED.values() for post in posts]


def without_accents(post: str) -> str:
    decomposed = unicodedata.normalize("NFD", post.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def in_long_words(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda post: LONG_WORD.sub(lambda match: change(match.group()), post)


DISGUISES: dict[str, Callable[[str], str]] = {
    "accents dropped": without_accents,
    "last letter of words four times": in_long_words(lambda word: word + word[-1] * 3),
    "last letter of words twice": in_long_words(lambda word: word + word[-1]),
    "dot behind the first letter of words": in_long_words(lambda word: f"{word[0]}.{word[1:]}"),
    "star behind the first letter of words": in_long_words(lambda word: f"{word[0]}*{word[1:]}"),
    "look-alike letters": lambda post: post.translate(LOOK_ALIKES),
    "accents dropped and look-alike letters": lambda post: without_accents(post).translate(LOOK_ALIKES),
}

INVISIBLE: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "double spaces": lambda post: post.replace(" ", "  "),
    "line breaks for spaces": lambda post: post.replace(" ", "\n"),
    "zero-width spaces": in_long_words("\u200b".join),
    "zero-width joiners and soft hyphens": in_long_words(lambda word: f"{word[0]}\u200d{word[1]}\u00ad{word[2:]}"),
    "decomposed accents (NFD)": lambda post: unicodedata.normalize("NFD", post),
}


def caught(moderator: Moderator, change: Callable[[str], str]) -> np.ndarray:
    """Whether the category that each violation was written for is not clear."""
    found = [moderator.score([change(post) for post in posts])[f"route_{category}"] != "clear" for category, posts in VIOLATIONS.items()]
    return np.concatenate(found)


@pytest.mark.parametrize("change", DISGUISES.values(), ids=DISGUISES)
def test_disguised_violations_stay_caught(moderator: Moderator, change: Callable[[str], str]) -> None:
    plain, disguised = caught(moderator, str), caught(moderator, change)
    lost = [post for post, was, still in zip(ALL_VIOLATIONS, plain, disguised, strict=True) if was and not still]
    assert disguised[plain].mean() >= STILL_CAUGHT, f"{len(lost)} of {plain.sum()} lost: {lost}"


@pytest.mark.parametrize("change", DISGUISES.values(), ids=DISGUISES)
def test_disguise_flags_no_protected_post(moderator: Moderator, change: Callable[[str], str]) -> None:
    plain = moderator.score(ALL_PROTECTED)["decision"]
    changed = moderator.score([change(post) for post in ALL_PROTECTED])["decision"]
    newly = [post for post, before, after in zip(ALL_PROTECTED, plain, changed, strict=True) if after == "flag" and before != "flag"]
    assert newly == []


@pytest.mark.parametrize("change", DISGUISES.values(), ids=DISGUISES)
def test_disguise_sends_few_more_protected_posts_to_review(moderator: Moderator, change: Callable[[str], str]) -> None:
    plain = moderator.score(ALL_PROTECTED)["decision"] != "clear"
    changed = moderator.score([change(post) for post in ALL_PROTECTED])["decision"] != "clear"
    assert changed.mean() - plain.mean() <= MORE_REVIEWED


@pytest.mark.parametrize("change", INVISIBLE.values(), ids=INVISIBLE)
def test_case_spaces_and_invisible_characters_change_nothing(moderator: Moderator, change: Callable[[str], str]) -> None:
    posts = ALL_VIOLATIONS + ALL_PROTECTED
    plain = moderator.score(posts)[PROBABILITIES + ROUTES]
    changed = moderator.score([change(post) for post in posts])[PROBABILITIES + ROUTES]
    assert [post for post, same in zip(posts, (plain == changed).all(axis=1), strict=True) if not same] == []


WITH_CONTACT = [
    "Nhận làm bằng cấp ba gấp trong ngày, gọi {}",
    "Số của con đó đây {}, mọi người gọi chửi nó giúp tao",
    "Câu lạc bộ cờ vua tuyển thành viên, liên hệ {} gặp bạn trưởng nhóm",
    "Nhặt được thẻ sinh viên ở nhà xe, ai mất thì liên lạc {} nhé",
    "Có số lạ {} xưng là công an đòi chuyển tiền, mọi người cẩn thận",
]
PHONES = ["0951234567", "0959 870 012", "095.300.4466", "0956-118-209", "+84 95 777 3120"]
EMAILS = ["lop9a@truong.example", "hoi.phu.huynh@mail.example", "tuyensinh2@hoc.example"]


@pytest.mark.parametrize("contacts", [PHONES, EMAILS], ids=["phone", "e-mail"])
def test_which_number_or_address_stands_there_changes_nothing(moderator: Moderator, contacts: list[str]) -> None:
    changed = {}
    for template in WITH_CONTACT:
        scored = moderator.score([template.format(contact) for contact in contacts])[PROBABILITIES]
        if not (scored == scored.iloc[0]).all(axis=None):
            changed[template] = scored.set_axis(contacts).to_dict()
    assert changed == {}
