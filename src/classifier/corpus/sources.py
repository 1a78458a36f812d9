"""Sources of labelled posts: reads our own and imported ones, imports public corpora from a folder or the hub."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from classifier.corpus.adapters import ADAPTERS, Adapter
from classifier.corpus.schema import read_labelled
from classifier.errors import InputError

OWN_FORMAT = "posts"
_HUB_TABLE, _HUB_REVISION = "default/train/0000.parquet", "refs/convert/parquet"
"""Where the hub keeps the table that it makes of every public data set."""


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
    if adapter == OWN_FORMAT:
        return read_labelled(folder, name) if any(folder.glob("*.csv")) else f"{name}: skipped, no csv files in {folder}; see data/README.md"
    if _missing(ADAPTERS[adapter], folder):
        return f"{name}: skipped, not imported; get it with: classifier corpus import {adapter} (or --from DIR)"
    return ADAPTERS[adapter].read(folder).assign(source=name)


def _missing(adapter: Adapter, folder: Path) -> list[str]:
    return [file for file in adapter.files if not (folder / file).is_file()]


def import_source(name: str, origin: Path, target: Path) -> Adapter:
    """Copy a public corpus' training files into a folder, after checking that they can be read.

    Parameters
    ----------
    name : str
        A key of `ADAPTERS`.
    origin : Path
        Folder that holds the corpus as its authors publish it.
    target : Path
        Folder to copy into, usually below data/external/, which git ignores; made if it is not there.

    Returns
    -------
    Adapter
        What was imported, for its licence and citation.

    Raises
    ------
    InputError
        If the corpus is unknown or its files are not there or not what they should be.
    """
    adapter = _adapter(name)
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


def download_source(name: str, target: Path) -> Adapter:
    """Fetch a public corpus from the Hugging Face hub and import it; see `import_source`.

    Raises
    ------
    InputError
        If the hub can't be reached or has no such table: says which files to place where instead.
    """
    from huggingface_hub import hf_hub_download

    adapter = _adapter(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = hf_hub_download(adapter.hub, _HUB_TABLE, repo_type="dataset", revision=_HUB_REVISION, cache_dir=folder)
            adapter.lay_out(pd.read_parquet(path), Path(folder))
        except Exception as error:  # the hub's client raises many kinds, from no network to a moved table
            reason = type(error).__name__
            raise InputError(
                f"corpus {name}: can't be fetched from the hub ({reason}, data set {adapter.hub}); get its files {', '.join(adapter.files)} "
                f"from the authors, place them in a folder and run: classifier corpus import {name} --from DIR"
            ) from None
        return import_source(name, Path(folder), target)


def _adapter(name: str) -> Adapter:
    if name not in ADAPTERS:
        raise InputError(f"corpus {name!r} is unknown; known: {', '.join(ADAPTERS)}")
    return ADAPTERS[name]
