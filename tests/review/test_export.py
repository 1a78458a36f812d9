"""Decisions as labelled posts: what is exported, with which labels and weights, and where it goes in training."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from classifier.corpus import load_corpus
from classifier.corpus.schema import read_labelled
from classifier.errors import InputError
from classifier.params import Params
from classifier.review.export import FILE, SOURCE, Exported, write_reviewed
from classifier.review.store import Answer, Database, Role, User, audit, batches, disputes, work
from classifier.taxonomy import CATEGORIES
from classifier.text import strip_accents

ROOT = Path(__file__).parents[2]
FINE = Answer(frozenset(), "complaint", 3, "")
INSULT = Answer(frozenset({"insult"}), "", 2, "gọi bạn là đồ ngu")
THREAT = Answer(frozenset({"unlawful", "insult"}), "", 3, "dọa đánh, gọi là chó")
MINUTE = 60.0


class Desk:
    """Where people of the store decide, each step a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def answer(self, user: User, wanted: str, given: Answer, informed: bool = False) -> int:
        """Answer the post of a text, which comes sooner or later; gives the lease."""
        while True:
            with self.database.writing() as connection:
                taken = work.next_item(connection, 10.0, user.id, MINUTE, 0.0, 0.5)
                assert taken is not None
                if taken.text == wanted:
                    work.answer(connection, 10.0, user.id, taken.lease_id, given, informed)
                    return taken.lease_id
                work.skip(connection, 10.0, user.id, taken.lease_id)

    def revise(self, user: User, lease_id: int, given: Answer) -> None:
        with self.database.writing() as connection:
            work.revise(connection, 11.0, user.id, lease_id, given)

    def undo(self, user: User) -> None:
        with self.database.writing() as connection:
            work.undo(connection, 12.0, user.id, MINUTE)

    def adjudicate(self, user: User, given: Answer) -> None:
        with self.database.writing() as connection:
            dispute = disputes.next_dispute(connection, 20.0, user.id, MINUTE)
            assert dispute is not None
            disputes.adjudicate(connection, 20.0, user.id, dispute.lease_id, given)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "reviewed"


@pytest.fixture
def export(database: Database, params: Params, folder: Path) -> Callable[[], Exported]:
    return lambda: write_reviewed(database, 99.0, folder, params.review)


@pytest.fixture
def posts(export: Callable[[], Exported], folder: Path) -> Callable[[], pd.DataFrame]:
    """Exports, and reads the posts by text, as `classifier corpus check` does."""

    def read() -> pd.DataFrame:
        export()
        return read_labelled(folder, SOURCE).set_index("text")

    return read


def test_a_decided_item_becomes_a_post_in_the_corpus_format(queue, new_item, add_people, desk, export, posts) -> None:
    queue([new_item("đồ chó, coi chừng tao"), new_item("thu tiền không biên lai"), new_item("còn chờ")])
    (one,) = add_people(1)
    desk.answer(one, "đồ chó, coi chừng tao", THREAT)
    desk.answer(one, "thu tiền không biên lai", FINE)
    exported, table = export(), posts()
    assert (exported.path.name, exported.posts, exported.single, exported.contradictory) == (FILE, 2, 2, ())
    assert table["post_id"].tolist() == ["review-1", "review-2"]
    assert table[list(CATEGORIES)].to_numpy().tolist() == [["1", "0", "1", "0"], ["0", "0", "0", "0"]]
    assert table["slice"].tolist() == ["", "complaint"]
    assert table[["first", "second"]].to_numpy().tolist() == [["insult;unlawful", ""], ["none", ""]]


def test_what_one_person_decided_alone_weighs_less(queue, new_item, add_people, desk, posts, params) -> None:
    queue([new_item("một"), new_item("hai", needed=2), new_item("tranh cãi", needed=2)])
    (one, two), (judge,) = add_people(2), add_people(1, Role.ADJUDICATOR)
    desk.answer(one, "một", INSULT)
    for user, disputed in ((one, INSULT), (two, FINE)):
        desk.answer(user, "hai", INSULT)
        desk.answer(user, "tranh cãi", disputed)
    assert set(posts().index) == {"một", "hai"}  # a dispute waits for its adjudication
    desk.adjudicate(judge, THREAT)
    table = posts()
    assert table["weight"].astype(float).to_dict() == {"một": params.review.single_weight, "hai": 1, "tranh cãi": 1}
    assert table.loc["tranh cãi", ["insult", "unlawful", "first", "second"]].tolist() == ["1", "1", "insult", "none"]


def test_the_last_word_is_the_label_and_the_first_one_the_blind_answer(queue, new_item, add_people, desk, posts) -> None:
    queue([new_item("đổi ý"), new_item("rút lại"), new_item("thấy máy trước")])
    (one,) = add_people(1)
    desk.revise(one, desk.answer(one, "đổi ý", FINE), INSULT)
    desk.answer(one, "rút lại", INSULT)
    desk.undo(one)
    assert set(posts().index) == {"đổi ý"}
    desk.answer(one, "rút lại", FINE)
    desk.answer(one, "thấy máy trước", INSULT, informed=True)
    table = posts()
    assert table["insult"].to_dict() == {"đổi ý": "1", "rút lại": "0", "thấy máy trước": "1"}
    assert table["first"].to_dict() == {"đổi ý": "none", "rút lại": "", "thấy máy trước": ""}  # who took it back has seen the suggestion
    assert table["slice"].to_dict() == {"đổi ý": "", "rút lại": "complaint", "thấy máy trước": ""}


def test_the_same_state_gives_the_same_file_and_a_new_one_replaces_it(queue, new_item, add_people, desk, export, folder, database) -> None:
    queue([new_item("a"), new_item("b")])
    (one,) = add_people(1)
    desk.answer(one, "a", FINE)
    export()
    first = (folder / FILE).read_bytes()
    export()
    assert (folder / FILE).read_bytes() == first
    desk.undo(one)
    assert export().posts == 0
    assert read_labelled(folder, SOURCE).empty
    assert [path.name for path in folder.iterdir()] == [FILE]
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit WHERE action = 'exported'")).scalar_one() == 3
        assert audit.verify(connection).fault is None


def test_an_export_that_fails_leaves_the_old_file_and_no_entry(queue, new_item, add_people, desk, export, folder, database, monkeypatch) -> None:
    queue([new_item("a"), new_item("b")])
    (one,) = add_people(1)
    desk.answer(one, "a", FINE)
    export()
    before = (folder / FILE).read_bytes()
    desk.answer(one, "b", FINE)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(InputError, match="can't be written"):
        export()
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (folder / FILE).read_bytes() == before


def test_no_name_and_no_gold_item_leaves_the_store(database, queue, new_item, add_people, desk, export, folder) -> None:
    with database.writing() as connection:
        batches.add_gold(connection, 0.0, [new_item("bài mẫu")], [frozenset({"insult"})])
    queue([new_item("bài thường", needed=2)])
    for user in add_people(2):
        with database.writing() as connection:
            gold = work.next_item(connection, 5.0, user.id, MINUTE, 1.0, 0.5)
            work.answer(connection, 5.0, user.id, gold.lease_id, replace(INSULT, rationale="người duyệt viết"), False)
        desk.answer(user, "bài thường", FINE)
        export()
        content = (folder / FILE).read_text(encoding="utf-8")
        assert user.name not in content
        assert "bài mẫu" not in content
        assert "người duyệt viết" not in content
    assert "bài thường" in content


def test_equal_texts_become_one_post_with_the_label_that_rests_on_most(queue, new_item, add_people, desk, export, posts) -> None:
    """Items are told apart by their normal form; one that a later program normalises alike must not break the corpus."""
    queue([new_item("Hay quá!!!"), new_item("hay quá!", needed=2), new_item("hay  quá!"), new_item("chán ghê"), new_item("Chán ghê")])
    one, two = add_people(2)
    for user, wanted, given in (
        (one, "Hay quá!!!", INSULT),
        (one, "hay quá!", FINE),
        (two, "hay quá!", FINE),
        (one, "hay  quá!", FINE),
        (one, "chán ghê", INSULT),
        (two, "Chán ghê", FINE),
    ):
        desk.answer(user, wanted, given)
    assert export().contradictory == (4, 5)
    assert posts()["insult"].to_dict() == {"hay quá!": "0"}


@pytest.fixture
def small(folder: Path) -> Path:
    """A project with one file of the seed corpus, beside the folder of the export."""
    seed = folder.parent / "seed"
    seed.mkdir(parents=True)
    shutil.copy(ROOT / "data" / "seed" / "lop_hoc.csv", seed)
    return folder.parents[1]


def test_reviewed_posts_only_ever_train(database, queue, new_item, add_people, export, small, params) -> None:
    """Neither does one move a seed post into another split, nor does one that nearly equals a held-out post train."""
    before = load_corpus(params.corpus, small, params.seed).posts.set_index("post_id")
    like = {
        split: before[before["split"] == split].sort_values("text", key=lambda texts: -texts.str.len()).iloc[0] for split in before["split"].unique()
    }
    new = ["bài mới của người duyệt, không giống bài nào", *(f"{strip_accents(post['text'])} !!" for post in like.values())]
    queue([new_item(post) for post in new])
    (one,) = add_people(1)
    for _ in new:
        with database.writing() as connection:
            taken = work.next_item(connection, 10.0, one.id, MINUTE, 0.0, 0.5)
            work.answer(connection, 10.0, one.id, taken.lease_id, FINE, False)
    export()
    corpus = load_corpus(params.corpus, small, params.seed)
    posts = corpus.posts.set_index("post_id")
    assert set(like) == {"train", "calibration", "test"}
    assert posts.loc[before.index, "split"].equals(before["split"])
    reviewed = corpus.posts[corpus.posts["source"] == SOURCE].set_index("text")
    assert reviewed["split"].to_dict() == dict(zip(new, ["train", *like], strict=True))
    assert {split: (corpus.split(split)["source"] == SOURCE).sum() for split in like} == {"train": 2, "calibration": 0, "test": 0}
    assert set(reviewed["weight"]) == {params.review.single_weight}
