"""The folder models/: saves, checks, loads, lists and switches trained versions."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.errors import InputError
from classifier.model_file import UnknownContentError, read_model_file
from classifier.predictor import FittedClassifier, FittedHead
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES
from classifier.views import FittedPairView, FittedVectorizer, FittedView

SCHEMA_VERSION = 2
"""Of the files in a version's folder; raised when an older one can no longer be read."""

MODEL_FILE, ROUTING_FILE, METADATA_FILE = "model.skops", "routing.json", "metadata.json"
CURRENT = "current"
_READ_AS = {
    "classifier.features.PairView": FittedPairView,
    "classifier.features.PostVectorizer": FittedVectorizer,
    "classifier.features.TfidfView": FittedView,
    "classifier.model.CalibratedLinearHead": FittedHead,
    "classifier.model.PostClassifier": FittedClassifier,
}
"""The only types of ours that a model file may hold, and what each becomes: what it needs to predict, and no estimator of scikit-learn."""
_NEEDED = ("version", "sha256", "posts", "max_characters", "reasons")
_VERSION = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class StoredModel:
    """A trained version as it lies in models/.

    Attributes
    ----------
    version : str
    folder : Path
    classifier : FittedClassifier
        A `classifier.model.PostClassifier` that can't be fitted again.
    bands : dict of str to Band
        In the order of the categories.
    metadata : dict
        Hashes, versions of libraries, git revision, MLflow run, gates, settings for prediction.
    """

    version: str
    folder: Path
    classifier: FittedClassifier
    bands: dict[str, Band]
    metadata: dict[str, Any]


def save_model(folder: Path, classifier: FittedClassifier, bands: Mapping[str, Band], metadata: Mapping[str, Any]) -> None:
    """Write a version's model, routing and metadata.

    Parameters
    ----------
    folder : Path
        `models/<version>`; made if it is not there.
    classifier : classifier.model.PostClassifier
    bands : mapping of str to Band
    metadata : mapping
        What is added to the schema version and the hashes of the two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    import skops.io

    skops.io.dump(classifier, folder / MODEL_FILE)
    _write_json(folder / ROUTING_FILE, {category: asdict(band) for category, band in bands.items()})
    hashes = {name: _sha256(folder / name) for name in (MODEL_FILE, ROUTING_FILE)}
    _write_json(folder / METADATA_FILE, {"schema_version": SCHEMA_VERSION, "version": folder.name, "sha256": hashes, **metadata})


def add_metadata(folder: Path, more: Mapping[str, Any]) -> None:
    """Add what became known only after a version was saved, such as its MLflow run."""
    _write_json(folder / METADATA_FILE, {**read_metadata(folder), **more})


def load_model(models: Path, version: str | None = None) -> StoredModel:
    """Load a version after checking that its files are those that training wrote.

    Parameters
    ----------
    models : Path
        The folder models/.
    version : str, optional
        The version in use where it is not given.

    Returns
    -------
    StoredModel

    Raises
    ------
    InputError
        If the folder or a file is missing, altered, of another schema version or holds a type that is not trusted.
    """
    version = version or current_version(models)
    if version is None:
        raise InputError(f"{models}: no model in use yet; run `make train` first")
    folder = _version_folder(models, version)
    return load_folder(folder)


def load_folder(folder: Path) -> StoredModel:
    """Load the version that lies in `folder`; see `load_model`."""
    metadata = read_metadata(folder)
    for name in (MODEL_FILE, ROUTING_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: missing; train again or promote another version")
        if _sha256(folder / name) != metadata.get("sha256", {}).get(name):
            raise InputError(
                f"{folder / name}: altered since training (its hash differs from {METADATA_FILE}); train again or promote another version"
            )
    try:
        classifier = _read_classifier(folder / MODEL_FILE)
        routing = json.loads((folder / ROUTING_FILE).read_text(encoding="utf-8"))
        bands = {category: Band(**routing[category]) for category in CATEGORIES}
    except Exception as error:  # whatever a damaged or foreign file makes skops or json raise
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(f"{folder}: can't be loaded ({reason}); train again or promote another version") from error
    return StoredModel(metadata["version"], folder, classifier, bands, metadata)


def _read_classifier(path: Path) -> FittedClassifier:
    try:
        return read_model_file(path, _READ_AS)
    except UnknownContentError:
        import skops.io

        return skops.io.load(path, trusted=list(_READ_AS))


class OtherSchemaError(InputError):
    """A version written by a program whose files this one can't read."""


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return a version's metadata.

    Raises
    ------
    InputError
        If it is missing, not readable, or of another schema version.
    """
    path = folder / METADATA_FILE
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; train again or promote another version") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: can't be read ({error}); train again or promote another version") from None
    found = metadata.get("schema_version") if isinstance(metadata, dict) else None
    if found != SCHEMA_VERSION:
        raise OtherSchemaError(f"{path}: schema version {found}, this program reads {SCHEMA_VERSION}; train again with this program")
    missing = [key for key in _NEEDED if key not in metadata]
    if missing or metadata["version"] != folder.name or not isinstance(metadata["sha256"], dict):
        what = f"lacks {missing[0]}" if missing else f"is of version {metadata['version']}, its folder is {folder.name}"
        raise InputError(f"{path}: altered since training ({what}); train again or promote another version")
    return dict(metadata)


def list_versions(models: Path) -> list[str]:
    """Return the versions in models/, oldest first."""
    return sorted(path.name for path in models.glob("*") if _VERSION.fullmatch(path.name) and (path / METADATA_FILE).is_file())


def current_version(models: Path) -> str | None:
    """Return the version in use, or None."""
    try:
        return (models / CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{models / CURRENT}: can't be read ({error}); check its permissions, or promote a version anew") from None


def promote_version(models: Path, version: str) -> None:
    """Put a version into use, atomically; an older one rolls back.

    Raises
    ------
    InputError
        If there is no such version or its files can't be loaded.
    """
    load_folder(_version_folder(models, version))
    handle, name = tempfile.mkstemp(prefix=f".{CURRENT}-", dir=models)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(version + "\n")
        os.fchmod(stream.fileno(), 0o644)
    Path(name).replace(models / CURRENT)


def _version_folder(models: Path, version: str) -> Path:
    folder = models / version
    if not _VERSION.fullmatch(version) or not folder.is_dir():
        known = ", ".join(list_versions(models)[-5:]) or "none"
        raise InputError(f"{models}: no version {version!r}; known (newest last): {known}")
    return folder


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
