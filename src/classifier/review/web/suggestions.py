"""What the model thinks of a post, for people: probabilities in words, and the words of the post that led there."""

import threading
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from classifier.errors import InputError
from classifier.highlighting import highlighted
from classifier.prediction import Moderator
from classifier.taxonomy import CATEGORIES

_LIKELIHOODS = (0.05, 0.25, 0.5, 0.9)
"""From each of these on, the next word for a probability."""
_STRENGTHS = (0.25, 0.75, 1.5)
"""Log-odds from which a word is marked, marked more, marked most."""
_SAME = 0.01
in_turn = threading.RLock()
"""Explaining is all computation: several at once end no sooner, and would hold up the pages that hand out posts.
A page that explains takes it as a whole."""


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
        The post; empty where no word matters.
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


def suggest(
    moderator: Moderator | None, text: str, probability: Mapping[str, float] | None = None, routes: Mapping[str, str] | None = None
) -> Suggestion:
    """Say what the model thinks of a post.

    Parameters
    ----------
    moderator : Moderator or None
        Marks the words; nothing is marked without it.
    text : str
        The masked post.
    probability, routes : mapping, optional
        What the post was sorted by; the moderator's own where they are not given.

    Returns
    -------
    Suggestion
    """
    marked: dict[str, list[Marked]] = {}
    found: dict[str, float] = {}
    if moderator is not None:
        try:
            with in_turn:
                scored, attribution = moderator.explain(text)
        except InputError:
            pass
        else:
            found = {category: float(scored[f"p_{category}"]) for category in CATEGORIES}
            routes = routes or {category: scored[f"route_{category}"] for category in CATEGORIES}
            marked = {category: _mark(highlighted(text, attribution, column)) for column, category in enumerate(CATEGORIES)}
    probability = probability or found
    opinions = [
        Opinion(category, p, routes[category], bisect_right(_LIKELIHOODS, p), marked.get(category, []))
        for category, p in sorted(probability.items(), key=lambda pair: -pair[1])
        if routes
    ]
    other_model = any(abs(found[category] - probability[category]) > _SAME for category in found)
    return Suggestion(opinions, bool(found), other_model)


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
