"""Scores uploaded files in the background, one at a time and chunk by chunk, so that reviewers don't have to wait."""

import json
import logging
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from classifier.errors import InputError
from classifier.posts import FileFault, read_batch, write_batch
from classifier.prediction import BatchSummary
from classifier.review.intake import Intake
from classifier.review.store import uploads
from classifier.review.web.checks import UploadFault, count_rows
from classifier.review.web.site import Refused, Site
from classifier.review.web.upload_files import UploadFiles

RESTARTED, EXPIRED = "restarted", "expired"
_CHUNK = 250
_SWEEP_SECONDS = 300
_HOUR = 3600
_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The server is going down."""


@dataclass(frozen=True)
class Job:
    """A file to score.

    Attributes
    ----------
    upload_id, name : str
    user_id : int
        Whose it is.
    text_column : str
    queued : bool
        Whether its uncertain posts go into the queue.
    """

    upload_id: str
    name: str
    user_id: int
    text_column: str
    queued: bool


class Scorer:
    """One thread that scores what is submitted, in turn.

    Parameters
    ----------
    site : Site
    files : UploadFiles
    """

    def __init__(self, site: Site, files: UploadFiles) -> None:
        self._site, self._files = site, files
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._lined_up: dict[str, Job] = {}
        self._totals: dict[str, int] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Clear away what a stopped server left behind, and begin."""
        with self._site.database.writing() as connection:
            uploads.fail_running(connection, message(RESTARTED))
        self._files.remove_unfinished()
        self._sweep()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="scoring", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a file that is being scored fails."""
        self._stopping.set()
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    def submit(self, job: Job) -> None:
        """Line a file up."""
        self._lined_up[job.upload_id] = job
        self._jobs.put(job)

    def lined_up(self, upload_id: str) -> bool:
        """Say whether a file is being scored or waits for it."""
        return upload_id in self._lined_up

    def total(self, upload_id: str) -> int | None:
        """Return how many rows a file that is being scored has, once they are counted."""
        return self._totals.get(upload_id)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                job = self._jobs.get(timeout=_SWEEP_SECONDS)
                if job is not None:
                    self._finish(job)
                self._sweep()
            except queue.Empty:
                self._sweep()
            except Exception as error:  # the store may be away for a while; the thread must outlive that
                _log.error("uploads: %s", type(error).__name__)

    def _finish(self, job: Job) -> None:
        """Score a file and keep what came of it; what goes wrong is logged by its kind alone, since messages may quote posts."""
        state = "failed"
        try:
            outcome = self._score(job)
            state = "done"
        except (UploadFault, FileFault) as fault:
            outcome = message(fault.key, **fault.details)
        except _Stopped:
            outcome = message(RESTARTED)
        except Refused as refused:
            outcome = message(refused.reason)
        except InputError:
            outcome = message("rows")
        except Exception as error:
            _log.error("upload %s: %s", job.upload_id, type(error).__name__)
            outcome = message("fault")
        finally:
            self._files.remove_source(job.upload_id)
        try:
            with self._site.database.writing() as connection:
                uploads.finish(connection, job.upload_id, state, outcome)
        finally:
            del self._lined_up[job.upload_id]
            self._totals.pop(job.upload_id, None)

    def _score(self, job: Job) -> str:
        source = self._files.source(job.upload_id)
        if source is None:
            raise UploadFault(422, EXPIRED)
        self._advance(job, 0)
        moderator, intake = self._site.moderator(), Intake(self._site.params)
        self._totals[job.upload_id] = count_rows(source)
        batch, summary = read_batch(source, _CHUNK), BatchSummary.empty()
        result = self._files.result_for(source)
        with write_batch(result, spreadsheet_safe=True, delimiter=batch.delimiter) as writer:
            for chunk in batch.chunks:
                if self._stopping.is_set():
                    raise _Stopped
                texts = chunk[job.text_column].tolist()
                scored = moderator.score(texts)
                writer.write(pd.concat([chunk.reset_index(drop=True), scored], axis=1))
                summary.add(scored)
                if job.queued:
                    intake.observe(texts, chunk["post_id"].tolist() if "post_id" in chunk else None, scored)
                self._advance(job, summary.rows)
        result.chmod(0o600)
        return message("done", **_counts(summary), **self._queue(job, intake))

    def _advance(self, job: Job, rows: int) -> None:
        with self._site.database.writing() as connection:
            uploads.advance(connection, job.upload_id, rows)

    def _queue(self, job: Job, intake: Intake) -> dict[str, Any]:
        if not job.queued:
            return {}
        queued = intake.queue(self._site.database, self._site.clock(), job.name, job.user_id)
        return {"items": queued.items, "joined": queued.joined, "already": queued.already}

    def _sweep(self) -> None:
        """Remove files that have been here long enough, whatever has become of their upload."""
        oldest = self._site.clock() - self._site.params.review.upload_hours * _HOUR
        with self._site.database.writing() as connection:
            expired = set(uploads.expire(connection, oldest))
            for upload_id in self._files.older_than(oldest) - expired - set(self._lined_up):
                uploads.finish(connection, upload_id, "failed", message(EXPIRED))
                expired.add(upload_id)
        for upload_id in expired:
            self._files.remove(upload_id)


def message(key: str, **values: Any) -> str:
    """Return what came of a file in the form that the store keeps: words are chosen when somebody reads it."""
    return json.dumps({"key": key, **values}, ensure_ascii=False)


def outcome_of(stored: str) -> Mapping[str, Any]:
    """Return what `message` put together."""
    return json.loads(stored) if stored else {}


def _counts(summary: BatchSummary) -> dict[str, Any]:
    return {"rows": summary.rows, "decisions": summary.decisions, "routes": summary.routes}
