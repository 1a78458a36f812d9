"""The written Vietnamese syllable: which strings can be one, how it is spelled, and how often each is used."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

# Rhymes as in Đoàn Thiện Thuật, "Ngữ âm tiếng Việt" (1977): a nucleus, perhaps with a rounded glide before it and a final behind
# it. Here without tones, in their spelling after a consonant, with the rare and borrowed ones that occur in print.
_OPEN = "a e ê i o ô ơ u ư ai ao au ay âu ây eo êu ia iu iêu oi ôi ơi ua ui uôi ưa ưi ưu ươi ươu"
_NASAL = (
    "am ăm âm em êm im iêm om ôm ơm um uôm ưm ươm an ăn ân en ên in iên on ôn ơn un uôn ưn ươn"
    " ang ăng âng eng iêng ong ông ung uông ưng ương anh ênh inh"
)
_STOP = "ap ăp âp ep êp ip iêp op ôp ơp up ươp ưp at ăt ât et êt it iêt ot ôt ơt ut uôt ưt ươt ac ăc âc ec iêc oc ôc uc uôc ưc ươc ach êch ich"
_ROUNDED = (
    "oa oai oao oay oe oeo uây uê uêu uơ uy uya uyu oam oăm oem oan oăn oen uân uyên oang oăng uâng oanh uênh uynh uyn"
    " oap oăp uyp oat oăt oet uât uyt uyêt oac oăc oach uêch uych"
)
_AFTER_QU = (
    "a ai ao au ay ây e eo ê êu i y ơ ơi am ăm an ăn ân en ên yên in ang ăng âng anh ênh ynh ap ăp at ăt ât et êt it yt yêt ac ăc âc ôc ach êch ich"
)
_AFTER_GI = "êng"  # elsewhere spelled "iêng"; "gi" takes its own "i" for that of the rhyme
_ALONE = "i ia im in inh iu ip it ich y yêu yêm yên yêng yêt"  # rhymes in "i" where no consonant begins the syllable
_ONSETS = "b ch d đ g h k kh l m n ng nh p ph r s t th tr v x".split()
_LABIALS = frozenset(["b", "m", "p", "ph", "v"])  # no rounded rhyme behind them, but in a few loans
_WITH_Y = frozenset(["d", "h", "k", "l", "m", "n", "s", "t", "th", "tr", "v"])
_LOANS = "buyt voan phuy typ xoong boong coong goong loong toong mooc sooc vooc"

TONES = ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323")
"""Level, acute, grave, hook, tilde and dot, as combining marks."""
_MODIFIED = frozenset("ăâêôơư")
_VOWEL = re.compile("[aăâeêioôơuưy]")
_HALF_HORN = re.compile("uơ|ưo|uo")
_TONE_MARK = re.compile("[\u0300\u0301\u0303\u0309\u0323]")


class _WithoutMarks(dict[int, int | None]):
    """A table for `str.translate` that looks each character up once, when it first meets it."""

    def __missing__(self, code: int) -> int | None:
        self[code] = kept = None if unicodedata.combining(chr(code)) else code
        return kept


_WITHOUT_MARKS = _WithoutMarks({ord("đ"): ord("d")})


def is_syllable(text: str) -> bool:
    """Whether a string can be a Vietnamese syllable as written with its accents.

    Parameters
    ----------
    text : str
        Lower case, composed, with the tone where `classifier.text.normalize` puts it ("hòa", "thúy").

    Returns
    -------
    bool

    Examples
    --------
    >>> [is_syllable(text) for text in ("nghiêng", "ngiêng", "học", "hoc", "class")]
    [True, False, True, False, False]
    """
    return text in _syllables()


def is_plain_syllable(text: str) -> bool:
    """Whether a string is some Vietnamese syllable without its accents.

    Examples
    --------
    >>> [is_plain_syllable(text) for text in ("hoc", "duong", "học", "class")]
    [True, True, False, False]
    """
    return text in _by_plain()


def plain(text: str) -> str:
    """Drop the accents of composed lower-case text.

    Examples
    --------
    >>> plain("đường")
    'duong'
    """
    return unicodedata.normalize("NFD", text).translate(_WITHOUT_MARKS)


def respell(text: str) -> str | None:
    """Put the tone of a syllable on the vowel where it belongs, and complete a horn set on one vowel of "ươ".

    Examples
    --------
    >>> respell("qúa"), respell("đựơc"), respell("nuớc"), respell("ngu"), respell("ngx")
    ('quá', 'được', 'nước', 'ngu', None)
    """
    decomposed = unicodedata.normalize("NFD", text)
    tone = "".join(_TONE_MARK.findall(decomposed))
    letters = unicodedata.normalize("NFC", _TONE_MARK.sub("", decomposed))
    return spell((letters,) if text.isascii() else (letters, _HALF_HORN.sub("ươ", letters)), tone)


def first_vowel(letters: str) -> int:
    """Where the rhyme begins: behind the "u" of "qu", and behind the "i" of "gi" if more vowels follow.

    Examples
    --------
    >>> first_vowel("nghiêng"), first_vowel("quê"), first_vowel("gì"), first_vowel("già")
    (3, 2, 1, 2)
    """
    found = re.match(r"(?:qu|gi(?=[aeouw])|[^aeiouyw])*", plain(letters))
    return found.end() if found else 0


def spell(bases: Iterable[str], tone: str) -> str | None:
    """Write a syllable.

    Parameters
    ----------
    bases : iterable of str
        Syllables without tone, likeliest first.
    tone : str
        One of `TONES`.

    Returns
    -------
    str or None
        The first that takes the tone; None where none does.

    Examples
    --------
    >>> spell(["hoan", "hoa"], "\u0300"), spell(["hoc"], "\u0300")
    ('hoàn', None)
    """
    return next((syllable for base in bases if (syllable := _written().get((base, tone)))), None)


def frequency(text: str) -> int:
    """Count of a syllable, as written, in the seed corpus.

    Examples
    --------
    >>> frequency("không") > frequency("khỉnh")
    True
    """
    return _counts().get(text, 0)


def plain_frequency(text: str) -> int:
    """Count in the seed corpus of all syllables that are this one without accents.

    Examples
    --------
    >>> plain_frequency("khong") >= frequency("không") > 0
    True
    """
    return _plain_counts().get(text, 0)


def syllables(text: str) -> tuple[str, ...]:
    """All syllables that are `text` without accents.

    Examples
    --------
    >>> "học" in syllables("hoc"), syllables("xyz")
    (True, ())
    """
    return _by_plain().get(text, ())


def count_syllables(texts: Iterable[str]) -> Counter[str]:
    """Count the words of texts that are syllables as they stand.

    `syllables.tsv` holds this for the posts of the seed corpus of whose words at least three in ten have accents; single
    finds are left out.

    Examples
    --------
    >>> count_syllables(["Ngu, ngu quá!", "ok nguuu"])
    Counter({'ngu': 2, 'quá': 1})
    """
    words = (respell(word) for text in texts for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower()))
    return Counter(word for word in words if word)


@lru_cache(maxsize=1)
def _counts() -> dict[str, int]:
    table = files("classifier").joinpath("syllables.tsv").read_text(encoding="utf-8")
    return {row["syllable"]: int(row["count"]) for row in csv.DictReader(table.splitlines(), delimiter="\t")}


@lru_cache(maxsize=1)
def _written() -> dict[tuple[str, str], str]:
    """Each syllable by its letters without tone and its tone."""
    return {
        (onset + rhyme, tone): _with_tone(onset, rhyme, tone)
        for onset, rhyme in _bases()
        for tone in (TONES if not rhyme.endswith(("p", "t", "c", "ch")) else ("\u0301", "\u0323"))
    }


@lru_cache(maxsize=1)
def _syllables() -> frozenset[str]:
    return frozenset(_written().values())


@lru_cache(maxsize=1)
def _by_plain() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for syllable in sorted(_syllables()):
        bare = plain(syllable)
        found[bare] = (*found.get(bare, ()), syllable)
    return found


@lru_cache(maxsize=1)
def _plain_counts() -> Counter[str]:
    counts: Counter[str] = Counter()
    for syllable, count in _counts().items():
        counts[plain(syllable)] += count
    return counts


def _bases() -> Iterator[tuple[str, str]]:
    """Onset and rhyme of each syllable by the rules of spelling."""
    simple, rounded = f"{_OPEN} {_NASAL} {_STOP}".split(), _ROUNDED.split()
    for rhyme in simple:
        yield from ((_before(onset, rhyme), rhyme) for onset in _ONSETS)
        if rhyme[0] != "i":
            yield from (("", rhyme), ("gi", rhyme))
    for rhyme in rounded:
        yield from ((onset, rhyme) for onset in ("", *_ONSETS) if onset != "k" and onset not in _LABIALS)
    yield from (("", rhyme) for rhyme in _ALONE.split())
    yield from ((onset, "y") for onset in _WITH_Y)
    yield from (("qu", rhyme) for rhyme in _AFTER_QU.split())
    yield from (("gi", _AFTER_GI), ("g", "i"), ("g", "in"))
    for loan in _LOANS.split():
        first = first_vowel(loan)
        yield loan[:first], loan[first:]


def _before(onset: str, rhyme: str) -> str:
    """The sounds k, g and ng are spelled by the vowel behind them."""
    front = rhyme[0] in "eêi"
    if onset == "k":
        return "k" if front else "c"
    return onset + "h" if front and onset in ("g", "ng") else onset


def _with_tone(onset: str, rhyme: str, tone: str) -> str:
    """The tone stands on the last vowel with a hat, breve or horn ("ươ" on its "ơ", "ưa" on its "ư"), else as in "hòa", "hoàn", "ngoài"."""
    vowels = [place for place, char in enumerate(rhyme) if _VOWEL.match(char)]
    modified = [place for place in vowels if rhyme[place] in _MODIFIED]
    inner = len(vowels) == 3 or (len(vowels) == 2 and vowels[-1] < len(rhyme) - 1)
    place = modified[-1] if modified else vowels[int(inner)]
    return onset + unicodedata.normalize("NFC", rhyme[: place + 1] + tone) + rhyme[place + 1 :]
