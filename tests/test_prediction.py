"""Scoring: the contract of a scored batch, odd rows, many processes, bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.errors import InputError
from classifier.prediction import SCORE_COLUMNS, Moderator, score_file
from classifier.taxonomy import CATEGORIES, INVALID

ODD = [
    None,
    "",
    "   ",
    42,
    3.5,
    float("nan"),
    ["a"],
    "😂😂",
    "\u200b\u200b",
    "\x00\x01",
    "x" * 1_000_000,
    "\u202eevil abc",
    "\ud800",
    "a\ud800b",
    "👍",
    ".",
]


def test_scored_columns_follow_the_contract(moderator: Moderator) -> None:
    scored = moderator.score(["mai học phòng nào vậy", "đồ óc chó, cút khỏi lớp tao"])
    assert tuple(scored.columns) == SCORE_COLUMNS
    assert set(scored["decision"]) <= {"clear", "review", "flag"}
    for category in CATEGORIES:
        assert scored[f"p_{category}"].between(0, 1).all()
        assert set(scored[f"route_{category}"]) <= {"clear", "review", "flag"}
    assert (scored["model_version"] == moderator.version).all()


def test_decision_and_categories_follow_from_the_routes(moderator: Moderator, project: Path) -> None:
    texts = pd.concat([pd.read_csv(path) for path in (project / "data" / "seed").glob("*.csv")])["text"].head(500)
    scored = moderator.score(texts.tolist())
    severity = {"clear": 0, "review": 1, "flag": 2}
    for row in scored.itertuples():
        routes = {category: getattr(row, f"route_{category}") for category in CATEGORIES}
        assert severity[row.decision] == max(map(severity.__getitem__, routes.values()))
        assert row.categories == ";".join(category for category, route in routes.items() if route != "clear")
        assert bool(row.reasons) <= (row.decision != "clear")


def test_false_info_is_never_flagged(moderator: Moderator) -> None:
    scored = moderator.score(["NGHE NÓI mai cả tỉnh nghỉ học vì dịch, chia sẻ GẤP cho mọi người biết, nguồn tin mật trong Sở!!!"])
    assert scored["route_false_info"][0] == "review"


def test_odd_rows_are_scored_or_invalid_with_a_reason_and_the_batch_goes_on(moderator: Moderator) -> None:
    scored = moderator.score([*ODD, "mai học phòng nào vậy"])
    assert len(scored) == len(ODD) + 1
    invalid = scored[scored["decision"] == INVALID]
    assert (invalid["reasons"] != "").all()
    assert invalid[[f"p_{category}" for category in CATEGORIES]].isna().all(axis=None)
    assert invalid.index.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12]
    assert scored["decision"].iloc[-1] != INVALID


def test_no_posts_give_no_rows(moderator: Moderator) -> None:
    assert moderator.score([]).shape == (0, len(SCORE_COLUMNS))
    assert len(moderator.score([None, ""])) == 2


def test_a_post_scores_alike_alone_and_in_a_batch(moderator: Moderator) -> None:
    texts = ["đồ ngu", "mai nghỉ học nha", "bán bằng giả ib", "hay quá"] * 5
    together = moderator.score(texts)
    alone = pd.concat([moderator.score([text]) for text in texts], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone)


def test_reasons_show_no_personal_data(moderator: Moderator) -> None:
    scored = moderator.score(["làm bằng giả các loại ib 0951234567 hoặc lam@bang.example, www.banggia.example"])
    assert scored["decision"][0] != "clear"
    assert "0951" not in scored["reasons"][0]
    assert "example" not in scored["reasons"][0]


def batch(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = ["mai", "lớp", "mình", "học", "đồ", "ngu", "bán", "bằng", "cảm", "ơn", "cô", "nghe", "nói", "share", "gấp", "😂", "phòng", "thi"]
    return pd.DataFrame({"id": range(n), "text": [" ".join(rng.choice(words, size=6)) for _ in range(n)], "ghi chú": ["=1+1"] * n})


def score(moderator: Moderator, source: Path, target: Path, processes: int = 1, chunk_size: int = 700) -> pd.DataFrame:
    summary = score_file(moderator, source, target, "text", chunk_size, processes)
    scored = pd.read_csv(target, keep_default_na=False)
    assert summary.rows == len(scored) == sum(summary.decisions.values())
    return scored


def test_a_file_keeps_rows_order_and_columns(moderator: Moderator, tmp_path: Path) -> None:
    posts = batch(1500)
    posts.to_csv(tmp_path / "in.csv", index=False)
    scored = score(moderator, tmp_path / "in.csv", tmp_path / "out.csv")
    pd.testing.assert_frame_equal(scored[["id", "text", "ghi chú"]], posts, check_dtype=False)
    assert tuple(scored.columns[3:]) == SCORE_COLUMNS


def test_processes_change_nothing(moderator: Moderator, tmp_path: Path) -> None:
    batch(5000).to_csv(tmp_path / "in.csv", index=False)
    one = score(moderator, tmp_path / "in.csv", tmp_path / "one.csv", processes=1, chunk_size=2000)
    two = score(moderator, tmp_path / "in.csv", tmp_path / "two.csv", processes=2, chunk_size=2000)
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,noi_dung\n1,a\n", "no column 'text'; it has id, noi_dung"),
        ("text,decision\na,b\n", "already has the column 'decision'"),
        ("text\n", "no posts"),
    ],
)
def test_batches_that_cannot_be_scored_are_refused_without_output(moderator: Moderator, tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "in.csv").write_text(header, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        score_file(moderator, tmp_path / "in.csv", tmp_path / "out.csv", "text", 100, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_fault_far_down_leaves_no_partial_output(moderator: Moderator, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n" + "1,chào\n" * 500 + "2,thừa,ô\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 502 has 3 fields"):
        score_file(moderator, tmp_path / "in.csv", tmp_path / "out.csv", "text", 100, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_explanation_adds_up_and_refuses_what_cannot_be_scored(moderator: Moderator) -> None:
    scored, attribution = moderator.explain("đồ ngu như bò")
    log_odds = attribution.weights.sum(axis=0) + list(moderator.log_odds_without_words().values())
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), [scored[f"p_{category}"] for category in CATEGORIES], atol=1e-6)
    with pytest.raises(InputError, match="can't be scored"):
        moderator.explain("  ")
