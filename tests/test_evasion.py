"""The evasion suite: what each transformation does, what it leaves alone, and how much of it normalising takes back."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.evasion import TRANSFORMATIONS
from classifier.text import fold, normalize

POST = "Thằng đó ngu như chó, gọi 0951 234 567 hoặc vào https://vay.example/abc mà chửi nó, lớp 10A1"
POSTS = [text for path in sorted(Path("data/seed").glob("*.csv")) for text in pd.read_csv(path)["text"][::80]]

# The least share of the words of some posts that come back, of the normalised and of the folded form.
FLOORS = {
    "no accents": (0.33, 0.99),
    "partial accents": (0.63, 0.99),
    "teencode": (0.94, 0.94),
    "dots": (0.95, 0.98),
    "spaces": (0.94, 0.94),
    "asterisks": (0.97, 0.98),
    "Cyrillic": (0.99, 0.99),
    "Greek": (0.98, 0.98),
    "full width": (0.99, 0.99),
    "zero width": (0.99, 0.99),
    "repeated letters": (0.97, 0.98),
    "upper case": (0.99, 0.99),
    "leetspeak": (0.72, 0.97),
    "glued words": (0.94, 0.94),
    "emoji": (0.96, 0.96),
    "Telex": (0.97, 0.97),
    "VNI": (0.97, 0.97),
}


def test_every_transformation_has_a_floor_and_says_what_it_is() -> None:
    assert TRANSFORMATIONS.keys() == FLOORS.keys()
    assert [name for name, transform in TRANSFORMATIONS.items() if not transform.__doc__] == []


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_same_seed_gives_the_same_disguise_and_personal_data_stays(name: str) -> None:
    disguised = TRANSFORMATIONS[name](POST, np.random.default_rng(7))
    assert disguised != POST
    assert disguised == TRANSFORMATIONS[name](POST, np.random.default_rng(7))
    assert "0951 234 567" in disguised
    assert "https://vay.example/abc" in disguised
    assert normalize(disguised).count("maskphone") == 1
    assert normalize(disguised).count("maskurl") == 1


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_any_text_can_be_disguised(name: str) -> None:
    rng = np.random.default_rng(0)
    for text in ("", " ", "k", "😂😂", "0951234567", "a\u0301\u0301 \ud83d", "ÀÁ ß ﬁ"):
        assert isinstance(TRANSFORMATIONS[name](text, rng), str)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("no accents", r"Thang do ngu nhu cho"),
        ("dots", r"\w\.\w"),
        ("spaces", r"\b\w \w \w\b"),
        ("asterisks", r"\w\*\w"),
        ("Cyrillic", r"[а-я]"),
        ("Greek", r"[α-ω]"),
        ("full width", r"[ａ-ｚ]"),
        ("zero width", r"[\u200b\u200c\u200d\u2060\u00ad]"),
        ("repeated letters", r"(\w)\1"),
        ("upper case", r"NHƯ CHÓ"),
        ("leetspeak", r"[^\W\d_]\d"),
        ("glued words", r"\w{6,}"),
        ("emoji", r"\w[^\w\s,/:.]\w"),
        ("Telex", r"(?:uw|aw|aa|oo|os|or|ow|ef)"),
        ("VNI", r"[a-z]\d"),
    ],
)
def test_a_transformation_does_what_it_says(name: str, pattern: str) -> None:
    sentence = "Thằng đó ngu như chó, vừa gọi nó đã chửi"
    assert re.search(pattern, TRANSFORMATIONS[name](sentence, np.random.default_rng(1)))
    assert not re.search(pattern, sentence)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_normalising_takes_most_of_a_disguise_back(name: str) -> None:
    disguised = [TRANSFORMATIONS[name](text, np.random.default_rng(seed)) for seed, text in enumerate(POSTS)]
    before, after = [normalize(text) for text in POSTS], [normalize(text) for text in disguised]
    assert _share_given_back(before, after) >= FLOORS[name][0]
    assert _share_given_back([fold(text) for text in before], [fold(text) for text in after]) >= FLOORS[name][1]


def _share_given_back(before: list[str], after: list[str]) -> float:
    """Share of the words of texts that are found, as often, in their other form."""
    wanted, found = 0, 0
    for one, other in zip(before, after, strict=True):
        words = Counter(re.findall(r"\w+", one))
        wanted += words.total()
        found += (words & Counter(re.findall(r"\w+", other))).total()
    return found / wanted
