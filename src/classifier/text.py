"""From a post as typed to the two forms that the features read: normalised and folded.

Pure functions of text, over `classifier.aligned`: given an `Aligned` text, they say where each character came from.
"""

import re
import unicodedata
from functools import lru_cache

from classifier.aligned import Aligned, compose, lower, strip, substitute, translate
from classifier.disguise import undisguise
from classifier.masking import ROUNDS, fixed_point, mask
from classifier.ordinary import ordinary
from classifier.stretches import LONGEST, TITLE, Steps, Stretches
from classifier.teencode import teencode

_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffd\U000e0000-\U000e0fff]"
)
_SPACE = re.compile(r"\s+")
_WHOLE_WORD = re.compile(r"(?<![^\W_&])(?<![^\W_][*~'·•_.@$-])[^\W_]++(?![*~'·•_.@$-][^\W_])")  # not the "ng" of "ng*u"
_BEFORE_INITIAL = re.compile(rf"\b(?:{TITLE}) $")
_AFTER_INITIAL = re.compile(r"\. ?[^\W\d_]")
_LETTER_RUN = re.compile(r"([^\W\d_])\1{2,}")
# "quáaa": an accented letter, then its plain form again.
_ACCENTED = {"a": "áàảãạăắằẳẵặâấầẩẫậ", "e": "éèẻẽẹêếềểễệ", "i": "íìỉĩị", "o": "óòỏõọôốồổỗộơớờởỡợ", "u": "úùủũụ", "y": "ýỳỷỹỵ"}
_DRAWN_OUT_ENDS = [f"(?<=[{accented}]){plain}+" for plain, accented in _ACCENTED.items()] + ["(?<=[ưứừửữự]u)u+"]  # "cứu" ends in u
_DRAWN_OUT_END = re.compile(rf"(?:{'|'.join(_DRAWN_OUT_ENDS)})(?!\w)")
_OTHER_RUN = re.compile(r"([^\w\s])\1+")
_LAUGH = re.compile(r"\b(?:k{3,}|(?:ha){2,}h?|(?:hi){2,}h?|(?:he){2,}h?|(?:hí){2,}|(?:ka){2,}k?|(?:há){2,}|(?:hô){2,})\b")
_PICTURE = re.compile(r"([\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])")
_MAYBE_EMOTICON = re.compile(r"[:=;^<]|x[dD]|t[_.]t")
_TEXT_EMOTICON = {
    re.compile(r"(?<!\w)(?:(?::|=|;)[-^']?[)\]d3v]+|\^_?\^|xd+)(?!\w)"): " emosmile ",
    re.compile(r"(?<!\w)(?:(?::|=)['-]?[(\[]+|t[_.]t)(?!\w)"): " emosad ",
    re.compile(r"<3(?!\d)"): " emolove ",
}

# Two placements of the tone mark on open oa, oe and uy are in use ("hoà", "hòa"): the second, which underthesea too
# writes, serves as the one spelling.
_TONE = dict(
    zip(
        ["oá", "oà", "oả", "oã", "oạ", "oé", "oè", "oẻ", "oẽ", "oẹ", "uý", "uỳ", "uỷ", "uỹ", "uỵ"],
        ["óa", "òa", "ỏa", "õa", "ọa", "óe", "òe", "ỏe", "õe", "ọe", "úy", "ùy", "ủy", "ũy", "ụy"],
        strict=True,
    )
)
_TONE_END = re.compile(rf"(?<!q)({'|'.join(_TONE)})(?![^\W\d_])")

# Letters of other alphabets that look like Latin ones: Cyrillic, Greek, then small capitals and the like. No Vietnamese word has them.
_LOOKALIKE = str.maketrans(
    {
        **dict(zip("авсеһіјкмнорѕтухуԁԛɡцп", "abcehijkmhopstyxydqgun", strict=True)),
        **dict(zip("αβεικνορτυχγωη", "abeikvoptuxywn", strict=True)),
        **dict(zip("ıøłħŧƀƃɩʟɴʀᴀᴄᴅᴇɢʜᴊᴋᴍᴏᴘꜱᴛᴜᴠᴡʏᴢսոց", "iolhtbbilnracdeghjkmopstuvwyzung", strict=True)),
    }
)
# Greek capitals that look like other letters than their lower case does.
_CAPITALS = dict(zip("ΗΜΝΥΖ", "HMNYZ", strict=True))
_CAPITAL = re.compile(f"[{''.join(_CAPITALS)}]")
_MAYBE_LOOKALIKE = re.compile(f"[{''.join(chr(code) for code in _LOOKALIKE)}]")
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})
# Between letters, or a last 0 or @; digits elsewhere are more often class names or prices ("10a1", "covid19", "80k").
_LEET_SIGN = re.compile(r"(?<=[a-z])[013457@$](?=[a-z])|(?<=[a-z])[0@](?!\w)")
# A full stop or hyphen may just lack its space ("đi học.mai nghỉ"), so it needs a lone letter on one side to be a disguise.
_INNER_MARK = re.compile(r"(?<=[a-z])[_*+~'|·•](?=[a-z])|(?<=\b[a-z])[.-](?=[a-z])|(?<=[a-z])[.-](?=[a-z]\b)")
_DOUBLE = re.compile(r"([a-z])\1+")
_NOT_WORD = re.compile(r"[^\w]+")


def clean(text: str) -> str:
    """Valid Unicode in composed form, without control, zero-width and direction marks, in lower case.

    Paired surrogates are joined, lone ones dropped. Compatibility forms (full-width, bold or circled letters) become plain ones.

    Examples
    --------
    >>> clean("Ｎｇu\u200bSI")
    'ngusi'
    """
    if _SURROGATE.search(text):
        text = substitute(_SURROGATE, "", substitute(_SURROGATE_PAIR, _joined_pair, text))
    if text.isascii():
        return lower(substitute(_CONTROL, "", text))
    return fixed_point(_compose_and_lower, text)  # lower-casing can undo composed form


def _joined_pair(match: re.Match[str]) -> str:
    return match.group().encode("utf-16", "surrogatepass").decode("utf-16")


def _compose_and_lower(text: str) -> str:
    return compose(lower(substitute(_CAPITAL, lambda match: _CAPITALS[match.group()], substitute(_CONTROL, "", text))))


def _plain_letters(text: str) -> str:
    """Letters of other alphabets that look like Latin ones become those."""
    return translate(text, _LOOKALIKE) if _MAYBE_LOOKALIKE.search(text) else text


def visible(text: str) -> str:
    """Leave of a text what a line can show: no control, direction or zero-width marks, no lone surrogates, single spaces."""
    text = _SURROGATE.sub("", _SURROGATE_PAIR.sub(_joined_pair, text))
    return _SPACE.sub(" ", _CONTROL.sub("", text))


def normalize(text: str) -> str:
    """Bring a post into the form that the word and character views read.

    Unicode is composed and lower-cased, personal data masked, laughter, emoticons, repeated letters and signs, emoji, tone
    placement and white space made uniform, disguised words undisguised, teencode and abbreviations written out.

    Parameters
    ----------
    text : str
        Any Unicode text, unpaired surrogates included.

    Returns
    -------
    str
        At most ten times as long as the input, plus twenty characters; `normalize` of it returns it unchanged.

    Examples
    --------
    >>> normalize("Đẹpppp   quá đi!!!! 😂😂 gọi 0951234567 nha, k ngờ")
    'đẹp quá đi! 😂 gọi maskphone nha, không ngờ'
    """
    for _ in range(ROUNDS):
        known = None if isinstance(text, Aligned) else _STRETCHES.normalize(text)
        if known is not None:
            return known
        changed = _normalize_once(text)
        if changed == text:
            break
        text = changed
    return text


def _normalize_once(text: str) -> str:
    return _close(undisguise(_open(_clean_plain(text))))


def _clean_plain(text: str) -> str:
    return _plain_letters(clean(text))


def _open(text: str) -> str:
    """What comes before disguised words: personal data, emoticons and laughter."""
    text = mask(text)
    if _MAYBE_EMOTICON.search(text):
        for emoticon, name in _TEXT_EMOTICON.items():
            text = substitute(emoticon, name, text)
    return substitute(_LAUGH, "haha", text)


def _close(text: str) -> str:
    """What comes after them: words written out, letters and signs made uniform."""
    text = substitute(_WHOLE_WORD, _written_out, text)  # before letter runs: "cccd" is no "cd"
    text = substitute(_LETTER_RUN, r"\1", text)
    text = substitute(_DRAWN_OUT_END, "", text)
    text = substitute(_OTHER_RUN, r"\1", text)
    text = substitute(_PICTURE, r" \1 ", text)
    text = substitute(_TONE_END, lambda match: _TONE[match.group()], text)
    return strip(substitute(_SPACE, " ", text))


_STRETCHES = Stretches(Steps(_clean_plain, _open, _close))


def _written_out(match: re.Match[str]) -> str:
    """The long form of a short one, unless it is the first letter of a name, as in "em h. lớp 9"."""
    full = teencode().get(match.group())
    if full is None or (_AFTER_INITIAL.match(match.string, match.end()) and _BEFORE_INITIAL.search(match.string[: match.start()][-8:])):
        return match.group()
    return full


def strip_accents(text: str) -> str:
    """Drop the accents of letters: "đường" becomes "duong".

    Examples
    --------
    >>> strip_accents("đường Việt")
    'duong Viet'
    """
    return translate(text, _WITHOUT_ACCENT)


class _CharacterTable(dict[int, str]):
    """A table for `str.translate` that works out each character once, when it first meets it."""

    def __init__(self, letters: dict[str, str]) -> None:
        super().__init__({ord(letter): plain for letter, plain in letters.items()})
        self._letters = dict(letters)

    def __missing__(self, code: int) -> str:
        decomposed = unicodedata.normalize("NFD", chr(code))
        plain = "".join(self._letters.get(char, char) for char in decomposed if not unicodedata.combining(char))
        self[code] = plain
        return plain


_WITHOUT_ACCENT = _CharacterTable({"đ": "d", "Đ": "D", "ð": "d", "ß": "b"})


def fold(text: str) -> str:
    """Undo what hides a word: accents, look-alike letters, digits for letters, marks or spaces between letters, repeats.

    The folded form is a second view beside the normalised one, never a replacement: accents carry meaning in Vietnamese.

    Parameters
    ----------
    text : str
        A normalised post.

    Returns
    -------
    str
        Lower-case syllables without accents, divided by single spaces; `fold` of it returns it unchanged.

    Examples
    --------
    >>> fold("đồ ng*u, nguu, nցu, đ1t l0n")
    'do ngu ngu ngu dit lon'
    """
    if isinstance(text, Aligned):
        return fixed_point(_fold_once, text)
    return " ".join(filter(None, [_known_fold(stretch) if len(stretch) <= LONGEST else _fold_stretch(stretch) for stretch in text.split()]))


def _fold_stretch(stretch: str) -> str:
    """No rule of folding sees beyond a space."""
    syllable = ordinary(stretch)
    return _DOUBLE.sub(r"\1", strip_accents(syllable)) if syllable else fixed_point(_fold_once, stretch)


_known_fold = lru_cache(maxsize=200_000)(_fold_stretch)


def _fold_once(text: str) -> str:
    text = _plain_letters(lower(strip_accents(text)))
    text = substitute(_LEET_SIGN, lambda match: match.group().translate(_LEET), text)
    text = substitute(_INNER_MARK, "", text)
    text = substitute(_DOUBLE, r"\1", text)
    return strip(substitute(_NOT_WORD, " ", text))
