"""Large batches and quick starts: what is interrupted goes on, workers are few and shared, and predicting loads only what it needs."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import skops.io

from classifier import registry, views, workers
from classifier.errors import InputError
from classifier.model_file import UnknownContentError, read_model_file
from classifier.posts import KeptChunks, read_batch, write_batch
from classifier.prediction import SCORE_COLUMNS, Moderator, score_file
from classifier.registry import load_model
from classifier.training import TrainingResult
from classifier.workers import Workers

WORDS = ["mai", "lớp", "mình", "học", "đồ", "ngu", "bán", "bằng", "cảm", "ơn", "cô", "nghe", "nói", "share", "gấp", "phòng", "thi"]
ROWS, CHUNK = 950, 100


def posts(ending: str, folder: Path, rows: int = ROWS) -> Path:
    """A batch of varied posts, some of them odd, with a column of another type beside them."""
    texts = [" ".join(WORDS[(row * step) % len(WORDS)] for step in (1, 3, 5, 7)) + f" {row}" for row in range(rows)]
    texts[5], texts[6], texts[7] = "", "😂 =1+1", 'dòng\nhai, "ba"'
    path = folder / f"in{ending}"
    with write_batch(path) as writer:
        writer.write(pd.DataFrame({"post_id": [f"p{row}" for row in range(rows)], "text": texts}, dtype=object).assign(n=range(rows)))
    return path


class Stop(BaseException):
    """What interrupts a run."""


def interrupt_after(chunks: int) -> Any:
    seen = itertools.count(1)

    def observe(chunk: pd.DataFrame, scored: pd.DataFrame) -> None:
        if next(seen) == chunks:
            raise Stop

    return observe


def start_and_interrupt(moderator: Moderator, source: Path, out: Path, chunks: int = 4) -> Path:
    with pytest.raises(Stop):
        score_file(moderator, source, out, "text", CHUNK, 1, observe=interrupt_after(chunks), resume=True)
    assert not out.exists()
    return Path(f"{out}.partial")


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path, moderator: Moderator, monkeypatch: Any, ending: str) -> None:
    source, whole, out = posts(ending, tmp_path), tmp_path / f"whole{ending}", tmp_path / f"out{ending}"
    expected = score_file(moderator, source, whole, "text", CHUNK, 1)
    start_and_interrupt(moderator, source, out)
    scored: list[int] = []
    scores = Moderator.scores
    monkeypatch.setattr(Moderator, "scores", lambda self, texts: scored.append(len(texts)) or scores(self, texts))
    seen: list[pd.DataFrame] = []
    summary = score_file(moderator, source, out, "text", CHUNK, 1, observe=lambda chunk, table: seen.append(table), resume=True)
    assert out.read_bytes() == whole.read_bytes()
    assert summary == expected
    assert sum(scored) == ROWS - 4 * CHUNK
    assert sum(map(len, seen)) == ROWS
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, whole.name, out.name])


def test_an_interrupted_xlsx_ends_in_the_same_cells(tmp_path: Path, moderator: Moderator) -> None:
    source = posts(".xlsx", tmp_path, 300)
    score_file(moderator, source, tmp_path / "whole.xlsx", "text", CHUNK, 1)
    start_and_interrupt(moderator, source, tmp_path / "out.xlsx", 2)
    score_file(moderator, source, tmp_path / "out.xlsx", "text", CHUNK, 1, resume=True)
    whole, resumed = ([[*row] for row in openpyxl.load_workbook(tmp_path / name).worksheets[0].values] for name in ("whole.xlsx", "out.xlsx"))
    assert resumed == whole


def test_a_run_that_is_not_interrupted_is_the_same_with_and_without_keeping(tmp_path: Path, moderator: Moderator) -> None:
    source = posts(".parquet", tmp_path)
    for name, resume in (("a.parquet", False), ("b.parquet", True)):
        score_file(moderator, source, tmp_path / name, "text", CHUNK, 1, resume=resume)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert not (tmp_path / "b.parquet.partial").exists()


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:200]), lambda path: path.unlink()], ids=["torn", "lost"])
def test_a_chunk_that_was_not_kept_whole_is_scored_anew(tmp_path: Path, moderator: Moderator, damage: Any) -> None:
    source, out = posts(".csv", tmp_path), tmp_path / "out.csv"
    score_file(moderator, source, tmp_path / "whole.csv", "text", CHUNK, 1)
    damage(start_and_interrupt(moderator, source, out) / "00000002.arrow")
    score_file(moderator, source, out, "text", CHUNK, 1, resume=True)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def changed_input(source: Path) -> dict[str, Any]:
    source.write_bytes(source.read_bytes().replace(b"p900", b"p999"))
    return {}


CHANGES = {
    "input": changed_input,
    "model version": lambda source: {"version": "20990101-000000-cccccccc"},
    "text column": lambda source: {"text_column": "post_id"},
    "chunk size": lambda source: {"chunk_size": CHUNK + 1},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_run_of_something_else_is_refused_and_leaves_what_was_kept(tmp_path: Path, moderator: Moderator, what: str) -> None:
    source, out = posts(".csv", tmp_path), tmp_path / "out.csv"
    partial = start_and_interrupt(moderator, source, out)
    kept = sorted(path.name for path in partial.iterdir())
    settings = {"text_column": "text", "chunk_size": CHUNK, "processes": 1, "resume": True, **CHANGES[what](source)}
    if "version" in settings:
        moderator = Moderator(replace(load_model(moderator.folder.parent, moderator.version), version=settings.pop("version")))
    with pytest.raises(InputError, match=rf"out\.csv\.partial: the {what} is not that of the run that was interrupted; remove") as caught:
        score_file(moderator, source, out, **settings)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in partial.iterdir()) == kept
    assert not out.exists()


def test_what_is_no_unfinished_run_is_refused_and_left_alone(tmp_path: Path, moderator: Moderator) -> None:
    source, partial = posts(".csv", tmp_path), tmp_path / "out.csv.partial"
    partial.mkdir()
    (partial / "notes.txt").write_text("mine", encoding="utf-8")
    for manifest in (None, "{", "[]"):
        if manifest is not None:
            (partial / "run.json").write_text(manifest, encoding="utf-8")
        with pytest.raises(InputError, match="holds no unfinished run"):
            score_file(moderator, source, tmp_path / "out.csv", "text", CHUNK, 1, resume=True)
    assert (partial / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_batch_that_cannot_be_scored_leaves_nothing_behind(tmp_path: Path, moderator: Moderator) -> None:
    source = tmp_path / "in.csv"
    for content in ("text\n", "id\n1\n", "text,id\na\n"):
        source.write_text(content, encoding="utf-8")
        with pytest.raises(InputError):
            score_file(moderator, source, tmp_path / "out.csv", "text", CHUNK, 1, resume=True)
        assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(("source", "target"), [("-", "out.csv"), ("in.csv", "-")])
def test_standard_input_and_output_cannot_be_resumed(source: str, target: str) -> None:
    with pytest.raises(InputError, match="--resume needs files"):
        KeptChunks(source, target, {})


def test_posts_that_equal_each_other_are_scored_once(moderator: Moderator, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[list[str]] = []
    prepare = views.prepare
    monkeypatch.setattr(views, "prepare", lambda texts, *how: prepared.append(list(texts)) or prepare(texts, *how))
    scored = moderator.score(["đồ ngu", "hay quá", "đồ ngu", None, "đồ ngu", "hay quá"])
    assert prepared == [["đồ ngu", "hay quá"]]
    assert scored["decision"].tolist() == [scored["decision"][row] for row in (0, 1, 0, 3, 0, 1)]
    assert scored["decision"][3] == "invalid"


def process_id(_: object) -> int:
    time.sleep(0.02)
    return os.getpid()


@pytest.fixture
def pool() -> Iterator[Workers]:
    made = Workers(process_id, 2)
    yield made
    made.stop()


def test_workers_keep_order_take_items_only_as_needed_and_are_kept(pool: Workers) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    results = pool.map(items(), lambda item: item)
    next(results)
    assert len(taken) <= 4
    first = {worker for _, worker in results}
    again = list(pool.map(range(20), lambda item: item))
    assert [item for item, _ in again] == list(range(20))
    assert {worker for _, worker in again} | first == {child.pid for child in active_children()} & ({worker for _, worker in again} | first)
    assert os.getpid() not in first and len(first | {worker for _, worker in again}) == 2


def test_a_killed_worker_ends_the_batch_in_one_line_and_the_next_batch_gets_new_ones(pool: Workers) -> None:
    results = pool.map(range(1000), lambda item: item)
    _, worker = next(results)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(InputError, match="a worker process was killed"):
        list(results)
    assert len(list(pool.map(range(3), lambda item: item))) == 3


def test_workers_are_started_where_processes_cannot_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.sys, "platform", "elsewhere")
    spawned = Workers(str.upper, 1)
    assert list(spawned.map("ab", lambda letter: letter)) == [("a", "A"), ("b", "B")]
    spawned.stop()


def test_a_killed_run_leaves_no_workers_and_goes_on(tmp_path: Path, project: Path, trained: TrainingResult, moderator: Moderator) -> None:
    source, out = posts(".parquet", tmp_path, 14_000), tmp_path / "out.parquet"
    command = [sys.executable, "-m", "classifier", "score", str(source), "--out", str(out), "--params", str(project / "params.yaml"), "--resume"]
    command += ["--processes", "2"]
    partial = tmp_path / "out.parquet.partial"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(partial.glob("*.arrow"))) < 2:
        time.sleep(0.02)
    children = [int(child) for task in Path(f"/proc/{process.pid}/task").iterdir() for child in (task / "children").read_text().split()]
    process.kill()
    process.wait()
    assert len(children) == 2 and not out.exists()
    deadline = time.monotonic() + 20
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(child) for child in children)
    kept = len(list(partial.glob("*.arrow")))
    assert 2 <= kept < 7
    assert subprocess.run(command, capture_output=True).returncode == 0
    score_file(moderator, source, tmp_path / "whole.parquet", "text", 2000, 1)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not partial.exists()


def alive(process: int) -> bool:
    """A process that ended and was not yet waited for by whoever inherited it counts as ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


NOT_TO_PREDICT = {
    "mlflow",
    "mapie",
    "matplotlib",
    "sqlalchemy",
    "alembic",
    "fastapi",
    "pandera",
    "cleanlab",
    "skops",
    "sklearn",
    "scipy.stats",
    "scipy.optimize",
    "underthesea",
    "joblib",
    "pyspark",
    "pytest",
    "openpyxl",
}
NOT_TO_HELP = NOT_TO_PREDICT | {"numpy", "pandas", "pydantic"}


def imported(*arguments: object) -> set[str]:
    """Modules that a run of the program imports, and the packages around them."""
    run = subprocess.run([sys.executable, "-X", "importtime", "-m", "classifier", *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-500:]
    modules = re.findall(r"^import time:.*\| +([\w.]+)$", run.stderr, re.MULTILINE)
    return {".".join(parts[:depth]) for parts in (name.split(".") for name in modules) for depth in range(1, len(parts) + 1)}


def test_help_and_scoring_import_only_what_they_need(tmp_path: Path, project: Path, trained: TrainingResult) -> None:
    assert imported("--help") & NOT_TO_HELP == set()
    loaded = imported("score", posts(".csv", tmp_path, 10), "--out", tmp_path / "out.csv", "--params", project / "params.yaml")
    assert loaded & NOT_TO_PREDICT == set()
    assert {"pandas", "scipy.sparse", "classifier.segment"} <= loaded


def test_a_model_is_read_without_skops_as_skops_reads_it(moderator: Moderator, trained: TrainingResult) -> None:
    path = moderator.folder / registry.MODEL_FILE
    texts = [" ".join(WORDS[row::3]) for row in range(9)]
    ours, theirs = registry.read_model_file(path, registry._READ_AS), skops.io.load(path, trusted=list(registry._READ_AS))
    np.testing.assert_array_equal(ours.predict_proba(texts), theirs.predict_proba(texts))
    for one, other in zip(ours.explain(texts), theirs.explain(texts), strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
    assert vars(ours.heads_["insult"]).keys() == vars(theirs.heads_["insult"]).keys()
    assert ours.vectorizer_.views_.keys() == theirs.vectorizer_.views_.keys()
    for name, view in ours.vectorizer_.views_.items():
        assert dict(view.vocabulary_.items()) == theirs.vectorizer_.views_[name].vocabulary_


def test_a_model_file_that_holds_more_than_the_reader_knows_is_left_to_skops(tmp_path: Path) -> None:
    for content in ({1: "a key that is no text"}, np.arange(3).astype(object), np.float64(1)):
        skops.io.dump(content, tmp_path / "model.skops")
        with pytest.raises(UnknownContentError):
            read_model_file(tmp_path / "model.skops", {})
    skops.io.dump({"shared": [(texts := ["a"]), texts], "plain": (1, None, 0.5, True)}, tmp_path / "model.skops")
    read = read_model_file(tmp_path / "model.skops", {})
    assert read == {"shared": [["a"], ["a"]], "plain": (1, None, 0.5, True)}
    assert read["shared"][0] is read["shared"][1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(project: Path, trained: TrainingResult, params: Any) -> Iterator[str]:
    """The champion behind `mlflow models serve`."""
    port = free_port()
    model = f"models:/{params.tracking.registered_model}@champion"
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{project / 'mlflow.db'}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, "--env-manager", "local", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def answer(server: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(server + path, data, {"Content-Type": "application/json"}), timeout=60).read()


def test_mlflow_serves_the_columns_of_score(server: str, moderator: Moderator) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            answer(server, "/ping")
            break
        except OSError:
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.3)
    texts = ["đồ óc chó, cút khỏi lớp tao", "mai lớp mình học phòng nào vậy", ""]
    rows = json.loads(answer(server, "/invocations", {"dataframe_records": [{"text": text} for text in texts]}))["predictions"]
    assert [tuple(row) for row in rows] == [SCORE_COLUMNS] * 3
    expected = moderator.score(texts)
    pd.testing.assert_frame_equal(pd.DataFrame(rows).astype(expected.dtypes.to_dict()), expected)


def test_what_was_kept_for_a_chunk_reads_back_the_same(tmp_path: Path, moderator: Moderator) -> None:
    source = posts(".csv", tmp_path, 50)
    kept = KeptChunks(source, tmp_path / "out.csv", {"chunk size": 50})
    scored = moderator.score(next(read_batch(source, 50).chunks)["text"].tolist())
    kept.save(0, scored)
    pd.testing.assert_frame_equal(kept.load(0, 50), scored)
    assert kept.load(0, 49) is None and kept.load(1, 50) is None
