"""Train, calibration and test splits: stratified over label combinations, groups uncut, fixed by a seed."""

import numpy as np
import pandas as pd
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

from classifier.params import SplitParams
from classifier.taxonomy import CATEGORIES, SLICES

TRAIN, CALIBRATION, TEST = "train", "calibration", "test"
SPLITS = (TRAIN, CALIBRATION, TEST)


def split_corpus(posts: pd.DataFrame, groups: np.ndarray, shares: SplitParams, seed: int) -> np.ndarray:
    """Assign every post to a split.

    Only groups that hold a post of a measured source are shared out; all others train. Whole groups go to one split, so
    a post from outside that nearly equals a test post is kept out of training with it.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        Needs the categories (1.0, 0.0 or NaN), `slice` and `measured` (bool).
    groups : numpy.ndarray, shape (n,)
        Group numbers.
    shares : SplitParams
    seed : int

    Returns
    -------
    numpy.ndarray, shape (n,), object
        One of `SPLITS` a post.

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas (2011), On the stratification of multi-label data.
    """
    strata = _strata(posts).groupby(groups).max()
    measured = posts["measured"].groupby(groups).any()
    shared_out = strata.index[measured.to_numpy()].to_numpy()
    split_of_group = pd.Series(TRAIN, index=strata.index, dtype=object)
    if len(shared_out) >= len(SPLITS):
        rest, test = _cut(strata.loc[shared_out], shares.test, seed)
        _, calibration = _cut(rest, shares.calibration / (1 - shares.test), seed)
        split_of_group[test.index] = TEST
        split_of_group[calibration.index] = CALIBRATION
    return split_of_group.loc[groups].to_numpy()


def _strata(posts: pd.DataFrame) -> pd.DataFrame:
    """What is kept in proportion: each category, each slice, and posts with several labels."""
    labels = (posts[list(CATEGORIES)] == 1).astype(int)
    slices = pd.DataFrame({name: (posts["slice"] == name).astype(int) for name in SLICES}, index=posts.index)
    return pd.concat([labels, slices, (labels.sum(axis=1) > 1).astype(int).rename("several")], axis=1)


def _cut(strata: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    kept, cut = next(splitter.split(np.zeros(len(strata)), strata.to_numpy()))
    return strata.iloc[kept], strata.iloc[cut]
