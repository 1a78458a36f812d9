"""A throw-away PostgreSQL: a cluster of its own on a free loopback port, gone when it is no longer needed."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: on the path, or where Debian keeps them off it; None where there are none."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders and (folders[-1] / "pg_ctl").exists() else None


@contextmanager
def running_cluster(durable: bool = False) -> Iterator[str]:
    """Start a cluster and give its address, without a database's name.

    Parameters
    ----------
    durable : bool, optional
        Whether it waits for the disk, as a real one does; tests needn't.
    """
    folder_of_programs = programs()
    assert folder_of_programs, "PostgreSQL's programs are missing"
    folder = Path(tempfile.mkdtemp(prefix="review-postgresql-"))
    account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}  # initdb refuses root
    if account:
        shutil.chown(folder, "postgres", "postgres")
    password = folder / "password"
    password.write_text(secrets.token_hex(16))
    password.chmod(0o644)

    def run(program: str, *arguments: str) -> None:
        command = [folder_of_programs / program, "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **account)

    try:
        run("initdb", "-U", "test", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        port = free_port()
        fsync = "on" if durable else "off"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={fsync} -c max_connections=200"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://test:{password.read_text()}@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def execute(address: str, statement: str) -> None:
    """Run a statement that no transaction may hold, such as CREATE DATABASE."""
    engine = create_engine(f"{address.replace('postgresql:', 'postgresql+psycopg:')}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
