"""Train, calibration and test splits: stratified over label combinations, groups uncut, fixed by a seed."""

import numpy as np
import pandas as pd
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

from classifier.params import SplitParams
from classifier.taxonomy import CATEGORIES, SLICES

TRAIN, CALIBRATION, TEST = "train", "calibration", "test"
SPLITS = (TRAIN, CALIBRATION, TEST)


def split_corpus(posts: pd.DataFrame, groups: np.ndarray, own_groups: np.ndarray, shares: SplitParams, seed: int) -> np.ndarray:
    """Assign every post to a split.

    Only posts of measured sources are shared out, whole groups at a time, by themselves alone: importing an outside corpus
    moves none of them. Outside posts train, but for those that nearly equal a calibration or test post, which go with it.

    Parameters
    ----------
    posts : pandas.DataFrame, n rows
        Needs the categories (1.0, 0.0 or NaN), `slice` and `measured` (bool); m rows are measured.
    groups : numpy.ndarray, shape (n,)
        Group numbers of all posts.
    own_groups : numpy.ndarray, shape (m,)
        Group numbers of the measured posts among themselves.
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
    own = posts["measured"].to_numpy()
    split = np.full(len(posts), TRAIN, dtype=object)
    split[own] = _share_out(posts[own], own_groups, shares, seed)
    held_out = own & (split != TRAIN)
    split_of_group = dict(zip(groups[held_out], split[held_out], strict=True))
    split[~own] = [split_of_group.get(group, TRAIN) for group in groups[~own]]
    return split


def _share_out(posts: pd.DataFrame, groups: np.ndarray, shares: SplitParams, seed: int) -> np.ndarray:
    strata = _strata(posts).groupby(groups).max()
    split_of_group = pd.Series(TRAIN, index=strata.index, dtype=object)
    if len(strata) >= len(SPLITS):
        rest, test = _cut(strata, shares.test, seed)
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
