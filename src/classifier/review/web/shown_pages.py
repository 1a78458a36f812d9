"""Remembers which page showed a handed-out post last, so that only closing that one gives the post back."""

import secrets
from collections import OrderedDict

_MOST = 10_000


class ShownPages:
    """The last page of each lease.

    Browsers report a closed page after they have fetched the next one. Where that is the same post again, after a reload, the report
    must not free it. What is forgotten, by a restart say, only means that a post waits until its lease ends.

    Examples
    --------
    >>> pages = ShownPages()
    >>> closed, shown = pages.show(7), pages.show(7)
    >>> pages.is_last(7, closed), pages.is_last(7, shown)
    (False, True)
    """

    def __init__(self) -> None:
        self._marks: OrderedDict[int, str] = OrderedDict()

    def show(self, lease: int) -> str:
        """Return the mark of a page that is about to show the post of a lease."""
        mark = secrets.token_hex(8)
        self._marks[lease] = mark
        while len(self._marks) > _MOST:
            self._marks.popitem(last=False)
        return mark

    def is_last(self, lease: int, mark: str) -> bool:
        """Say whether no page has shown the post since the one with this mark."""
        return self._marks.get(lease) == mark
