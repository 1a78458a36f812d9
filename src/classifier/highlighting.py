"""Where in a post as typed its words stand: spans, coloured pieces, the heaviest words."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, cast

import numpy as np

from classifier.aligned import Aligned
from classifier.attribution import Attribution, Span
from classifier.forms import normal_form
from classifier.masking import MASKS
from classifier.neutral import neutralize
from classifier.text import normalize, visible

_CHUNK = re.compile(r"\S+")
_CONTEXT = 2
"""Chunks on each side that may decide how a chunk is normalised."""
_EDGE_SIGNS = " .,;:!?()[]{}<>\"'“”‘’…*-–—/"

_Found = tuple[str, int, int]
_Chunk = tuple[Span, list[_Found]]


class WrittenPiece(NamedTuple):
    """A stretch of a post that one or more words came from.

    Attributes
    ----------
    start, end : int
        Where it stands in the text as typed.
    text : str
        As typed, or the tokens that stand for it where it is personal data.
    weights : numpy.ndarray, shape (n_categories,)
        Of its words together.
    """

    start: int
    end: int
    text: str
    weights: np.ndarray


def locate(attribution: Attribution, text: str) -> Attribution:
    """Find the words of an attribution in the text as typed.

    Parameters
    ----------
    attribution : Attribution
    text : str
        The post that it is about.

    Returns
    -------
    Attribution
        With its spans.

    Raises
    ------
    ValueError
        If it is about another post.
    """
    spans = _straight(text, attribution.words)
    if spans is not None:
        return attribution._replace(spans=spans)
    found = _named(text)
    if _spelled(found) != attribution.words:
        found = _by_chunks(text, attribution.words)
    if _spelled(found) != attribution.words:
        found = _words(text)
    if _spelled(found) != attribution.words:
        raise ValueError("the attribution is of another text")
    return attribution._replace(spans=[(start, end) for _, start, end in found])


def _straight(text: str, words: list[str]) -> list[Span] | None:
    """Find words where each chunk by itself gives those that are due, as in nearly every post; else None."""
    spans: list[Span] = []
    for chunk in _CHUNK.finditer(text):
        offset = chunk.start()
        for word, start, end in _known_words(chunk.group()):
            if len(spans) == len(words) or word != words[len(spans)]:
                return None
            spans.append((offset + start, offset + end))
    return spans if len(spans) == len(words) else None


def _named(text: str) -> list[_Found]:
    """Normalise chunk by chunk, then look across chunks for what is named; right wherever it gives the words."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for chunk in _CHUNK.finditer(text):
        offset = chunk.start()
        form = _known_form(chunk.group())
        letters += form, " "
        starts += [offset + start for start in form.starts]
        ends += [offset + end for end in form.ends]
        starts.append(chunk.end())
        ends.append(chunk.end())
    return _spans_of_words(cast(Aligned, neutralize(Aligned("".join(letters), starts, ends))))


def _by_chunks(text: str, words: list[str]) -> list[_Found]:
    """Find words chunk by chunk; those that white space does not divide, such as a number in groups, with the chunks around them.

    This is right wherever it gives the words, and cheaper than normalising the text anew.
    """
    chunks = [(chunk.span(), _known_words(chunk.group())) for chunk in _CHUNK.finditer(text)]
    front = _matching([found for _, found in chunks], words)
    if front == len(chunks):
        return _moved(chunks)
    back = _matching([found[::-1] for _, found in chunks[front:][::-1]], words[::-1])
    first, last = max(front - _CONTEXT, 0), len(chunks) - max(back - _CONTEXT, 0)
    start, end = chunks[first][0][0], chunks[last - 1][0][1]
    return _moved([*chunks[:first], ((start, end), _words(text[start:end])), *chunks[last:]])


def _matching(chunks: list[list[_Found]], words: list[str]) -> int:
    """How many chunks from the start on give the words."""
    done = 0
    for number, found in enumerate(chunks):
        if _spelled(found) != words[done : done + len(found)]:
            return number
        done += len(found)
    return len(chunks)


def _spelled(found: list[_Found]) -> list[str]:
    return [word for word, _, _ in found]


def _moved(chunks: list[_Chunk]) -> list[_Found]:
    return [(word, offset + start, offset + end) for (offset, _), found in chunks for word, start, end in found]


def _words(text: str) -> list[_Found]:
    """Normalise a text and say where each word stands in it."""
    return _spans_of_words(cast(Aligned, normal_form(Aligned.of(text))))


def _spans_of_words(form: Aligned) -> list[_Found]:
    return [(word.group(), *form.span(*word.span())) for word in _CHUNK.finditer(form)]


@lru_cache(maxsize=50_000)
def _known_form(chunk: str) -> Aligned:
    return cast(Aligned, normalize(Aligned.of(chunk)))


_known_words = lru_cache(maxsize=50_000)(_words)
"""Most words are met again and again, and most are normalised alike alone and in a post."""


def written_pieces(text: str, attribution: Attribution) -> list[WrittenPiece]:
    """Put together the words that come from the same letters, and show them as typed.

    Parameters
    ----------
    text : str
        The post as typed.
    attribution : Attribution
        Of it, with spans.

    Returns
    -------
    list of WrittenPiece
        In order and apart; their weights add up to those of all words.
    """
    edges, firsts, weights = _pieces(attribution)
    groups = pairwise([*firsts, len(attribution.words)])
    return [
        WrittenPiece(start, end, _shown(text[start:end], attribution.words[first:last]), weight)
        for (start, end), (first, last), weight in zip(edges, groups, weights, strict=True)
    ]


def _pieces(attribution: Attribution) -> tuple[list[Span], list[int], np.ndarray]:
    """Edges, first word and weights of each stretch that words came from."""
    firsts: list[int] = []
    edges: list[Span] = []
    for position, (start, end) in enumerate(attribution.spans):
        if edges and (start < edges[-1][1] or start == end):
            edges[-1] = edges[-1][0], max(edges[-1][1], end)
        else:
            firsts.append(position)
            edges.append((start, end))
    return edges, firsts, np.add.reduceat(attribution.weights, firsts, axis=0) if firsts else attribution.weights


def _shown(written: str, words: list[str]) -> str:
    return written if MASKS.isdisjoint(words) else " ".join(words)


def highlighted(text: str, attribution: Attribution, column: int) -> list[tuple[str, float]]:
    """Cut a post into pieces, each with its weight for one category.

    Parameters
    ----------
    text : str
        The post as typed.
    attribution : Attribution
        Of it, with spans.
    column : int
        The category's.

    Returns
    -------
    list of (str, float)
        Joined, the pieces are the post as typed with personal data masked. What stands between words weighs 0; the weights
        add up to those of all words.
    """
    pieces: list[tuple[str, float]] = []
    done = 0
    for piece in written_pieces(text, attribution):
        if done < piece.start:
            pieces.append((text[done : piece.start], 0.0))
        pieces.append((piece.text, float(piece.weights[column])))
        done = piece.end
    return [*pieces, (text[done:], 0.0)] if done < len(text) else pieces


def heaviest_words(text: str, attribution: Attribution, categories: np.ndarray, most: int) -> list[str]:
    """Return the distinct words, as typed but masked, that speak most for any of the marked categories, heaviest first, at most `most`."""
    edges, firsts, by_category = _pieces(attribution)
    weights = by_category[:, categories].max(axis=1)
    found: dict[str, str] = {}
    for position in np.argsort(weights)[::-1].tolist():
        if len(found) == most or weights[position] <= 0:
            break
        start, end = edges[position]
        following = firsts[position + 1] if position + 1 < len(firsts) else None
        word = visible(_shown(text[start:end], attribution.words[firsts[position] : following])).strip(_EDGE_SIGNS)
        if any(char.isalnum() for char in word):
            found.setdefault(word.lower(), word)
    return list(found.values())
