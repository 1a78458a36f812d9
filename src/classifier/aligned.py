"""Text that remembers where each of its characters stood in the original, through any chain of substitutions.

The steps of normalisation are written once, with the functions below: over a plain `str` they cost what the built-in
methods cost, over an `Aligned` text they also carry the positions along. Both give the same characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

Replacement = str | Callable[[re.Match[str]], str]
Edit = tuple[int, int, str]


class Aligned(str):
    """A text with the span of the original that each of its characters came from.

    Built-in methods of `str` give a plain text back and lose the spans: change it by the functions of this module.

    Attributes
    ----------
    starts, ends : sequence of int, length len(text)
        Character i came from `original[starts[i]:ends[i]]`; the span of an inserted one is empty. Neither ever decreases.

    Examples
    --------
    >>> shorter = substitute(re.compile(r"u+"), "u", Aligned.of("nguuuu quá"))
    >>> shorter, shorter.span(0, 3)
    ('ngu quá', (0, 6))
    """

    starts: Sequence[int]
    ends: Sequence[int]

    def __new__(cls, text: str, starts: Sequence[int], ends: Sequence[int]) -> "Aligned":
        """Take the characters and where each came from."""
        aligned = super().__new__(cls, text)
        aligned.starts, aligned.ends = starts, ends
        return aligned

    @classmethod
    def of(cls, text: str) -> "Aligned":
        """Begin with an original: each character comes from itself."""
        return cls(text, range(len(text)), range(1, len(text) + 1))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that characters `start` up to `end`, at least one, came from."""
        return self.starts[start], self.ends[end - 1]


def substitute(pattern: re.Pattern[str], replacement: Replacement, text: str) -> str:
    """Do what `pattern.sub(replacement, text)` does; the spans of an `Aligned` text are kept."""
    changed = pattern.sub(replacement, text)
    if not isinstance(text, Aligned):
        return changed
    if changed == text:
        return text
    found = pattern.finditer(text)
    if isinstance(replacement, str):
        return splice(text, ((match.start(), match.end(), match.expand(replacement)) for match in found))
    return splice(text, ((match.start(), match.end(), replacement(match)) for match in found))


def translate(text: str, table: Mapping[int, str]) -> str:
    """Do what `text.translate(table)` does; the spans of an `Aligned` text are kept."""
    changed = text.translate(table)
    return _repeated(text, changed, [len(char.translate(table)) for char in text]) if isinstance(text, Aligned) else changed


def lower(text: str) -> str:
    """Do what `text.lower()` does; the spans of an `Aligned` text are kept."""
    changed = text.lower()
    return _repeated(text, changed, [len(char.lower()) for char in text]) if isinstance(text, Aligned) else changed


def strip(text: str) -> str:
    """Do what `text.strip()` does; the spans of an `Aligned` text are kept."""
    changed = text.strip()
    if not isinstance(text, Aligned):
        return changed
    start = len(text) - len(text.lstrip())
    kept = slice(start, start + len(changed))
    return Aligned(changed, text.starts[kept], text.ends[kept])


def compose(text: str) -> str:
    """Do what `unicodedata.normalize("NFKC", text)` does; the spans of an `Aligned` text are kept."""
    changed = unicodedata.normalize("NFKC", text)
    if not isinstance(text, Aligned):
        return changed
    plain = str(text)
    pieces = splice(text, ((start, end, unicodedata.normalize("NFKC", plain[start:end])) for start, end in _clusters(plain)))
    return pieces if pieces == changed else splice(text, [(0, len(text), changed)])


def splice(text: str, edits: Iterable[Edit]) -> str:
    """Replace pieces of a text.

    Parameters
    ----------
    text : str
    edits : iterable of (int, int, str)
        Start, end and what comes in their place; in order and apart.

    Returns
    -------
    str
        `Aligned` if `text` is: what a replacement leaves in place keeps its spans, other new characters share the span
        of the old ones, and what is cut away right behind a character counts as part of it.
    """
    plain = str(text)
    smallest = (edit for start, end, new in edits if new != plain[start:end] for edit in _smaller(plain, start, end, new))
    if not isinstance(text, Aligned):
        return _joined(plain, smallest)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for start, end, new in chain(smallest, [(len(plain), len(plain), "")]):
        pieces += plain[done:start], new
        starts += text.starts[done:start]
        ends += text.ends[done:start]
        done = end
        if new or start < end:
            _share(text, plain, (start, end, new), starts, ends)
    return Aligned("".join(pieces), starts, ends)


def _joined(plain: str, edits: Iterable[Edit]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, new in edits:
        pieces += plain[done:start], new
        done = end
    return "".join([*pieces, plain[done:]])


def _smaller(plain: str, start: int, end: int, new: str) -> Sequence[Edit]:
    """Leave out of an edit what it leaves in place: all letters where it only drops some or moves spaces, else those at its ends."""
    edits: list[Edit] = []
    done, spaces = start, ""
    if new.strip()[:1] not in plain[start:end].strip()[:1]:
        return _without_ends(plain[start:end], start, new)
    for char in new:
        if char.isspace():
            spaces += char
            continue
        found = plain.find(char, done, end)
        if found < 0:
            return _without_ends(plain[start:end], start, new)
        if found > done or spaces:
            edits.append((done, found, spaces))
        done, spaces = found + 1, ""
    return [*edits, (done, end, spaces)]


def _without_ends(old: str, start: int, new: str) -> Sequence[Edit]:
    """Leave common letters at both ends in place, unless one word becomes several: they share its span."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle = new[head : len(new) - tail]
    if len(new.split()) > 1 and " " not in old.strip():
        return [(start, start + len(old), new)]
    return [(start + head, start + len(old) - tail, middle)]


def _share(text: Aligned, plain: str, edit: Edit, starts: list[int], ends: list[int]) -> None:
    """Give new characters the span of the old ones, one to one where they look alike."""
    start, end, new = edit
    old = plain[start:end]
    if len(new) == len(old) and all(a.isspace() == b.isspace() for a, b in zip(new, old, strict=True)):
        starts += text.starts[start:end]
        ends += text.ends[start:end]
    elif old and new:
        low, high = text.span(start, end)
        starts += repeat(low, len(new))
        ends += repeat(high, len(new))
    elif new:
        place = ends[-1] if ends else 0
        starts += repeat(min(place, text.starts[start]) if start < len(plain) else place, len(new))
        ends += repeat(place, len(new))
    elif ends and not old.isspace() and ends[-1] >= text.starts[start]:
        ends[-1] = max(ends[-1], text.ends[end - 1])


def _repeated(text: Aligned, changed: str, lengths: Sequence[int]) -> Aligned:
    """Carry the spans over to a text in which each character became so many."""
    if len(changed) == len(text) and max(lengths, default=1) == 1:
        return Aligned(changed, text.starts, text.ends)
    starts, ends = ([place for place, n in zip(places, lengths, strict=True) for _ in range(n)] for places in (text.starts, text.ends))
    return Aligned(changed, starts, ends)


def _common(one: str, other: str) -> int:
    """Length of the common beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _clusters(plain: str) -> Iterator[tuple[int, int]]:
    """Every character that composition may change, with the marks behind it."""
    start = 0
    for position in range(1, len(plain) + 1):
        if position == len(plain) or not _joins(plain[position]):
            if not plain[start:position].isascii():
                yield start, position
            start = position


def _joins(char: str) -> bool:
    """Whether a character may compose with the one before it: a mark, or a vowel or final of a Korean syllable."""
    if char.isascii():
        return False
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.combining(first) > 0 or unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"
