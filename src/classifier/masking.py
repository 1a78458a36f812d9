"""Replace personal data in a text by typed tokens, before anything is stored, logged or learnt from.

The tokens are plain lower-case words, so that they survive normalisation and segmentation and stay useful as
features: that a post holds a phone number says much, which number it is says nothing that may be kept.
"""

import re
from collections.abc import Callable, Iterator

from classifier.aligned import Edit, splice, substitute

PHONE = "maskphone"
EMAIL = "maskemail"
URL = "maskurl"
OFFICIAL_URL = "maskgovurl"
HANDLE = "maskhandle"
CITIZEN_ID = "maskcitizenid"
BANK_ACCOUNT = "maskbank"
NUMBER = "masknumber"

MASKS: frozenset[str] = frozenset({PHONE, EMAIL, URL, OFFICIAL_URL, HANDLE, CITIZEN_ID, BANK_ACCOUNT, NUMBER})

ROUNDS = 8
"""Of substitutions at most, until nothing changes any more."""

_TOP_LEVEL = (
    "com|vn|net|org|info|xyz|top|club|me|io|cc|edu|gov|example|ly|gl|app|shop|online|site|vip|win|bet|live|link|tv|co|asia|biz|store|fun|pro|fb|gg"
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_URL = re.compile(
    rf"(?:h(?:tt|xx)ps?://|www\.)[^\s<>\"]+|(?<![\w@.])(?:[a-z0-9-]{{1,63}}\.){{1,4}}(?:{_TOP_LEVEL})(?![\w@])(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
_OFFICIAL_HOST = re.compile(r"^(?:https?://)?(?:[\w-]+\.)*(?:gov|edu)\.vn(?:[/?#:]|$)", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@[^\W_][\w.]{1,63}")

_CITIZEN_WORDS = "cccd|cmnd|cmt|căn cước|can cuoc|chứng minh|chung minh|số định danh|so dinh danh|định danh cá nhân"
_CITIZEN_ID = re.compile(rf"(?P<context>(?:{_CITIZEN_WORDS})[^\d\n]{{0,30}})(?<!\d)(?:\d{{3}}[ .\-]?){{3,4}}(?<=\d)(?!\d)", re.IGNORECASE)
_BANK_WORDS = r"\bstk\b|\btk\b|số tài khoản|so tai khoan|tài khoản|tai khoan|ngân hàng|ngan hang|\bbank\b|chuyển khoản|chuyen khoan|\bck\b"
_BANK_ACCOUNT = re.compile(
    rf"(?P<context>(?:{_BANK_WORDS})[^\d\n]{{0,30}})(?<!\d)(?P<number>\d{{6,19}}|\d{{3,6}}(?:[ .\-]\d{{2,6}}){{1,5}})(?!\d)",
    re.IGNORECASE,
)
_YEARS_OR_PRICE = re.compile(r"(?:(?:19|20)\d\d\D?)+|.*000")
# A Vietnamese number as people write it: 0 or +84, eight to eleven more digits, gaps of signs or spaces, x or * for hidden
# digits, letters that look like digits.
_GAP = r"(?:[^\w\n/:]|_){0,3}"
_DIGIT = r"(?:\d|[xX*]|(?<=[\d\W])[oOlI](?=[\dxX*\W]))"
_PHONE = re.compile(rf"(?:(?<!\d)(?:\+|00)?84{_GAP}(?:0{_GAP})?|(?<!\d)(?<!\d\.)0{_GAP}|(?<!\w)[oO]{_GAP})[235789](?:{_GAP}{_DIGIT}){{7,10}}(?!\d)")
_DATE = re.compile(r"\(?0?\d[.\- ]\d{1,2}[.\- ](?:19|20)\d\d(?!\d)")
_PAIRS = re.compile(r"\d\d(?:\D+\d\d){4,}")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{9,19}(?!\d)")
_MAYBE_FOREIGN = re.compile(r"\+\d")
_MAYBE_PERSONAL = re.compile(r"\d|@|\.\w|://")
_DIGITS = re.compile(r"\d")

# What numbers written with spaces are known by before any pattern that looks beyond a space is tried.
PHONE_DIGITS, ACCOUNT_DIGITS = 8, 5
"""The fewest digits of a phone number, and of one behind a word of a bank or citizen number (see `number_part`)."""
_ACCOUNT_WORD = re.compile("|".join(words.rpartition(" ")[2] for words in f"{_CITIZEN_WORDS}|{_BANK_WORDS}".split("|")), re.IGNORECASE)
_NUMBER_EDGE = re.compile(r"\A(?:[\dx*ol]|[^\w/:]|_)+|(?:[\dx*ol]|[^\w/:]|_)+\Z")
_HIDDEN_DIGIT = re.compile(r"[x*]|(?<![^\W\d])[ol](?![^\W\dx])")
_ONLY_GAP = re.compile(r"(?:[^\w*]|_)+")


def mask(text: str) -> str:
    """Replace phone, citizen and bank numbers, e-mail and web addresses and handles by typed tokens.

    Bank and citizen numbers are told from other digits by the words before them; any other run of nine or more digits
    becomes ``masknumber``, because a number that long is more often somebody's than not.

    Parameters
    ----------
    text : str
        Any Unicode text.

    Returns
    -------
    str
        The text with tokens from `MASKS` in place of personal data. Masking a masked text changes nothing.

    Examples
    --------
    >>> mask("gọi 0951 234 567 hoặc mail lop9b@truong.example nha")
    'gọi maskphone hoặc mail maskemail nha'
    """
    return fixed_point(_mask_once, text)


def fixed_point(step: Callable[[str], str], text: str, rounds: int = ROUNDS) -> str:
    """Apply `step` until it changes nothing more: what makes a chain of substitutions idempotent."""
    for _ in range(rounds):
        changed = step(text)
        if changed == text:
            break
        text = changed
    return text


def _mask_once(text: str) -> str:
    if not _MAYBE_PERSONAL.search(text):
        return text
    if "." in text or "://" in text:
        text = substitute(_URL, _url_token, text)
    if "@" in text:
        text = substitute(_HANDLE, f" {HANDLE} ", substitute(_EMAIL, f" {EMAIL} ", text))
    if _DIGITS.search(text):
        text = _mask_numbers(text)
    return _tidy(text)


def number_part(stretch: str) -> int:
    """Count the digits that a stretch without spaces could bring into a number over several such.

    Parameters
    ----------
    stretch : str
        Lower case.

    Returns
    -------
    int
        At least as many as `mask` would count; -1 for a mere gap, which such a number may hold.

    Examples
    --------
    >>> [number_part(stretch) for stretch in ("0951", "23x.", "-", "xin", "lớp")]
    [4, 3, -1, 1, 0]
    """
    if _ONLY_GAP.fullmatch(stretch):
        return -1
    hidden = {edge.start() + sign.start() for edge in _NUMBER_EDGE.finditer(stretch) for sign in _HIDDEN_DIGIT.finditer(edge.group())}
    return len(_DIGITS.findall(stretch)) + len(hidden)


def has_account_word(stretch: str) -> bool:
    """Whether a stretch holds the last word of those that make a number behind them an account or citizen number."""
    return _ACCOUNT_WORD.search(stretch) is not None


def is_masked_alone(stretch: str) -> bool:
    """Whether masking a stretch by itself may differ from masking it within a text: an address, a token, a foreign number."""
    return "mask" in _mask_once(stretch) or "www." in stretch or _MAYBE_FOREIGN.search(stretch) is not None


def _url_token(match: re.Match[str]) -> str:
    return f" {OFFICIAL_URL if _OFFICIAL_HOST.match(match.group()) else URL} "


def _mask_numbers(text: str) -> str:
    text = substitute(_CITIZEN_ID, rf"\g<context> {CITIZEN_ID} ", text)
    text = substitute(_BANK_ACCOUNT, _bank_token, text)
    text = substitute(_PHONE, _phone_token, text)
    if _MAYBE_FOREIGN.search(text):
        text = splice(text, _foreign_phones(text))
    return substitute(_LONG_NUMBER, lambda match: match.group() if match.group().endswith("00000") else f" {NUMBER} ", text)


def _bank_token(match: re.Match[str]) -> str:
    """A number after bank words is an account, unless it is plainly a phone number, years or a price."""
    number = match["number"]
    if _YEARS_OR_PRICE.fullmatch(number):
        return match.group()
    return f"{match['context']} {PHONE if _PHONE.fullmatch(number) else BANK_ACCOUNT} "


def _phone_token(match: re.Match[str]) -> str:
    """Digits with gaps may also be a date, or numbers counted up in pairs."""
    found = match.group()
    pairs = [int(pair) for pair in re.findall(r"\d\d", found)] if _PAIRS.fullmatch(found) else []
    counted_up = bool(pairs) and pairs == list(range(pairs[0], pairs[0] + len(pairs)))
    return found if counted_up or _DATE.match(found) else f" {PHONE} "


def _foreign_phones(text: str) -> Iterator[Edit]:
    import phonenumbers  # 0.1 s to import, and few posts hold a foreign number

    for match in phonenumbers.PhoneNumberMatcher(text, "VN"):
        yield match.start, match.end, f" {PHONE} "


_TOKEN_EDGES = re.compile(rf" *\b({'|'.join(sorted(MASKS))})\b *")
_TWO_SPACES = re.compile("  ")
_FIRST_SPACE, _LAST_SPACE = re.compile(r"\A "), re.compile(r" \Z")


def _tidy(text: str) -> str:
    """One space on each side of a token, none at the ends that masking brought in."""
    if "mask" not in text:
        return text
    starts, ends = text[:1].isspace(), text[-1:].isspace()
    text = substitute(_TWO_SPACES, " ", substitute(_TOKEN_EDGES, r" \1 ", text))
    text = text if starts else substitute(_FIRST_SPACE, "", text)
    return text if ends else substitute(_LAST_SPACE, "", text)
