"""Vietnamese word segmentation by underthesea: one post by its own function, batches by its model's weights in tables."""

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np

from classifier.crf import SyllableFacts, WordTagger, read_weights
from classifier.masking import MASKS
from classifier.neutral import NEUTRALS
from classifier.ordinary import ordinary
from classifier.shipped import shipped

_ALONE = MASKS | NEUTRALS
_MOST_SYLLABLES = 300_000
"""Distinct syllables and stretches remembered; beyond, all are forgotten and learnt anew."""


def segment(text: str) -> list[str]:
    """Split a normalised post into words; the syllables of one word are joined by underscores.

    This is the reference: underthesea's own `word_tokenize`, post by post.

    Parameters
    ----------
    text : str
        A normalised post (`classifier.text.normalize`); it must hold no unpaired surrogates.

    Returns
    -------
    list of str
        Words, signs, emoji and mask tokens in order. Emoji, mask tokens and neutral tokens always stand alone.

    Examples
    --------
    >>> segment("học sinh trường mình đi học sớm")
    ['học_sinh', 'trường', 'mình', 'đi', 'học', 'sớm']
    """
    from underthesea.pipeline.word_tokenize import word_tokenize  # 0.4 s to import, model read at the first call

    return [part for word in word_tokenize(text) for part in _parts(word)]


def segment_posts(texts: Sequence[str]) -> list[str]:
    """Split normalised posts into words, some thirty times faster than `segment`.

    Parameters
    ----------
    texts : sequence of str, length n

    Returns
    -------
    list of str, length n
        Words divided by spaces: the same as of `segment`, but where two ways to cut a post are equally likely to the model.

    Examples
    --------
    >>> segment_posts(["học sinh trường mình đi học sớm", ""])
    ['học_sinh trường mình đi học sớm', '']
    """
    return _segmenter().segment(texts)


def segment_each(texts: Sequence[str]) -> list[str]:
    """Do what `segment_posts` does post by post, by `segment`."""
    return [" ".join(segment(text)) for text in texts]


SEGMENTERS: dict[str, Callable[[Sequence[str]], list[str]]] = {"tables": segment_posts, "word_tokenize": segment_each}
"""The fast one, and the reference that it must agree with."""


def _parts(word: str) -> Iterable[str]:
    """The tagger was trained on newspapers and glues emoji and our tokens to their neighbours: take them apart again."""
    syllables = word.split(" ")
    if len(syllables) == 1 or all(syllable not in _ALONE and syllable.isalnum() for syllable in syllables):
        return ["_".join(syllables)]
    parts: list[str] = []
    joinable = False
    for syllable in syllables:
        alone = _stands_alone(syllable)
        if joinable and not alone:
            parts[-1] += "_" + syllable
        else:
            parts.append(syllable)
        joinable = not alone
    return parts


def _stands_alone(syllable: str) -> bool:
    return syllable in _ALONE or not syllable[:1].isalnum()


class _Segmenter:
    """Segments batches; remembers what it has learnt about each syllable, and into which syllables each stretch between spaces falls."""

    def __init__(self, tagger: WordTagger, tokenize: Callable[[str], list[str]], facts: Callable[[str], SyllableFacts]) -> None:
        self._tagger = tagger
        self._tokenize = tokenize
        self._facts = facts
        self._one_at_a_time = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._inner: dict[str, list[int]] = {}
        self._final: dict[str, list[int]] = {}
        self._spelled = np.empty(1024, dtype=object)
        self._table = np.zeros(1024, dtype=self._tagger.syllable_dtype)
        self._alone = np.zeros(1024, dtype=bool)

    def segment(self, texts: Sequence[str]) -> list[str]:
        with self._one_at_a_time:
            if max(len(self._numbers), len(self._inner), len(self._final)) > _MOST_SYLLABLES:
                self._forget()
            numbers, lengths = self._syllables(texts)
            spelled, alone, table = (values[numbers] for values in (self._spelled, self._alone, self._table))
        joined = self._tagger.inside(lengths, table)
        joined[1:] &= ~(alone[1:] | alone[:-1])
        pieces = np.empty(2 * len(numbers), dtype=object)
        pieces[0::2] = np.where(joined, "_", " ")
        pieces[0::2][(lengths.cumsum() - lengths)[lengths > 0]] = "\n"
        pieces[1::2] = spelled
        lines = iter("".join(pieces.tolist())[1:].split("\n"))
        return [next(lines) if length else "" for length in lengths.tolist()]

    def _syllables(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the syllables of all posts, one post behind another, and how many each has."""
        flat: list[int] = []
        ends = [0]
        for text in texts:
            stretches = text.split()
            final = stretches.pop() if stretches and _reaches_end(text) else None
            for stretch in stretches:
                flat += self._inner.get(stretch) or self._learn(self._inner, stretch, stretch + " ")
            if final is not None:
                flat += self._final.get(final) or self._learn(self._final, final, final)
            ends.append(len(flat))
        return np.array(flat, dtype=np.int64), np.diff(ends)

    def _learn(self, known: dict[str, list[int]], stretch: str, context: str) -> list[int]:
        syllable = ordinary(stretch)
        if syllable and (syllable != stretch or known is self._final):  # a sign or the end behind it changes nothing
            alone = self._inner.get(syllable) or self._learn(self._inner, syllable, syllable + " ")
            known[stretch] = [*alone, *map(self._number, stretch[len(syllable) :])]
        else:
            known[stretch] = [self._number(part) for part in self._tokenize(context)]
        return known[stretch]

    def _number(self, syllable: str) -> int:
        number = self._numbers.setdefault(syllable, len(self._numbers))
        if number == len(self._numbers) - 1 and self._spelled[number] != syllable:
            if number == len(self._spelled) - 1:
                self._spelled, self._table, self._alone = (np.resize(values, 2 * len(values)) for values in (self._spelled, self._table, self._alone))
            self._spelled[number] = syllable
            self._table[number] = self._tagger.syllable(syllable, self._facts(syllable))
            self._alone[number] = _stands_alone(syllable)
        return number


def _reaches_end(text: str) -> bool:
    """Whether the last stretch touches the end as `$` of a pattern sees it, on which underthesea's abbreviations depend."""
    return not text[-1].isspace() or (text[-1] == "\n" and not text[-2:-1].isspace())


@lru_cache(maxsize=1)
def _segmenter() -> _Segmenter:
    """Of the model that underthesea ships, read once."""
    from underthesea_core import CRFFeaturizer

    tokenize, dictionary, templates, weights = shipped()
    about_one = [template for template in templates if template.startswith("T[0].")]
    featurizer = CRFFeaturizer(about_one, {word for word in dictionary if " " not in word})

    def facts(syllable: str) -> SyllableFacts:
        said = dict(attribute.split("=", 1) for attribute in featurizer.process([[[syllable]]])[0][0])
        return SyllableFacts(*(said[f"T[0].{name}"] for name in ("lower", "isdigit", "istitle", "is_in_dict")))

    return _Segmenter(WordTagger(read_weights(weights), dictionary), tokenize, facts)
