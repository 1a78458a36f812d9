"""Hashes passwords with argon2id and checks them."""

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from classifier.errors import InputError

SHORTEST, LONGEST = 10, 256
_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(2)
"""Each hash takes 64 MB for a moment: a flood of logins waits in turn instead of filling the memory."""


def hash_password(password: str) -> str:
    """Hash a password for the store.

    Parameters
    ----------
    password : str
        10 to 256 characters.

    Returns
    -------
    str
        The argon2id hash with its salt and settings.

    Raises
    ------
    InputError
        If it is too short or too long.
    """
    composed = _composed(password)
    if not SHORTEST <= len(composed) <= LONGEST:
        raise InputError(f"the password has {len(composed)} characters; use {SHORTEST} to {LONGEST}")
    with _turns:
        return _hasher.hash(composed)


def check_password(password: str, stored: str | None) -> bool:
    """Say whether a password is the one that was hashed.

    Parameters
    ----------
    password : str
    stored : str or None
        What `hash_password` returned; None where there is no such user, which takes as long and is never right.

    Returns
    -------
    bool
    """
    composed = _composed(password[: LONGEST * 4])
    with _turns:
        try:
            return _hasher.verify(stored or _hash_of_nobody(), composed) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def _composed(password: str) -> str:
    """One form for all keyboards: some send ế as one character, some as three."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "ignore").decode())


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return _hasher.hash("a password that nobody has")
