"""Cuts the text of a post into what a page shows: plain stretches and tokens that stand for personal data."""

import re

from classifier.masking import MASKS
from classifier.text import visible

_TOKEN = re.compile(rf"\b({'|'.join(sorted(MASKS))})\b")
_LINE_END = re.compile(r"\r\n|\r|\n")


def post_pieces(text: str) -> list[tuple[str, bool]]:
    """Cut a post at its masked tokens.

    Parameters
    ----------
    text : str
        A masked post.

    Returns
    -------
    list of (str, bool)
        Each stretch, without control and direction marks but with its lines, and whether it is a token such as `maskphone`.

    Examples
    --------
    >>> post_pieces("gọi maskphone nha")
    [('gọi ', False), ('maskphone', True), (' nha', False)]
    """
    shown = "\n".join(visible(line) for line in _LINE_END.split(text))
    return [(piece, number % 2 == 1) for number, piece in enumerate(_TOKEN.split(shown)) if piece]
