"""Replaces each term for who or what is meant by one token per kind, so that the features never see WHICH one was named.

A harsh sentence must score the same whichever institution, political camp, region, ethnicity, religion, gender, orientation,
disability or given name it is aimed at. The token says that some institution (some region, some name) stands there and no
more: supporters and critics of a government become the same word. This is the opposite of a stand-in for a political
category, which the project does not have: what the features can't tell apart, no weight can be laid on. Slurs are no
neutral terms and stay as they are, because they are what insult is made of.

Counterfactual fairness through blindness: Garg et al. (2019), Counterfactual Fairness in Text Classification through Robustness.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

from classifier.aligned import Edit, splice
from classifier.masking import fixed_point
from classifier.text import normalize, strip_accents

INSTITUTION, LEADER, POLICY = "institution", "leader", "policy"
PARTISAN = "partisan"  # what political camps call each other: one word for all directions
REGION, ETHNICITY, RELIGION, GENDER, ORIENTATION, DISABILITY = "region", "ethnicity", "religion", "gender", "orientation", "disability"
NAME = "name"
IDENTITIES = (REGION, ETHNICITY, RELIGION, GENDER, ORIENTATION, DISABILITY)
"""Kinds that say who people are."""
TOKENS: dict[str, str] = {kind: f"neut{kind}" for kind in (INSTITUTION, LEADER, POLICY, PARTISAN, *IDENTITIES, NAME)}
NEUTRALS: frozenset[str] = frozenset(TOKENS.values())

# Kinds of the table that have no token of their own.
_KEEP = "keep"  # a longer word that begins like a term: "hạnh phúc" is no name
_NATION = "nation"  # an ethnicity behind a word for people, otherwise part of the institution before it
_LEVEL = "level"  # "tỉnh", "xã": part of the institution before it
_SURNAME = "surname"  # a name if another part of a name follows
_NAMES = frozenset({NAME, _SURNAME})
_WRITTEN_AS = {_NATION: ETHNICITY, _SURNAME: NAME}
_PLACED = frozenset({INSTITUTION, REGION, _NATION, _LEVEL})
_SWALLOWS = {INSTITUTION: _PLACED, LEADER: _PLACED | _NAMES, NAME: _NAMES}
"""What merges into the token directly before it; every kind also swallows itself."""

_WORD = re.compile(r"\w+|[^\w\s]")
_NUMBER = "#"
_INITIALS = frozenset("b c d đ g h k l m n p q r s t v x y ch gh gi kh ng nh ph qu th tr".split())
_CURSE_BEFORE = frozenset("đồ cái như mặt đầu cục do cai nhu mat dau".split())
_NAME_FOLLOWS = frozenset(". , ! ? ; ) ơi kia ấy tên lớp".split()) | {""}
_SCHOOL_CLASS = re.compile(r"\d{1,2}[a-z]\d*")
_ACCENTED_SHARE = 0.35
"""Share of words with an accent from which on a word without one is taken as it stands: "lan" is not "lần"."""


def _with_bare(words: str) -> frozenset[str]:
    return frozenset(words.split()) | frozenset(strip_accents(words).split())


_PEOPLE = _with_bare("người dân tộc bào bọn lũ tụi đám bầy đứa thằng gái trai bạn gốc")
_BEHIND: dict[str, frozenset[str]] = {
    "person": _with_bare("người"),
    "people": _PEOPLE,
    "said": _PEOPLE | _with_bare("là"),
    "region": _with_bare("người dân trai gái giọng vào vô ngoài trong quê xứ bọn lũ tụi đám đứa tỉnh") | {"ra"},
    "place": _with_bare("người dân quê tỉnh phố ở giáp vùng từ về lên giọng"),
    "authority": frozenset("trên của bên gửi từ do hộ hô chửi chê khen trách tin ghét chán trang cổng tra trong mà là nhưng thì nghe".split())
    | frozenset("nếu vì ông bà bác bố cha bởi sao nhờ".split()),
    "title": _with_bare("thầy cô bạn anh chị em con thằng nhỏ bé ông bà chú bác cháu cậu tên đứa trưởng")
    | frozenset("mợ dì dượng thím cụ cu nàng gã phó sếp mụ".split()),
    "addressed": _with_bare("bạn anh chị em con cháu cô thầy"),  # who may be spoken to: "cô mai nghỉ" is about tomorrow, "bác mai nghỉ" is not
    "lad": _with_bare("thằng"),
}
_ALONE = "title alone"  # a name that is more often another word: nothing may follow that this other word could go with
_INITIAL = "title initial"  # the first letters of a name, as in "em h. lớp 9"
_NOWHERE = "nowhere"  # only as part of the token before it
_OUTSIDE = ("", "")  # behind the last word, and by negative positions before the first: no word stands there
_BEHIND |= {_ALONE: _BEHIND["title"], _INITIAL: _BEHIND["title"]}
_SENTENCE_ENDS = frozenset(".,!?:;()\"'“”-…")


class _Rule(NamedTuple):
    """When a spelling counts as a term."""

    kind: str
    behind: str
    needs_accents: bool


class _Node(dict[str, "_Node"]):
    """A word on the way to terms: the words that may follow, and the rules of the term that ends here."""

    __slots__ = ("rules",)

    def __init__(self) -> None:
        self.rules: tuple[_Rule, ...] = ()

    def add(self, words: Sequence[str], rule: _Rule) -> None:
        node = self
        for word in words:
            following = node.get(word)
            if following is None:
                following = node[word] = _Node()
            node = following
        if rule not in node.rules:
            node.rules += (rule,)


class _Hit(NamedTuple):
    """Words `start` up to `end` name something of a kind."""

    start: int
    end: int
    kind: str


def neutralize(text: str) -> str:
    """Replace terms for institutions, identities and given names by the token of their kind.

    Terms count with accents and, where that is unambiguous, without some or all of them. A given name counts behind a title
    only ("bạn lan", not "lan man"). Equal tokens side by side become one. "người" goes with an identity behind it, because
    some are named without it ("con gái"); words that say how people are looked at, such as "bọn", stay.

    Parameters
    ----------
    text : str
        A normalised post (`classifier.text.normalize`); the spans of an `Aligned` one are kept.

    Returns
    -------
    str
        The text with tokens from `NEUTRALS`; `neutralize` of it returns it unchanged.

    Examples
    --------
    >>> neutralize("bộ giáo dục nói một đằng làm một nẻo, bạn lan người tày cũng thấy")
    'neutinstitution nói một đằng làm một nẻo, bạn neutname neutethnicity cũng thấy'
    """
    return fixed_point(_neutralize_once, text)


def _neutralize_once(text: str) -> str:
    edits = neutral_edits(text)
    return splice(text, edits) if edits else text


def neutral_edits(text: str) -> list[Edit]:
    """Return what `neutralize` replaces in one round; it goes on until there is nothing left."""
    words = _WORD.findall(text)
    hits = [hit for hit in _hits(words) if words[hit.start : hit.end] != [TOKENS[hit.kind]]]
    if not hits:
        return []
    spans = [match.span() for match in _WORD.finditer(text)]
    return [(spans[hit.start][0], spans[hit.end - 1][1], TOKENS[hit.kind]) for hit in hits]


def _hits(words: list[str]) -> list[_Hit]:
    words = [*words, *_OUTSIDE]
    terms = _terms()
    hits: list[_Hit] = []
    done = 0
    for start, word in enumerate(words):
        node = terms.get(word)
        if node is None or start < done or (not node.rules and words[start + 1] not in node and _NUMBER not in node):
            continue
        before = hits[-1] if hits and hits[-1].end == start else None
        found = _longest(words, start, node, before)
        if found is None:
            continue
        done = found.end
        if before is not None and _swallows(before, found.kind):
            hits[-1] = before._replace(end=found.end)
        elif found.kind != _KEEP:
            kind = _WRITTEN_AS.get(found.kind, found.kind)
            hits.append(_Hit(start - _of_a_person(words, start, kind, before), found.end, kind))
    return hits


def _of_a_person(words: list[str], start: int, kind: str, before: _Hit | None) -> bool:
    """Whether "người" stands before an identity; "con gái" and "người chuyển giới" would differ by it."""
    return kind in IDENTITIES and before is None and words[start - 1] in _BEHIND["person"]


def _has_accents(words: list[str]) -> bool:
    """Whether a post is typed with accents: a few accented words may come from abbreviations written out."""
    letters = [word for word in words if word.isalpha()]
    return sum(not word.isascii() for word in letters) >= _ACCENTED_SHARE * len(letters)


def _swallows(before: _Hit, kind: str) -> bool:
    return kind == before.kind or kind in _SWALLOWS.get(before.kind, ())


def _longest(words: list[str], start: int, node: _Node, before: _Hit | None) -> _Hit | None:
    """Find the longest term that begins at `start`, where `node` is, and whose rule holds."""
    found, end = None, start + 1
    while True:
        for rule in node.rules:
            if _holds(rule, words, start, end, before) and (not rule.needs_accents or _goes_on(before, rule) or _has_accents(words)):
                found = _Hit(start, end, rule.kind)
                break
        following = node.get(words[end])
        if following is None and words[end].isdigit():
            following = node.get(_NUMBER)
        if following is None:
            return found
        node, end = following, end + 1


def _holds(rule: _Rule, words: list[str], start: int, end: int, before: _Hit | None) -> bool:
    """Whether the words around a term are those that its rule asks for; words inside another hit don't count."""
    if before is not None and _swallows(before, rule.kind) and (not rule.behind or rule.kind != before.kind or before.kind == NAME):
        return rule.behind != _ALONE and (rule.kind != _SURNAME or _may_be_name(words[end]))
    if rule.behind in ("", _NOWHERE) or before is not None:
        return rule.behind == ""
    last = words[start - 1]
    if rule.behind == "authority" and (not last or last in _SENTENCE_ENDS):
        return True
    if last not in _BEHIND[rule.behind]:
        return False
    if rule.behind == _ALONE:
        return last in _BEHIND["lad"] or words[end] in _NAME_FOLLOWS or _SCHOOL_CLASS.fullmatch(words[end]) is not None
    if rule.behind == _INITIAL:
        return words[start - 2] not in _CURSE_BEFORE
    return rule.kind != _SURNAME or _may_be_name(words[end])


def _goes_on(before: _Hit | None, rule: _Rule) -> bool:
    """Whether a name goes on: what follows "nguyen thi" is no other word."""
    return before is not None and before.kind == rule.kind == NAME


def _may_be_name(word: str) -> bool:
    node = _terms().get(word)
    return word in _INITIALS or (node is not None and any(rule.kind in _NAMES and rule.behind != _ALONE for rule in node.rules))


@lru_cache(maxsize=1)
def _terms() -> _Node:
    """Read neutral.tsv.

    Its columns: `kind`; `term` (# is any number); `behind`, the group of `_BEHIND` that the word before must belong to, if any;
    `bare`, where the term counts without accents: `yes`, `no`, or behind which group; if empty, it does unless it is one syllable.
    """
    root = _Node()
    for initial in _INITIALS:
        root.add([initial, "."], _Rule(NAME, _INITIAL, False))
    for kind, token in TOKENS.items():
        root.add([token], _Rule(kind, "", False))
    table = files("classifier").joinpath("neutral.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    terms = [(tuple(_WORD.findall(term)), row) for row in rows for term in dict.fromkeys((normalize(row["term"]), row["term"]))]
    for words, row in terms:  # first, so that "nha trang" is a town before it is an accent-less "nhà trắng"
        root.add(words, _Rule(row["kind"], row["behind"], needs_accents=_bare(words, row) != "yes" and "".join(words).isascii()))
    for words, row in terms:
        for spelling in _without_accents(words) if _bare(words, row) != "no" else ():
            root.add(spelling, _Rule(row["kind"], row["behind"] if _bare(words, row) == "yes" else _bare(words, row), needs_accents=False))
    return root


def _bare(words: tuple[str, ...], row: dict[str, str]) -> str:
    """Where the term counts without accents: `yes` (where it counts with them), `no`, or behind which words."""
    return row["bare"] or ("yes" if len(words) > 1 else "no")


def _without_accents(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The term with accents left out in every way, none left out included."""
    return product(*(dict.fromkeys((word, word if word.isascii() else strip_accents(word))) for word in words))
