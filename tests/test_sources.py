"""Adapters of the public corpora and the hub; agreement of labellers; suspected label errors."""

from pathlib import Path

import huggingface_hub
import numpy as np
import pandas as pd
import pytest

from classifier.corpus.agreement import agreement, gwet_ac1
from classifier.corpus.label_check import out_of_fold_probabilities, suspected_errors
from classifier.corpus.sources import download_source, import_source, read_source
from classifier.errors import InputError
from classifier.taxonomy import CATEGORIES


def vsfc(folder: Path, sentiments: str = "0\n1\n2\n") -> Path:
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "sents.txt").write_text("giảng khó hiểu colonsad\nthầy wzjwz12 dạy ổn\ncô vui tính colonsmilesmile\n", encoding="utf-8")
    (folder / "train" / "sentiments.txt").write_text(sentiments, encoding="utf-8")
    return folder


def test_students_feedback_is_no_violation_and_bad_reviews_are_marked(tmp_path: Path) -> None:
    table = read_source("vsfc", vsfc(tmp_path / "x"), "vsfc")
    assert isinstance(table, pd.DataFrame)
    assert (table[list(CATEGORIES)] == "0").all(axis=None)
    assert table["slice"].tolist() == ["negative_review", "", ""]
    assert table["text"].tolist() == ["giảng khó hiểu :(", "thầy X dạy ổn", "cô vui tính :))"]


@pytest.mark.parametrize(("sentiments", "message"), [("0\n1\n", "3 lines, sentiments.txt 2"), ("0\n1\n7\n", "sentiment '7' is unknown")])
def test_damaged_feedback_is_refused(tmp_path: Path, sentiments: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        import_source("vsfc", vsfc(tmp_path / "x", sentiments), tmp_path / "target")


def test_toxic_comments_are_left_out_and_others_are_no_insult(tmp_path: Path) -> None:
    (tmp_path / "ViCTSD_train.csv").write_text(",Comment,Constructiveness,Toxicity\n5,hay quá,1,0\n9,cút đi,0,1\n", encoding="utf-8")
    table = read_source("victsd", tmp_path, "victsd")
    assert isinstance(table, pd.DataFrame)
    assert table["text"].tolist() == ["hay quá"]
    assert table["insult"].tolist() == ["0"]
    assert (table[["false_info", "unlawful", "ethics"]] == "").all(axis=None)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("vihsd", pd.DataFrame({"free_text": ["đồ ngu", "ok bạn"], "label_id": [2, 0]})),
        ("victsd", pd.DataFrame({"Comment": ["hay", "dở"], "Toxicity": [0, 0], "Title": ["a", "b"]})),
        ("vsfc", pd.DataFrame({"sentence": ["hay", "dở"], "sentiment": [2, 0], "topic": [0, 1]})),
    ],
)
def test_a_corpus_fetched_from_the_hub_is_laid_out_as_its_authors_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, table: pd.DataFrame
) -> None:
    parquet = tmp_path / "hub.parquet"
    table.to_parquet(parquet)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args, **kwargs: str(parquet))
    download_source(name, tmp_path / "target")
    assert len(read_source(name, tmp_path / "target", name)) == 2


def test_without_a_network_the_message_says_what_to_place_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(InputError, match=r"get its files train/sents\.txt, .* classifier corpus import vsfc --from DIR"):
        download_source("vsfc", tmp_path / "target")


def test_agreement_figures_are_those_worked_by_hand() -> None:
    """Worked by hand: 118 posts both yes, none both no, 5 and 2 split; chance agreement 2 · 0.972 · 0.028."""
    first = np.array([True] * 123 + [False] * 2)
    second = np.array([True] * 118 + [False] * 5 + [True] * 2)
    assert gwet_ac1(first, second) == pytest.approx(0.9408, abs=1e-3)
    posts = pd.DataFrame({"first": ["insult", "none", "insult;ethics", ""], "second": ["insult", "none", "ethics", "none"]})
    found = agreement(posts)
    assert found["insult"].posts == 3
    assert found["insult"].raw == pytest.approx(2 / 3)
    assert found["ethics"].kappa == found["ethics"].ac1 == 1


def test_no_double_labels_give_no_agreement() -> None:
    assert agreement(pd.DataFrame({"first": ["none"], "second": [""]})) == {}


def test_a_planted_label_error_is_listed_first_and_unannotated_rows_never() -> None:
    posts = pd.DataFrame({"post_id": list("abcd"), **{category: [0.0, 1.0, 0.0, np.nan] for category in CATEGORIES}})
    probability = np.full((4, len(CATEGORIES)), [[0.01], [0.99], [0.97], [1.0]])
    probability[2, 2] = 0.999
    suspects = suspected_errors(posts, probability)
    assert suspects["post_id"].unique().tolist() == ["c"]
    assert suspects.iloc[0]["category"] == CATEGORIES[2]


def test_out_of_fold_scores_come_from_models_that_saw_neither_the_post_nor_its_group() -> None:
    posts = pd.DataFrame({"group": np.arange(40) // 2})

    def fit(train: np.ndarray) -> object:
        seen = set(posts["group"].iloc[train])
        return lambda rows: np.array([[float(group in seen)] * len(CATEGORIES) for group in posts["group"].iloc[rows]])

    assert (out_of_fold_probabilities(posts, fit, 4) == 0).all()  # type: ignore[arg-type]
