"""Undo what hides a Vietnamese word from a reader of words: marks, digits, repeats, Telex and VNI keys, missing spaces.

A word is touched only where it is no syllable, known abbreviation or foreign word as it stands, and becomes a syllable:
what reads as Vietnamese is taken at its word.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from classifier.aligned import substitute
from classifier.glued import cut
from classifier.input_methods import telex, vni
from classifier.masking import MASKS
from classifier.syllables import frequency, is_plain_syllable, is_syllable, plain, plain_frequency, respell, syllables
from classifier.teencode import foreign, teencode

_TOKEN = re.compile(r"\S+")
_EDGES = ".,!?:;\"'()[]“”…-*"
_PICTURE = "\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
_INNER = rf"[_*~|·•.{_PICTURE}-]"
# Letters and digits with marks or emoji between them; "@" and "$" stand for letters.
_CHUNK = re.compile(rf"[^\W_]+(?:(?:{_INNER}|[@$])+[^\W_]+)*(?:@(?!\w))?")
_WORD = re.compile(r"[^\W_]+(?:[@$]+[^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+")
_MARKS = re.compile(rf"{_INNER}+")
_HARD_MARK = re.compile(rf"[*~|·•{_PICTURE}]")  # full stops, hyphens and underscores have other uses
# One letter at a time with the same sign or space between them: "n g u", "n.g.u"; or two of which the second is no word: "b ố".
_SPELLED_OUT = re.compile(
    r"(?<!\w)(?:[^\W\d_](?:([.-])[^\W\d_](?:\1[^\W\d_])*|([ *+~'|·•_])[^\W\d_](?:\2[^\W\d_])+)|[bcdđghklmnpqrstvx] [^\W\d_a-z])(?!\w)"
)
_RUN = re.compile(r"([^\W\d_])\1{2,}")
_DOUBLE = re.compile(r"([^\W\d_])\1")
_DOUBLE_AT_EDGE = re.compile(r"(?<=n)(g)\1|([aeghimnouy])\2$")  # where few foreign words have one
# Names behind an initial: "T.Anh" is no "tanh".
_NAMES = frozenset(
    "an anh ánh ân ái ẩn oanh uyên uy út yên yến ý ích êm"
    " hà hạnh hân hùng hải hằng hương huy hiếu hoàng hòa hoài hồng huyền hiền hậu hào hưng hoa hiệp".split()
)
_CENSORED = "địt lồn cặc đéo cứt đụ buồi dái ngu".split()

_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s"}
_LEET_INSIDE = re.compile(r"[^\W\d_]+(?:[\d@$]{1,2}[^\W\d_]+)+|[^\W\d_]+[bcdđghklmnpqrstvx][0@]")
_LEET_ANYWHERE = re.compile(r"[^\W\d_]+(?:[\d@$]{1,2}[^\W\d_]+)*[\d@$]{0,2}")
_KEY_PAIR = re.compile(r"dd|aa|ee|oo|[aou]w")
_TONE_KEY = re.compile(r"(?<=[aeiouyw])[^aeiouy]*[sfrxj]")
_DIGIT_INSIDE = re.compile(r"[^\W\d_]+\d+[^\W\d_]+\d?")

# Letters that teencode writes for others: "fải", "kó", "khôg", "tôj". Without accents only some can't be a foreign word.
_ONSETS: dict[str, tuple[str, ...]] = {
    "f": ("ph",),
    "w": ("qu",),
    "k": ("c",),
    "j": ("gi",),
    "dz": ("v", "d"),
    "z": ("v", "d"),
    "ck": ("ch",),
    "gj": ("gi",),
}
_FINALS = {"g": "ng", "h": "nh", "j": "i", "k": "c", "nk": "nh"}
_PLAIN_ONSETS: dict[str, tuple[str, ...]] = {"ck": ("ch",)}
_PLAIN_FINALS = {"j": "i", "g": "ng"}
_FOREIGN_FINAL = re.compile("(?!tr|kh|ngh?|nh|x).*[^n]g$")  # "blog", "tag", "thug"
_BELIEVED = 4
_COMMON = 5


class _Reading(NamedTuple):
    """A token by itself, and if the post is believed to be typed in keys or in leetspeak, with what it says for either."""

    sure: str
    as_keys: str
    as_leet: str
    keys: int
    leet: int


def undisguise(text: str) -> str:
    """Give disguised words back their plain form.

    Parameters
    ----------
    text : str
        Composed, lower case, look-alike letters mapped, personal data masked (see `classifier.text.normalize`).

    Returns
    -------
    str
        `Aligned` if `text` is.

    Examples
    --------
    >>> undisguise("thằngngu n9u ng*u, chóó n g u thawngf tha82ng 10a1 online")
    'thằng ngu ngu ngu, chó ngu thằng thằng 10a1 online'
    """
    text = substitute(_SPELLED_OUT, _spelled_out, text)
    readings = _readings(text)
    if not readings:
        return text
    as_keys = sum(reading.keys for reading in readings) >= _BELIEVED
    as_leet = sum(reading.leet for reading in readings) >= _BELIEVED

    def plain_form(match: re.Match[str]) -> str:
        token = match.group()
        reading = _read(token)
        if reading is None:
            return token
        if as_keys and reading.as_keys != token:
            return reading.as_keys
        return reading.as_leet if as_leet else reading.sure

    return substitute(_TOKEN, plain_form, text)


def says_how_it_is_typed(text: str) -> bool:
    """Whether words of a text speak for keys or leetspeak, so that those around it may have to be read so too."""
    return any(reading.keys or reading.leet for reading in _readings(substitute(_SPELLED_OUT, _spelled_out, text)))


def _readings(text: str) -> list[_Reading]:
    return list(filter(None, map(_read, text.split())))


def _spelled_out(match: re.Match[str]) -> str:
    """Letters joined; where they make up several words, with the spaces between those."""
    letters = match.group()[::2]
    if len(letters) == 2 and match.group()[1] == " ":
        return letters if frequency(letters) > 20 * frequency(letters[1]) else match.group()
    if _known(letters):
        return letters
    if respelled := respell(letters):
        return respelled
    apart = match.group() if " " in match.group() and not letters.isascii() else letters  # "e k ạ" is three words, "f u c k" one
    return cut(letters, spelled=True) or apart


@lru_cache(maxsize=100_000)
def _read(token: str) -> _Reading | None:
    """None where there is nothing to undo, as in nearly every token."""
    core = token.strip(_EDGES)
    if _known(core) and core not in foreign():
        return None
    chunks = _CHUNK.findall(token)
    sure = _CHUNK.sub(lambda match: _chunk(match.group()), token)
    as_keys = _CHUNK.sub(lambda match: _key_reading(match.group()) or _chunk(match.group()), token)
    as_leet = _CHUNK.sub(lambda match: _leet_reading(match.group(), _LEET_ANYWHERE) or _chunk(match.group()), token)
    if sure == as_keys == as_leet == token:
        return None
    return _Reading(sure, as_keys, as_leet, sum(map(_key_evidence, chunks)), 2 * sum(map(_is_leet, chunks)))


def _known(word: str) -> bool:
    return _syllable(word) or word in teencode() or word in MASKS or word in foreign() or word.startswith("emo")


def _syllable(word: str) -> bool:
    return is_syllable(word) or is_plain_syllable(word)


def _chunk(chunk: str) -> str:
    """Letters, digits and marks without a space: the one reading that is certain, or as it was."""
    if _known(chunk):
        return chunk
    if _MARKS.search(chunk):
        return _without_marks(chunk) or _WORD.sub(lambda match: _word(match.group()), chunk)
    return _word(chunk)


def _word(word: str) -> str:
    """Letters and digits: the first rule that makes a syllable of them."""
    if _known(word) or _RUN.search(word):  # `normalize` shortens runs itself
        return word
    decoded = _key_reading(word) if _key_evidence(word) >= _BELIEVED else None
    if decoded:
        return decoded
    if not _LETTERS.fullmatch(word):
        return _leet_reading(word, _LEET_INSIDE) or _leet_end(word) or word
    return _from_doubles(word) or _from_respelling(word) or _from_teencode_letters(word) or cut(word) or word


def _without_marks(chunk: str) -> str | None:
    pieces = _MARKS.split(chunk)
    joined = "".join(pieces)
    if "*" in chunk and (hidden := _uncensored(chunk)):
        return hidden
    if not joined.isalpha():
        return _leet_reading(joined, _LEET_INSIDE) if not any(map(_known, pieces)) else None
    whole = respell(joined) or joined
    if _syllable(whole):
        return whole if _one_word(chunk, pieces, whole) else None
    return joined if joined in teencode() and not any(len(piece) > 1 and _known(piece) for piece in pieces) else None


def _one_word(chunk: str, pieces: list[str], whole: str) -> bool:
    """Whether marks cut one word up, rather than stand between words: then the rarest piece is rarer than the whole."""
    if _HARD_MARK.search(chunk):
        if min(map(len, pieces)) == 1 and not all(map(is_syllable, pieces)):
            return True
    elif len(pieces) == 2 and pieces[1] in _NAMES:
        return False
    count = plain_frequency if whole.isascii() else frequency
    rarest = min((count(piece) for piece in pieces if len(piece) > 1 or _syllable(piece)), default=0)
    return count(whole) > 3 * rarest


def _uncensored(chunk: str) -> str | None:
    """A rude word with letters starred out, if only one fits."""
    pattern = re.compile(re.escape(chunk).replace(r"\*", "."))
    fitting = [word for word in _CENSORED if pattern.fullmatch(word)]
    return fitting[0] if len(fitting) == 1 and len(chunk.replace("*", "")) > 1 else None


def _key_reading(word: str) -> str | None:
    """Telex or VNI keys of a syllable in use, or of an abbreviation in "đ"."""
    if word.startswith(("dd", "d9")) and "đ" + word[2:] in teencode():
        return "đ" + word[2:]
    is_foreign = word in foreign()
    if _known(word) and not is_foreign:
        return None
    decoded = (telex if _LETTERS.fullmatch(word) else vni)(word)
    return decoded if decoded and frequency(decoded) >= (20 * _COMMON if is_foreign else _COMMON) else None


def _key_evidence(word: str) -> int:
    """How much a word says for keys typed with the input method off."""
    reading = _key_reading(word)
    if not reading or word in foreign():
        return 0
    if not _LETTERS.fullmatch(word):
        return _BELIEVED if _DIGIT_INSIDE.fullmatch(word) or word.startswith("d9") else len(re.findall(r"\d", word))
    pair, tone = bool(_KEY_PAIR.search(word)), bool(_TONE_KEY.search(word))
    if reading in teencode():
        return 1
    if word.startswith("dd") or (pair and (tone or (len(word) > 4 and frequency(reading) > 50))):
        return _BELIEVED
    if re.search("[aeiouy].*[fj]", word):  # no Vietnamese word has these letters
        return _BELIEVED if len(word) > 3 else 3
    return 1 + pair


def _is_leet(word: str) -> bool:
    return bool(_leet_reading(word, _LEET_INSIDE)) and _key_evidence(word) < _BELIEVED


def _leet_reading(word: str, where: re.Pattern[str]) -> str | None:
    """Digits and signs read as the letters that they look like, if that gives a syllable."""
    if _LETTERS.fullmatch(word) or not where.fullmatch(word):
        return None
    letters = "".join(_LEET.get(char, char) for char in word)
    if not letters.isalpha():
        return None
    if _syllable(letters):
        return letters
    return None if word.isascii() else _restored(word, letters)


def _restored(word: str, letters: str) -> str | None:
    """The likeliest syllable where a digit took the place of an accented vowel, a rude one before all others: "đ1t"."""
    fits = [syllable for syllable in syllables(plain(letters)) if all(a == b or not b.isalpha() for a, b in zip(syllable, word, strict=True))]
    return max(fits, key=lambda syllable: (syllable in _CENSORED, frequency(syllable)), default=None)


def _leet_end(word: str) -> str | None:
    """A digit at the end of what is no word without it: "ngườ1"."""
    return _leet_reading(word, _LEET_ANYWHERE) if not word.isascii() and not is_syllable(word[:-1]) and _LETTERS.fullmatch(word[:-1]) else None


def _from_doubles(word: str) -> str | None:
    single = (_DOUBLE_AT_EDGE if word.isascii() else _DOUBLE).sub(lambda match: match.group()[0], word)
    if single == word or len(single) < 2:
        return None
    return single if _syllable(single) or (single in teencode() and not word.isascii()) else None


def _from_respelling(word: str) -> str | None:
    respelled = respell(word)
    return respelled if respelled and frequency(respelled) else None


def _from_teencode_letters(word: str) -> str | None:
    onsets, finals, count, floor = (_PLAIN_ONSETS, _PLAIN_FINALS, plain_frequency, 50) if word.isascii() else (_ONSETS, _FINALS, frequency, 3)
    if word.isascii() and (len(word) < 3 or _FOREIGN_FINAL.match(word)):
        return None
    forms = _other_letters(word, onsets, finals)
    likeliest = max(forms, key=count, default=word)
    if count(likeliest) >= floor:
        return likeliest
    return next((form for form in forms if len(form) > 2 and form in teencode()), None)


def _other_letters(word: str, onsets: dict[str, tuple[str, ...]], finals: dict[str, str]) -> list[str]:
    """The word with the beginning, the end or both written out."""
    starts = [full + word[len(short) :] for short, fulls in onsets.items() if word.startswith(short) for full in fulls]
    starts = [] if word.startswith("kh") else starts
    ends = [end for end in finals if word.endswith(end) and (len(word) > 2 or end in "gj")]
    return starts + [start[: -len(end)] + finals[end] for start in (word, *starts) for end in ends]
