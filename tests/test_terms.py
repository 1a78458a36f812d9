"""Terms in one string: looked up as in a dictionary, their units numbered as their spelling says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.terms import SortedTerms, SpelledTerms

UNIT = st.text(st.sampled_from("ab\0đ😂_\ud800ê"), min_size=1, max_size=20)
TERM = st.lists(UNIT, min_size=1, max_size=4).map(" ".join)
TERMS = st.sets(TERM, min_size=1, max_size=30).map(sorted)


@given(TERMS, st.lists(TERM, max_size=10))
@settings(max_examples=300, deadline=None)
def test_terms_are_looked_up_as_in_a_dictionary(terms: list[str], others: list[str]) -> None:
    looked_up, dictionary = SortedTerms("\n".join(terms)), {term: column for column, term in enumerate(terms)}
    assert dict(looked_up.items()) == dictionary
    for term in [*others, "", *(term[:-1] for term in terms), *(term + "a" for term in terms)]:
        assert looked_up.get(term) == dictionary.get(term)
        assert (term in looked_up) == (term in dictionary)


@given(TERMS)
@settings(max_examples=300, deadline=None)
def test_units_of_one_spelling_have_one_number(terms: list[str]) -> None:
    spelled = SpelledTerms.of("\n".join(terms))
    units = [unit for term in terms for unit in term.split(" ")]
    assert [spelled.unit(number) for number in range(len(units))] == units
    assert spelled.sizes.tolist() == [term.count(" ") + 1 for term in terms]
    kinds = spelled.kinds().tolist()
    assert len(set(zip(kinds, units, strict=True))) == len(set(kinds)) == len(set(units))


@pytest.mark.parametrize("length", [*range(1, 10), 15, 16, 17, 24, 25])
def test_units_that_differ_in_one_letter_or_by_their_length_alone_are_told_apart(length: int) -> None:
    units = ["x" * length, "x" * (length + 1), "x" * (length - 1) + "y", "y" + "x" * (length - 1) + "z", "x" * length + "\0"]
    spelled = SpelledTerms.of(" ".join([*units, *units]))
    kinds = spelled.kinds()
    np.testing.assert_array_equal(kinds[:5], kinds[5:])
    assert len(set(kinds.tolist())) == 5


def test_some_units_are_numbered_by_themselves() -> None:
    spelled = SpelledTerms.of("bò … gà\ngà … bò\ncá … cá")
    firsts, lasts = spelled.some(slice(0, None, 3)), spelled.some(slice(2, None, 3))
    assert [firsts.unit(number) for number in range(3)] == ["bò", "gà", "cá"]
    assert [lasts.unit(number) for number in range(3)] == ["gà", "bò", "cá"]
    assert len(set(lasts.kinds().tolist())) == 3
