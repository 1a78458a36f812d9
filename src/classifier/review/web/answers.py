"""Reads the form that every decision is given with: categories or none, a protected slice, confidence, a reason."""

from dataclasses import dataclass

from starlette.datastructures import FormData

from classifier.masking import mask
from classifier.review.store.answers import Answer
from classifier.review.web.security import text
from classifier.review.web.site import Refused
from classifier.taxonomy import CATEGORIES, SLICES

LONGEST_RATIONALE = 2000
SUREST = 3


@dataclass(frozen=True)
class Draft:
    """A decision as filled in, finished or not.

    Attributes
    ----------
    categories : frozenset of str
    nothing : bool
        Whether `no violation` was chosen.
    slice : str
        Empty where none was chosen.
    confidence : int
        From 1 (in doubt) to 3 (sure).
    rationale : str
    """

    categories: frozenset[str] = frozenset()
    nothing: bool = False
    slice: str = ""
    confidence: int = SUREST
    rationale: str = ""

    @classmethod
    def of(cls, answer: Answer) -> "Draft":
        """Begin with a decision that was given before."""
        return cls(answer.categories, not answer.categories, answer.slice, answer.confidence, answer.rationale)

    @property
    def problem(self) -> str | None:
        """What is still to be mended, as a key below `problems` of the words; None where nothing is."""
        if self.categories and self.nothing:
            return "both"
        if not self.categories and not self.nothing:
            return "nothing"
        if self.categories and not self.rationale:
            return "rationale"
        return "too_long" if len(self.rationale) > LONGEST_RATIONALE else None

    @property
    def answer(self) -> Answer:
        """The finished decision, personal data in its reason masked; a slice only counts without a violation."""
        return Answer(self.categories, self.slice if self.nothing else "", self.confidence, mask(self.rationale))


def read_draft(fields: FormData) -> Draft:
    """Read a decision's form.

    Parameters
    ----------
    fields : FormData

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        With status 422, if a value is none that our page could have sent.
    """
    rationale = text(fields, "rationale").replace("\r\n", "\n").strip()
    categories = frozenset(value for value in fields.getlist("category") if isinstance(value, str))
    slice_, confidence = text(fields, "slice"), text(fields, "confidence") or str(SUREST)
    if not categories <= set(CATEGORIES) or slice_ not in ("", *SLICES) or confidence not in ("1", "2", "3"):
        raise Refused(422, "form", kept=rationale)
    return Draft(categories, text(fields, "nothing") == "1", slice_, int(confidence), rationale)
