"""What the model thinks of a post, for people: probabilities in words, and the words of the post that led there."""

from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from classifier.attribution import Attribution
from classifier.errors import InputError
from classifier.highlighting import highlighted
from classifier.prediction import Moderator
from classifier.taxonomy import CATEGORIES

_LIKELIHOODS = (0.05, 0.25, 0.5, 0.9)
"""From each of these on, the next word for a probability."""
_STRENGTHS = (0.25, 0.75, 1.5)
"""Log-odds from which a word is marked, marked more, marked most."""


@dataclass(frozen=True)
class Marked:
    """A stretch of a post.

    Attributes
    ----------
    text : str
    strength : int
        From 1 to 3 where it speaks for the category, from -1 to -3 where it speaks against, 0 where it hardly matters.
    """

    text: str
    strength: int


@dataclass(frozen=True)
class Opinion:
    """What the model thinks of a post in one category.

    Attributes
    ----------
    category : str
    probability : float
    route : str
    likelihood : int
        From 0 (almost certainly not) to 4 (almost certain).
    marked : list of Marked
        The post; empty where no word matters, or the category is all but ruled out.
    """

    category: str
    probability: float
    route: str
    likelihood: int
    marked: list[Marked]


@dataclass(frozen=True)
class Suggestion:
    """What the model thinks of a post.

    Attributes
    ----------
    opinions : list of Opinion
        Likeliest category first.
    explained : bool
        Whether words could be marked.
    other_model : bool
        Whether they were marked by another model than the one that gave the probabilities.
    """

    opinions: list[Opinion]
    explained: bool
    other_model: bool


class SortedBy(NamedTuple):
    """What a post was sorted by: the model's version, and by category its probabilities and routes."""

    version: str
    probability: Mapping[str, float]
    routes: Mapping[str, str]


def suggest(moderator: Moderator | None, text: str, sorted_by: SortedBy | None = None) -> Suggestion:
    """Say what the model thinks of a post.

    Parameters
    ----------
    moderator : Moderator or None
        Marks the words; nothing is marked without it.
    text : str
        The masked post.
    sorted_by : SortedBy, optional
        The moderator sorts the post anew where this is not given.

    Returns
    -------
    Suggestion
    """
    attribution: Attribution | None = None
    if moderator is not None:
        with suppress(InputError):
            attribution = moderator.attribution(text)
            if sorted_by is None:
                scored = moderator.score([text]).iloc[0]
                sorted_by = SortedBy(moderator.version, *({name: scored[f"{column}_{name}"] for name in CATEGORIES} for column in ("p", "route")))
    if sorted_by is None:
        return Suggestion([], explained=False, other_model=False)
    opinions = []
    for column, category in enumerate(CATEGORIES):
        probability = float(sorted_by.probability[category])
        likelihood = bisect_right(_LIKELIHOODS, probability)
        marked = _mark(highlighted(text, attribution, column)) if attribution and likelihood else []
        opinions.append(Opinion(category, probability, sorted_by.routes[category], likelihood, marked))
    opinions.sort(key=lambda opinion: -opinion.probability)
    other_model = moderator is not None and attribution is not None and moderator.version != sorted_by.version
    return Suggestion(opinions, attribution is not None, other_model)


def _mark(pieces: list[tuple[str, float]]) -> list[Marked]:
    """Join neighbours of one strength; without any that matters there is nothing to show."""
    joined: list[Marked] = []
    for text, weight in pieces:
        strength = bisect_right(_STRENGTHS, abs(weight)) * (1 if weight > 0 else -1)
        if len(joined) > 1 and joined[-2].strength == strength and not joined[-1].text.strip():
            text = joined.pop(-2).text + joined.pop().text + text
        elif joined and joined[-1].strength == strength:
            text = joined.pop().text + text
        joined.append(Marked(text, strength))
    return joined if any(piece.strength for piece in joined) else []
