"""How people hide words from filters: each habit as a function from a post to the same post disguised."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from classifier.aligned import Aligned
from classifier.masking import MASKS, mask
from classifier.syllables import is_plain_syllable, plain
from classifier.teencode import teencode

Transformation = Callable[[str, np.random.Generator], str]

_WORD = re.compile(r"(?<![\w@#.])[^\W\d_]{2,}(?![\w@])")
_MASK = re.compile(rf"\b(?:{'|'.join(sorted(MASKS))})\b")
_SHARE = 0.5  # of the words, where a disguise costs the writer work for each

_CYRILLIC = str.maketrans("acdehijopqsxyABCEHKMOPTXY", "асԁеһіјорԛѕхуАВСЕНКМОРТХУ")
_GREEK = str.maketrans("aikoptuvxAEIKOPTX", "αικορτυνχΑΕΙΚΟΡΤΧ")
_FULL_WIDTH = {code: code + 0xFEE0 for code in (*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1))}
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\u00ad"
_LEET = {"a": "4@", "e": "3", "g": "9", "i": "1", "o": "0", "s": "5"}
_EMOJI = "😂🤣🔥💩🐶🐷🙂😡❤👎"
_ONSET_HABITS = (("ph", "f"), ("qu", "w"), ("gi", "j"), ("ch", "ck"), ("c", "k"), ("v", "z"))
_FINAL_HABITS = (("ng", "g"), ("nh", "h"), ("i", "j"), ("c", "k"))
_TONE_KEYS = {"\u0301": "s1", "\u0300": "f2", "\u0309": "r3", "\u0303": "x4", "\u0323": "j5"}
_TELEX_QUALITY = {"ă": "aw", "â": "aa", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}
_VNI_QUALITY = {"ă": "a8", "â": "a6", "ê": "e6", "ô": "o6", "ơ": "o7", "ư": "u7", "đ": "d9"}


def no_accents(text: str, rng: np.random.Generator) -> str:
    """Type the whole post without accents."""
    return _each_word(text, rng, lambda word: _unaccented(word), share=1)


def partial_accents(text: str, rng: np.random.Generator) -> str:
    """Leave the accents off here and there, a word at a time."""
    return _each_word(text, rng, lambda word: _unaccented(word))


def teencode_habits(text: str, rng: np.random.Generator) -> str:
    """Write teencode and abbreviations for words that have them ("không" as "ko"), and its letters in others ("phải" as "fải")."""

    def shorten(match: re.Match[str]) -> str:
        shorts = _shorts()[match.group().lower()]
        return shorts[rng.integers(len(shorts))] if rng.random() < _SHARE else match.group()

    shortened = _outside_personal_data(text, lambda piece: _long_forms().sub(shorten, piece))
    return _each_word(shortened, rng, lambda word: _with_habit(word, rng))


def dots(text: str, rng: np.random.Generator) -> str:
    """Put a full stop between the letters of a word, or between two of them: "n.g.u", "ng.u"."""
    return _each_word(text, rng, lambda word: _interspersed(word, ".", rng))


def spaces(text: str, rng: np.random.Generator) -> str:
    """Space the letters of a word out: "n g u"."""
    return _each_word(text, rng, lambda word: " ".join(word))


def asterisks(text: str, rng: np.random.Generator) -> str:
    """Put an asterisk inside a word, or between all its letters: "ng*u"."""
    return _each_word(text, rng, lambda word: _interspersed(word, "*", rng))


def cyrillic(text: str, rng: np.random.Generator) -> str:
    """Take letters from the Cyrillic alphabet where they look the same."""
    return _each_word(text, rng, lambda word: word.translate(_CYRILLIC), share=1)


def greek(text: str, rng: np.random.Generator) -> str:
    """Take letters from the Greek alphabet where they look alike."""
    return _each_word(text, rng, lambda word: word.translate(_GREEK), share=1)


def full_width(text: str, rng: np.random.Generator) -> str:
    """Write with the full-width letters meant for East Asian typesetting."""
    return _each_word(text, rng, lambda word: word.translate(_FULL_WIDTH), share=1)


def zero_width(text: str, rng: np.random.Generator) -> str:
    """Put characters without width between the letters of a word."""
    return _each_word(text, rng, lambda word: _interspersed(word, _ZERO_WIDTH[rng.integers(len(_ZERO_WIDTH))], rng))


def repeated_letters(text: str, rng: np.random.Generator) -> str:
    """Draw the last letter of a word out: "nguuuu", "quáaa"."""

    def draw_out(word: str) -> str:
        last = word[-1] if rng.random() < 0.5 else _unaccented(word[-1])
        return word + last * int(rng.integers(1, 5))

    return _each_word(text, rng, draw_out)


def upper_case(text: str, rng: np.random.Generator) -> str:
    """Shout the whole post."""
    return _each_word(text, rng, str.upper, share=1)


def leetspeak(text: str, rng: np.random.Generator) -> str:
    """Write digits and signs for letters that look like them, accents lost: "n9u", "ch0"."""

    def disguise(word: str) -> str:
        places = [place for place, char in enumerate(word) if place and _unaccented(char).lower() in _LEET]
        if not places:
            return word
        chosen = {places[rng.integers(len(places))], *(place for place in places if rng.random() < 0.3)}
        return "".join(_digit(char, rng) if place in chosen else char for place, char in enumerate(word))

    return _each_word(text, rng, disguise)


def glued_words(text: str, rng: np.random.Generator) -> str:
    """Leave the space between two neighbouring words out: "thằngngu"."""

    def glue(piece: str) -> str:
        return re.sub(rf"({_WORD.pattern}) ({_WORD.pattern})", lambda pair: pair[1] + pair[2] if rng.random() < _SHARE else pair[0], piece)

    return _outside_personal_data(text, glue)


def emoji(text: str, rng: np.random.Generator) -> str:
    """Put an emoji inside a word, or between all its letters."""
    return _each_word(text, rng, lambda word: _interspersed(word, _EMOJI[rng.integers(len(_EMOJI))], rng))


def telex_residue(text: str, rng: np.random.Generator) -> str:
    """Type for the Telex input method while it is off: "thawngf"."""
    return _each_word(text, rng, lambda word: _keys(word, _TELEX_QUALITY, 0, rng))


def vni_residue(text: str, rng: np.random.Generator) -> str:
    """Type for the VNI input method while it is off: "tha82ng"."""
    return _each_word(text, rng, lambda word: _keys(word, _VNI_QUALITY, 1, rng))


NO_ACCENTS = "no accents"
TRANSFORMATIONS: dict[str, Transformation] = {
    NO_ACCENTS: no_accents,
    "partial accents": partial_accents,
    "teencode": teencode_habits,
    "dots": dots,
    "spaces": spaces,
    "asterisks": asterisks,
    "Cyrillic": cyrillic,
    "Greek": greek,
    "full width": full_width,
    "zero width": zero_width,
    "repeated letters": repeated_letters,
    "upper case": upper_case,
    "leetspeak": leetspeak,
    "glued words": glued_words,
    "emoji": emoji,
    "Telex": telex_residue,
    "VNI": vni_residue,
}
"""Every transformation: the same text and a generator of the same seed give the same disguise; personal data stays as it is."""


def _each_word(text: str, rng: np.random.Generator, change: Callable[[str], str], share: float = _SHARE) -> str:
    """Change so many of the words of two letters and more."""

    def perhaps(match: re.Match[str]) -> str:
        return change(match.group()) if rng.random() < share else match.group()

    return _outside_personal_data(text, lambda piece: _WORD.sub(perhaps, piece))


def _outside_personal_data(text: str, change: Callable[[str], str]) -> str:
    """Change the pieces of a text that masking leaves alone."""
    text = unicodedata.normalize("NFC", text)
    pieces, done = [], 0
    for start, end in _personal_data(text):
        pieces += [change(text[done:start]), text[start:end]]
        done = end
    return "".join([*pieces, change(text[done:])])


def _personal_data(text: str) -> Iterable[tuple[int, int]]:
    masked = mask(Aligned.of(text))
    if isinstance(masked, Aligned):
        yield from (masked.span(*found.span()) for found in _MASK.finditer(masked))


def _unaccented(word: str) -> str:
    return "".join(plain(char) if char.islower() else plain(char.lower()).upper() for char in word)


def _interspersed(word: str, sign: str, rng: np.random.Generator) -> str:
    """The sign between all letters or, as often, at one place."""
    if rng.random() < 0.5:
        return sign.join(word)
    place = int(rng.integers(1, len(word)))
    return word[:place] + sign + word[place:]


def _digit(char: str, rng: np.random.Generator) -> str:
    signs = _LEET[_unaccented(char).lower()]
    return signs[rng.integers(len(signs))]


def _with_habit(word: str, rng: np.random.Generator) -> str:
    """One of the letters that teencode writes otherwise, if the word has any."""
    lower = word.lower()
    if not is_plain_syllable(plain(lower)):
        return word
    forms = [short + lower[len(full) :] for full, short in _ONSET_HABITS if lower.startswith(full) and not (full == "c" and lower[1] == "h")]
    forms += [lower[: -len(full)] + short for full, short in _FINAL_HABITS if lower.endswith(full)]
    return forms[rng.integers(len(forms))] if forms else word


def _keys(word: str, quality: dict[str, str], method: int, rng: np.random.Generator) -> str:
    """The keys of an input method: the tone behind its vowel or, as often, at the end."""
    typed, tone = [], ""
    at_end = rng.random() < 0.5
    for char in word.lower():
        decomposed = unicodedata.normalize("NFD", char)
        marks = [mark for mark in decomposed if mark in _TONE_KEYS]
        letter = unicodedata.normalize("NFC", "".join(part for part in decomposed if part not in _TONE_KEYS))
        typed.append(quality.get(letter, letter))
        tone = _TONE_KEYS[marks[0]][method] if marks else tone
        if marks and not at_end:
            typed.append(tone)
    return "".join(typed) + (tone if at_end else "")


@lru_cache(maxsize=1)
def _shorts() -> dict[str, list[str]]:
    """Full form to its short forms."""
    shorts: dict[str, list[str]] = {}
    for short, full in teencode().items():
        shorts.setdefault(full, []).append(short)
    return shorts


@lru_cache(maxsize=1)
def _long_forms() -> re.Pattern[str]:
    alternatives = "|".join(sorted(map(re.escape, _shorts()), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
