"""Annotated tasks from Label Studio into the store, as the answers of people who have accounts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from classifier.errors import InputError
from classifier.review.label_studio.annotations import Annotation, read_annotations
from classifier.review.store import Database, audit, imports, people
from classifier.review.store.imports import Given, Taken

_FAULTS_SHOWN = 200


def import_tasks(database: Database, now: float, source: Path, accounts: str) -> Taken:
    """Take annotated tasks in: all their annotations or, where one has a fault, none; the same file again adds nothing.

    Every annotator must be somebody with an account here. Only so does nobody decide on a post twice, once here and once there, while
    two annotators of a task count as the two people that they are. What Label Studio knows of them is not kept, neither name nor number.

    Parameters
    ----------
    database : Database
        Migrated.
    now : float
        Unix seconds.
    source : Path
        Label Studio's JSON export of tasks that `write_tasks` made.
    accounts : str
        The account whose annotations these are. Where the file has those of several people: which number in `completed_by` is which
        account, as in ``3=lan,5=minh``.

    Returns
    -------
    Taken

    Raises
    ------
    InputError
        If the file can't be read, an annotator has no account, or something in the file is not what it should be: lists all faults with
        their places. Texts are never quoted.
    """
    annotations, faults = read_annotations(source)
    account_of = _accounts(accounts, annotations, source)
    faults += _twice(annotations, account_of)
    with database.writing() as connection:
        user_of = {annotator: _user(connection, name) for annotator, name in account_of.items()}
        faults += _not_ours(connection, annotations)
        if faults:
            shown = [*faults[:_FAULTS_SHOWN], *([f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else [])]
            raise InputError(f"{source}: {len(faults)} fault(s), nothing was imported" + "".join(f"\n  {fault}" for fault in shown))
        given = [Given(one.item_id, user_of[one.annotator], one.answer, one.informed) for one in annotations]
        taken = imports.add_answers(connection, now, given)
        if taken.added or taken.changed:
            audit.append(connection, now, None, "imported", source.name[:64], {"added": taken.added, "changed": taken.changed})
    return taken


def _accounts(accounts: str, annotations: Sequence[Annotation], source: Path) -> dict[str, str]:
    """By Label Studio's number of an annotator: the account's name."""
    annotators = sorted({annotation.annotator for annotation in annotations})
    if "=" not in accounts:
        if len(annotators) > 1:
            example = ",".join(f"{annotator or '?'}=NAME" for annotator in annotators)
            raise InputError(f"{source}: has annotations of {len(annotators)} people (completed_by); say who has which account: {example}")
        return dict.fromkeys(annotators or [""], accounts)
    named: dict[str, str] = {}
    for entry in accounts.split(","):
        number, _, name = (part.strip() for part in entry.partition("="))
        if not number.isdecimal() or not name or number in named:
            raise InputError(f"accounts {accounts[:80]!r}: must be one name, or name each annotator's account once, as in 3=lan,5=minh")
        named[number] = name
    unnamed = [annotator or "missing" for annotator in annotators if annotator not in named]
    if unnamed:
        raise InputError(f"{source}: completed_by is {', '.join(unnamed)} somewhere, which {accounts[:80]!r} gives no account; add it")
    return {annotator: named[annotator] for annotator in annotators}


def _user(connection: Connection, name: str) -> int:
    found = people.find_user(connection, name)
    if found is None:
        raise InputError(f"account {name[:64]!r}: there is none, or it is closed; each annotator needs one (classifier review add-user)")
    return found[0].id


def _twice(annotations: Sequence[Annotation], account_of: Mapping[str, str]) -> list[str]:
    first: dict[tuple[int, str], str] = {}
    faults = []
    for one in annotations:
        earlier = first.setdefault((one.item_id, account_of[one.annotator]), one.place)
        if earlier != one.place:
            faults.append(f"{one.place}: the same person's annotation of item {one.item_id} stands at {earlier} already; keep one")
    return faults


def _not_ours(connection: Connection, annotations: Sequence[Annotation]) -> list[str]:
    stored = imports.find_texts(connection, [one.item_id for one in annotations])
    faults = []
    for one in annotations:
        text, state = stored.get(one.item_id, (None, ""))
        if text is None or state == "gold":
            faults.append(f"{one.place}: item {one.item_id} is not up for review here")
        elif text != one.text:
            faults.append(f"{one.place}: data.text is not the text of item {one.item_id}; the task was made from another store, or changed since")
    return faults
