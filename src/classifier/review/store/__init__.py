"""The review store: the only package that knows SQL.

A function takes an open connection of a `Database` first, and the present instant (`now`, seconds since 1970) where time matters.
"""

from classifier.review.store.answers import Answer
from classifier.review.store.audit import Verified
from classifier.review.store.batches import Added, NewItem
from classifier.review.store.database import Database
from classifier.review.store.disputes import Dispute
from classifier.review.store.errors import AlreadyDecided, InvalidAnswer, LeaseLost, NothingToUndo, StoreError
from classifier.review.store.own_answers import ModelView, OwnAnswer
from classifier.review.store.people import LANGUAGES, Role, Session, User
from classifier.review.store.uploads import Upload
from classifier.review.store.work import Assignment

__all__ = [
    "LANGUAGES",
    "Added",
    "AlreadyDecided",
    "Answer",
    "Assignment",
    "Database",
    "Dispute",
    "InvalidAnswer",
    "LeaseLost",
    "ModelView",
    "NewItem",
    "NothingToUndo",
    "OwnAnswer",
    "Role",
    "Session",
    "StoreError",
    "Upload",
    "User",
    "Verified",
]
