"""What all commands share: how they are registered, how they refuse bad input, and the project's model, store and console."""

import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.errors import InputError

if TYPE_CHECKING:
    from classifier.distributions import Share
    from classifier.params import Params
    from classifier.review.store.database import Database

ParamsOption = Annotated[Path, typer.Option("--params", help="Settings file; its folder is the project's.")]
ModelsOption = Annotated[Path | None, typer.Option("--models", help="Folder of trained versions; models/ of the project by default.")]
VersionOption = Annotated[str | None, typer.Option("--version", help="A trained version; the one in use by default.")]
PARAMS = Path("params.yaml")
_BROKEN_PIPE = 141
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"  # read when numpy is first imported


def command(group: typer.Typer, *lines: str, name: str | None = None) -> Callable[[Callable[..., int | None]], Callable[..., None]]:
    """Register a sub-command with its help's example; bad input ends it with one line and exit code 2."""

    def register(function: Callable[..., int | None]) -> Callable[..., None]:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                code = function(*args, **kwargs)
            except InputError as error:
                typer.echo(f"error: {error}", err=True)
                raise typer.Exit(2) from None
            except BrokenPipeError:
                sys.stderr.close()
                raise typer.Exit(_BROKEN_PIPE) from None
            except OSError as error:
                typer.echo(f"error: {error.filename or 'output'}: {error.strerror or error}; check the path and its permissions", err=True)
                raise typer.Exit(2) from None
            except Exception as error:
                if "CLASSIFIER_TRACEBACK" in os.environ:
                    raise
                place = traceback.extract_tb(error.__traceback__)[-1]
                typer.echo(
                    f"error: unexpected {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: a fault of this program; "
                    "run again with CLASSIFIER_TRACEBACK=1 and report what it prints",
                    err=True,
                )
                raise typer.Exit(2) from None
            if code:
                raise typer.Exit(code)

        epilog = "\n\n".join(["[bold]Examples[/bold]", *lines])
        group.command(name=name, epilog=epilog)(guarded)
        return guarded

    return register


@contextmanager
def starting() -> Iterator[None]:
    """Import and load what scoring needs, sooner by a third.

    Nothing looks for garbage, of which there is none yet. The linear algebra is sparse: threads for that of dense matrices
    would only wait for work, which costs 0.2 s.
    """
    gc.disable()
    unset = _BLAS_THREADS not in os.environ
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        yield
    finally:
        if unset:
            del os.environ[_BLAS_THREADS]
        gc.enable()


def models_folder(models: Path | None, params: Path) -> Path:
    """Return the folder of trained versions: the one that is named, else the project's."""
    if models is None and not params.is_file():
        raise InputError(f"{params}: no such file; run from the project's folder, or name it with --params or --models")
    return models if models is not None else params.parent / "models"


def new_console(stderr: bool = False) -> Any:
    """Return a console that breaks lines on a terminal only."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 140, soft_wrap=not stream.isatty())


@contextmanager
def open_store(params: "Params", project: Path) -> Iterator["Database"]:
    """Open the review store, made and brought up to date where need be; what goes wrong with it ends in one line."""
    from sqlalchemy.exc import DBAPIError

    from classifier.params import database_url
    from classifier.review.store.database import Database

    database = Database(database_url(project, params.review))
    try:
        database.upgrade()
        yield database
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:200]
        raise InputError(f"review store {database}: {reason}; nothing was changed, try again") from None
    finally:
        database.close()


def overruled_in_store(params: "Params", project: Path, version: str) -> "dict[str, dict[str, Share]]":
    """Say how often people overruled a version of the model so far; nothing where there is no store yet."""
    from classifier.params import database_url
    from classifier.review.figures import overruled_by_people
    from classifier.review.store import records

    scheme, _, file = database_url(project, params.review).partition(":///")
    if scheme == "sqlite" and not Path(file).is_file():
        return {}
    with open_store(params, project) as database, database.reading() as connection:
        settled = records.settled_items(connection)
    return overruled_by_people(settled[settled["model_version"] == version])
