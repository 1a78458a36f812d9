"""Posts whose right categories are known, mixed into the queue for the reviewers' own feedback."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier.errors import InputError, named
from classifier.masking import mask
from classifier.posts import read_batch
from classifier.prediction import Moderator
from classifier.review.intake import item_digest
from classifier.review.store.batches import NewItem
from classifier.taxonomy import CATEGORIES, INVALID

_CHUNK = 2000
_LABELS = {"0": False, "1": True}


def read_gold(source: str | Path) -> pd.DataFrame:
    """Read posts with their right categories.

    Parameters
    ----------
    source : str or Path
        A batch with the columns `text` and one a category, `1` or `0`; a file of the corpus will do, other columns are ignored.

    Returns
    -------
    pandas.DataFrame
        `text`, and each category as bool.

    Raises
    ------
    InputError
        If the file can't be read, a column is missing, or a label is neither 0 nor 1; the first such row is named.
    """
    batch = read_batch(source, _CHUNK)
    missing = [column for column in ("text", *CATEGORIES) if column not in batch.columns]
    if missing:
        raise InputError(f"{batch.name}: lacks the column {', '.join(missing)}; it has {named(batch.columns)}")
    chunks = [chunk[["text", *CATEGORIES]] for chunk in batch.chunks]
    if not chunks:
        raise InputError(f"{batch.name}: the file has a header but no posts")
    posts = pd.concat(chunks, ignore_index=True)
    for category in CATEGORIES:
        labels = posts[category].map(lambda cell: _LABELS.get(str(cell)))
        wrong = np.flatnonzero(labels.isna())
        if len(wrong):
            cell = str(posts[category].iat[wrong[0]])[:20]
            raise InputError(f"{batch.name}: post {wrong[0] + 1}: {category} is {cell!r}; a gold post needs 0 or 1 in every category")
        posts[category] = labels.astype(bool)
    return posts


def gold_items(posts: pd.DataFrame, moderator: Moderator) -> tuple[list[NewItem], list[frozenset[str]]]:
    """Make items of them.

    Parameters
    ----------
    posts : pandas.DataFrame
        Of `read_gold`.
    moderator : Moderator
        What it says is shown after a reviewer's answer, as with any other post.

    Returns
    -------
    items : list of NewItem
    known : list of frozenset of str
        Their right categories.

    Raises
    ------
    InputError
        If a row holds no usable text.
    """
    scored = moderator.score(posts["text"].tolist())
    invalid = np.flatnonzero(scored["decision"] == INVALID)
    if len(invalid):
        raise InputError(f"gold post {invalid[0] + 1}: {scored['reasons'].iat[invalid[0]]}; give it a text or drop it")
    known = [frozenset(category for category in CATEGORIES if row[category]) for row in posts.to_dict("records")]
    items = [_item(text, row, moderator.version) for text, row in zip(posts["text"], scored.to_dict("records"), strict=True)]
    return items, known


def _item(text: str, scored: Mapping[Hashable, Any], version: str) -> NewItem:
    masked = mask(text)
    return NewItem(
        digest=item_digest(masked),
        text=masked,
        model_version=version,
        decision=scored["decision"],
        probability={category: scored[f"p_{category}"] for category in CATEGORIES},
        routes={category: scored[f"route_{category}"] for category in CATEGORIES},
        weight=1.0,
        copies=1,
        needed=1,
        rank=0.0,
        rows=[],
    )
