"""Adapters of the corpora: how each is read, imported, licensed and cited."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from classifier.corpus.schema import COLUMNS, read_labelled
from classifier.errors import InputError
from classifier.posts import read_batch
from classifier.taxonomy import CATEGORIES, Slice


@dataclass(frozen=True)
class Adapter:
    """A public corpus: its training files and how they become labelled posts.

    Attributes
    ----------
    files : tuple of str
        Paths below the corpus' folder; only training parts, so that the others stay fit for measuring.
    read : callable
        From the folder to a table with `COLUMNS`, all text.
    hub : str
        Data set on the Hugging Face hub, or empty where the authors publish none there.
    about, licence, citation : str
        Shown on import.
    """

    files: tuple[str, ...]
    read: Callable[[Path], pd.DataFrame]
    hub: str
    about: str
    licence: str
    citation: str


def _table(texts: pd.Series, source: str, labels: pd.DataFrame, slices: pd.Series | str) -> pd.DataFrame:
    table = pd.DataFrame({"post_id": [f"{source}-{number}" for number in range(1, len(texts) + 1)], "text": texts.to_numpy(), "source": source})
    for category in CATEGORIES:
        table[category] = labels[category].to_numpy() if category in labels else ""
    table["slice"] = slices.to_numpy() if isinstance(slices, pd.Series) else slices
    table = table.reindex(columns=list(COLUMNS), fill_value="")
    return table[table["text"].str.strip() != ""].reset_index(drop=True)


def _read_csv(path: Path, text: str, label: str) -> tuple[pd.Series, pd.Series]:
    batch = read_batch(path, chunk_size=100_000)
    missing = [column for column in (text, label) if column not in batch.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r} among {', '.join(batch.columns)}; place the original file there")
    rows = pd.concat(list(batch.chunks), ignore_index=True)
    return rows[text], rows[label]


def _read_vihsd(folder: Path) -> pd.DataFrame:
    """Class 2 attacks a target, hence `insult`; class 1 is abusive wording without one, hence `untargeted`, not `insult`."""
    path = folder / "train.csv"
    texts, classes = _read_csv(path, "free_text", "label_id")
    unknown = sorted(set(classes) - {"0", "1", "2"})
    if unknown:
        raise InputError(f"{path}: label_id {unknown[0]!r} is unknown; this corpus uses 0, 1 and 2")
    labels = pd.DataFrame({"insult": (classes == "2").map({True: "1", False: "0"})})
    return _table(texts, "vihsd", labels, (classes == "1").map({True: Slice.UNTARGETED.value, False: ""}))


ADAPTERS: dict[str, Adapter] = {
    "vihsd": Adapter(
        files=("train.csv",),
        read=_read_vihsd,
        hub="sonlam1102/vihsd",
        about="33,400 social-media comments labelled clean, offensive or hate",
        licence="MIT on the authors' data card; the code repository says research purposes",
        citation="Luu, Nguyen, Nguyen (2021), A Large-scale Dataset for Hate Speech Detection on Vietnamese Social Media Texts, arXiv:2103.11528",
    ),
}


def read_source(adapter: str, folder: Path, name: str) -> pd.DataFrame | str:
    """Read one source as a table of labelled posts, all columns text.

    Parameters
    ----------
    adapter : str
        `posts` for the project's own format, or a key of `ADAPTERS`.
    folder : Path
    name : str
        The source's name in params.

    Returns
    -------
    pandas.DataFrame or str
        The posts, or, where the files are not there, one line that says how to get them.
    """
    if adapter == "posts":
        if not any(folder.glob("*.csv")):
            return (
                f"{name}: skipped, no csv files in {folder.name}/ (they appear there when reviewers' decisions are exported)"
                if name != "seed"
                else f"{name}: skipped, no csv files in {folder}"
            )
        return read_labelled(folder, name)
    if _missing(ADAPTERS[adapter], folder):
        return f"{name}: skipped, not imported; get it with: classifier corpus import {adapter} --from DIR"
    return ADAPTERS[adapter].read(folder).assign(source=name)


def _missing(adapter: Adapter, folder: Path) -> list[str]:
    return [file for file in adapter.files if not (folder / file).is_file()]


def import_source(name: str, origin: Path, target: Path) -> Adapter:
    """Copy a public corpus' training files below `data/external/`, after checking that they can be read.

    Parameters
    ----------
    name : str
        A key of `ADAPTERS`.
    origin : Path
        Folder that holds the corpus as its authors publish it.
    target : Path
        Folder to copy into; made if it is not there.

    Returns
    -------
    Adapter
        What was imported, for its licence and citation.

    Raises
    ------
    InputError
        If the corpus is unknown or its files are not there or not what they should be.
    """
    if name not in ADAPTERS:
        raise InputError(f"corpus {name!r} is unknown; known: {', '.join(ADAPTERS)}")
    adapter = ADAPTERS[name]
    if not origin.is_dir():
        raise InputError(f"{origin}: no such folder; name the one that holds {', '.join(adapter.files)}")
    missing = _missing(adapter, origin)
    if missing:
        raise InputError(f"{origin}: lacks {', '.join(missing)}; {name} needs {', '.join(adapter.files)}")
    adapter.read(origin)
    for file in adapter.files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin / file, target / file)
    return adapter
