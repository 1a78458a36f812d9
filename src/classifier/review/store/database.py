"""Opens the review store: SQLite in WAL mode or PostgreSQL, migrated to the present schema."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from classifier.errors import InputError

_BUSY_SECONDS = 30
_POOL = 40
"""Connections: as many as the web server has threads."""


class Database:
    """The review store.

    Parameters
    ----------
    url : str
        `sqlite:///path` or `postgresql://user@host/name`; a password in it is never shown.

    Raises
    ------
    InputError
        If the address can't be understood or is of another kind of database.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._writers = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file, which one connection at a time may write to."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store, whatever is written meanwhile."""
        with self._engine.connect() as connection:
            yield connection if self.is_sqlite else connection.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self, durable: bool = True) -> Iterator[Connection]:
        """Give a connection whose changes are kept together if the block ends well, and dropped together if it does not.

        Parameters
        ----------
        durable : bool, optional
            Whether the changes have to be on the disk when the block ends. Otherwise a failure of power, though not of the program, may lose the
            last of them, and the disk isn't waited for: for what nobody would miss, such as handing out a post.

        Notes
        -----
        Within one process, writers to SQLite wait for each other here, in turn: SQLite itself would let them sleep and try again.
        """
        with self._writers, self._engine.connect() as connection, connection.execution_options(writes=True, durable=durable).begin():
            yield connection

    def upgrade(self) -> None:
        """Bring the schema up to date; several processes may try at once.

        Raises
        ------
        InputError
            If the store can't be reached or was made by a newer program.
        """
        config = _alembic()
        try:
            with self.writing() as connection:
                if not self.is_sqlite:
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(2017)")
                known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
                present = MigrationContext.configure(connection).get_current_revision()
                if present is not None and present not in known:
                    raise InputError(f"review store {self}: was made by a newer program (revision {present}); update this one")
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DBAPIError as error:
            raise InputError(f"review store {self}: can't be opened ({_reason(error)}); check the address and its permissions") from None

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise InputError(f"review store: {parsed.get_backend_name()!r} is not supported; use sqlite:///path or postgresql://user@host/name")
        if parsed.get_backend_name() == "postgresql":
            engine = create_engine(parsed, pool_size=_POOL, max_overflow=0, pool_pre_ping=True)
            event.listen(engine, "begin", _begin_postgresql)
            return engine
        if parsed.database in (None, "", ":memory:"):
            raise InputError("review store: SQLite needs a file; use sqlite:///path")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_size=_POOL, max_overflow=0, connect_args={"timeout": _BUSY_SECONDS})
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise InputError("review store: the address can't be understood; use sqlite:///path or postgresql://user@host/name") from None
    except OSError as error:
        raise InputError(f"review store {parsed.database}: can't be opened ({error.strerror}); check the address and its permissions") from None
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Durable write-ahead log, foreign keys held, and transactions begun by us: the driver's own would begin too late."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first and then writes may find that another has written in between."""
    options = connection.get_execution_options()
    if not options.get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options['durable'] else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("durable") is False:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:200]
