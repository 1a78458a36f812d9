"""Where in a post as typed its words stand: spans, coloured pieces, the heaviest words."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from typing import NamedTuple, cast

import numpy as np

from classifier.aligned import Aligned, splice
from classifier.attribution import Attribution, Span
from classifier.forms import normal_form
from classifier.masking import MASKS, ROUNDS
from classifier.neutral import NEUTRALS, neutral_edits
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
    spans = _straight(text, attribution.words) if NEUTRALS.isdisjoint(attribution.words) else None
    if spans is not None:
        return attribution._replace(spans=spans)
    found = _neutralized(text, attribution.words)
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


def _neutralized(text: str, words: list[str]) -> list[_Found]:
    """Normalise chunk by chunk, then look across chunks for names, which make one word of several; right wherever it gives the words."""
    found = _moved([(chunk.span(), _known_normalized(chunk.group())) for chunk in _CHUNK.finditer(text)])
    plain = " ".join(_spelled(found))
    for _ in range(ROUNDS):
        edits = neutral_edits(plain) if plain.split(" ") != words else []
        if not edits:
            break
        for start, end, _ in reversed(edits):
            first, last = plain.count(" ", 0, start), plain.count(" ", 0, end)
            found[first : last + 1] = [("", found[first][1], found[last][2])]
        plain = splice(plain, edits)
    return [(word, start, end) for word, (_, start, end) in zip(plain.split(" "), found, strict=True)] if found else []


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
def _known_normalized(chunk: str) -> list[_Found]:
    return _as_it_stands(chunk, normalize(chunk)) or _spans_of_words(cast(Aligned, normalize(Aligned.of(chunk))))


@lru_cache(maxsize=50_000)
def _known_words(chunk: str) -> list[_Found]:
    """Most words are met again and again, and most are normalised alike alone and in a post."""
    return _as_it_stands(chunk, normal_form(chunk)) or _words(chunk)


def _as_it_stands(chunk: str, form: str) -> list[_Found]:
    """Return a chunk that normalisation leaves as it is but for capitals, as most are; nothing of others."""
    return [(form, 0, len(chunk))] if len(form) == len(chunk) and form == chunk.lower() else []


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
    edges, firsts = _pieces(attribution.spans)
    weights = _summed(attribution.weights, firsts)
    groups = pairwise([*firsts, len(attribution.words)])
    return [
        WrittenPiece(start, end, _shown(text[start:end], attribution.words[first:last]), weight)
        for (start, end), (first, last), weight in zip(edges, groups, weights, strict=True)
    ]


def _pieces(spans: Sequence[Span]) -> tuple[list[Span], list[int]]:
    """Edges and first word of each stretch that words came from."""
    firsts: list[int] = []
    edges: list[Span] = []
    for position, (start, end) in enumerate(spans):
        if edges and (start < edges[-1][1] or start == end):
            edges[-1] = edges[-1][0], max(edges[-1][1], end)
        else:
            firsts.append(position)
            edges.append((start, end))
    return edges, firsts


def _summed(weights: np.ndarray, firsts: list[int]) -> np.ndarray:
    """Weights of words by piece, given the first word of each."""
    return np.add.reduceat(weights, firsts, axis=0) if len(firsts) < len(weights) else weights


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
    """Return the distinct words, as typed but masked, that speak most for any of the marked categories.

    Parameters
    ----------
    text : str
        The post as typed.
    attribution : Attribution
        Of it; with or without spans.
    categories : numpy.ndarray, shape (n_categories,), bool
    most : int
        How many words at most.

    Returns
    -------
    list of str
        Heaviest first; none that speaks against all of the categories.
    """
    shown: Callable[[int], str]
    known = [_known_pieces(chunk) for chunk in text.split()]
    if [word for chunk in known for word in chunk.words] == attribution.words:
        shown = [word for chunk in known for word in chunk.shown].__getitem__
        firsts = [*accumulate((size for chunk in known for size in chunk.sizes), initial=0)][:-1]
    else:
        attribution = attribution if attribution.spans else locate(attribution, text)
        edges, firsts = _pieces(attribution.spans)
        shown = partial(_as_reason, text, attribution.words, edges, firsts)
    heaviest = _summed(attribution.weights, firsts)[:, categories].max(axis=1)
    found: dict[str, str] = {}
    for position in np.argsort(heaviest)[::-1].tolist():
        if len(found) == most or heaviest[position] <= 0:
            break
        if word := shown(position):
            found.setdefault(word.lower(), word)
    return list(found.values())


class _Pieces(NamedTuple):
    """What a chunk comes to: its words, and its pieces by their words and as they are shown."""

    words: list[str]
    sizes: list[int]
    shown: list[str]


@lru_cache(maxsize=50_000)
def _known_pieces(chunk: str) -> _Pieces:
    found = _known_words(chunk)
    if any(start == end for _, start, end in found[:1]):
        return _Pieces([""], [1], [""])  # may belong to the chunk before: no word is empty, so this fits no post
    words = _spelled(found)
    edges, firsts = _pieces([(start, end) for _, start, end in found])
    shown = [_as_reason(chunk, words, edges, firsts, position) for position in range(len(firsts))]
    return _Pieces(words, [last - first for first, last in pairwise([*firsts, len(found)])], shown)


def _as_reason(text: str, words: list[str], edges: list[Span], firsts: list[int], position: int) -> str:
    """Return a piece as it is shown; empty where it holds no letter or digit."""
    start, end = edges[position]
    following = firsts[position + 1] if position + 1 < len(firsts) else None
    word = visible(_shown(text[start:end], words[firsts[position] : following])).strip(_EDGE_SIGNS)
    return word if any(map(str.isalnum, word)) else ""
