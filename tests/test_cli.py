"""The command line as its users meet it: what each command prints, writes and answers to bad input. All rows are invented."""

import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from classifier.cli import app
from classifier.commands import starting
from classifier.errors import InputError
from classifier.posts import FORMATS, STDIO, read_batch, write_batch
from classifier.prediction import SCORE_COLUMNS, Moderator, score_file
from classifier.training import TrainingResult

COMMANDS = ("train", "score", "explain", "evaluate", "corpus check", "corpus stats", "corpus import", "models list", "models show", "models promote")
SMALL_FILES = ("thpt_bac.csv", "mxh.csv")
SECRET = "chuyện riêng của bạn Mận"
TEXTS = ["mai lớp mình học phòng nào vậy", "đồ óc chó, cút khỏi lớp tao", None, "bán bằng giả uy tín, ib", "  ", "cảm ơn cô nhiều ạ 😂"]
POSTS = pd.DataFrame({"post_id": [f"p{n}" for n in range(len(TEXTS))], "text": TEXTS, "lớp, ghi chú": ["=1+1"] * len(TEXTS)}, dtype=object)
HEADER = "post_id,text,insult,false_info,unlawful,ethics,slice,source\n"

Answer = subprocess.CompletedProcess[str]


def run(*arguments: object, project: Path, stdin: str = "") -> Answer:
    """Call the program as a shell would, from a folder that is not the project's."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-m", "classifier", *map(str, arguments), "--params", str(project / "params.yaml")]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, encoding="utf-8", cwd=project.parent, env=environment)


def call(*arguments: object, project: Path) -> Answer:
    """Call the program within this process, which is quicker."""
    result = CliRunner(env={"MLFLOW_TRACKING_URI": None}).invoke(app, [*map(str, arguments), "--params", str(project / "params.yaml")])
    return Answer(arguments, result.exit_code, result.stdout, result.stderr)


def refusal(answer: Answer, *named: str) -> str:
    """Check that bad input got exit code 2 and one line that names all of `named`; return it."""
    assert (answer.returncode, answer.stdout) == (2, ""), answer
    assert re.fullmatch(r"error: [^\n]+\n", answer.stderr), answer.stderr
    assert "a fault of this program" not in answer.stderr and "Traceback" not in answer.stderr and SECRET not in answer.stderr, answer.stderr
    assert [part for part in named if part not in answer.stderr] == [], answer.stderr
    return answer.stderr


def save(path: Path, frame: pd.DataFrame = POSTS) -> Path:
    with write_batch(path) as writer:
        writer.write(frame)
    return path


def load(path: Path) -> pd.DataFrame:
    return pd.concat(read_batch(path, 100).chunks, ignore_index=True).astype(object)


@pytest.fixture
def small(tmp_path: Path, project: Path, trained: TrainingResult) -> Path:
    """A project of one's own to break: two files of the seed corpus, and the model trained on all of it."""
    folder = tmp_path / "small"
    (folder / "data" / "seed").mkdir(parents=True)
    for name in SMALL_FILES:
        shutil.copy(project / "data" / "seed" / name, folder / "data" / "seed")
    shutil.copy(project / "params.yaml", folder)
    shutil.copytree(project / "models", folder / "models")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"classifier {command}" in result.stdout.split("Examples")[1]


@pytest.mark.parametrize(("source", "target"), [*zip(FORMATS, FORMATS[1:] + FORMATS[:1], strict=True)])
def test_score_keeps_rows_columns_and_order_in_every_format(tmp_path: Path, project: Path, trained: object, source: str, target: str) -> None:
    answer = call("score", save(tmp_path / f"in{source}"), "--out", tmp_path / f"out{target}", project=project)
    assert (answer.returncode, answer.stdout) == (0, "")
    posts, scored = load(tmp_path / f"in{source}"), load(tmp_path / f"out{target}")
    assert tuple(scored.columns) == (*POSTS.columns, *SCORE_COLUMNS)
    assert scored[list(POSTS.columns)].fillna("").to_numpy().tolist() == posts.fillna("").to_numpy().tolist()
    assert [decision == "invalid" for decision in scored["decision"]] == [False, False, True, False, True, False]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"in{source}", f"out{target}"])


def test_score_from_stdin_to_stdout_prints_csv_only_and_the_summary_adds_up(project: Path, trained: TrainingResult) -> None:
    answer = run("score", STDIO, "--out", STDIO, project=project, stdin=POSTS.to_csv(index=False))
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert lines[0].split(",")[-len(SCORE_COLUMNS) :] == list(SCORE_COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == POSTS["post_id"].tolist()
    total, *categories = [list(map(int, re.findall(r"(?<= )\d+", line))) for line in answer.stderr.splitlines() if re.search(r" \d+ +\d+", line)]
    assert sum(total) == len(POSTS) and total[-1] == 2
    assert [sum(counts) for counts in categories] == [len(POSTS) - 2] * 4
    assert trained.version in answer.stderr


def test_text_column_version_and_processes_can_be_named(tmp_path: Path, project: Path, trained: TrainingResult) -> None:
    source = save(tmp_path / "bài [của] lớp 'A'.csv", POSTS.rename(columns={"text": "nội dung"}))
    options = ("--text-column", "nội dung", "--version", trained.version, "--models", project / "models", "--processes", 2)
    assert call("score", source, "--out", tmp_path / "o.csv", *options, project=project).returncode == 0
    assert len(load(tmp_path / "o.csv")) == len(POSTS)


def test_a_closed_pipe_and_an_interruption_end_it_quietly(tmp_path: Path, project: Path, trained: TrainingResult) -> None:
    source = save(tmp_path / "in.csv", pd.DataFrame({"text": [f"bài {n}: mai lớp mình học phòng nào vậy" for n in range(30_000)]}, dtype=object))
    common = [sys.executable, "-m", "classifier", "score", str(source), "--params", str(project / "params.yaml"), "--processes", "1", "--out"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what a shell starts in the background is told to ignore it
    for out in ("-", str(tmp_path / "out.xlsx")):
        process = subprocess.Popen([*common, out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", preexec_fn=heed)
        assert process.stdout is not None and process.stderr is not None
        if out == STDIO:
            assert process.stdout.readline().startswith("text,")
            process.stdout.close()
        else:
            while not list(tmp_path.glob(".part-*")) and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait() != 0
    assert list(tmp_path.iterdir()) == [source]


def test_a_resumed_run_puts_the_whole_batch_into_the_queue(small: Path) -> None:
    params = small / "params.yaml"
    params.write_text(re.sub("chunk_size: [0-9]+", "chunk_size: 20", params.read_text(encoding="utf-8")), encoding="utf-8")
    texts = [f"bán bằng giả uy tín số {n}, ib zalo" if n % 3 else f"mai lớp mình học phòng {n} nhé" for n in range(90)]
    source, out = save(small / "in.csv", pd.DataFrame({"text": texts}, dtype=object)), small / "out.csv"

    def stop(chunk: pd.DataFrame, scored: pd.DataFrame) -> None:
        if "số 50," in " ".join(chunk["text"]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(Moderator.load(small / "models"), source, out, "text", 20, 1, observe=stop, resume=True)
    assert (small / "out.csv.partial").is_dir()
    resumed = call("score", source, "--out", out, "--resume", "--queue", project=small)
    (small / "data" / "review.db").unlink()
    whole = call("score", source, "--out", small / "whole.csv", "--queue", project=small)
    assert (resumed.returncode, whole.returncode) == (0, 0)
    assert re.search(r"Đã đưa [1-9]\d* bài mới", whole.stderr)
    assert resumed.stderr.replace("out.csv", "whole.csv").splitlines()[-4:] == whole.stderr.splitlines()[-4:]
    assert out.read_bytes() == (small / "whole.csv").read_bytes()
    assert not (small / "out.csv.partial").exists()


def test_a_run_that_cannot_be_resumed_is_refused_in_one_line(tmp_path: Path, project: Path, trained: object) -> None:
    source = save(tmp_path / "in.csv")
    refusal(call("score", STDIO, "--out", tmp_path / "out.csv", "--resume", project=project), "--resume needs files")
    refusal(call("score", source, "--out", STDIO, "--resume", project=project), "--resume needs files")
    (tmp_path / "out.csv.partial").mkdir()
    refusal(
        call("score", source, "--out", tmp_path / "out.csv", "--resume", project=project), "out.csv.partial", "no unfinished run", "remove or rename"
    )


BAD_FILES = {
    "empty": ("a.csv", b"", ["a.csv", "empty", "header row"]),
    "header only": ("a.csv", b"text\n", ["a.csv", "no posts"]),
    "encoding": ("a.csv", f"id,text\n1,{SECRET}\n2,".encode() + b"\xe9\n", ["a.csv", "line 3", "0xe9", "CSV UTF-8"]),
    "no text column": ("a.csv", f"id,noi_dung\n1,{SECRET}\n".encode(), ["a.csv", "'text'", "id, noi_dung", "--text-column"]),
    "too many fields": ("a.csv", f"id,text\n1,{SECRET},\n".encode(), ["a.csv", "line 2", "3 fields", "has 2", "quote"]),
    "open quote": ("a.csv", f'id,text\n1,"{SECRET}\n'.encode(), ["a.csv", "line 2", "quotes"]),
    "repeated column": ("a.tsv", b"text\ttext\na\tb\n", ["a.tsv", "'text'", "more than once", "rename"]),
    "scored before": ("a.csv", f"text,decision\n{SECRET},clear\n".encode(), ["a.csv", "'decision'", "rename"]),
    "bad json": ("a.jsonl", f'{{"text": "a"}}\n{{"text": "{SECRET}\n'.encode(), ["a.jsonl", "line 2", "JSON"]),
    "corrupt parquet": ("a.parquet", b"PAR1" + b"x" * 50, ["a.parquet", "parquet", "export it again"]),
    "corrupt xlsx": ("a.xlsx", b"PK\x03\x04xx", ["a.xlsx", "xlsx", "export it again"]),
    "unknown format": ("a.docx", b"x", ["a.docx", "'.docx'", ".csv, .tsv, .jsonl, .parquet, .xlsx"]),
    "far down": ("a.csv", b"id,text\n" + b"1,a\n" * 4000 + b"2\n", ["a.csv", "line 4002", "1 fields"]),
}


@pytest.mark.parametrize(("name", "content", "named"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_batch_is_refused_in_one_line_and_leaves_no_file(
    tmp_path: Path, project: Path, trained: object, name: str, content: bytes, named: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    refusal(call("score", tmp_path / name, "--out", tmp_path / "out.csv", project=project), *named)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_bad_places_are_refused(tmp_path: Path, project: Path, trained: TrainingResult) -> None:
    source = save(tmp_path / "in.csv")
    for at, out, named in (
        (tmp_path / "nope.csv", tmp_path / "o.csv", ["nope.csv", "no such file"]),
        (source, tmp_path / "nowhere" / "o.csv", ["nowhere/o.csv", "choose a folder"]),
        (source, tmp_path / "o.doc", ["o.doc", "'.doc'", ".xlsx"]),
    ):
        refusal(call("score", at, "--out", out, project=project), *named)
    refusal(call("score", source, "--out", tmp_path / "o.csv", "--models", tmp_path / "none", project=project), "none", "make train")
    refusal(call("score", source, "--out", tmp_path / "o.csv", "--version", "v1", project=project), "models", "'v1'", trained.version)
    refusal(run("score", source, "--out", tmp_path / "o.csv", project=tmp_path), "params.yaml", "no such file", "--params")
    assert list(tmp_path.iterdir()) == [source]


def test_wrong_params_are_refused_with_key_value_and_what_is_allowed(small: Path) -> None:
    params = small / "params.yaml"
    params.write_text(re.sub("flag_precision: [0-9.]+", "flag_precision: 1.5", params.read_text(encoding="utf-8")), encoding="utf-8")
    refusal(call("train", project=small), "params.yaml", "routing.flag_precision", "1.5", "less than or equal to 1")
    params.write_text(params.read_text(encoding="utf-8").replace("reasons: ", "resons: "), encoding="utf-8")
    refusal(call("corpus", "check", project=small), "prediction.resons", "not a known key", "chunk_size, processes, reasons")


@pytest.mark.parametrize("command", [("explain", SECRET), ("models", "show"), ("evaluate",)])
def test_a_damaged_or_foreign_model_is_refused(small: Path, trained: TrainingResult, command: tuple[str, ...]) -> None:
    folder = small / "models" / trained.version
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    (folder / "metadata.json").write_text(json.dumps({**metadata, "schema_version": 99}), encoding="utf-8")
    refusal(call(*command, project=small), "metadata.json", "schema version 99", "train again")
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    with (folder / "model.skops").open("ab") as stream:
        stream.write(b"x")
    refusal(call(*command, project=small), "model.skops", "altered", "train again")
    (folder / "model.skops").unlink()
    refusal(call(*command, project=small), "model.skops", "missing", "train again")
    shutil.rmtree(folder)
    refusal(call(*command, project=small), "models", trained.version)


def test_explain_shows_words_weights_and_the_decision(project: Path, trained: object) -> None:
    answer = call("explain", "đồ óc chó, cút khỏi lớp tao", project=project)
    assert answer.returncode == 0
    assert answer.stdout.split(" ")[0] in ("review", "flag")
    assert re.search(r"^insult · .*: p = [01]\.\d{3}, (review|flag)\n .*\bcút\(\+\d\.\d\)", answer.stdout, re.MULTILINE)
    refusal(call("explain", " ", project=project), "can't be scored")


def test_models_are_listed_shown_and_promoted(small: Path, trained: TrainingResult) -> None:
    assert re.search(rf"→ +{trained.version} ", call("models", "list", project=small).stdout)
    shown = call("models", "show", trained.version, project=small)
    assert shown.returncode == 0 and trained.version in shown.stdout and "average precision" in shown.stdout
    (small / "models" / "current").unlink()
    refusal(call("models", "show", project=small), "models", "no model in use", "make train")
    refusal(call("models", "promote", "v1", project=small), "'v1'", trained.version)
    assert call("models", "promote", trained.version, project=small).returncode == 0
    assert f"version: {trained.version}" in call("models", "show", project=small).stdout


def test_corpus_is_checked_and_counted(small: Path) -> None:
    checked = call("corpus", "check", project=small)
    assert checked.returncode == 0 and "no faults" in checked.stdout
    assert "vihsd: skipped" in checked.stdout and "corpus import vihsd" in checked.stdout
    counted = call("corpus", "stats", project=small)
    assert counted.returncode == 0 and all(word in counted.stdout for word in ("seed", "insult", "political"))


def test_corpus_check_lists_every_fault_on_a_line_of_its_own(small: Path) -> None:
    rows = [f"a1,{SECRET},2,0,0,0,,seed", f"a2,{SECRET} ơi,0,0,0,0,nope,seed", "a3,,0,0,0,0,,other"]
    (small / "data" / "seed" / "bad.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    answer = call("corpus", "check", project=small)
    first, *faults = answer.stderr.splitlines()
    assert answer.returncode == 2 and re.match("error: .*seed: 4 fault", first)
    assert [re.search(r"bad\.csv: post (a\d) \(row \d\): (\w+)", fault).groups() for fault in sorted(faults)] == [  # type: ignore[union-attr]
        *(("a1", "insult"), ("a2", "slice"), ("a3", "source"), ("a3", "text"))
    ]
    assert SECRET not in answer.stderr


def test_a_public_corpus_is_imported_or_refused(tmp_path: Path, small: Path) -> None:
    origin = tmp_path / "public"
    refusal(call("corpus", "import", "vihsd", "--from", origin, project=small), "public", "no such folder", "train.csv")
    refusal(call("corpus", "import", "other", "--from", tmp_path, project=small), "'other'", "vihsd")
    origin.mkdir()
    (origin / "train.csv").write_text(f"free_text,label_id\n{SECRET},7\n", encoding="utf-8")
    refusal(call("corpus", "import", "vihsd", "--from", origin, project=small), "train.csv", "label_id '7'", "0, 1, 2")
    (origin / "train.csv").write_text(f"free_text,label_id\n{SECRET},0\nngu thế,2\n", encoding="utf-8")
    answer = call("corpus", "import", "vihsd", "--from", origin, project=small)
    assert answer.returncode == 0 and "Licence" in answer.stdout and SECRET not in answer.stdout
    assert (small / "data" / "external" / "vihsd" / "train.csv").read_bytes() == (origin / "train.csv").read_bytes()


def test_train_and_evaluate_exit_with_1_and_name_the_gate_when_one_fails(small: Path, trained: TrainingResult) -> None:
    params = small / "params.yaml"
    for key, value in {"flag_precision": "0.2", "flag_protected": "1.0", "bootstrap": "20"}.items():
        params.write_text(re.sub(rf"{key}: [0-9.]+", f"{key}: {value}", params.read_text(encoding="utf-8")), encoding="utf-8")
    refused = run("train", project=small)
    (version,) = {path.name for path in (small / "models").glob("2*")} - {trained.version}
    assert f"Not promoted: version {version}" in refused.stdout
    for answer in (refused, call("evaluate", "--version", version, project=small)):
        assert answer.returncode == 1
        assert re.search(r"flagged in \w+ +0\.\d+ +≤ 0\.0200 +failed by 0\.\d+", answer.stdout)
    assert f"version: {trained.version}" in call("models", "show", project=small).stdout


def test_what_a_start_changes_is_as_before_afterwards_even_if_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with pytest.raises(InputError), starting():
        assert not gc.isenabled()
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
        raise InputError("no model")
    assert gc.isenabled()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with starting():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
