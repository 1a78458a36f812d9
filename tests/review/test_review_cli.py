"""The commands of the review as an administrator meets them, over a small model of their own. All names are invented."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from classifier.cli import app
from classifier.distributions import observe, write_reference
from classifier.features import PostVectorizer
from classifier.model import CalibratedLinearHead, PostClassifier
from classifier.registry import load_model, promote_version, save_model
from classifier.review.passwords import check_password
from classifier.review.store import Answer, Database, Role, people, records, work
from classifier.routing import Band
from classifier.taxonomy import CATEGORIES

ROOT = Path(__file__).parents[2]
PASSWORD = "mật khẩu dài của lan"
VIOLATIONS = ["đồ ngu như bò", "mày ngu quá", "nó ngu lắm", "thằng ngu đó"]
OTHERS = ["mai học phòng nào", "trời hôm nay đẹp", "cảm ơn cô nhiều", "bài tập dài quá"]
POSTS = "post_id,text\n" + "".join(f"p{number},{text}\n" for number, text in enumerate([*VIOLATIONS, *OTHERS], 1))
BAND = Band(0.4, None)
VERSION = "20260101-000000-aaaaaaaa"

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of eight posts, with the reference that monitoring compares with."""
    folder = tmp_path_factory.mktemp("models")
    labels = np.tile(np.array([[1.0]] * 4 + [[0.0]] * 4), (4, len(CATEGORIES)))
    classifier = PostClassifier(PostVectorizer(min_df=1), CalibratedLinearHead(folds=2, calibration="sigmoid")).fit(
        [*VIOLATIONS, *OTHERS] * 4, labels
    )
    save_model(folder / VERSION, classifier, dict.fromkeys(CATEGORIES, BAND), {"max_characters": 1000, "reasons": 3, "posts": {}})
    promote_version(folder, VERSION)
    (folder / "posts.csv").write_text(POSTS, encoding="utf-8")
    stored = load_model(folder)
    write_reference(stored.folder, observe(stored, folder / "posts.csv", "text", 100))
    return folder


@pytest.fixture
def home(tmp_path: Path, models: Path, database_url: str) -> Path:
    """A project with that model and an empty store."""
    home = tmp_path / "home"
    home.mkdir()
    params = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("database_url: null", f'database_url: "{database_url}"')
    (home / "params.yaml").write_text(params.replace("clear_share: 0.02 ", "clear_share: 1.0 "), encoding="utf-8")
    (home / "models").symlink_to(models)
    (home / "posts.csv").write_text(POSTS, encoding="utf-8")
    return home


@pytest.fixture
def call(home: Path) -> Call:
    """Calls the program within this process."""

    def run(*arguments: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"CLASSIFIER_DATABASE_URL": None, "CLASSIFIER_TRACEBACK": None}
        result = CliRunner(env=environment).invoke(app, [*map(str, arguments), "--params", str(home / "params.yaml")], input=stdin)
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)

    return run


def refusal(answer: subprocess.CompletedProcess[str], *named: str) -> None:
    assert (answer.returncode, answer.stdout) == (2, ""), answer
    assert re.fullmatch(r"error: [^\n]+\n", answer.stderr), answer.stderr
    assert "a fault of this program" not in answer.stderr, answer.stderr
    assert [part for part in named if part not in answer.stderr] == [], answer.stderr


def add_user(call: Call, name: str = "lan", role: str = "reviewer", password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return call("review", "add-user", name, "--role", role, "--password-stdin", stdin=password + "\n")


def test_a_scored_batch_is_queued_once(call: Call, home: Path, database: Database) -> None:
    first = call("score", home / "posts.csv", "--out", home / "scored.csv", "--queue")
    assert first.returncode == 0, first.stderr
    assert re.search(r"Đã đưa 8 bài mới vào hàng chờ .*4 bài 'clear' lấy ngẫu nhiên", first.stderr)
    again = call("score", home / "posts.csv", "--out", home / "scored.csv", "--queue")
    assert again.returncode == 0 and "đã có trong hàng chờ" in again.stderr
    with database.reading() as connection:
        assert len(records.queue_state(connection, time.time())) == 8
        assert records.batches(connection)["name"].tolist() == ["posts.csv"]


def test_scoring_without_queue_touches_no_store(call: Call, home: Path, database: Database) -> None:
    assert call("score", home / "posts.csv", "--out", home / "scored.csv").returncode == 0
    with database.reading() as connection:
        assert records.batches(connection).empty


def test_a_batch_that_fails_half_way_is_not_queued(call: Call, home: Path, database: Database) -> None:
    (home / "bad.csv").write_text(POSTS + "p9,one,too many\n", encoding="utf-8")
    refusal(call("score", home / "bad.csv", "--out", home / "scored.csv", "--queue"), "line 10")
    with database.reading() as connection:
        assert records.batches(connection).empty


def test_a_store_that_cannot_be_reached_is_refused_before_scoring(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = (home / "params.yaml").read_text(encoding="utf-8")
    address = "postgresql://nobody:geheim@127.0.0.1:9/none"
    (home / "params.yaml").write_text(re.sub('database_url: ".*"', f"database_url: {address}", params), encoding="utf-8")
    answer = call("score", home / "posts.csv", "--out", home / "scored.csv", "--queue")
    refusal(answer, "review store", "127.0.0.1")
    assert "geheim" not in answer.stderr
    assert not (home / "scored.csv").exists()


def test_accounts_are_opened_listed_given_a_new_password_and_closed(call: Call, database: Database) -> None:
    assert add_user(call).returncode == 0
    assert add_user(call, "minh", "adjudicator").returncode == 0
    listed = call("review", "users").stdout
    assert re.search(r"lan +reviewer", listed) and re.search(r"minh +adjudicator", listed)
    assert call("review", "set-password", "lan", "--password-stdin", stdin="một câu khác hẳn\n").returncode == 0
    with database.reading() as connection:
        found = people.find_user(connection, "lan")
    assert found is not None and check_password("một câu khác hẳn", found[1]) and not check_password(PASSWORD, found[1])
    assert call("review", "close-user", "minh").returncode == 0
    assert "minh" not in call("review", "users").stdout


def test_the_password_is_asked_for_twice_and_not_shown(call: Call) -> None:
    asked = call("review", "add-user", "lan", "--role", "reviewer", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.returncode == 0 and "Password" in asked.stdout and PASSWORD not in asked.stdout


@pytest.mark.parametrize(
    ("name", "role", "password", "named"),
    [
        ("lan", "boss", PASSWORD, ["'boss'", "reviewer, adjudicator, moderator, admin"]),
        ("lan", "reviewer", "ngắn", ["password", "4 characters", "10"]),
        ("lan", "reviewer", "", ["password", "0 characters"]),
        ("lan lan", "reviewer", PASSWORD, ["'lan lan'", "letters"]),
        ("'; DROP TABLE users; --", "reviewer", PASSWORD, ["user name", "letters"]),
    ],
)
def test_bad_accounts_are_refused(call: Call, name: str, role: str, password: str, named: list[str]) -> None:
    refusal(add_user(call, name, role, password), *named)
    assert "reviewer" not in call("review", "users").stdout


def test_a_name_that_is_taken_or_unknown_is_refused(call: Call) -> None:
    add_user(call)
    refusal(add_user(call), "'lan'", "taken")
    refusal(call("review", "set-password", "hoa", "--password-stdin", stdin=PASSWORD), "'hoa'", "classifier review users")
    refusal(call("review", "close-user", "hoa"), "'hoa'")


def test_a_token_is_shown_once_known_by_its_digest_and_revoked(call: Call, database: Database) -> None:
    from classifier.review.web.security import digest

    made = call("review", "add-token", "web-form")
    token = made.stdout.strip()
    assert made.returncode == 0 and len(token) >= 40 and token not in made.stderr
    with database.reading() as connection:
        assert people.token_known(connection, digest(token))
    refusal(call("review", "add-token", "web-form"), "'web-form'", "taken")
    assert call("review", "revoke-token", "web-form").returncode == 0
    with database.reading() as connection:
        assert not people.token_known(connection, digest(token))
    refusal(call("review", "revoke-token", "web-form"), "'web-form'")


def test_gold_posts_are_added_once_and_handed_out_as_such(call: Call, home: Path, database: Database) -> None:
    header = "text,insult,false_info,unlawful,ethics\n"
    (home / "gold.csv").write_text(f"{header}đồ ngu như bò 0951234567,1,0,0,0\nmai học phòng nào,0,0,0,0\n", encoding="utf-8")
    assert "2 gold posts added" in call("review", "gold", home / "gold.csv").stdout
    assert "0 gold posts added; 2 were" in call("review", "gold", home / "gold.csv").stdout
    with database.writing() as connection:
        user = people.add_user(connection, 0.0, "lan", Role.REVIEWER, "hash")
        given = work.next_item(connection, 1.0, user.id, 60, 1.0, 0.0)
    assert given is not None and given.gold and "0951" not in given.text
    (home / "gold.csv").write_text(f"{header}   ,1,0,0,0\n", encoding="utf-8")
    refusal(call("review", "gold", home / "gold.csv"), "post 1")


def decide(database: Database, call: Call, home: Path) -> None:
    """One reviewer answers everything: no violation anywhere."""
    call("score", home / "posts.csv", "--out", home / "scored.csv", "--queue")
    with database.writing() as connection:
        user = people.add_user(connection, 0.0, "lan", Role.REVIEWER, "hash")
        now = time.time()
        while (given := work.next_item(connection, now, user.id, 60, 0.0, 0.5)) is not None:
            work.answer(connection, now, user.id, given.lease_id, Answer(frozenset(), "", 3, ""), False)


def test_stats_show_the_queue_and_what_people_said(call: Call, home: Path, database: Database) -> None:
    empty = call("review", "stats")
    assert empty.returncode == 0 and re.search(r"open +0", empty.stdout)
    decide(database, call, home)
    answer = call("review", "stats")
    assert answer.returncode == 0, answer.stderr
    assert "lan" not in answer.stdout.split()
    assert re.search(r"passed as clear: 0\.000 \[0\.000, 0\.\d+\] of \d", answer.stdout)


def test_decided_posts_are_exported_for_training(call: Call, home: Path, database: Database) -> None:
    decide(database, call, home)
    answer = call("review", "export")
    assert answer.returncode == 0, answer.stderr
    written = pd.concat([pd.read_csv(path) for path in (home / "data" / "reviewed").glob("*.csv")])
    assert f"{len(written)} decided posts" in answer.stdout
    assert set(written["text"]) <= {*VIOLATIONS, *OTHERS} and len(written) > 0
    assert (written[list(CATEGORIES)] == 0).all(axis=None)
    params = (home / "params.yaml").read_text(encoding="utf-8")
    (home / "params.yaml").write_text(params.replace("name: reviewed,", "name: decided,"), encoding="utf-8")
    refusal(call("review", "export"), "corpus.sources", "'reviewed'")


def test_posts_go_to_label_studio_and_come_back_as_answers(call: Call, home: Path, database: Database) -> None:
    call("score", home / "posts.csv", "--out", home / "scored.csv", "--queue")
    add_user(call)
    assert "8 tasks" in call("review", "export", "--label-studio", home / "tasks.json").stdout
    assert (home / "tasks.xml").read_text(encoding="utf-8").startswith("<View>")
    tasks = json.loads((home / "tasks.json").read_text(encoding="utf-8"))
    choices = {"categories": ["none"], "confidence": ["3"]}
    result = [{"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": chosen}} for name, chosen in choices.items()]
    annotated = [{**task, "annotations": [{"completed_by": 3, "result": result}]} for task in tasks]
    (home / "annotated.json").write_text(json.dumps(annotated), encoding="utf-8")
    assert "8 answers added" in call("review", "import", home / "annotated.json", "--accounts", "lan").stdout
    assert "0 answers added" in call("review", "import", home / "annotated.json", "--accounts", "lan").stdout
    refusal(call("review", "import", home / "annotated.json", "--accounts", "hoa"), "'hoa'", "account")
    refusal(call("review", "export", "--all"), "--label-studio")
    with database.reading() as connection:
        assert len(records.current_answers(connection)) == 8


def test_verify_holds_and_exits_with_1_when_a_decision_was_changed(call: Call, home: Path, database: Database, database_url: str) -> None:
    decide(database, call, home)
    held = call("review", "verify")
    assert held.returncode == 0
    head = held.stdout.split()[-1]
    assert call("review", "verify", "--head", head).returncode == 0
    assert call("review", "verify", "--head", "0f" * 32).returncode == 1
    if not database.is_sqlite:
        return
    with sqlite3.connect(database_url.removeprefix("sqlite:///")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE decisions SET confidence = 1 WHERE id = 1")
    forged = call("review", "verify")
    assert forged.returncode == 1 and "decision:1 was changed" in forged.stdout


def test_monitor_is_quiet_about_the_same_posts_and_exits_with_1_on_other_ones(call: Call, home: Path) -> None:
    same = call("monitor", home / "posts.csv")
    assert same.returncode == 0, same.stderr
    assert "probability_psi" in same.stdout and "drifted" not in same.stdout
    (home / "other.csv").write_text("text\n" + "đồ ngu như bò\n" * 400, encoding="utf-8")
    other = call("monitor", home / "other.csv")
    assert other.returncode == 1 and "drifted" in other.stdout


def test_monitor_takes_people_s_decisions_into_account(call: Call, home: Path, database: Database) -> None:
    assert "override_rate" not in call("monitor", home / "posts.csv").stdout
    decide(database, call, home)
    assert "insult/clear" in call("monitor", home / "posts.csv").stdout


def test_monitor_refuses_what_it_cannot_compare(call: Call, home: Path, models: Path) -> None:
    refusal(call("monitor", home / "none.csv"), "none.csv", "no such file")
    refusal(call("monitor", home / "posts.csv", "--text-column", "content"), "'content'", "post_id, text")
    (home / "models").unlink()
    shutil.copytree(models, home / "models")
    (home / "models" / VERSION / "reference.json").unlink()
    refusal(call("monitor", home / "posts.csv"), "reference.json", "train again")


def test_without_a_store_monitor_makes_none(call: Call, home: Path) -> None:
    params = (home / "params.yaml").read_text(encoding="utf-8")
    (home / "params.yaml").write_text(re.sub('database_url: ".*"', "database_url: null", params), encoding="utf-8")
    assert call("monitor", home / "posts.csv").returncode == 0
    assert not (home / "data").exists()


@pytest.fixture
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server as a process of its own."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "CLASSIFIER_DATABASE_URL"}
    command = [sys.executable, "-m", "classifier", "review", "serve", "--port", str(port), "--params", str(home / "params.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
    yield process, port
    process.kill()
    process.wait()


def test_serve_answers_says_where_and_refuses_a_port_that_is_taken(serving: tuple[subprocess.Popen[str], int], call: Call) -> None:
    process, port = serving
    assert process.stderr is not None
    lines = [process.stderr.readline(), process.stderr.readline()]
    assert "add-user" in lines[0] and f"http://127.0.0.1:{port}" in lines[1]
    for _ in range(100):
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5).read().decode()
            break
        except OSError:
            time.sleep(0.1)
    assert "<html" in page
    refused = call("review", "serve", "--port", port)
    assert refused.returncode == 2 and f"--port {port}" in refused.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) in (0, 143, -signal.SIGTERM)
