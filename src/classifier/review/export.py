"""Writes what reviewers decided as labelled posts in the corpus contract, for the next training."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from classifier.corpus.schema import COLUMNS
from classifier.errors import InputError
from classifier.params import ReviewParams
from classifier.posts import write_batch
from classifier.review.store import Database, audit, records
from classifier.taxonomy import CATEGORIES
from classifier.text import normalize

SOURCE = "reviewed"
"""Name of the source in params.yaml that reads these posts."""
FILE = "review.csv"
_NONE = "none"
_STRENGTH = {"single": 0, "agreed": 1, "adjudicated": 2}
"""Of two labels for one text, the one that rests on more counts."""


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes
    ----------
    path : Path
        The file.
    posts : int
        Posts in it.
    single : int
        Those among them that one person decided on alone.
    contradictory : tuple of int
        Items left out, because equal texts got different labels that rest on equally much: somebody has to look again.
    """

    path: Path
    posts: int
    single: int
    contradictory: tuple[int, ...]


def write_reviewed(database: Database, now: float, folder: Path, params: ReviewParams) -> Exported:
    """Write all settled items as labelled posts; the file of an earlier export is replaced.

    Open, disputed and gold items are left out. The label is the final one: an adjudication's, else what the reviewers' answers agree on as
    they stand, changed minds included and answers taken back left out. Nobody's name or number is in the file.

    Parameters
    ----------
    database : Database
        Migrated.
    now : float
        Unix seconds, for the audit log.
    folder : Path
        The folder of the source `reviewed`; made if it is not there.
    params : ReviewParams

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If the file can't be written; the old one is left in place then.

    Examples
    --------
    >>> write_reviewed(database, time.time(), Path("data/reviewed"), params.review).posts  # doctest: +SKIP
    412
    """
    with database.reading() as connection:
        settled, answers = records.settled_items(connection), records.current_answers(connection)
    kept, contradictory = _one_label_a_text(settled)
    posts = labelled_posts(kept, answers, params)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't be made ({error.strerror or error}); choose a folder that you may write to") from None
    path = folder / FILE
    content = {"posts": len(posts), "sha256": hashlib.sha256(posts.to_csv(index=False).encode()).hexdigest()}
    with database.writing() as connection, write_batch(path) as writer:
        writer.write(posts)
        audit.append(connection, now, None, "exported", FILE, content)
    return Exported(path, len(posts), int((kept["how"] == "single").sum()), tuple(contradictory))


def labelled_posts(settled: pd.DataFrame, answers: pd.DataFrame, params: ReviewParams) -> pd.DataFrame:
    """Turn settled items into rows of the corpus contract.

    Parameters
    ----------
    settled : pandas.DataFrame, n rows
        From `records.settled_items`.
    answers : pandas.DataFrame
        From `records.current_answers`.
    params : ReviewParams

    Returns
    -------
    pandas.DataFrame, n rows
        `COLUMNS` as text. `first` and `second` hold what two people said before they saw anything but the post; an answer that was not blind is
        left empty there.
    """
    labels = {category: settled["categories"].map(lambda names, category=category: str(int(category in names.split(";")))) for category in CATEGORIES}
    people = {
        column: settled["item_id"].map(_blind(answers, number)).astype(object).fillna("") for number, column in enumerate(("first", "second"), 1)
    }
    posts = pd.DataFrame(
        {
            "post_id": "review-" + settled["item_id"].astype(str),
            "text": settled["text"],
            **labels,
            "slice": settled["slice"].where(settled["categories"] == "", ""),
            "source": SOURCE,
            **people,
            "weight": settled["how"].map(lambda how: _number(params.single_weight if how == "single" else 1.0)),
        }
    )
    return posts.reindex(columns=list(COLUMNS), fill_value="").astype(object)


def _blind(answers: pd.DataFrame, reviewer: int) -> "pd.Series[str]":
    """By item: the categories that one of its reviewers gave blind."""
    own = answers[(answers["reviewer"] == reviewer) & ~answers["first_informed"].astype(bool)].set_index("item_id")
    return own["first"].replace("", _NONE)


def _number(weight: float) -> str:
    return f"{weight:.6f}".rstrip("0").rstrip(".")


def _one_label_a_text(settled: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """Keep one of the items whose texts are equal once normalised, with the label that rests on most; where such labels differ, keep none."""
    form = settled["text"].map(normalize)
    dropped: list[int] = []
    contradictory: list[int] = []
    repeated = form.duplicated(keep=False)
    for _, rows in settled[repeated].groupby(form[repeated], sort=False):
        strength = rows["how"].map(_STRENGTH)
        strongest = rows[strength == strength.max()]
        if strongest["categories"].nunique() > 1:
            contradictory += rows["item_id"].tolist()
        else:
            dropped += rows["item_id"].drop(strongest.index[0]).tolist()
    return settled[~settled["item_id"].isin([*dropped, *contradictory])], contradictory
