"""Ordinary stretches between spaces: a Vietnamese syllable as written, perhaps with one sign behind it."""

from classifier.syllables import is_syllable
from classifier.teencode import foreign, teencode

_SIGNS = frozenset(',.!?:;)"')


def ordinary(stretch: str) -> str:
    """Return the syllable of a stretch that need not go through the rules: they would leave it alone.

    More than half of the distinct stretches of posts are such. Normalisation leaves them as they are, segmentation does no more
    than cut off the sign, folding than drop the accents.

    Parameters
    ----------
    stretch : str
        Characters between two spaces, in lower case.

    Returns
    -------
    str
        Empty where a rule may change it.

    Examples
    --------
    >>> [ordinary(stretch) for stretch in ("đường", "đường,", "đường...", "k", "e,", "online")]
    ['đường', 'đường', '', '', '', '']
    """
    syllable = stretch[:-1] if stretch[-1:] in _SIGNS else stretch
    return syllable if len(syllable) > 1 and is_syllable(syllable) and syllable not in teencode() and syllable not in foreign() else ""
