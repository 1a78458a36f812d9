"""Keeps what was worked out for each chunk of a batch, so that an interrupted run can go on where it stopped."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pandas as pd

from classifier.errors import InputError
from classifier.posts.formats import STDIO

_MANIFEST = "run.json"


class KeptChunks:
    """The scores of the whole chunks of an unfinished run, in the folder `<output>.partial`.

    Scores alone are kept: the rows are read from the batch again and the output is written as in a run that was never
    interrupted, so both are the same to the byte.

    Parameters
    ----------
    source, target : str or Path
        The batch and the output; both must be files.
    run : mapping of str to (str or int)
        What else must be the same for what was kept to be of use, such as the version of the model, by the name that the
        user knows it by.

    Raises
    ------
    InputError
        If source or target is not a file, or the folder is of a run that differs in anything.
    """

    def __init__(self, source: str | Path, target: str | Path, run: Mapping[str, str | int]) -> None:
        if STDIO in (str(source), str(target)):
            raise InputError("--resume needs files: name one instead of - for the input and one for --out")
        self.folder = Path(f"{target}.partial")
        self._run = {"input": _digest(Path(source)), **run}
        if self.folder.exists():
            self._check()

    def _check(self) -> None:
        try:
            kept = json.loads((self.folder / _MANIFEST).read_text(encoding="utf-8"))
            changed = [name for name, value in self._run.items() if kept.get(name) != value]
        except (OSError, ValueError, AttributeError):
            raise InputError(f"{self.folder}: holds no unfinished run that could be resumed; remove or rename it") from None
        if changed:
            raise InputError(
                f"{self.folder}: the {changed[0]} is not that of the run that was interrupted; remove this folder to score from the start, "
                "or run again as before"
            )

    def _begin(self) -> None:
        """Make the folder, which appears together with what is said of its run."""
        new = self.folder.with_name(f".{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        (new / _MANIFEST).write_text(json.dumps(self._run, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        new.replace(self.folder)

    def load(self, number: int, rows: int) -> pd.DataFrame | None:
        """Return what was kept for a chunk of so many rows; None where there is nothing, or nothing whole."""
        import pyarrow as pa
        from pyarrow import feather

        path = self._path(number)
        if path.is_file():
            with suppress(pa.ArrowException, OSError):
                scored = feather.read_feather(path, memory_map=False)
                return scored if len(scored) == rows else None
        return None

    def save(self, number: int, scored: pd.DataFrame) -> None:
        """Keep what was worked out for a chunk, all of it or nothing."""
        from pyarrow import feather

        if not self.folder.exists():
            self._begin()
        path = self._path(number)
        part = path.with_suffix(".part")
        feather.write_feather(scored, part, compression="uncompressed")
        part.replace(path)

    def remove(self) -> None:
        """Forget the run: it is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.arrow"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check the path and its permissions") from None
