"""Vietnamese word segmentation by underthesea."""

from collections.abc import Iterable

from classifier.masking import MASKS
from classifier.neutral import NEUTRALS

_ALONE = MASKS | NEUTRALS


def segment(text: str) -> list[str]:
    """Split a normalised post into words; the syllables of one word are joined by underscores.

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


def _parts(word: str) -> Iterable[str]:
    """The tagger was trained on newspapers and glues emoji and our tokens to their neighbours: take them apart again."""
    syllables = word.split(" ")
    if len(syllables) == 1 or all(syllable not in _ALONE and syllable.isalnum() for syllable in syllables):
        return ["_".join(syllables)]
    parts: list[str] = []
    joinable = False
    for syllable in syllables:
        alone = syllable in _ALONE or not syllable[:1].isalnum()
        if joinable and not alone:
            parts[-1] += "_" + syllable
        else:
            parts.append(syllable)
        joinable = not alone
    return parts
