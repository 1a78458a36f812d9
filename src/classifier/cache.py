"""Keeps what training works out of posts, so that another training with the same posts starts from there."""

import hashlib
import logging
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from joblib import Memory
from scipy import sparse

from classifier.errors import InputError
from classifier.features import PostVectorizer
from classifier.forms import Prepared, prepare

Made = TypeVar("Made")
_LIBRARIES = ("underthesea", "scikit-learn", "numpy")


class FeatureCache:
    """Forms and features of posts on disk: found again by the content of the posts, the settings and the program that made them.

    What is kept is masked and normalised, as the features read it; posts as typed never reach the disk. Damaged entries are
    made anew, those of another program are never found.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    most_mib : int
        Mebibytes that `trim` leaves.

    Raises
    ------
    InputError
        If the folder can't be made.

    Examples
    --------
    >>> FeatureCache(None).forms(["Học sinh đi học"], n_jobs=1, segmenter="tables").words
    ['học_sinh đi học']
    """

    def __init__(self, folder: Path | None, most_mib: int = 0) -> None:
        try:
            self._memory = Memory(folder, verbose=0)
        except OSError as error:
            raise InputError(f"{folder}: can't be made ({error.strerror}); mend cache.folder in params.yaml; null keeps nothing") from None
        self._most = most_mib << 20
        self._kept = self._memory.cache(_made, ignore=["making"])

    def forms(self, texts: Sequence[str], n_jobs: int, segmenter: str) -> Prepared:
        """Return what `classifier.forms.prepare` makes of posts."""
        return self._found(texts, f"forms by {segmenter}", lambda: prepare(texts, n_jobs, segmenter))

    def features(self, vectorizer: PostVectorizer, prepared: Prepared) -> tuple[PostVectorizer, sparse.csr_matrix]:
        """Return a vectoriser fitted to posts, perhaps another one with the same settings, and the features of these posts."""
        settings = {name: value for name, value in vectorizer.get_params().items() if name != "n_jobs"}
        texts = (text for form in prepared for text in form)
        features, fitted = self._found(texts, f"features by {settings}", lambda: (vectorizer.fit_transform(prepared), vectorizer))
        return fitted, features

    def trim(self) -> None:
        """Delete what was not used for longest, until the rest is small enough."""
        if self._memory.location is not None:
            self._memory.reduce_size(bytes_limit=self._most)

    def _found(self, texts: Iterable[str], settings: str, make: Callable[[], Made]) -> Made:
        with _quiet():
            return self._kept(_digest(texts), settings, _program(), _Making(make))


class _Making:
    """How to make what is missing. Neither shows nor holds for joblib, which writes arguments down, what posts it is made of."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __repr__(self) -> str:
        return "…"


def _made(posts: str, settings: str, program: str, making: _Making) -> Any:
    return making.make()


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


@cache
def _program() -> str:
    """Name the code, the tables and the libraries that turn posts into features, by content."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.*")):
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    digest.update(repr([unicodedata.unidata_version, *((library, version(library)) for library in _LIBRARIES)]).encode())
    return digest.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep joblib from telling of damaged entries, which it does by a traceback."""
    logger = logging.getLogger("joblib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
