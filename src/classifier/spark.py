"""Scores folders of parquet with Spark, on the cores of one machine or of many, by the model that is registered with MLflow."""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from classifier.errors import InputError, named
from classifier.params import Params
from classifier.registry import current_version
from classifier.scores import SCORE_COLUMNS, BatchSummary
from classifier.spark_session import check_programs, session
from classifier.tracking import registered_udf

LOCAL = "local[*]"
"""The master that uses all cores of this machine."""

_JOB = "score"
_POLL_SECONDS = 0.5
_WORTH_SPLITTING = 20_000
"""Rows from which every core gets a part, even where the files make fewer."""


def score_folder(
    params: Params,
    project: Path,
    version: str,
    source: str,
    target: str,
    text_column: str = "text",
    partitions: int | None = None,
    master: str = LOCAL,
    progress: Callable[[int], None] = lambda rows: None,
) -> BatchSummary:
    """Score a folder of parquet into another one.

    Parameters
    ----------
    params : Params
    project : Path
        Where MLflow's default store lies.
    version : str
        Of the model, which that store must know.
    source : str
        A folder of parquet files or one such file; an address such as ``s3a://…`` where the cluster can read it.
    target : str
        The folder to make: the columns of the input and behind them `SCORE_COLUMNS`. Rows keep their order within a file at most, so
        posts need a column that names them.
    text_column : str
        Rows without a text there become `invalid`, as in `Moderator.score`.
    partitions : int, optional
        Parts to cut the rows into, each a task and a file. By default as the files are cut, but large batches into one a core at least.
    master : str
        Spark's: ``local[2]`` for two cores of this machine, ``spark://…``, ``yarn`` or ``k8s://…`` for a cluster.
    progress : callable
        Called with the number of rows of the parts that have been finished meanwhile.

    Returns
    -------
    BatchSummary

    Raises
    ------
    InputError
        If Spark or Java is missing, the input can't be read, lacks the text column or has columns that scoring would add, the output
        exists or can't be written, MLflow's store does not know the version, or Spark fails. On this machine, nothing is left under the
        name of the output then.

    Examples
    --------
    >>> score_folder(params, Path("."), "20261124-081500-1a2b3c4d", "posts/", "scored/").decisions  # doctest: +SKIP
    {'clear': 812, 'review': 171, 'flag': 15, 'invalid': 2}
    """
    check_programs()
    _check_places(source, target)

    def score(spark: Any) -> BatchSummary:
        posts = _read(spark, source, text_column)
        rows = posts.count()
        if not rows:
            raise InputError(f"{source}: the files hold no posts")
        udf = registered_udf(spark, project, params.tracking, version)
        with _watched(spark.sparkContext, rows, progress):
            return _write(_scored(_cut(posts, rows, partitions), text_column, udf), place)

    with _whole_or_nothing(target) as place, session(master, source, params.prediction.chunk_size) as run:
        return run(score)


def named_or_current(models: Path, version: str | None) -> str:
    """Return the version that is named, else the one in use; an `InputError` if there is none."""
    version = version or current_version(models)
    if version is None:
        raise InputError(f"{models}: no model in use yet; run `make train` first")
    return version


def _check_places(source: str, target: str) -> None:
    """Refuse before Spark starts what can be seen to be wrong; addresses are Spark's own business."""
    if not _is_address(source) and not Path(source).exists():
        raise InputError(f"{source}: no such folder; check the path")
    if _is_address(target):
        return
    out = Path(target).absolute()
    if out.exists() or out.is_symlink():
        raise InputError(f"{target}: exists already; name a new folder, or remove that one first")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise InputError(f"{target}: can't be written; choose a folder that exists and that you may write to")
    if not _is_address(source) and Path(source).resolve() in out.resolve().parents:
        raise InputError(f"{target}: lies in the folder that is read; choose another place")


def _is_address(place: str) -> bool:
    return "://" in place


def _address(place: str, pattern: bool = False) -> str:
    """Name a place as Spark does; where it would take a pattern, a path that looks like one is escaped."""
    if _is_address(place):
        return place
    path = str(Path(place).resolve())
    return "file://" + (re.sub(r"([\\{}\[\]*?])", r"\\\1", path) if pattern else path)


def _read(spark: Any, source: str, text_column: str) -> Any:
    posts = spark.read.parquet(_address(source, pattern=True))
    if text_column not in posts.columns:
        raise InputError(f"{source}: no column {text_column!r}; it has {named(posts.columns)}; --text-column names the posts")
    taken = [column for column in SCORE_COLUMNS if column in posts.columns]
    if taken:
        raise InputError(f"{source}: already has the column {taken[0]!r}, which scoring would add; rename it or score the original folder")
    return posts


def _cut(posts: Any, rows: int, partitions: int | None) -> Any:
    """Cut rows into so many parts, or into one a core where the files make fewer and there are rows enough."""
    cores = posts.sparkSession.sparkContext.defaultParallelism
    if partitions is None and rows >= _WORTH_SPLITTING and posts.rdd.getNumPartitions() < cores:
        partitions = cores
    return posts if partitions is None else posts.repartition(partitions)


@contextmanager
def _whole_or_nothing(target: str) -> Iterator[str]:
    """Give where to write: on this machine beside the folder, moved into place when whole; elsewhere the file `_SUCCESS` marks a whole one."""
    if _is_address(target):
        yield target
        return
    out = Path(target).absolute()
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=out.parent))
    try:
        yield str(part / out.name)
        (part / out.name).rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _scored(posts: Any, text_column: str, udf: Callable[..., Any]) -> Any:
    """Add the scored columns, in the order of the contract."""
    from pyspark.sql import functions
    from pyspark.sql.types import StringType

    text = posts[_quoted(text_column)] if isinstance(posts.schema[text_column].dataType, StringType) else functions.lit(None).cast("string")
    together = "scored"
    while together in posts.columns:
        together += "_"
    kept = [posts[_quoted(column)] for column in posts.columns]
    return posts.select(*kept, udf(text).alias(together)).select(*map(_quoted, posts.columns), *(f"{together}.{name}" for name in SCORE_COLUMNS))


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _write(scored: Any, place: str) -> BatchSummary:
    """Write the rows and count them on the way, so that nothing is scored twice."""
    from pyspark.sql import Observation, functions

    summary = BatchSummary.empty()
    groups: Mapping[str, dict[str, int]] = {"decision": summary.decisions, **{f"route_{name}": counts for name, counts in summary.routes.items()}}
    observation = Observation(_JOB)
    counts = [
        functions.count_if(functions.col(column) == value).alias(f"{column}={value}") for column, counted in groups.items() for value in counted
    ]
    scored.observe(observation, *counts).write.parquet(_address(place))
    seen = observation.get
    for column, counted in groups.items():
        for value in counted:
            counted[value] = int(seen[f"{column}={value}"])
    return summary


@contextmanager
def _watched(context: Any, rows: int, progress: Callable[[int], None]) -> Iterator[None]:
    """Report rows as done in proportion to the finished tasks of the stage that scores, the last one."""
    ended = threading.Event()
    done = 0

    def watch() -> None:
        nonlocal done
        while not ended.wait(_POLL_SECONDS):
            with suppress(Exception):  # progress that can't be had is no fault of the batch
                reached = int(rows * _share_done(context.statusTracker()))
                if reached > done:
                    progress(reached - done)
                    done = reached

    context.setJobGroup(_JOB, "score posts", interruptOnCancel=True)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    progress(rows - done)


def _share_done(tracker: Any) -> float:
    stages = [stage for job in tracker.getJobIdsForGroup(_JOB) for stage in tracker.getJobInfo(job).stageIds]
    info = tracker.getStageInfo(max(stages)) if stages else None
    return info.numCompletedTasks / info.numTasks if info is not None and info.numTasks else 0.0
