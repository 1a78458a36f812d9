"""What the corpus is made of: tables by source, category, slice, kind and register."""

import re

import pandas as pd
from rich import box
from rich.table import Table

from classifier.corpus.agreement import agreement
from classifier.corpus.splits import SPLITS
from classifier.taxonomy import CATEGORIES, SLICES, UNLAWFUL_KINDS, VOICES
from classifier.text import clean, strip_accents, teencode

_WORD = re.compile(r"[^\W_]+")
_LENGTHS = ((1, 5), (6, 20), (21, 50), (51, 10_000))


def has_teencode(text: str) -> bool:
    """Whether at least one word of a post stands in the table of teencode and abbreviations."""
    table = teencode()
    return any(word in table for word in _WORD.findall(clean(text)))


def lacks_accents(text: str) -> bool:
    """Whether a post has letters, but none with a Vietnamese accent."""
    lowered = clean(text)
    return any("a" <= char <= "z" for char in lowered) and strip_accents(lowered) == lowered


def registers(texts: pd.Series) -> pd.DataFrame:
    """Describe how posts are written.

    Parameters
    ----------
    texts : pandas.Series of str, length n

    Returns
    -------
    pandas.DataFrame, n rows
        `teencode` and `no_accents` (bool) and `words` (int).
    """
    return pd.DataFrame(
        {"teencode": texts.map(has_teencode), "no_accents": texts.map(lacks_accents), "words": texts.map(lambda text: len(text.split()))}
    )


def composition_tables(posts: pd.DataFrame) -> list[Table]:
    """Build the tables of `classifier corpus stats` from a corpus' posts."""
    own = posts[posts["measured"]]
    return [_by_source(posts), _by_category(own), _by_slice(own), _by_kind(own), _by_register(own), _by_agreement(own)]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    return table


def _by_source(posts: pd.DataFrame) -> Table:
    table = _table("Sources", "source", "posts", *(f"{category} 1 / annotated" for category in CATEGORIES), "groups")
    for source, rows in posts.groupby("source"):
        counts = [f"{int((rows[category] == 1).sum()):,} / {int(rows[category].notna().sum()):,}" for category in CATEGORIES]
        table.add_row(str(source), f"{len(rows):,}", *counts, f"{rows['group'].nunique():,}")
    return table


def _by_category(posts: pd.DataFrame) -> Table:
    table = _table("Categories (measured sources)", "category", "posts", "subtle", *SPLITS)
    for category in CATEGORIES:
        rows = posts[posts[category] == 1]
        subtle = (rows["subtle"] == "1").sum() / max(1, (rows["subtle"] != "").sum())
        table.add_row(category, f"{len(rows):,}", f"{subtle:.0%}", *(f"{int((rows['split'] == split).sum()):,}" for split in SPLITS))
    return table


def _by_slice(posts: pd.DataFrame) -> Table:
    table = _table("Protected slices (measured sources)", "slice", "posts", *SPLITS)
    for name in SLICES:
        rows = posts[posts["slice"] == name]
        table.add_row(name, f"{len(rows):,}", *(f"{int((rows['split'] == split).sum()):,}" for split in SPLITS))
    return table


def _by_kind(posts: pd.DataFrame) -> Table:
    table = _table("Items of the closed list, voices of ethics, contrast pairs", "kind", "posts")
    kinds = posts["kind"].str.split(";")
    for kind in (*UNLAWFUL_KINDS, *VOICES):
        table.add_row(kind, f"{int(kinds.map(lambda names, kind=kind: kind in names).sum()):,}")
    table.add_row("contrast pairs", f"{posts.loc[posts['pair'] != '', 'pair'].nunique():,}")
    return table


def _by_register(posts: pd.DataFrame) -> Table:
    violation = (posts[list(CATEGORIES)] == 1).any(axis=1)
    table = _table(
        "Registers (measured sources)",
        "posts",
        "teencode",
        "no accents",
        *(f"{low}–{high} words" if high < 10_000 else f"{low}+ words" for low, high in _LENGTHS),
    )
    for name, rows in {"violations": posts[violation], "protected": posts[~violation]}.items():
        if rows.empty:
            continue
        described = registers(rows["text"])
        lengths = [described["words"].between(low, high).mean() for low, high in _LENGTHS]
        table.add_row(name, *(f"{share:.0%}" for share in (described["teencode"].mean(), described["no_accents"].mean(), *lengths)))
    return table


def _by_agreement(posts: pd.DataFrame) -> Table:
    table = _table("Agreement of two people who labelled blind", "category", "posts", "raw", "Cohen's kappa", "Gwet's AC1")
    for category, found in agreement(posts).items():
        table.add_row(category, f"{found.posts:,}", f"{found.raw:.3f}", f"{found.kappa:.3f}", f"{found.ac1:.3f}")
    return table
