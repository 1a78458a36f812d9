"""What is taken for ordinary is what the rules leave alone: shown for every syllable, with every sign somewhere behind it."""

from itertools import cycle

import pytest

from classifier import stretches, text
from classifier.masking import fixed_point
from classifier.ordinary import _SIGNS, ordinary
from classifier.segment import _segmenter
from classifier.syllables import _syllables


@pytest.fixture(scope="module")
def ordinary_stretches() -> list[str]:
    """Every syllable alone and with a sign, each sign in turn; what is not ordinary left out."""
    signs = cycle(sorted(_SIGNS))
    found = [stretch for syllable in sorted(_syllables()) for stretch in (syllable, syllable + next(signs)) if ordinary(stretch)]
    assert len(found) > 30_000 and {stretch[-1] for stretch in found} >= _SIGNS
    return found


def test_normalisation_finds_in_them_what_its_rules_find(ordinary_stretches: list[str]) -> None:
    for stretch in ordinary_stretches:
        assert stretches._unchanged(stretch) == text._STRETCHES._normalized(stretch)


def test_normalisation_only_lowers_their_capitals(ordinary_stretches: list[str]) -> None:
    for stretch in [*(stretch.upper() for stretch in ordinary_stretches[::5]), *(stretch.title() for stretch in ordinary_stretches[1::5])]:
        assert stretches._unchanged(stretch.lower()) == text._STRETCHES._normalized(stretch)


def test_folding_drops_accents_and_the_sign(ordinary_stretches: list[str]) -> None:
    for stretch in ordinary_stretches:
        assert text._fold_stretch(stretch) == fixed_point(text._fold_once, stretch)


@pytest.mark.parametrize("behind", ["", " "])
def test_segmentation_cuts_off_the_sign(behind: str, ordinary_stretches: list[str]) -> None:
    tokenize = _segmenter()._tokenize
    for stretch in ordinary_stretches:
        syllable = ordinary(stretch)
        assert tokenize(stretch + behind) == [*tokenize(syllable + " "), *stretch[len(syllable) :]]


@pytest.mark.parametrize("stretch", ["", "k", "ở", "ko", "online", "hoà", "họcc", "đi...", "10a1", "ừm..", "e.", "Học", "(đường"])
def test_the_rules_decide_about_all_else(stretch: str) -> None:
    assert ordinary(stretch) == ""
