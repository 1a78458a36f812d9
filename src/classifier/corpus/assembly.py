"""Brings the sources listed in params together into one corpus with groups and splits."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from classifier.corpus.groups import group_posts, near_duplicate_pairs, tied_positions
from classifier.corpus.schema import COLUMNS
from classifier.corpus.sources import read_source
from classifier.corpus.splits import split_corpus
from classifier.errors import InputError
from classifier.params import CorpusParams, SourceParams
from classifier.taxonomy import CATEGORIES
from classifier.text import normalize


@dataclass(frozen=True)
class Corpus:
    """Labelled posts of all sources.

    Attributes
    ----------
    posts : pandas.DataFrame
        One row a post: the columns of the contract with categories as float (1, 0, NaN for not annotated), `weight`
        (float, source weight times row weight), `normalized` (the text's normal form), `measured` (bool), `group` (int) and
        `split` (text).
    skipped : tuple of str
        One line for each source whose files are not there, with the way to get them.
    """

    posts: pd.DataFrame
    skipped: tuple[str, ...]

    @property
    def content_hash(self) -> str:
        """SHA-256 over ids, texts, labels and weights, in order: equal for equal training data."""
        columns = ["post_id", "text", *CATEGORIES, "slice", "weight", "split"]
        digest = hashlib.sha256()
        for row in self.posts[columns].itertuples(index=False, name=None):
            digest.update("\x1f".join(map(str, row)).encode("utf-8", "surrogatepass") + b"\x1e")
        return digest.hexdigest()

    def split(self, name: str) -> pd.DataFrame:
        """Return the posts of a split; calibration and test hold measured sources only."""
        chosen = self.posts["split"] == name
        return self.posts[chosen if name == "train" else chosen & self.posts["measured"]]


def load_corpus(params: CorpusParams, project: Path, seed: int) -> Corpus:
    """Read all sources, find duplicate groups and assign splits.

    Parameters
    ----------
    params : CorpusParams
    project : Path
        Folder that source paths are relative to.
    seed : int

    Returns
    -------
    Corpus

    Raises
    ------
    InputError
        If a source is malformed, or no source with measured posts is there.
    """
    frames, skipped = [], []
    for source in params.sources:
        if source.weight == 0:
            continue
        read = read_source(source.adapter, project / source.path, source.name)
        if isinstance(read, str):
            skipped.append(read)
        else:
            frames.append(_typed(read, source))
    posts = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if posts.empty or not posts["measured"].any():
        raise InputError(
            "corpus: no labelled posts of a measured source were found; put csv files into data/seed or mend corpus.sources in params.yaml"
        )
    posts["group"], own_groups = _groups(posts, params, seed)
    posts["split"] = split_corpus(posts, posts["group"].to_numpy(), own_groups, params.splits, seed)
    return Corpus(posts, tuple(skipped))


def _typed(posts: pd.DataFrame, source: SourceParams) -> pd.DataFrame:
    normalized = posts["normalized"] if "normalized" in posts else posts["text"].map(normalize)
    posts = posts[list(COLUMNS)].assign(normalized=normalized)
    for category in CATEGORIES:
        posts[category] = pd.to_numeric(posts[category].replace("", np.nan)).astype(float)
    posts["weight"] = pd.to_numeric(posts["weight"].replace("", "1")).astype(float) * source.weight
    return posts.assign(measured=source.measured)


def _groups(posts: pd.DataFrame, params: CorpusParams, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Group all posts, and the measured ones among themselves."""
    near = params.near_duplicates
    pairs = near_duplicate_pairs(posts["text"].tolist(), near.similarity, near.permutations, seed, posts["normalized"].tolist())
    own = posts["measured"].to_numpy()
    position = np.cumsum(own) - 1
    own_pairs = [(position[a], position[b]) for a, b in pairs if own[a] and own[b]]
    return group_posts(len(posts), pairs, _ties(posts)), group_posts(int(own.sum()), own_pairs, _ties(posts[own]))


def _ties(posts: pd.DataFrame) -> list[list[int]]:
    """Contrast pairs share most words, so the two halves stay together like duplicates."""
    keys = np.where(posts["pair"] == "", "", posts["source"] + "/" + posts["pair"])
    return tied_positions(keys.tolist())
