"""Vietnamese word segmentation by underthesea: one post, a batch, several processes."""

from collections.abc import Iterable, Sequence

from joblib import Parallel, delayed

from classifier.masking import MASKS

_CHUNK = 1000
_WORTH_A_POOL = 4000
"""Fewer posts than this are segmented sooner than worker processes start."""


def segment(text: str) -> list[str]:
    """Split a normalised post into words; the syllables of one word are joined by underscores.

    Parameters
    ----------
    text : str
        A normalised post (`classifier.text.normalize`); it must hold no unpaired surrogates.

    Returns
    -------
    list of str
        Words, signs, emoji and mask tokens in order. Emoji and mask tokens always stand alone.

    Examples
    --------
    >>> segment("học sinh trường mình đi học sớm")
    ['học_sinh', 'trường', 'mình', 'đi', 'học', 'sớm']
    """
    from underthesea.pipeline.word_tokenize import word_tokenize  # 0.4 s to import, model read at the first call

    return [part for word in word_tokenize(text) for part in _parts(word)]


def _parts(word: str) -> Iterable[str]:
    """The tagger was trained on newspapers and glues emoji and mask tokens to their neighbours: take them apart again."""
    syllables = word.split(" ")
    if len(syllables) == 1 or all(syllable not in MASKS and syllable.isalnum() for syllable in syllables):
        return ["_".join(syllables)]
    parts: list[str] = []
    joinable = False
    for syllable in syllables:
        alone = syllable in MASKS or not syllable[:1].isalnum()
        if joinable and not alone:
            parts[-1] += "_" + syllable
        else:
            parts.append(syllable)
        joinable = not alone
    return parts


def segment_batch(texts: Sequence[str], n_jobs: int = 1) -> list[list[str]]:
    """Segment many posts, over several processes where that pays.

    Parameters
    ----------
    texts : sequence of str, length n
        Normalised posts.
    n_jobs : int
        Worker processes; -1 means one a core. Threads would gain nothing, because underthesea's native code holds the lock.

    Returns
    -------
    list of list of str, length n
        For each post what `segment` returns, in the same order.
    """
    if n_jobs == 1 or len(texts) < _WORTH_A_POOL:
        return [segment(text) for text in texts]
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    results = Parallel(n_jobs=n_jobs)(delayed(segment_batch)(chunk) for chunk in chunks)
    return [words for chunk in results for words in chunk]
