"""Scoring with Spark: the same rows as on one machine, silence on the terminal, bad input in one line. All rows are invented."""

import importlib.util
import re
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from classifier.cli import app
from classifier.errors import InputError
from classifier.params import Params
from classifier.prediction import SCORE_COLUMNS, Moderator
from classifier.scores import BatchSummary
from classifier.spark import score_folder
from classifier.training import TrainingResult

MISSING = [name for name, there in (("pyspark", importlib.util.find_spec("pyspark")), ("java", shutil.which("java"))) if not there]
needs_spark = pytest.mark.skipif(bool(MISSING), reason=f"Spark is not tested: {' and '.join(MISSING)} missing; pip install -e '.[spark]', Java 17")

TWO_CORES = "local[2]"
CONTENT = "nội dung, bài.1"
TEXTS = [
    "mai lớp mình học phòng nào vậy",
    "đồ óc chó, cút khỏi lớp tao",
    None,
    "",
    " \n ",
    "😂😂",
    "nhận làm bằng cấp các loại, bao soi, ib zalo",
    "x" * 20_001,
    "a\x00b",
    "NGHE NÓI mai cả tỉnh nghỉ học, chia sẻ GẤP",
    "th\u0309y giáo nhận phong bì\u200b rồi",
]


@pytest.fixture(autouse=True)
def default_store_and_brisk_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # starts sooner, which is all that counts here


@pytest.fixture(scope="module")
def texts(project: Path) -> list[Any]:
    """Odd rows before and behind posts of the seed corpus."""
    seed = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted((project / "data" / "seed").glob("*.csv"))])["text"]
    return [*TEXTS, *seed.sample(600, random_state=2017), *TEXTS]


@pytest.fixture(scope="module")
def table(texts: list[Any]) -> pa.Table:
    """Posts with columns of other types, whose names Spark's own language would trip over."""
    rows = range(len(texts))
    return pa.table(
        {
            "số": pa.array(rows, pa.int64()),
            CONTENT: pa.array(texts, pa.string()),
            "Số": pa.array([row % 7 for row in rows], pa.int32()),
            "scored": pa.array([row % 3 == 0 for row in rows], pa.bool_()),
            "at": pa.array([datetime(2026, 11, 24, 7, 30, row % 60, tzinfo=UTC) for row in rows], pa.timestamp("us", "UTC")),
            "written": pa.array([datetime(1899, 1, 1, row % 24) for row in rows], pa.timestamp("us")),
            "ngày `đăng`": pa.array([date(1582, 10, 1 + row % 20) for row in rows], pa.date32()),
            "thẻ": pa.array([["a", None][: row % 3] for row in rows], pa.list_(pa.string())),
        }
    )


def folder_of(path: Path, *tables: pa.Table) -> Path:
    path.mkdir()
    for number, part in enumerate(tables):
        pq.write_table(part, path / f"part {number}.parquet", row_group_size=150)
    return path


@needs_spark
def test_spark_scores_as_one_machine_does_and_keeps_the_terminal_clean(
    project: Path, trained: TrainingResult, params: Params, texts: list[Any], table: pa.Table, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    more = table.slice(400).append_column("chỉ ở đây", pa.array(["có"] * (table.num_rows - 400), pa.string()))
    source, target = folder_of(tmp_path / "bài [1]", table.slice(0, 400), more), tmp_path / "đã chấm"
    steps: list[int] = []
    summary = score_folder(params, project, trained.version, str(source), str(target), CONTENT, 3, TWO_CORES, steps.append)
    assert capfd.readouterr() == ("", "")

    written = pq.read_table(target).sort_by("số")
    assert len(list(target.glob("*.parquet"))) == 3
    assert written.column_names == [*more.column_names, *SCORE_COLUMNS]
    assert written.select(table.column_names).equals(table)
    assert written["chỉ ở đây"].to_pylist() == [None] * 400 + ["có"] * (len(texts) - 400)
    kinds = {name: pa.float64() if name.startswith("p_") else pa.string() for name in SCORE_COLUMNS}
    assert {name: written.schema.field(name).type for name in SCORE_COLUMNS} == kinds

    expected = Moderator.load(project / "models", trained.version).score(texts)
    pd.testing.assert_frame_equal(written.select(SCORE_COLUMNS).to_pandas(), expected)
    counted = BatchSummary.empty()
    counted.add(expected)
    assert summary == counted
    assert sum(steps) == len(texts)


@needs_spark
def test_a_column_of_numbers_is_no_text(project: Path, trained: TrainingResult, params: Params, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", pa.table({"text": [1, 2]}))
    summary = score_folder(params, project, trained.version, str(source / "part 0.parquet"), str(tmp_path / "out"), master="local[1]")
    assert summary.decisions["invalid"] == 2
    reason = Moderator.load(project / "models", trained.version).score([1])["reasons"].tolist()
    assert pq.read_table(tmp_path / "out")["reasons"].to_pylist() == reason * 2


def _no_files(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _damaged(folder: Path) -> Path:
    _no_files(folder)
    (folder / "a.parquet").write_bytes(b"PAR1 chuyen rieng PAR1")
    return folder


BAD_FOLDERS = {
    "no file": (_no_files, "holds no parquet files"),
    "no post": (lambda folder: folder_of(folder, pa.table({"text": pa.array([], pa.string())})), "hold no posts"),
    "no column": (lambda folder: folder_of(folder, pa.table({"Text": ["a"], "id": [1]})), "no column 'text'; it has Text, id"),
    "scored before": (lambda folder: folder_of(folder, pa.table({"text": ["a"], "p_insult": [0.5]})), "already has the column 'p_insult'"),
    "damaged": (_damaged, "a.parquet"),
    "two types": (lambda folder: folder_of(folder, pa.table({"text": ["a"]}), pa.table({"text": [1]})), "merge"),
}


@needs_spark
@pytest.mark.parametrize("kind", BAD_FOLDERS)
def test_a_bad_folder_is_refused_in_one_line(
    project: Path, trained: TrainingResult, params: Params, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make, told = BAD_FOLDERS[kind]
    source = make(tmp_path / "in")
    with pytest.raises(InputError, match=re.escape(told)) as refused:
        score_folder(params, project, trained.version, str(source), str(tmp_path / "out"), master=TWO_CORES)
    assert "\n" not in str(refused.value) and str(source) in str(refused.value)
    assert not re.search(r"java\.|Exception", str(refused.value))
    assert len(list(tmp_path.glob("*.log"))) == str(refused.value).count(".log")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".log") == ["in"]


@needs_spark
def test_a_version_that_mlflow_does_not_know_is_refused(project: Path, trained: TrainingResult, params: Params, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", pa.table({"text": ["a"]}))
    with pytest.raises(InputError, match="no model of version 20200101-000000-aaaaaaaa"):
        score_folder(params, project, "20200101-000000-aaaaaaaa", str(source), str(tmp_path / "out"), master=TWO_CORES)
    assert not (tmp_path / "out").exists()


def refusal(project: Path, *arguments: object) -> str:
    """The one line in which the command refuses bad input."""
    done = CliRunner().invoke(app, ["score-spark", *map(str, arguments), "--params", str(project / "params.yaml")])
    assert done.exit_code == 2 and done.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    return done.stderr


def test_without_spark_the_command_says_how_to_get_it(
    project: Path, trained: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert "pip install" in refusal(project, tmp_path, tmp_path / "out")


@pytest.mark.skipif("pyspark" in MISSING, reason="Spark is not tested: pyspark is missing; pip install -e '.[spark]'")
def test_without_java_the_command_says_what_it_needs(project: Path, trained: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "Java 17" in refusal(project, tmp_path, tmp_path / "out")


@needs_spark
def test_wrong_places_are_refused_before_spark_starts(project: Path, trained: TrainingResult, tmp_path: Path) -> None:
    source, there = folder_of(tmp_path / "in", pa.table({"text": ["a"]})), _no_files(tmp_path / "there")
    assert "no such folder" in refusal(project, tmp_path / "absent", tmp_path / "out")
    assert "exists already" in refusal(project, source, there)
    assert "choose a folder that exists" in refusal(project, source, tmp_path / "absent" / "out")
    assert "lies in the folder that is read" in refusal(project, source, source / "out")
