"""Cut words that were written without the space between them, where one way to cut is far likelier than any other."""

import re
from collections.abc import Callable
from math import log

from classifier.syllables import frequency, plain_frequency, respell
from classifier.teencode import teencode

_Cut = tuple[float, tuple[str, ...]]

_TOTAL = 300_000  # syllables counted; only ratios matter
_LONGEST = 7  # letters of "nghiêng"
_MARGIN = 1.0  # log-likelihood by which the best cut must beat the second
_PLAIN_FLOOR = 30
_PLAIN_COMMON = 300
_LONE_WORDS = frozenset("ở ý".split())
_LONE_TEENCODE = frozenset("bckmrtz")
# Without accents a cut must be surer, or "camera" would fall apart.
_VIETNAMESE_ONSET = re.compile("ng|nh|kh")


def cut(word: str, spelled: bool = False) -> str | None:
    """Put the spaces back into glued words.

    Parameters
    ----------
    word : str
        Letters in lower case that are no word.
    spelled : bool
        Whether they stood one by one, so that they are surely Vietnamese and may hold words of one letter ("t đ ọ c").

    Returns
    -------
    str or None
        The words divided by spaces; None where it isn't plain what they are.

    Examples
    --------
    >>> cut("thằngngunhưbò"), cut("hocsinh"), cut("camera")
    ('thằng ngu như bò', 'hoc sinh', None)
    """
    if len(word) < 4:
        return None
    ascii_word = word.isascii()
    count = _plain_count if ascii_word else _count
    cuts = _likeliest(word, _spelled_count if spelled else count)
    if not cuts or len(cuts[0][1]) < 2 or (len(cuts) > 1 and cuts[0][0] - cuts[1][0] < _MARGIN and not spelled):
        return None
    pieces = cuts[0][1]
    return " ".join(pieces) if spelled or not ascii_word or _surely_vietnamese(pieces) else None


def _surely_vietnamese(pieces: tuple[str, ...]) -> bool:
    """Pieces of three letters, or an onset that few languages have, or two of the most frequent syllables."""
    if min(map(len, pieces)) > 2 or any(map(_VIETNAMESE_ONSET.match, pieces)):
        return True
    return len(pieces) == 2 and max(map(len, pieces)) > 2 and min(map(plain_frequency, pieces)) >= _PLAIN_COMMON


def _count(piece: str) -> float:
    """Count of a syllable; a little for one that the corpus lacks, none for what is no word."""
    spelled = respell(piece)
    if len(piece) == 1:
        return frequency(piece) if piece in _LONE_WORDS else 0
    return (frequency(spelled) or (0.3 if len(piece) > 2 else 0)) if spelled else 0


def _plain_count(piece: str) -> float:
    count = plain_frequency(piece)
    return count if len(piece) > 1 and count >= _PLAIN_FLOOR else 0


def _spelled_count(piece: str) -> float:
    """The same of what is surely Vietnamese, where teencode is as likely as a rare word."""
    count = plain_frequency(piece) if piece.isascii() and len(piece) > 1 else _count(piece)
    return count or (50 if piece in _LONE_TEENCODE else 1 if len(piece) > 1 and piece in teencode() else 0)


def _likeliest(word: str, count: Callable[[str], float]) -> list[_Cut]:
    """The two likeliest ways to cut a word into pieces, each with its log-likelihood."""
    best: list[list[_Cut]] = [[(0.0, ())]]
    for end in range(1, len(word) + 1):
        found = []
        for start in range(max(0, end - _LONGEST), end):
            if best[start] and (n := count(word[start:end])):
                found += [(score + log(n / _TOTAL), (*pieces, word[start:end])) for score, pieces in best[start]]
        best.append(sorted(found, reverse=True)[:2])
    return best[-1]
