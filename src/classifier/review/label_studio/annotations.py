"""Reads Label Studio's JSON export: annotated tasks as answers, and every fault with its place in the file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import InputError, named
from classifier.masking import mask
from classifier.review.label_studio.configuration import CHOICES, NONE, RATIONALE
from classifier.review.store import Answer

_CONTROLS = (*CHOICES, RATIONALE)
_EXPORT = "export it from Label Studio as JSON (not JSON-MIN or CSV)"


@dataclass(frozen=True)
class Annotation:
    """What one annotator said of one task.

    Attributes
    ----------
    place : str
        Where it stands in the file.
    item_id : int
    text : object
        The post, as the task holds it.
    annotator : str
        Label Studio's number of the person; empty where it says none.
    answer : Answer
        Personal data in its rationale masked.
    informed : bool
        Whether the task came with a prediction.
    """

    place: str
    item_id: int
    text: Any
    annotator: str
    answer: Answer
    informed: bool


class _FaultError(Exception):
    """What is wrong at one place."""


def read_annotations(source: Path) -> tuple[list[Annotation], list[str]]:
    """Read all annotations of a file; tasks without any, and annotations that were cancelled, are passed over.

    Parameters
    ----------
    source : Path

    Returns
    -------
    annotations : list of Annotation
        Those without fault.
    faults : list of str
        Place and fault of all others, such as ``[2].annotations[0].result[1]: …``. Texts are never quoted.

    Raises
    ------
    InputError
        If the file can't be read, or is no list of tasks.
    """
    found: list[Annotation] = []
    faults: list[str] = []
    for number, task in enumerate(_tasks(source)):
        try:
            item_id, text = _item(task)
            annotations = _list(task.get("annotations"), "annotations")
        except _FaultError as fault:
            faults.append(f"[{number}]: {fault}")
            continue
        for position, annotation in enumerate(annotations):
            place = f"[{number}].annotations[{position}]"
            if isinstance(annotation, dict) and annotation.get("was_cancelled"):
                continue
            try:
                annotator, result = _annotated(annotation)
            except _FaultError as fault:
                faults.append(f"{place}: {fault}")
                continue
            answer = _answer(result, place, faults)
            if answer is not None:
                found.append(Annotation(place, item_id, text, annotator, answer, bool(task.get("predictions"))))
    return found, faults


def _tasks(source: Path) -> list[Any]:
    try:
        content = json.loads(source.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{source}: can't be read ({error.strerror or error}); check its name and permissions") from None
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise InputError(f"{source}: is not JSON in UTF-8 ({reason}); {_EXPORT}") from None
    if not isinstance(content, list):
        raise InputError(f"{source}: needs a list of tasks, has {_kind(content)}; {_EXPORT}")
    return content


def _item(task: Any) -> tuple[int, Any]:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise _FaultError(f"is no task with data; {_EXPORT}")
    meta = task.get("meta")
    number = task["data"].get("item", meta.get("item") if isinstance(meta, dict) else None)
    if not isinstance(number, int) or isinstance(number, bool):
        raise _FaultError(f"data.item is {_kind(number)}; a task that was made here has the number of its item there")
    return number, task["data"].get("text")


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _FaultError(f"{name} is {_kind(value)}; it must be a list")
    return value


def _annotated(annotation: Any) -> tuple[str, list[Any]]:
    """Who, by number alone (names and addresses that come with it are nobody's business here), and what."""
    if not isinstance(annotation, dict):
        raise _FaultError(f"an annotation is an object, this is {_kind(annotation)}")
    completed_by = annotation.get("completed_by")
    number = completed_by.get("id") if isinstance(completed_by, dict) else completed_by
    if number is not None and (isinstance(number, bool) or not isinstance(number, (int, str)) or not str(number).isdecimal()):
        raise _FaultError(f"completed_by is {_kind(completed_by)}; it must be a number, or hold one as its id")
    return "" if number is None else str(number), _list(annotation.get("result"), "result")


def _answer(result: list[Any], place: str, faults: list[str]) -> Answer | None:
    before = len(faults)
    given: dict[str, list[str]] = {}
    for number, part in enumerate(result):
        try:
            name, values = _part(part)
            if name in given:
                raise _FaultError(f"{name} is given twice")
            given[name] = values
        except _FaultError as error:
            faults.append(f"{place}.result[{number}]: {error}")
    if len(faults) > before:
        return None
    categories, slices, confidence = (given.get(name, []) for name in CHOICES)
    rationale = mask("\n".join(given.get(RATIONALE, [])).strip())
    faults += [f"{place}: {fault}" for fault in _contradictions(categories, slices, confidence, rationale)]
    if len(faults) > before:
        return None
    return Answer(frozenset(categories) - {NONE}, slices[0] if slices else "", int(confidence[0]), rationale)


def _part(part: Any) -> tuple[str, list[str]]:
    """What one control says; choices by the name that files have for them."""
    name = part.get("from_name") if isinstance(part, dict) else None
    if name not in _CONTROLS:
        raise _FaultError(f"from_name is {_shown(name)}; the labelling configuration has {', '.join(_CONTROLS)}")
    value = part.get("value")
    key = "text" if name == RATIONALE else "choices"
    values = value.get(key) if isinstance(value, dict) else None
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise _FaultError(f"value.{key} of {name} must be a list of texts")
    if name == RATIONALE:
        return name, values
    return name, [_choice(name, one) for one in values]


def _choice(control: str, value: str) -> str:
    known = CHOICES[control]
    if value in known:
        return value
    for alias, shown in known.items():
        if value == shown:
            return alias
    raise _FaultError(f"{_shown(value)} is no choice of {control}; there are {', '.join(known)}")


def _contradictions(categories: list[str], slices: list[str], confidence: list[str], rationale: str) -> Iterator[str]:
    violations = set(categories) - {NONE}
    if not categories:
        yield f"categories are not given; choose at least one, or {NONE}"
    if violations and NONE in categories:
        yield f"{NONE} beside {', '.join(sorted(violations))}; it is one or the other"
    if len(slices) > 1 or (slices and violations):
        yield "slice is the one reason for no violation; it can't be given twice or beside a category"
    if len(confidence) != 1:
        yield "confidence must be given once: 1, 2 or 3"
    if violations and not rationale:
        yield "a violation needs a rationale"


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names[type(value)]


def _shown(value: Any) -> str:
    return repr(named([value])) if isinstance(value, str) else _kind(value)
