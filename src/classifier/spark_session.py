"""Spark as the command line needs it: started with our settings, silent on the terminal, its errors told in one line."""

import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from classifier.errors import InputError

Made = TypeVar("Made")

_INSTALL = "Spark isn't installed; run `.venv/bin/pip install --editable '.[spark]'` in the project's folder"
_JAVA = "Spark needs Java 17 or newer, and none was found; install it (Debian: openjdk-17-jre-headless) or set JAVA_HOME"
_SETTINGS = {
    "spark.ui.enabled": "false",  # it would listen on all of the machine's addresses
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.adaptive.enabled": "false",  # parts stay as they were asked for
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.mergeSchema": "true",  # else a column that only some files have is lost
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # `school=007` stays `007`
}
_ON_THIS_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_KNOWN = {
    "JAVA_GATEWAY_EXITED": "Spark did not start; it needs Java 17 or newer (`java -version` tells; JAVA_HOME chooses)",
    "PARQUET_TYPE_ILLEGAL": "has a column of a type that Spark can't read, such as instants in nanoseconds; write microseconds",
    "PATH_NOT_FOUND": "no such folder; check the path",
    "PATH_ALREADY_EXISTS": "not scored, because the output exists already; name a new folder",
    "UNABLE_TO_INFER_SCHEMA": "holds no parquet files",
}
"""What some of Spark's error conditions mean to whoever started the command."""
_LONGEST_REASON = 200


def check_programs() -> None:
    """See that Spark and Java are there; an `InputError` says how to get what is missing."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise InputError(_INSTALL) from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None) is None:
        raise InputError(_JAVA)


@contextmanager
def session(master: str, source: str, rows_in_memory: int) -> Iterator[Callable[[Callable[[Any], Made]], Made]]:
    """Start Spark for one batch; its messages and its workers' go to a log, which is kept when something fails.

    Parameters
    ----------
    master : str
        ``local[2]``, ``spark://…`` and the like.
    source : str
        The batch, for messages.
    rows_in_memory : int
        Rows handed to a worker at a time.

    Yields
    ------
    callable
        Calls a function with the `SparkSession`, in the thread that started it: a call to Java that is interrupted spoils the connection of
        its thread, and the one that waits needs its own to stop Spark.

    Raises
    ------
    InputError
        In place of Spark's own exceptions.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    handle, name = tempfile.mkstemp(prefix="classifier-spark-", suffix=".log")
    spark, kept, logged = None, False, logging.root.manager.disable
    logging.disable()  # Py4J tells the root logger of every call that is interrupted
    thread = ThreadPoolExecutor(1)
    with warnings.catch_warnings(), os.fdopen(handle) as log:
        warnings.filterwarnings("ignore", category=FutureWarning, message="PySpark does not yet fully support pandas")
        try:
            with _output_into(log.fileno()):
                spark = thread.submit(_start, master, rows_in_memory).result()
            yield lambda work: thread.submit(work, spark).result()
        except (PySparkException, Py4JError, ConnectionError) as error:
            known = _KNOWN.get(str(error.getCondition())) if isinstance(error, PySparkException) else None
            kept = known is None and not isinstance(error, AnalysisException)  # which is about the input alone
            found = known or f"Spark could not score it ({reason(error)})"
            raise InputError(f"{source}: {found}" + (f"; its log: {name}" if kept else "")) from None
        finally:
            with suppress(Exception):  # of a Java process that has ended itself
                if spark is not None:
                    spark.sparkContext.cancelAllJobs()
                    spark.stop()
            thread.shutdown(wait=False)
            logging.disable(logged)
            if not kept:
                Path(name).unlink()


def _start(master: str, rows_in_memory: int) -> Any:
    from pyspark.sql import SparkSession

    settings = _SETTINGS | {"spark.sql.execution.arrow.maxRecordsPerBatch": str(rows_in_memory)}
    if master.startswith("local"):
        settings |= _ON_THIS_MACHINE
    return SparkSession.builder.master(master).appName("classifier score-spark").config(map=settings).getOrCreate()


@contextmanager
def _output_into(file: int) -> Iterator[None]:
    """Let what is started meanwhile write its output and errors to a file, and go on doing so."""
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(file, number)
        yield
    finally:
        for number, own in zip((1, 2), kept, strict=True):
            os.dup2(own, number)
            os.close(own)


def reason(error: Exception) -> str:
    r"""Say in one line what a Spark exception is about.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str
        The first line of the innermost cause that Spark itself reports, else of the innermost cause. Of a worker's Python exception
        only the type, as its message may quote a post.

    Examples
    --------
    >>> reason(ValueError("[CANNOT_READ_FILE] The file is damaged. SQLSTATE: KD001\n  at java.base/java.lang.Thread"))
    'The file is damaged'
    >>> reason(ValueError("Traceback (most recent call last):\nMemoryError: no room"))
    'a worker ended with MemoryError'
    """
    text = _innermost(error) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    if "Traceback (most recent call last)" in text:
        raised = [line for line in lines if re.match(r"[\w.]+(: |$)", line) and not line.startswith("SQLSTATE")]
        return f"a worker ended with {raised[-1].split(':')[0] if raised else 'an exception'}"
    line = re.sub(r"^\[[\w.]+\] | *SQLSTATE: \w+$", "", lines[0])
    return re.split(r"\. (?:Consider|Please) ", line)[0][:_LONGEST_REASON].rstrip(". ")


def _innermost(error: Exception) -> str:
    """The message of the Java exception at the bottom of an exception's causes, Spark's own ones first."""
    cause, own, other = getattr(error, "java_exception", None), "", ""
    while cause is not None:
        message = str(cause.getMessage() or "")
        if cause.getClass().getName().startswith("org.apache.spark.") and not message.startswith("Job aborted"):
            own = message
        other, cause = message or other, cause.getCause()
    return own or other
