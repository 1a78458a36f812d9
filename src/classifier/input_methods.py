"""What was typed for the input methods Telex and VNI while they were off."""

from collections.abc import Iterator

from classifier.syllables import TONES, first_vowel, spell

_TELEX_TONES = " sfrxj"
_VNI_TONES = "012345"


def telex(keys: str) -> str | None:
    """Read what was typed for Telex while the input method was off.

    Parameters
    ----------
    keys : str
        Lower case; letters may carry accents already ("trươngf").

    Returns
    -------
    str or None
        The syllable; None where the keys hold no Telex or spell none.

    Examples
    --------
    >>> [telex(keys) for keys in ("thawngf", "dduwowcj", "nguoiwf", "ngu", "class")]
    ['thằng', 'được', 'người', None, None]
    """
    first = first_vowel(keys)
    onset, rest = ("đ" + keys[2:first], keys[first:]) if keys.startswith("dd") else (keys[:first], keys[first:])
    if onset[:1] == "d" and rest[-1:] == "d":
        onset, rest = "đ" + onset[1:], rest[:-1]
    tones = [char for char in rest if char in _TELEX_TONES]
    letters = "".join(char for char in rest if char not in _TELEX_TONES)
    if len(tones) > 1 or (not tones and letters == keys[first:] and "w" not in letters and onset == keys[:first] and not _doubled(letters)):
        return None
    tone = TONES[_TELEX_TONES.index(tones[0])] if tones else ""
    return spell((onset + rhyme for rhyme in _telex_rhymes(letters)), tone)


def vni(keys: str) -> str | None:
    """Read what was typed for VNI while the input method was off.

    Parameters
    ----------
    keys : str
        Lower case; letters may carry accents already.

    Returns
    -------
    str or None
        The syllable; None where the keys hold no VNI or spell none.

    Examples
    --------
    >>> [vni(keys) for keys in ("tha82ng", "d9uo75c", "ngu7o7i2", "ngu", "lop9")]
    ['thằng', 'được', 'người', None, None]
    """
    first = first_vowel(keys)
    digits = [char for char in keys if char.isdigit()]
    tones = [digit for digit in digits if digit in _VNI_TONES]
    letters = "".join(char for char in keys if not char.isdigit())
    before_vowel = [char for char in keys[:first] if char.isdigit()]
    if not digits or len(tones) > 1 or len(set(digits) - set(tones)) > 2 or before_vowel not in ([], ["9"]):
        return None
    if "9" in digits:
        letters = "đ" + letters[1:] if letters.startswith("d") else ""
    tone = TONES[int(tones[0])] if tones else ""
    return spell(_vni_bases(letters, set(digits) - set(tones) - {"9"}), tone)


def _doubled(letters: str) -> bool:
    return any(letters.count(vowel) == 2 for vowel in "aeo")


def _telex_rhymes(letters: str) -> Iterator[str]:
    """What the keys behind the onset, tone key taken out, can stand for."""
    for vowel, hat in (("a", "â"), ("e", "ê"), ("o", "ô")):
        if letters.count(vowel) == 2 and vowel in letters[-1:] + letters[letters.index(vowel) + 1]:
            letters = letters[::-1].replace(vowel, "", 1)[::-1].replace(vowel, hat)
    if "w" not in letters:
        yield letters
        return
    yield from _horned(("u" if letters[0] == "w" else "") + letters.replace("w", ""))


def _horned(letters: str) -> Iterator[str]:
    """Horns and breves that one key "w" may set, likeliest first."""
    for old, new in (("uo", "ươ"), ("ua", "ưa"), ("uu", "ưu"), ("ui", "ưi"), ("u", "ư"), ("o", "ơ"), ("a", "ă")):
        if old in letters:
            yield letters.replace(old, new, 1)
    if "oa" in letters:
        yield letters.replace("oa", "oă")


def _vni_bases(letters: str, marks: set[str]) -> Iterator[str]:
    if not marks:
        yield letters
    if marks == {"6"}:
        yield from (letters.replace(vowel, hat, 1) for vowel, hat in (("a", "â"), ("e", "ê"), ("o", "ô")) if vowel in letters)
    if marks == {"7"}:
        yield from (letters.replace(old, new, 1) for old, new in (("uo", "ươ"), ("u", "ư"), ("o", "ơ")) if old in letters)
    if marks == {"8"}:
        yield letters.replace("a", "ă", 1)
