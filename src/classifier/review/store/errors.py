"""What can go wrong between people who work on one queue; the page shows each as a clear message."""


class StoreError(Exception):
    """The store refuses what was asked; nothing was changed."""


class LeaseLost(StoreError):
    """The post isn't (or is no longer) handed out to this person."""


class AlreadyDecided(StoreError):
    """The decision was given before: a double submit, or someone's adjudication came first."""


class NothingToUndo(StoreError):
    """There is no decision that this person could still take back."""


class InvalidAnswer(StoreError):
    """The answer names what the taxonomy doesn't know, or lacks the rationale that a violation needs."""
