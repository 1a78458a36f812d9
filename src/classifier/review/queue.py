"""Which posts people look at, how many people, and in which order; pure functions of probabilities and texts."""

import csv
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np

from classifier.masking import BANK_ACCOUNT, CITIZEN_ID, EMAIL, NUMBER, PHONE
from classifier.params import OrderParams
from classifier.taxonomy import CATEGORIES, Category, Route
from classifier.text import fold, normalize

_UNLAWFUL = CATEGORIES.index(Category.UNLAWFUL)
_LIKELY = 0.1
"""Lowest probability of `unlawful` at which words are asked for: a third of the threats lie below 0.2."""
_GAP = "…"
_ANY_WORDS = r"(?:\S+ ){0,4}"
_PERSONAL = re.compile(rf"\b(?:{'|'.join((BANK_ACCOUNT, CITIZEN_ID, EMAIL, NUMBER, PHONE))})\b")
_DAY = 86_400.0


def value_of_a_look(probability: np.ndarray, texts: Sequence[str], order: OrderParams) -> np.ndarray:
    """Say what it is worth that a person looks at a post: the order of the queue.

    The value is the sum of four parts, whose weights stand under `review.order` in params.yaml:

    - **harm**: the severity of a category times its probability, for the category where that is largest. It is what is lost, on
      average, while nobody looks.
    - **urgent**: added where the words of a probably unlawful post threaten somebody or make personal data public (`is_urgent`):
      an hour counts there. A weight above what
      the other parts can add up to puts these first.
    - **uncertainty**: times 1 where a probability is 0.5, falling to 0 at 0 and 1, for the least certain category. There a person's
      answer also teaches the next model most (uncertainty sampling, Lewis and Gale 1994).
    - **age**: for each day of waiting, so that no post waits for ever; see `rank`.

    Nothing in it knows who wrote a post or how often.

    Parameters
    ----------
    probability : numpy.ndarray, shape (n, n_categories)
        In the order of `CATEGORIES`.
    texts : sequence of str, length n
        The posts, as typed or masked.
    order : OrderParams

    Returns
    -------
    numpy.ndarray, shape (n,), float
        The first three parts.

    Examples
    --------
    >>> order = OrderParams(severity={"insult": 0.6, "false_info": 0.5, "unlawful": 1.0, "ethics": 0.7}, urgent=1.0, uncertainty=0.3, age=0.2)
    >>> probability = np.array([[0.0, 0.0, 0.9, 0.0], [0.0, 0.0, 0.9, 0.0], [0.5, 0.0, 0.0, 0.0]])
    >>> value_of_a_look(probability, ["tao biết nhà mày rồi", "bán bằng giả", "mặt mâm"], order).round(2).tolist()
    [1.96, 0.96, 0.6]
    """
    severity = np.array([order.severity[category] for category in CATEGORIES])
    harm = (probability * severity).max(axis=1, initial=0)
    uncertain = (1 - np.abs(2 * probability - 1)).max(axis=1, initial=0)
    urgent = np.array([is_urgent(text, p) for text, p in zip(texts, probability[:, _UNLAWFUL], strict=True)], dtype=bool)
    return harm + order.urgent * urgent + order.uncertainty * uncertain


def hide_sample(value: np.ndarray, hidden: np.ndarray, digests: Sequence[str]) -> np.ndarray:
    """Give each sampled clear post the value of another post, drawn by chance.

    With their own, low value they would come last and all together: reviewers would know them for what they are, and as long as
    the queue isn't empty, those looked at would not be a random share of the clear ones.

    Parameters
    ----------
    value : numpy.ndarray, shape (n,)
        From `value_of_a_look`.
    hidden : numpy.ndarray, shape (n,), bool
        The sampled clear posts.
    digests : sequence of str, length n
        Of the posts; the draw depends on nothing else.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Where all are hidden, an order by chance.
    """
    others = np.sort(value[~hidden])
    drawn = np.array([_draw(f"place/{digest}") for digest in digests]).reshape(len(value))
    places = others[(drawn * len(others)).astype(int)] if len(others) else drawn
    return np.where(hidden, places, value)


def rank(value: np.ndarray, created_at: float, age_per_day: float) -> np.ndarray:
    """Turn values into the number that the queue is sorted by, the larger the earlier.

    At an instant t a post is worth `value + age_per_day * (t - created_at) / day`. The part with t is the same for all posts, so
    the order depends on the rest alone, which never changes: the queue needs no sorting anew as it ages.

    Parameters
    ----------
    value : numpy.ndarray, shape (n,)
        From `value_of_a_look`.
    created_at : float
        Unix seconds at which the posts entered the queue.
    age_per_day : float

    Returns
    -------
    numpy.ndarray, shape (n,)

    Examples
    --------
    >>> yesterday, today = rank(np.array([0.5]), 0.0, 0.2), rank(np.array([0.6]), 86_400.0, 0.2)
    >>> bool(yesterday > today)
    True
    """
    return value - age_per_day * created_at / _DAY


def is_urgent(text: str, p_unlawful: float) -> bool:
    """Say whether a probably unlawful post threatens somebody or makes personal data public.

    The words are those of `urgent.tsv`, written by hand and looked for on the folded text, so that accents and disguise don't
    matter; `…` there stands for up to four syllables. `threat` and `exposed` (an address, a photo) count alone, `contact` (whose
    number, what to do with it) beside a masked number: a number alone is in every advertisement.

    On the training split of the seed corpus, with probabilities from folds that hadn't seen the post, it finds 66 % of the threats
    and 89 % of the doxxing; 74 % of what it finds is one of the two.

    Parameters
    ----------
    text : str
        As typed or masked.
    p_unlawful : float
        The model's probability.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_urgent("tan hoc tao d.ợ.i may, coi chung cai mat", 0.6), is_urgent("coi chừng cái bậc thềm", 0.01)
    (True, False)
    >>> is_urgent("số con H. nè 0951234567, gọi chửi đi", 0.6), is_urgent("nhận làm bằng, alo 0951234567", 0.9)
    (True, False)
    """
    if not p_unlawful >= _LIKELY:
        return False
    folded = f" {fold(normalize(text))} "
    alone, beside_number = _urgent_words()
    return bool(alone.search(folded) or (_PERSONAL.search(folded) and beside_number.search(folded)))


@lru_cache(maxsize=1)
def _urgent_words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Expressions that count alone, and those that count beside a masked number."""
    table = files("classifier.review").joinpath("urgent.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines(), delimiter="\t"))
    contact = [row["expression"] for row in rows if row["kind"] == "contact"]
    return _any_of([row["expression"] for row in rows if row["kind"] != "contact"]), _any_of(contact)


def _any_of(expressions: list[str]) -> re.Pattern[str]:
    parts = [[re.escape(fold(part)) for part in expression.split(_GAP)] for expression in expressions]
    return re.compile(f" (?:{'|'.join(f' {_ANY_WORDS}'.join(part) for part in parts)}) ")


def sampled(digest: str, seed: int, share: float) -> bool:
    """Decide by a hash, the same way each time, whether a post belongs to a random share.

    Parameters
    ----------
    digest : str
        Of the post.
    seed : int
        Another seed draws another share.
    share : float
        0 to 1.

    Returns
    -------
    bool
    """
    return _draw(f"sample/{seed}/{digest}") < share


def needed(decision: str, digest: str, double_share: float) -> int:
    """Say how many people are to decide on a post: two on what is flagged and on a random share of the rest, else one.

    Parameters
    ----------
    decision : str
        Of the model.
    digest : str
        Of the post; the share is drawn by it.
    double_share : float
        0 to 1.

    Returns
    -------
    int
        1 or 2.
    """
    return 2 if decision == Route.FLAG.label or _draw(f"double/{digest}") < double_share else 1


def _draw(key: str) -> float:
    """A number in [0, 1) that looks random and depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
