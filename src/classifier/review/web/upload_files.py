"""The folder of uploaded and scored files: random names, nobody else's to read, nothing kept for long."""

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

from classifier.review.web.checks import ENDINGS

_ID = re.compile(r"[0-9a-f]{32}")
_SCORED = ".scored"


class UploadFiles:
    """Files below `folder`, each named after its upload.

    Parameters
    ----------
    folder : Path
        Made when it is first needed, with access for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, stream: IO[bytes], ending: str) -> str:
        """Copy an uploaded file into the folder and return the random name that it gets there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        upload_id = secrets.token_hex(16)
        handle = os.open(self._folder / f"{upload_id}{ending}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as target:
                shutil.copyfileobj(stream, target)
        except OSError:
            self.remove(upload_id)
            raise
        return upload_id

    def source(self, upload_id: str) -> Path | None:
        """Return the file as it came, or None where it is not there (any more)."""
        return self._find(upload_id, "")

    def result(self, upload_id: str) -> Path | None:
        """Return the scored file, or None where it is not there (any more)."""
        return self._find(upload_id, _SCORED)

    def result_for(self, source: Path) -> Path:
        """Return the path that the scored file gets."""
        return source.with_name(f"{source.stem}{_SCORED}{source.suffix}")

    def remove_source(self, upload_id: str) -> None:
        """Remove the file as it came."""
        self._remove(self.source(upload_id))

    def remove(self, upload_id: str) -> None:
        """Remove everything of an upload."""
        self.remove_source(upload_id)
        self._remove(self.result(upload_id))

    def remove_unfinished(self) -> None:
        """Remove whatever is no scored file: what a stopped server left behind."""
        for path in self._all():
            if path.suffixes[:-1] != [_SCORED] or path.name.startswith("."):
                self._remove(path)

    def older_than(self, instant: float) -> set[str]:
        """Return the uploads that have a file from before an instant."""
        found = set()
        for path in self._all():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < instant:
                    found.add(path.name.split(".")[0])
        return found

    def _all(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.is_dir() else []

    def _find(self, upload_id: str, mark: str) -> Path | None:
        if not _ID.fullmatch(upload_id):
            return None
        paths = (self._folder / f"{upload_id}{mark}{ending}" for ending in ENDINGS)
        return next((path for path in paths if path.is_file()), None)

    def _remove(self, path: Path | None) -> None:
        if path is not None:
            path.unlink(missing_ok=True)
