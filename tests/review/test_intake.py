"""From a scored batch into the queue: what goes in, what stands for what, and that nothing goes in twice."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classifier.params import Params
from classifier.prediction import SCORE_COLUMNS
from classifier.review.gold import read_gold
from classifier.review.intake import BINS, Intake, Queued, item_digest
from classifier.review.store import Database, records, samples
from classifier.taxonomy import CATEGORIES, INVALID

NOW = 1_800_000_000.0
LONG = "thứ bảy này lớp mình đi dọn vườn trường, bạn nào có cuốc xẻng thì mang theo, xong việc cô mời cả lớp ăn chè ở quán đầu ngõ nhé"


def scored(decisions: Sequence[str], p: float = 0.6, version: str = "v1", **routes: str) -> pd.DataFrame:
    """What scoring would give: one category in question, the others clear; `routes` overrides them for all rows."""
    frame = pd.DataFrame({"decision": list(decisions), "categories": "", "reasons": "", "model_version": version})
    for category in CATEGORIES:
        mine = category == "insult"
        frame[f"p_{category}"] = [np.nan if decision == INVALID else p if mine and decision != "clear" else 0.01 for decision in decisions]
        shown = [routes.get(category, decision if mine else "clear") for decision in decisions]
        frame[f"route_{category}"] = ["" if decision == INVALID else route for decision, route in zip(decisions, shown, strict=True)]
    return frame[list(SCORE_COLUMNS)]


def put(
    database: Database, params: Params, texts: Sequence[Any], results: pd.DataFrame, ids: Sequence[Any] | None = None, now: float = NOW
) -> Queued:
    intake = Intake(params)
    half = len(texts) // 2
    for rows in (slice(None, half), slice(half, None)):
        intake.observe(texts[rows], None if ids is None else ids[rows], results.iloc[rows])
    return intake.queue(database, now, "lô 1.csv")


def items(database: Database) -> pd.DataFrame:
    with database.reading() as connection:
        return samples.find_items(connection, limit=10_000)


def sampling(params: Params, **values: object) -> Params:
    return params.model_copy(update={"review": params.review.model_copy(update=values)})


def test_flags_and_doubts_go_in_masked_and_the_rest_stays_out(database: Database, params: Params) -> None:
    texts = ["đồ ngu, số 0951 234 567 nè", "mai học phòng nào", None, "mặt mâm kìa"]
    queued = put(database, sampling(params, clear_share=1e-9), texts, scored(["flag", "clear", INVALID, "review"]))
    assert queued == Queued(items=2, joined=0, already=False, sampled_clear=0)
    found = items(database).set_index("decision")
    assert found.loc["flag", "text"] == "đồ ngu, số maskphone nè"
    assert found.loc["review", "text"] == "mặt mâm kìa"
    assert found["model_version"].unique().tolist() == ["v1"]
    assert found.loc["flag", "p_insult"] == 0.6 and found.loc["flag", "route_insult"] == "flag"


def test_the_batch_is_described_in_numbers(database: Database, params: Params) -> None:
    put(database, params, ["một", "hai", None, "ba"], scored(["flag", "clear", INVALID, "review"], p=0.62))
    with database.reading() as connection:
        batch = records.batches(connection).iloc[0]
    assert (batch["name"], batch["rows"], batch["model_version"]) == ("lô 1.csv", 4, "v1")
    summary = batch["summary"]
    assert summary["rows"] == 4
    assert summary["decisions"] == {"flag": 1, "clear": 1, INVALID: 1, "review": 1}
    assert summary["routes"]["insult"] == {"flag": 1, "clear": 1, "review": 1}
    assert summary["histograms"]["insult"] == [1, *[0] * 11, 2, *[0] * (BINS - 13)]
    assert set(summary["histograms"]) == set(CATEGORIES)


def test_the_same_batch_again_adds_nothing(database: Database, params: Params) -> None:
    texts, results = ["đồ ngu", "mặt mâm"], scored(["flag", "review"])
    put(database, params, texts, results)
    before = items(database)
    assert put(database, params, texts, results, now=NOW + 5) == Queued(0, 0, already=True, sampled_clear=0)
    pd.testing.assert_frame_equal(items(database), before)
    with database.reading() as connection:
        assert len(records.batches(connection)) == 1


def test_the_same_batch_by_another_model_joins_the_items_that_are_there(database: Database, params: Params) -> None:
    put(database, params, ["đồ ngu", "mặt mâm"], scored(["flag", "review"]))
    again = put(database, params, ["đồ ngu", "mặt mâm"], scored(["review", "review"], version="v2"))
    assert again == Queued(items=0, joined=2, already=False, sampled_clear=0)
    assert items(database)["copies"].tolist() == [2, 2]


def test_two_at_once_add_one(database: Database, params: Params) -> None:
    texts, results = [f"bài {word} nhé" for word in "một hai ba bốn năm sáu".split()], scored(["review"] * 6)
    answers: list[Queued] = []
    threads = [threading.Thread(target=lambda: answers.append(put(database, params, texts, results))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.already for answer in answers) == [False, True, True, True]
    assert len(items(database)) == 6


def test_posts_that_differ_in_dress_only_are_one_item_with_a_count(database: Database, params: Params) -> None:
    texts = ["Đồ  ngu!!!", "đồ ngu!", "đồ NGUUU!", "đồ ngu, gọi 0951234567", "đồ ngu, gọi 0957 330 118"]
    queued = put(database, params, texts, scored(["review"] * 5), ids=["a", "b", "c", "d", "e"])
    assert queued.items == 2
    assert sorted(items(database)["copies"]) == [2, 3]


def test_near_duplicates_are_one_item_where_all_routes_are_equal(database: Database, params: Params) -> None:
    texts = [LONG, LONG + " cả nhà", LONG + " ạ"]
    assert put(database, params, texts, scored(["review"] * 3)).items == 1
    assert items(database)["copies"].tolist() == [3]


def test_near_duplicates_that_are_routed_apart_stay_apart(database: Database, params: Params) -> None:
    texts = [LONG, LONG + " cả nhà", LONG + " ạ"]
    results = pd.concat([scored(["review"]), scored(["flag"]), scored(["review"], ethics="review")], ignore_index=True)
    assert put(database, params, texts, results).items == 3


def test_a_near_duplicate_of_an_open_item_joins_it_if_routed_alike(database: Database, params: Params) -> None:
    put(database, params, [LONG], scored(["review"]))
    assert put(database, params, [LONG + " cả nhà", "mặt mâm"], scored(["review"] * 2)) == Queued(1, 1, False, 0)
    assert put(database, params, [LONG + " nha cả lớp"], scored(["flag"])).items == 1
    assert sorted(items(database)["copies"]) == [1, 1, 2]


def test_two_open_items_are_never_joined_by_a_post_between_them(database: Database, params: Params) -> None:
    put(database, params, [LONG], scored(["review"]))
    put(database, params, ["mặt mâm"], scored(["review"]))
    queued = put(database, params, [LONG + " ạ", "mặt mâm", LONG + " ơi"], scored(["review"] * 3))
    assert queued == Queued(0, 2, False, 0)
    assert sorted(items(database)["copies"]) == [2, 3]


def test_a_share_of_the_clear_goes_in_with_its_weight_and_not_at_the_end(database: Database, params: Params) -> None:
    texts = [f"câu {number} {'rất ' * (number % 7)}bình thường số {number * number}" for number in range(600)]
    half = sampling(params, clear_share=0.25)
    queued = put(database, half, texts, scored(["clear", "review"] * 300))
    found = items(database)
    clear = found[found["decision"] == "clear"]
    assert queued.sampled_clear == clear["copies"].sum()
    assert 45 <= queued.sampled_clear <= 105
    with database.reading() as connection:
        weights = [row.weight for row in _weights(connection)]
    assert sorted(set(weights)) == [1.0, 4.0]
    assert sum(weight == 4.0 for weight in weights) == len(clear)


def _weights(connection: Any) -> Any:
    from classifier.review.store.schema import items as table

    return connection.execute(table.select()).all()


def test_what_was_sampled_once_is_sampled_in_every_batch(database: Database, params: Params) -> None:
    texts = [f"câu {number} hoàn toàn bình thường" for number in range(200)]
    some = sampling(params, clear_share=0.2)
    first = put(database, some, texts, scored(["clear"] * 200))
    again = put(database, some, [*texts, "thêm một bài"], scored(["clear"] * 200 + ["review"]))
    assert first.sampled_clear == again.sampled_clear > 0


def test_rows_and_ids_of_the_batch_are_kept_with_the_item(database: Database, params: Params) -> None:
    from classifier.review.store.schema import members

    ids = ["p1", 7, None, float("nan"), "x" * 400, ["a"]]
    put(database, params, [f"bài {word} nhé" for word in "một hai ba bốn năm sáu".split()], scored(["review"] * 6), ids=ids)
    with database.reading() as connection:
        kept = {row.row: row.post_id for row in connection.execute(members.select())}
    assert kept == {1: "p1", 2: "7", 3: "", 4: "", 5: "x" * 255, 6: ""}


def test_odd_texts_go_through(database: Database, params: Params) -> None:
    texts = ["a\x00b \ud800 đồ ngu", "‮đảo ngược", "<script>alert(1)</script> đồ ngu", "'; DROP TABLE items; --", "x " * 10_000]
    assert put(database, params, texts, scored(["review"] * 5), ids=["a\x00b", "'", '"', "--", "\ud800"]).items == 5


def test_nothing_collected_is_a_batch_without_items(database: Database, params: Params) -> None:
    assert Intake(params).queue(database, NOW, "trống.csv") == Queued(0, 0, False, 0)


def test_the_digest_is_of_the_normal_form_with_accents() -> None:
    assert item_digest("Hay  QUÁ!!!") == item_digest("hay quá!")
    assert item_digest("bo me") != item_digest("bỏ mẹ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,insult\na,1\n", "lacks the column false_info, unlawful, ethics"),
        ("text,insult,false_info,unlawful,ethics\na,1,0,0,0\nb,1,,0,0\n", "post 2: false_info is ''"),
        ("text,insult,false_info,unlawful,ethics\na,1,0,0,x\n", "post 1: ethics is 'x'"),
        ("text,insult,false_info,unlawful,ethics\n", "no posts"),
    ],
)
def test_gold_without_a_known_answer_is_refused(tmp_path: Any, content: str, message: str) -> None:
    from classifier.errors import InputError

    (tmp_path / "gold.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_gold(tmp_path / "gold.csv")


def test_gold_reads_files_of_the_corpus(tmp_path: Any) -> None:
    (tmp_path / "gold.csv").write_text("post_id,text,insult,false_info,unlawful,ethics,slice,source\n1,đồ ngu,1,0,0,0,,seed\n", encoding="utf-8")
    assert read_gold(tmp_path / "gold.csv").to_dict("records") == [
        {"text": "đồ ngu", "insult": True, "false_info": False, "unlawful": False, "ethics": False}
    ]
