"""Upload pages: a moderator gives a file, sees how far it is, and takes the scored file away."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile

from classifier.masking import mask
from classifier.posts import read_batch
from classifier.review.store import uploads
from classifier.review.store.people import Role, Session
from classifier.review.store.uploads import Upload
from classifier.review.web.checks import MEGABYTE, UploadFault, checked_columns, ending_of
from classifier.review.web.moments import shown
from classifier.review.web.scoring import Job, Scorer, outcome_of
from classifier.review.web.security import Form, allowed, form, posted, text
from classifier.review.web.site import Refused, Site
from classifier.review.web.upload_files import UploadFiles
from classifier.text import visible

FOLDER = Path("data", "uploads")
_TEXT_COLUMN = "text"
_LONGEST_NAME = 120
_LONGEST_SAMPLE = 160
_SAMPLES = 5
_RELOAD_SECONDS = 3
_MOST_UNFINISHED = 5
_KINDS = {".csv": "text/csv; charset=utf-8", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_NOT_IN_NAMES = re.compile(r'[<>:"|?*;\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]')

Moderators = Annotated[Session, Depends(allowed(Role.MODERATOR, Role.ADMIN))]


def router(site: Site) -> APIRouter:
    """Return the upload pages; the thread that scores runs as long as the application does.

    Parameters
    ----------
    site : Site
    """
    files = UploadFiles(site.project / FOLDER)
    scorer = Scorer(site, files)
    most_bytes = int(site.params.review.upload_megabytes * MEGABYTE)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        scorer.start()
        yield
        scorer.stop()

    pages = APIRouter(lifespan=running)

    def form_page(request: Request, session: Session, status: int = 200, fault: UploadFault | None = None, column: str = _TEXT_COLUMN) -> Response:
        with site.database.reading() as connection:
            own = uploads.uploads_of(connection, session.user.id)
        settings = site.params.review
        limits = {"megabytes": f"{settings.upload_megabytes:g}", "hours": f"{settings.upload_hours:g}"}
        rows = [(upload, shown(upload.created_at), stage(upload)) for upload in own]
        return site.render(request, "upload.html", status, uploads=rows, fault=fault, column=column, limits=limits)

    def stage(upload: Upload) -> str:
        """`column` is what the store can't know: that it waits for its owner to say where the posts are."""
        return "column" if upload.state == "waiting" and not scorer.lined_up(upload.id) else upload.state

    def unfinished(session: Session) -> int:
        with site.database.reading() as connection:
            return sum(upload.state in ("waiting", "running") for upload in uploads.uploads_of(connection, session.user.id))

    def own_upload(session: Session, upload_id: str) -> Upload:
        with site.database.reading() as connection:
            upload = uploads.upload_of(connection, session.user.id, upload_id)
        if upload is None:
            raise Refused(404, "upload_gone")
        return upload

    def line_up(upload: Upload, column: str) -> None:
        scorer.submit(Job(upload.id, upload.name, upload.user_id, column, upload.queued))

    async def sent(request: Request, _: Moderators) -> FormData | UploadFault:
        """The form, read only for those who may send it."""
        try:
            return await posted(request)
        except Refused as refused:
            if refused.status == 413:
                return UploadFault(413, "too_large", megabytes=f"{site.params.review.upload_megabytes:g}")
            raise

    @pages.get("/upload")
    def upload_form(request: Request, session: Moderators) -> Response:
        return form_page(request, session)

    @pages.post("/upload")
    def upload(request: Request, session: Moderators, fields: Annotated[FormData | UploadFault, Depends(sent)]) -> Response:
        if isinstance(fields, UploadFault):
            return form_page(request, session, fields.status, fields)
        form(request, fields)
        column = text(fields, "column").strip() or _TEXT_COLUMN
        try:
            upload_id, columns = _kept(files, fields.get("file"), most_bytes, unfinished(session))
        except UploadFault as fault:
            return form_page(request, session, fault.status, fault, column)
        with site.database.writing() as connection:
            name = _plain_name(fields["file"].filename)  # type: ignore[union-attr]
            uploads.add_upload(connection, site.clock(), session.user.id, upload_id, name, text(fields, "queue") == "1")
        if column in columns:
            line_up(own_upload(session, upload_id), column)
        return RedirectResponse(f"/upload/{upload_id}", 303)

    @pages.get("/upload/{upload_id}")
    def progress(request: Request, session: Moderators, upload_id: str, status: int = 200) -> Response:
        upload = own_upload(session, upload_id)
        source = files.source(upload_id)
        if stage(upload) == "column" and source is not None:
            return site.render(request, "upload_column.html", status, upload=upload, columns=_samples(source), missing=status == 422)
        total = scorer.total(upload_id)
        outcome = outcome_of(upload.message)
        page = site.render(
            request, "upload_status.html", upload=upload, stage=stage(upload), total=total, outcome=outcome, ready=files.result(upload_id)
        )
        if upload.state in ("waiting", "running"):
            page.headers["Refresh"] = str(_RELOAD_SECONDS)
        return page

    @pages.post("/upload/{upload_id}/column")
    def choose_column(request: Request, session: Moderators, upload_id: str, fields: Form) -> Response:
        upload = own_upload(session, upload_id)
        source = files.source(upload_id)
        if stage(upload) == "column" and source is not None:
            columns = read_batch(source, 1).columns
            chosen = text(fields, "column")
            if not (chosen.isascii() and chosen.isdigit() and int(chosen[:6]) < len(columns)):
                return progress(request, session, upload_id, 422)
            line_up(upload, columns[int(chosen[:6])])
        return RedirectResponse(f"/upload/{upload_id}", 303)

    @pages.get("/upload/{upload_id}/result")
    def result(session: Moderators, upload_id: str) -> Response:
        upload = own_upload(session, upload_id)
        path = files.result(upload_id) if upload.state == "done" else None
        if path is None:
            raise Refused(404, "upload_gone")
        name = Path(upload.name)
        return FileResponse(path, media_type=_KINDS[path.suffix], filename=f"{name.stem}.scored{path.suffix}")

    return pages


def _kept(files: UploadFiles, file: object, most_bytes: int, unfinished: int) -> tuple[str, list[str]]:
    """Put a file into the folder and check it there; one that is at fault is removed at once."""
    if not isinstance(file, UploadFile) or not file.filename:
        raise UploadFault(422, "no_file")
    if unfinished >= _MOST_UNFINISHED:
        raise UploadFault(429, "unfinished", most=_MOST_UNFINISHED)
    with file.file as stream:
        upload_id = files.keep(stream, ending_of(_plain_name(file.filename)))
    source = files.source(upload_id)
    assert source is not None
    try:
        return upload_id, checked_columns(source, most_bytes)
    except BaseException:
        files.remove(upload_id)
        raise


def _plain_name(name: str | None) -> str:
    """The last part of a file's name without signs that mean something to a system or turn the reading direction; its ending stays."""
    last = _NOT_IN_NAMES.sub("_", (name or "").replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    path = Path(last.encode("utf-8", "ignore").decode() or "_")
    return path.stem[:_LONGEST_NAME] + path.suffix[:_LONGEST_NAME]


def _samples(source: Path) -> list[tuple[str, str]]:
    """Each column with the first value in it, which tells posts from numbers and names; personal data masked."""
    batch = read_batch(source, _SAMPLES)
    rows = next(batch.chunks)
    values = (next((str(value) for value in rows[column] if value not in (None, "")), "") for column in batch.columns)
    return [(column, visible(mask(value[:_LONGEST_SAMPLE]))) for column, value in zip(batch.columns, values, strict=True)]
