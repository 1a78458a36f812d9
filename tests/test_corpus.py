"""Reading, validating, grouping and splitting labelled posts; adapters of public corpora."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classifier.corpus import load_corpus, split_corpus
from classifier.corpus.groups import group_posts, near_duplicate_pairs
from classifier.corpus.schema import COLUMNS, read_labelled
from classifier.corpus.sources import import_source, read_source
from classifier.errors import InputError
from classifier.params import Params, SplitParams
from classifier.taxonomy import CATEGORIES

ROW = {
    "post_id": "a-1",
    "text": "mai học phòng nào vậy",
    **dict.fromkeys(CATEGORIES, "0"),
    "slice": "everyday",
    "source": "seed",
    "pair": "",
    "kind": "",
    "subtle": "",
    "first": "none",
    "second": "none",
}


def write_posts(folder: Path, *rows: dict[str, str], name: str = "a.csv", header: list[str] | None = None) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    with (folder / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header or list(ROW), extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_reads_posts_of_all_files_in_order(tmp_path: Path) -> None:
    write_posts(tmp_path, {**ROW, "post_id": "b-1", "text": "khác hẳn"}, name="b.csv")
    write_posts(tmp_path, ROW, {**ROW, "post_id": "a-2", "text": "một bài khác", "insult": ""})
    table = read_labelled(tmp_path, "seed")
    assert table["post_id"].tolist() == ["a-1", "a-2", "b-1"]
    assert set(COLUMNS) <= set(table.columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"insult": "2"}, "insult '2': a label is 0, 1 or empty"),
        ({"slice": "politics"}, "slice 'politics': a slice is empty or one of political"),
        ({"source": "web"}, "source 'web': the source of these files is seed"),
        ({"text": "  "}, "text: the text is blank"),
        ({"post_id": ""}, "post_id '': an id is needed"),
        ({"kind": "spam"}, "kind 'spam': kinds joined by ;"),
        ({"first": "insult;rude"}, "first 'insult;rude': category names"),
        ({"insult": "1"}, "slice 'everyday' on a violation"),
    ],
)
def test_a_fault_is_named_with_file_row_and_value(tmp_path: Path, change: dict[str, str], message: str) -> None:
    write_posts(tmp_path, {**ROW, "post_id": "a-0", "text": "bài này đúng"}, {**ROW, **change})
    with pytest.raises(InputError) as error:
        read_labelled(tmp_path, "seed")
    assert message in str(error.value)
    assert "a.csv" in str(error.value)
    assert "(row 3)" in str(error.value)


def test_all_faults_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    write_posts(tmp_path, {**ROW, "ethics": "x"}, {**ROW, "slice": "nope", "text": "bài hai"}, name="a.csv")
    write_posts(tmp_path, ROW, name="b.csv", header=["post_id", "text"])
    (tmp_path / "c.csv").write_bytes((",".join(ROW) + "\nc-1,caf\xe9\n").encode("latin-1"))
    with pytest.raises(InputError) as error:
        read_labelled(tmp_path, "seed")
    for part in ("ethics 'x'", "slice 'nope'", "the id is used before", "b.csv: line 1: the header lacks insult", "c.csv: line 2 is not UTF-8"):
        assert part in str(error.value)


def test_equal_texts_with_different_labels_conflict(tmp_path: Path) -> None:
    write_posts(tmp_path, ROW, {**ROW, "post_id": "a-2", "text": "Mai học phòng nào VẬY", "ethics": "1", "slice": ""})
    with pytest.raises(InputError, match="equal texts, but ethics is both 0 and 1"):
        read_labelled(tmp_path, "seed")


def test_faults_never_quote_the_text_of_a_post(tmp_path: Path) -> None:
    write_posts(tmp_path, {**ROW, "text": "câu chuyện riêng tư", "insult": "9"}, {**ROW, "text": "câu chuyện riêng tư"})
    with pytest.raises(InputError) as error:
        read_labelled(tmp_path, "seed")
    assert "riêng tư" not in str(error.value)


def test_near_duplicates_are_found_through_disguise() -> None:
    texts = [
        "Nhận làm bằng cấp, chứng chỉ các loại, bao soi, liên hệ zalo",
        "nhan lam bang cap, chung chi cac loai,, bao soi, lien he zalo!!",
        "Trời hôm nay nắng đẹp, lớp mình đi dã ngoại nhé cả nhà",
        "",
        "",
    ]
    assert near_duplicate_pairs(texts, 0.7, 128, seed=1) == [(0, 1)]
    assert near_duplicate_pairs(texts, 0.7, 128, seed=1, normalized=["một hai ba bốn"] * 2 + ["năm sáu bảy"] * 3) == [(0, 1), (2, 3), (2, 4), (3, 4)]


def test_ties_join_groups_whatever_the_texts() -> None:
    groups = group_posts(4, [(1, 3)], [[0, 2]])
    assert groups[0] == groups[2] != groups[1] == groups[3]


def labelled(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    posts = pd.DataFrame((rng.random((n, 4)) < 0.15).astype(float), columns=list(CATEGORIES))
    posts["slice"] = np.where((posts == 1).any(axis=1), "", "everyday")
    return posts.assign(measured=True)


def test_splits_keep_groups_whole_and_labels_in_proportion() -> None:
    posts = labelled()
    groups = np.arange(len(posts)) // 2
    split = split_corpus(posts, groups, groups, SplitParams(train=0.6, calibration=0.2, test=0.2), seed=5)
    assert pd.Series(split).groupby(groups).nunique().max() == 1
    for name, share in {"train": 0.6, "calibration": 0.2, "test": 0.2}.items():
        assert (split == name).mean() == pytest.approx(share, abs=0.03)
        for category in CATEGORIES:
            assert (posts[category][split == name]).mean() == pytest.approx(posts[category].mean(), abs=0.05)


def test_splits_are_fixed_by_the_seed() -> None:
    posts, groups, shares = labelled(), np.arange(600), SplitParams(train=0.7, calibration=0.15, test=0.15)
    first, again, other = (split_corpus(posts, groups, groups, shares, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_outside_posts_train_unless_they_equal_a_measured_one() -> None:
    posts = labelled()
    posts.loc[300:, "measured"] = False
    groups = np.arange(600)
    groups[300:310] = np.arange(10)
    shares = SplitParams(train=0.4, calibration=0.3, test=0.3)
    split = split_corpus(posts, groups, groups[:300], shares, seed=1)
    assert (split[:300] == split_corpus(posts[:300], groups[:300], groups[:300], shares, seed=1)).all()  # outsiders move nothing
    assert (split[310:] == "train").all()
    assert (split[300:310] == split[:10]).all()
    assert (split[300:310] != "train").any()


def vihsd(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("free_text,label_id\nchúc mừng bạn,0\nvãi thật,1\nđồ ngu,2\n", encoding="utf-8")
    return folder


def test_vihsd_classes_follow_our_definitions(tmp_path: Path) -> None:
    table = read_source("vihsd", vihsd(tmp_path / "x"), "vihsd")
    assert isinstance(table, pd.DataFrame)
    assert table["insult"].tolist() == ["0", "0", "1"]
    assert table["slice"].tolist() == ["", "untargeted", ""]
    assert (table[["false_info", "unlawful", "ethics"]] == "").all(axis=None)


def test_import_copies_what_training_then_reads(tmp_path: Path) -> None:
    adapter = import_source("vihsd", vihsd(tmp_path / "x"), tmp_path / "external" / "vihsd")
    assert "MIT" in adapter.licence
    assert isinstance(read_source("vihsd", tmp_path / "external" / "vihsd", "vihsd"), pd.DataFrame)


def test_import_refuses_what_is_not_the_corpus(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "train.csv").write_text("text,label\na,0\n", encoding="utf-8")
    for name, origin, message in [
        ("vihsd", tmp_path / "nowhere", "no such folder"),
        ("vihsd", tmp_path, "lacks train.csv"),
        ("vihsd", wrong, "no column 'free_text' among text, label"),
        ("other", wrong, "corpus 'other' is unknown"),
    ]:
        with pytest.raises(InputError, match=message):
            import_source(name, origin, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_absent_sources_are_skipped_with_a_line_that_says_how_to_get_them(params: Params, project: Path) -> None:
    corpus = load_corpus(params.corpus, project, params.seed)
    assert any("classifier corpus import vihsd (or --from DIR)" in line for line in corpus.skipped)


def test_no_posts_at_all_is_an_error(params: Params, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labelled posts"):
        load_corpus(params.corpus, tmp_path, 1)
