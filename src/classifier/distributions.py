"""What posts look like to a model: the test split when it is trained, a batch later; see monitoring for the comparison."""

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.errors import InputError, named
from classifier.forms import Prepared
from classifier.posts import read_batch
from classifier.prediction import Moderator
from classifier.predictor import FittedClassifier
from classifier.registry import StoredModel
from classifier.routing import Band, route_posts
from classifier.taxonomy import CATEGORIES, INVALID, Route

REFERENCE_FILE = "reference.json"
CLAIMS = (Route.CLEAR, Route.FLAG)
"""Routes by which the model says something that people can contradict; `review` leaves it to them."""

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Share(_Stored):
    """A share and how many independent, equally weighted observations would tell as much of it."""

    value: Fraction
    size: Annotated[float, Field(gt=0)]


class CategoryDistributions(_Stored):
    """What one category's probabilities and routes look like.

    `size` is how many posts they rest on, fewer where posts are weighted; `overruled` the share of its `clear` and of its
    `flag` that labels contradict, as far as there are such posts with a label.
    """

    probability: Annotated[list[Fraction], Field(min_length=1)]
    size: Annotated[float, Field(gt=0)]
    routes: dict[str, Fraction]
    overruled: dict[str, Share] = {}


class Distributions(_Stored):
    """What posts look like to a model: `unknown_words` is None where there is no word to tell by."""

    unknown_words: Share | None
    categories: dict[str, CategoryDistributions]


def reference(
    classifier: FittedClassifier, prepared: Prepared, posts: pd.DataFrame, probability: np.ndarray, bands: Mapping[str, Band]
) -> Distributions:
    """Describe the test split as the model sees it.

    Where params say how frequent violations will be (`model.expected_rate`), violations and other posts are weighted so that
    they have that share, since otherwise every real batch would seem to have drifted.

    Parameters
    ----------
    classifier : FittedClassifier
    prepared : Prepared
        Of n posts that the model was not trained on.
    posts : pandas.DataFrame, n rows
        Categories as 1.0, 0.0 or NaN.
    probability : numpy.ndarray, shape (n, n_categories)
    bands : mapping of str to Band

    Returns
    -------
    Distributions
    """
    routes = route_posts(probability, bands)
    described = {}
    for column, category in enumerate(CATEGORIES):
        label = posts[category].to_numpy(dtype=float)
        known = ~np.isnan(label)
        weight = _as_expected(label[known] == 1, classifier.heads_[category].expected_rate)
        described[category] = _category(probability[known, column], routes[known, column], weight, label[known] == 1)
    return Distributions(unknown_words=_ratio(*unknown_words(classifier, prepared)), categories=described)


def _as_expected(truth: np.ndarray, rate: float | None) -> np.ndarray:
    if rate is None or truth.all() or not truth.any():
        return np.ones(len(truth))
    return np.where(truth, rate / truth.mean(), (1 - rate) / (1 - truth.mean()))


def _category(probability: np.ndarray, routes: np.ndarray, weight: np.ndarray, truth: np.ndarray | None = None) -> CategoryDistributions:
    order = np.argsort(probability, kind="stable")
    places = (np.arange(len(order)) + 0.5) / len(order)
    spread = order[np.searchsorted(np.cumsum(weight[order]) / weight.sum(), places).clip(max=len(order) - 1)]
    return CategoryDistributions(
        probability=[float(value) for value in np.round(probability[spread], 6)],
        size=_effective(weight),
        routes={route.label: weighted_share(routes == route, weight).value for route in Route},
        overruled={} if truth is None else overruled(routes, truth, weight),
    )


def _effective(weight: np.ndarray) -> float:
    """Kish (1965), Survey Sampling: how many equally weighted observations tell as much."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def weighted_share(hits: np.ndarray, weight: np.ndarray) -> Share:
    """Return the weighted share of hits; neither array may be empty, shape (n,) each."""
    return Share(value=min(1.0, float(weight[hits].sum() / weight.sum())), size=_effective(weight))


def overruled(routes: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> dict[str, Share]:
    """Say how often labels contradict the routes `clear` and `flag` of one category.

    Parameters
    ----------
    routes : numpy.ndarray, shape (n,)
        `Route` values.
    truth : numpy.ndarray, shape (n,), bool
        Whether people say that it is a violation.
    weight : numpy.ndarray, shape (n,)
        How many posts each stands for.

    Returns
    -------
    dict of str to Share
        By the label of the route; a route that no post has is left out.

    Examples
    --------
    >>> routes = np.array([Route.FLAG, Route.FLAG, Route.CLEAR, Route.REVIEW])
    >>> {route: share.value for route, share in overruled(routes, np.array([True, False, False, True]), np.ones(4)).items()}
    {'clear': 0.0, 'flag': 0.5}
    """
    shares = {}
    for route in CLAIMS:
        chosen = routes == route
        if chosen.any():
            shares[route.label] = weighted_share(truth[chosen] != (route == Route.FLAG), weight[chosen])
    return shares


def unknown_words(classifier: FittedClassifier, prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Count in each post the words and those among them that are no term of the model.

    A word that fewer training posts hold than `features.min_df` is no term. Numbers and signs are not words.

    Parameters
    ----------
    classifier : FittedClassifier
    prepared : Prepared
        Of n posts.

    Returns
    -------
    unknown, words : numpy.ndarray, shape (n,), int
        Of segmented words; of folded syllables where the model has no view of words.
    """
    views = classifier.vectorizer_.views_
    name = "words" if "words" in views else "folded"
    known = views[name].vocabulary_ if name in views else {}
    posts = [[word for word in form.split() if any(char.isalpha() for char in word)] for form in getattr(prepared, name)]
    unknown_to_it = {word: word not in known for word in set(chain.from_iterable(posts))}
    unknown = [sum(unknown_to_it[word] for word in words) for words in posts]
    return np.array(unknown, dtype=int), np.array([len(words) for words in posts], dtype=int)


def _ratio(parts: np.ndarray, wholes: np.ndarray) -> Share | None:
    """A share among words; since words of one post belong together, its size comes from how it varies between posts (Cochran 1977, chapter 6)."""
    total = int(wholes.sum())
    if total == 0:
        return None
    value, posts = float(parts.sum() / total), len(parts)
    variance = posts / max(posts - 1, 1) * float(((parts - value * wholes) ** 2).sum()) / total**2
    return Share(value=value, size=min(total, value * (1 - value) / variance) if variance > 0 else posts)


def write_reference(folder: Path, described: Distributions) -> None:
    """Write a described to a version's folder."""
    (folder / REFERENCE_FILE).write_text(described.model_dump_json() + "\n", encoding="utf-8")


def read_reference(folder: Path) -> Distributions:
    """Read the described of a version's test split.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    path = folder / REFERENCE_FILE
    try:
        described = Distributions.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing, so there is nothing to compare with; train again") from None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise InputError(f"{path}: can't be read ({type(error).__name__}); train again") from None
    if set(described.categories) != set(CATEGORIES):
        raise InputError(f"{path}: needs exactly {', '.join(CATEGORIES)}; train again")
    return described


def observe(
    stored: StoredModel, source: str | Path, text_column: str, chunk_size: int, progress: Callable[[int], None] = lambda rows: None
) -> Distributions:
    """Describe a batch as the model sees it; rows without usable text are left out.

    Parameters
    ----------
    stored : StoredModel
    source : str or Path
        See `classifier.posts.read_batch`.
    text_column : str
    chunk_size : int
        Rows held in memory at a time.
    progress : callable
        Called with the number of rows of each finished chunk.

    Returns
    -------
    Distributions

    Raises
    ------
    InputError
        For unreadable input, a missing text column, or no usable row.
    """
    batch = read_batch(source, chunk_size)
    if text_column not in batch.columns:
        raise InputError(f"{batch.name}: no column {text_column!r}; it has {named(batch.columns)}; --text-column names the posts")
    moderator = Moderator(stored)
    seen: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for chunk in batch.chunks:
        scored = moderator.score(chunk[text_column].tolist())
        usable = (scored["decision"] != INVALID).to_numpy()
        counts = unknown_words(stored.classifier, stored.classifier.vectorizer_.prepared(chunk.loc[usable, text_column].tolist()))
        seen.append((scored.loc[usable, [f"p_{category}" for category in CATEGORIES]].to_numpy(dtype=float), _routes(scored[usable]), *counts))
        progress(len(chunk))
    if not sum(len(part[0]) for part in seen):
        raise InputError(f"{batch.name}: no row holds a text that could be scored")
    probability, routes, unknown, words = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    weight = np.ones(len(probability))
    categories = {category: _category(probability[:, column], routes[:, column], weight) for column, category in enumerate(CATEGORIES)}
    return Distributions(unknown_words=_ratio(unknown, words), categories=categories)


def _routes(scored: pd.DataFrame) -> np.ndarray:
    return np.column_stack([scored[f"route_{category}"].map({route.label: route.value for route in Route}) for category in CATEGORIES])
