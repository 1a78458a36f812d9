"""The seed corpus itself: what it must hold, and what must not be in it."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from classifier.corpus.composition import registers
from classifier.corpus.schema import read_labelled
from classifier.masking import PHONE, mask
from classifier.taxonomy import CATEGORIES, SLICES, UNLAWFUL_KINDS, VOICES

SEED = Path(__file__).parents[2] / "data" / "seed"
LEAST_IN_SLICE = {"political": 400, "counter_speech": 300, "untargeted": 300, "everyday": 250}
NEAR = 0.6
PUBLIC_CORPORA = "CLASSIFIER_PUBLIC_CORPORA"
"""Environment variable that names a folder with public corpora (csv and txt files) to look for overlap with."""


@pytest.fixture(scope="module")
def seed() -> pd.DataFrame:
    return read_labelled(SEED, "seed")


@pytest.fixture(scope="module")
def violation(seed: pd.DataFrame) -> pd.Series:
    return (seed[list(CATEGORIES)] == "1").any(axis=1)


def test_is_fully_annotated_by_two_people(seed: pd.DataFrame) -> None:
    assert len(seed) >= 4000
    assert seed[list(CATEGORIES)].isin(["0", "1"]).all(axis=None)
    assert (seed[["first", "second"]] != "").all(axis=None)


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_has_enough_violations_many_of_them_subtle(seed: pd.DataFrame, category: str) -> None:
    rows = seed[seed[category] == "1"]
    assert len(rows) >= 450
    assert (rows["subtle"] == "1").mean() >= 0.4


def test_the_closed_list_is_covered_item_by_item_and_ethics_in_both_voices(seed: pd.DataFrame) -> None:
    kinds = seed["kind"].str.split(";").explode().value_counts()
    assert (kinds.reindex(UNLAWFUL_KINDS, fill_value=0) >= 40).all(), kinds
    staff, pupil = (kinds[voice] for voice in VOICES)
    assert 0.4 <= staff / (staff + pupil) <= 0.6


def test_kinds_agree_with_labels(seed: pd.DataFrame) -> None:
    kinds = seed["kind"].str.split(";").map(set)
    assert (kinds.map(lambda names: bool(names & set(UNLAWFUL_KINDS))) == (seed["unlawful"] == "1")).all()
    assert (kinds.map(lambda names: bool(names & set(VOICES))) == (seed["ethics"] == "1")).all()


@pytest.mark.parametrize("name", SLICES)
def test_each_protected_slice_is_well_filled(seed: pd.DataFrame, name: str) -> None:
    assert (seed["slice"] == name).sum() >= LEAST_IN_SLICE.get(name, 150)


def test_every_post_without_a_label_has_a_slice(seed: pd.DataFrame, violation: pd.Series) -> None:
    assert ((seed["slice"] != "") == ~violation).all()
    assert (~violation).sum() >= 2000


def test_registers_are_mixed_and_do_not_give_the_label_away(seed: pd.DataFrame, violation: pd.Series) -> None:
    described = registers(seed["text"])
    assert described["teencode"].mean() >= 0.2
    assert described["no_accents"].mean() >= 0.15
    difference = described[violation][["teencode", "no_accents"]].mean() - described[~violation][["teencode", "no_accents"]].mean()
    assert (difference.abs() <= 0.06).all(), difference
    assert described["words"].min() == 1
    assert described["words"].max() >= 100


def test_contrast_pairs_have_one_violating_and_one_harmless_half(seed: pd.DataFrame, violation: pd.Series) -> None:
    pairs = violation[seed["pair"] != ""].groupby(seed["pair"]).agg(["size", "sum"])
    proper = (pairs["size"] == 2) & (pairs["sum"] == 1)
    assert proper.sum() >= 400
    assert (pairs["size"] == 2).all()


def test_no_two_posts_nearly_equal_but_contrast_pairs(seed: pd.DataFrame) -> None:
    words = CountVectorizer(token_pattern=r"\w+", binary=True).fit_transform(seed["text"]).astype(np.int32).tocsr()
    sizes = np.asarray(words.sum(axis=1)).ravel()
    near = []
    for start in range(0, len(seed), 500):
        shared = (words[start : start + 500] @ words.T).tocoo()
        jaccard = shared.data / (sizes[start + shared.row] + sizes[shared.col] - shared.data)
        close = (jaccard >= NEAR) & (start + shared.row < shared.col)
        near += [(start + row, column) for row, column in zip(shared.row[close], shared.col[close], strict=True)]
    ids, pairs = seed["post_id"].to_numpy(), seed["pair"].to_numpy()
    assert [(ids[a], ids[b]) for a, b in near if not (pairs[a] and pairs[a] == pairs[b])] == []


def test_phone_numbers_are_invented(seed: pd.DataFrame) -> None:
    """All begin with the unassigned prefix 095; hidden digits (x) don't count, nor do hotlines of three digits."""
    digits = re.compile(r"(?<!\d)0[235789]\d{8}(?!\d)")
    found = seed["text"].str.replace(r"(?<=\d)[ .\-_](?=\d)", "", regex=True).str.findall(digits).explode().dropna()
    assert len(found) > 100
    assert found[~found.str.startswith("095")].tolist() == []
    assert seed["text"].map(mask).str.contains(PHONE).sum() > 100


def test_nothing_is_taken_from_a_public_corpus(seed: pd.DataFrame) -> None:
    folder = os.environ.get(PUBLIC_CORPORA)
    if not folder:
        pytest.skip(f"set {PUBLIC_CORPORA} to a folder with public corpora to look for overlap")
    lines = {
        " ".join(re.findall(r"\w+", line.lower()))
        for path in Path(folder).rglob("*")
        if path.suffix in (".csv", ".txt")
        for line in re.split(r"[\n,\"]", path.read_text(encoding="utf-8", errors="ignore"))
    }
    posts = seed["text"].map(lambda text: " ".join(re.findall(r"\w+", text.lower())))
    long_enough = posts[posts.str.split().str.len() >= 6]
    assert seed.loc[long_enough[long_enough.isin(lines)].index, "post_id"].tolist() == []
