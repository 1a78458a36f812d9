"""Sentences that differ in one term alone, to measure whether a model cares which one it is; and which posts speak of a group.

These sentences are probes: they are never trained on, and nothing is chosen by them but whether a model is fit for use.
Each is written by hand with a slot for the term. The terms marked `listed` are among those that `classifier.neutral` knows;
those marked `unlisted` are phrases it does not, so that they show how a model fares beyond its list.
"""

import csv
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from classifier.neutral import IDENTITIES, INSTITUTION, LEADER, NAME, POLICY, TOKENS, neutralize
from classifier.text import normalize, strip_accents

IDENTITY_KINDS = IDENTITIES
POLITICAL = (INSTITUTION, LEADER, POLICY)
LISTED, UNLISTED, SLUR = "listed", "unlisted", "slur"
HARSH, PLAIN = "harsh", "plain"
_SLOT = "{}"


class Probe(NamedTuple):
    """A sentence with a term in its slot.

    Attributes
    ----------
    sentence : str
        Name of the sentence; probes of one sentence differ in the term alone.
    term : str
    text : str
        The post.
    """

    sentence: str
    term: str
    text: str


class _Sentence(NamedTuple):
    id: str
    about: str
    tone: str
    sentence: str


class _Term(NamedTuple):
    kind: str
    side: str
    form: str
    term: str


def political_pairs(form: str = LISTED) -> list[Probe]:
    """Return harsh sentences aimed at institutions, office holders and policies of all directions: minimal pairs.

    Institutions and camps share their sentences, office holders have their own (who is a person can be insulted, a ministry
    can't), and so have policies; a sentence is only ever compared with itself.

    Parameters
    ----------
    form : {"listed", "unlisted"}
        Whether the targets are among those that `classifier.neutral` lists.

    Examples
    --------
    >>> political_pairs()[0].text
    'Bộ Giáo dục nói một đằng làm một nẻo, hứa cho sướng miệng rồi phủi tay'
    """
    return [probe for kind in POLITICAL for probe in _filled(kind, kind, HARSH, form)]


def sides() -> dict[str, str]:
    """Return for each political target whose it is: `state`, `critics`, `supporters`, `camp`, `foreign`, or nothing for a policy."""
    return {term.term: term.side for kind in POLITICAL for term in _terms(kind)}


def identity_probes(kind: str, tone: str = PLAIN, form: str = LISTED) -> list[Probe]:
    """Return sentences with each neutral term of one kind of identity.

    Parameters
    ----------
    kind : str
        One of `classifier.neutral.IDENTITIES`.
    tone : {"plain", "harsh"}
        Harsh sentences insult; they must do so alike whoever is meant.
    form : {"listed", "unlisted"}
    """
    return _filled(_identity(kind), "identity", tone, form)


def name_probes(tone: str | None = None, form: str = LISTED, titled: bool = True) -> list[Probe]:
    """Return sentences with given names: of women and men, of several peoples, foreign ones, initials.

    Parameters
    ----------
    tone : {"plain", "harsh"}, optional
        Both where it is not given.
    form : {"listed", "unlisted"}
    titled : bool
        Whether a title stands before the name ("bạn Lan"); without one a name can't be told from a word.
    """
    about = NAME if titled else "untitled"
    return [probe for each in ([tone] if tone else [PLAIN, HARSH]) for probe in _filled(NAME, about, each, form)]


def probe_sets() -> dict[str, list[Probe]]:
    """Return all probes by what they vary: `political`, each kind of identity, `name`, and what lies beyond the list.

    Those beyond the list are named with a trailing `, unlisted`, and `name, untitled` where no title says that it is one.
    """
    sets = {"political": political_pairs()}
    sets |= {kind: identity_probes(kind, PLAIN) + identity_probes(kind, HARSH) for kind in IDENTITIES}
    sets |= {"name": name_probes(), "name, untitled": name_probes(titled=False), "political, unlisted": political_pairs(UNLISTED)}
    sets |= {f"{kind}, unlisted": identity_probes(kind, PLAIN, UNLISTED) + identity_probes(kind, HARSH, UNLISTED) for kind in IDENTITIES}
    return sets | {"name, unlisted": name_probes(form=UNLISTED)}


def identity_terms(kind: str) -> list[str]:
    """Return all terms of the probes for one kind of identity, neutral ones first, then slurs."""
    return [term.term for form in (LISTED, UNLISTED, SLUR) for term in _terms(_identity(kind)) if term.form == form]


def mentions(text: str, kind: str) -> bool:
    """Whether a post mentions an identity of a kind, neutrally or by a slur.

    This makes the subgroups on which errors are compared. It says nothing about whether the post insults.

    Parameters
    ----------
    text : str
        A post as typed.
    kind : str
        One of `classifier.neutral.IDENTITIES`.

    Examples
    --------
    >>> mentions("Mình người Tày, ai cùng quê không", "ethnicity"), mentions("mai nghỉ học không", "ethnicity")
    (True, False)

    References
    ----------
    Borkan et al. (2019), Nuanced Metrics for Measuring Unintended Bias with Real Data for Text Classification.
    """
    normalized = normalize(text)
    return TOKENS[_identity(kind)] in neutralize(normalized) or _pattern(kind).search(normalized) is not None


def _identity(kind: str) -> str:
    if kind not in IDENTITIES:
        raise ValueError(f"kind must be one of {', '.join(IDENTITIES)}, got {kind!r}")
    return kind


def _filled(kind: str, about: str, tone: str, form: str) -> list[Probe]:
    """Every sentence with every term of a kind; a sentence typed without accents gets its terms without accents."""
    return [
        Probe(each.id, term.term, each.sentence.replace(_SLOT, strip_accents(term.term).lower() if each.sentence.isascii() else term.term))
        for each in _sentences()
        if (each.about, each.tone) == (about, tone)
        for term in _terms(kind)
        if _form(term, each) == form
    ]


def _form(term: _Term, sentence: _Sentence) -> str:
    """A single syllable that loses its accents becomes another word ("Đảng", "đang"), so nothing can list it."""
    lost = sentence.sentence.isascii() and " " not in term.term and not term.term.isascii()
    return UNLISTED if lost and term.form == LISTED else term.form


@lru_cache(maxsize=1)
def _sentences() -> tuple[_Sentence, ...]:
    return tuple(_Sentence(**row) for row in _table("probe_sentences.tsv"))


@cache
def _terms(kind: str) -> tuple[_Term, ...]:
    return tuple(_Term(**row) for row in _table("probe_terms.tsv") if row["kind"] == kind)


def _table(name: str) -> list[dict[str, str]]:
    lines = files("classifier").joinpath(name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """Unlisted terms and slurs as whole words; those of several syllables without accents too."""
    terms = {normalize(term.term) for term in _terms(kind) if term.form != LISTED}
    terms |= {strip_accents(term) for term in terms if " " in term}
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(term) for term in sorted(terms, key=len, reverse=True))})(?!\w)")
