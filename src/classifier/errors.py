"""The one exception that users are meant to read."""

from collections.abc import Iterable


class InputError(Exception):
    """Bad input or usage: the command line prints the message as one line and exits with code 2.

    Parameters
    ----------
    message : str
        What is wrong, where, with which value, and how to mend it. Never the text of a post.
    """


def named(columns: Iterable[str], most: int = 20, longest: int = 40) -> str:
    """Join column names for a message; a file without a header has a post where a name should be, so each is cut."""
    names = [name if len(name) <= longest else name[:longest] + "…" for name in columns]
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")
