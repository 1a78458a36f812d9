"""Items of the queue as tasks to import into Label Studio."""

import hashlib
import json
import os
import tempfile
from collections.abc import Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from classifier.errors import InputError
from classifier.review.label_studio.configuration import NONE, labelling_config
from classifier.review.store import Database, audit, samples
from classifier.taxonomy import CATEGORIES, Route

_MOST = 2**31 - 1


def write_tasks(database: Database, now: float, target: Path, everything: bool = False, suggestions: bool = False) -> int:
    """Write items as tasks, and beside them the labelling configuration, under the same name with the ending `.xml`.

    Parameters
    ----------
    database : Database
        Migrated.
    now : float
        Unix seconds, for the audit log.
    target : Path
        A json file.
    everything : bool
        Disputed and settled items, too, not only open ones. Gold items never: they are for the reviewers' own feedback.
    suggestions : bool
        Whether tasks hold the model's prediction, which Label Studio shows: answers are not blind then, and are kept as such.

    Returns
    -------
    int
        Number of tasks, the most urgent first.

    Raises
    ------
    InputError
        If a file can't be written.
    """
    if target.suffix.lower() != ".json":
        raise InputError(f"{target}: name a file that ends in .json")
    with database.reading() as connection:
        found = samples.find_items(connection, state=None if everything else "open", limit=_MOST)
    found = found.sort_values(["rank", "id"], ascending=[False, True])
    content = json.dumps([_task(item, suggestions) for item in found.to_dict("records")], ensure_ascii=False, indent=1) + "\n"
    with database.writing() as connection:
        _write(target.with_suffix(".xml"), labelling_config())
        _write(target, content)
        written = {"tasks": len(found), "sha256": hashlib.sha256(content.encode()).hexdigest()}
        audit.append(connection, now, None, "exported", target.name[:64], written)
    return len(found)


def _task(item: Mapping[Hashable, Any], suggestions: bool) -> dict[str, Any]:
    """The number stands in `data` too, which every version of Label Studio gives back."""
    number = int(item["id"])
    task = {"data": {"text": item["text"], "item": number}, "meta": {"item": number, "state": item["state"]}}
    return {**task, "predictions": [_prediction(item)]} if suggestions else task


def _prediction(item: Mapping[Hashable, Any]) -> dict[str, Any]:
    chosen = [category for category in CATEGORIES if item[f"route_{category}"] != Route.CLEAR.label] or [NONE]
    score = max(float(item[f"p_{category}"]) for category in CATEGORIES)
    result = {"id": "model", "from_name": "categories", "to_name": "text", "type": "choices", "value": {"choices": chosen}}
    return {"model_version": item["model_version"], "score": score, "result": [result]}


def _write(path: Path, content: str) -> None:
    """Write beside the name and move into place when whole."""
    part = None
    try:
        handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or error}); choose a folder that exists and that you may write to") from None
    finally:
        if part is not None:
            with suppress(FileNotFoundError):
                part.unlink()
