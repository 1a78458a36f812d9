"""Reads a model that skops wrote without importing skops, which lists all of scikit-learn's estimators first and takes a second for it."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_PROTOCOL = 2
_SCHEMA = "schema.json"


class UnknownContentError(ValueError):
    """Something in the file that this reader does not know or that is not trusted; skops itself may know it, or say what it is."""


def read_model_file(path: Path, trusted: Mapping[str, type]) -> Any:
    """Read an object from a file in the format of skops, made of plain values, arrays of numbers and objects of trusted types.

    Parameters
    ----------
    path : Path
    trusted : mapping of str to type
        The types whose objects may be made, by module and name.

    Returns
    -------
    object
        The same as of `skops.io.load`.

    Raises
    ------
    UnknownContentError
        If it holds anything else, or is of another version of the format.
    """
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        if schema.get("protocol") != _PROTOCOL:
            raise UnknownContentError(f"protocol {schema.get('protocol')}")
        return _Reader(archive, trusted).read(schema)


class _Reader:
    def __init__(self, archive: zipfile.ZipFile, trusted: Mapping[str, type]) -> None:
        self._archive = archive
        self._trusted = trusted
        self._made: dict[int, Any] = {}
        self._kinds = {
            "JsonNode": self._json,
            "ListNode": self._list,
            "TupleNode": self._tuple,
            "DictNode": self._dict,
            "NdArrayNode": self._array,
            "ObjectNode": self._object,
        }

    def read(self, node: dict[str, Any]) -> Any:
        """Make what a node stands for; nodes of one number stand for one object."""
        number, kind = node.get("__id__"), node.get("__loader__")
        if number in self._made:
            return self._made[number]
        if kind not in self._kinds:
            raise UnknownContentError(f"a node {kind}")
        made = self._kinds[kind](node)
        if number is not None:
            self._made[number] = made
        return made

    def _json(self, node: dict[str, Any]) -> Any:
        return json.loads(node["content"])

    def _list(self, node: dict[str, Any]) -> list[Any]:
        _expect(node, "builtins.list")
        return [self.read(part) for part in node["content"]]

    def _tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        _expect(node, "builtins.tuple")
        return tuple(self.read(part) for part in node["content"])

    def _dict(self, node: dict[str, Any]) -> dict[str, Any]:
        _expect(node, "builtins.dict")
        for key_type in node["key_types"]["content"]:
            _expect(key_type, "builtins.str")
        return {key: self.read(value) for key, value in node["content"].items()}

    def _array(self, node: dict[str, Any]) -> np.ndarray:
        _expect(node, "numpy.ndarray")
        if node.get("type") != "numpy":
            raise UnknownContentError(f"an array kept as {node.get('type')}")
        with self._archive.open(node["file"]) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    def _object(self, node: dict[str, Any]) -> Any:
        name = _name(node)
        if name not in self._trusted:
            raise UnknownContentError(f"an object of {name}")
        made: Any = object.__new__(self._trusted[name])
        state = self.read(node["content"])
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        return made


def _name(node: dict[str, Any]) -> str:
    return f"{node.get('__module__')}.{node.get('__class__')}"


def _expect(node: dict[str, Any], name: str) -> None:
    if _name(node) != name:
        raise UnknownContentError(f"{_name(node)} in place of {name}")
