"""What normalisation makes of each stretch between spaces, worked out once: most posts are put together from known stretches.

Most rules see no farther than a space. Those that do (letters spelled out one by one, initials behind a title, numbers in
groups, how a whole post is typed) show by traits of the stretches that they could join: where none is there, joining the
forms of the stretches gives exactly what the rules give on the whole text.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from classifier.disguise import says_how_it_is_typed, undisguise
from classifier.masking import ACCOUNT_DIGITS, MASKS, PHONE_DIGITS, ROUNDS, has_account_word, is_masked_alone, number_part
from classifier.ordinary import ordinary
from classifier.teencode import teencode

LONGEST = 50
"""Characters of a stretch that is remembered; longer ones are no words."""
_MOST = 200_000
"""Stretches remembered; beyond, all are forgotten and learnt anew."""

TITLE = "em|bạn|con|thằng|cô|thầy|anh|chị|nhỏ|bé|ông|bà|chú|bác|cháu|đứa|tên"
"""What the initial of a name stands behind, as alternatives of a pattern."""

_JOINING = re.compile("[\x1c-\x1f\x85]")  # white space to `str.split`, but dropped as control characters
_LONE_START, _LONE_END = re.compile(r"[^\W\d_](?!\w)"), re.compile(r"(?<!\w)[^\W\d_]\Z")
_TITLES = frozenset(TITLE.split("|"))
_TITLE_END = re.compile(rf"\b(?:{TITLE})\Z")

# What the end of a stretch and the start of the next must share for a rule to look from one to the other: both are lone
# letters, or the one is a title and the other an initial.
_LONE, _NAMED = 1, 2
_WHOLE_TEXT, _ACCOUNT = 1, 2  # traits: only right in the whole text; a word that makes the number behind it an account


class Steps(NamedTuple):
    """One round of normalisation, around `undisguise`: letters made plain, what comes before `undisguise`, what comes after."""

    clean: Callable[[str], str]
    open: Callable[[str], str]
    close: Callable[[str], str]


class _Stretch(NamedTuple):
    form: str
    start: int
    end: int
    digits: int
    traits: int


class Stretches:
    """Normalises texts by their stretches; may be used by several threads.

    Parameters
    ----------
    steps : Steps
        Of each round.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._known: dict[str, _Stretch] = {}

    def normalize(self, text: str) -> str | None:
        """Return the normal form of a text, or None where a rule may look beyond a space."""
        if _JOINING.search(text):
            return None
        known = self._known.get
        forms: list[str] = []
        last = run = longest = all_traits = 0
        for stretch in text.split():
            form, start, end, digits, traits = known(stretch) or self._learn(stretch)
            if last & start:
                return None
            last = end
            all_traits |= traits
            forms.append(form)
            if digits > 0:
                run += digits
                longest = max(longest, run)
            elif digits == 0:
                run = 0
        if all_traits & _WHOLE_TEXT or longest >= PHONE_DIGITS or (longest >= ACCOUNT_DIGITS and all_traits & _ACCOUNT):
            return None
        return " ".join(forms)

    def _learn(self, stretch: str) -> _Stretch:
        if len(stretch) > LONGEST:
            return _Stretch(stretch, 0, 0, 0, _WHOLE_TEXT)
        if len(self._known) >= _MOST:
            self._known.clear()
        learnt = _Stretch(stretch, 0, 0, 0, 0) if stretch in MASKS else _unchanged(stretch.lower()) or self._normalized(stretch)
        self._known[stretch] = learnt
        return learnt

    def _normalized(self, text: str) -> _Stretch:
        """Take a stretch through all rounds; what it shows in any of them counts."""
        start = end = traits = digits = 0
        gap = False
        for _ in range(ROUNDS):
            clean = self._steps.clean(text)
            opened = self._steps.open(clean)
            plain = undisguise(opened)
            changed = self._steps.close(plain)
            opened, plain = opened.strip(), plain.strip()
            start |= _LONE * bool(_LONE_START.match(opened)) | _NAMED * _is_initial(plain)
            end |= _LONE * bool(_LONE_END.search(opened)) | _NAMED * bool(_TITLE_END.search(plain))
            traits |= _ACCOUNT * has_account_word(clean) | _WHOLE_TEXT * (
                not changed  # then its neighbours become neighbours
                or is_masked_alone(clean)
                or says_how_it_is_typed(opened)
                or (plain.endswith(".") and " " in plain)  # an initial with its title, which lacks what follows
            )
            part = number_part(clean)
            digits, gap = max(digits, part), gap or part < 0
            if changed == text:
                break
            text = changed
        return _Stretch(text, start, end, -1 if gap and not digits else digits, traits)


def _unchanged(text: str) -> _Stretch | None:
    """Say of an ordinary stretch, and of no other, what taking it through all rounds would."""
    if not ordinary(text):
        return None
    return _Stretch(text, 0, _NAMED * (text in _TITLES), number_part(text), _ACCOUNT * has_account_word(text))


def _is_initial(plain: str) -> bool:
    """Whether a short form with a full stop begins a stretch: what is written out unless it is the initial of a name."""
    word, stop, _ = plain.partition(".")
    return bool(stop) and word in teencode()
