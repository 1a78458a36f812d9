"""The words of the pages, in Vietnamese and English, and the names of categories, slices and routes in both."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from classifier.review.store.people import LANGUAGES
from classifier.taxonomy import VIETNAMESE, VIETNAMESE_SLICES

DEFAULT_LANGUAGE = LANGUAGES[0]
_FOLDER = Path(__file__).parent / "texts"

Texts = Mapping[str, str]
Translate = Callable[..., str]


def load_texts(language: str) -> dict[str, str]:
    """Read all words of a language, keys joined by dots.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.

    Returns
    -------
    dict of str to str
        `{"queue.title": "…"}`; `names.<id>` for each category, slice and route.

    Raises
    ------
    ValueError
        If two files have the same key.

    Examples
    --------
    >>> load_texts("vi")["names.insult"]
    'xúc phạm'
    """
    found = {f"names.{name}": text for name, text in {**VIETNAMESE, **VIETNAMESE_SLICES}.items()} if language == "vi" else {}
    for path in sorted([_FOLDER / f"{language}.yaml", *_FOLDER.glob(f"*_{language}.yaml")]):
        for key, text in _flat(yaml.safe_load(path.read_text(encoding="utf-8"))).items():
            if key in found:
                raise ValueError(f"{path.name}: {key} is there already")
            found[key] = text
    return found


def _flat(tree: Mapping[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": str(value)}
    return flat


def translator(texts: Texts) -> Translate:
    """Return the function `t(key, **values)` that pages use; a key that is not there is a fault of the program and raises KeyError."""

    def translate(key: str, /, **values: object) -> str:
        return texts[key].format(**values) if values else texts[key]

    return translate
