"""The cache of features: what is found again and what is not, and that no post as typed is ever in it."""

import logging
from pathlib import Path

import numpy as np
import pytest

from classifier import cache, forms
from classifier.cache import FeatureCache
from classifier.errors import InputError
from classifier.features import PostVectorizer

TEXTS = ["Học sinh lớp mình GỌI 0951 234 567 nha", "đồ n.g.u", "cô giáo dạy vui \ud800"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What had to be made, in order."""
    log: list[str] = []
    prepare, fit = cache.prepare, PostVectorizer.fit_transform
    monkeypatch.setattr(cache, "prepare", lambda *given: log.append("forms") or prepare(*given))
    monkeypatch.setattr(PostVectorizer, "fit_transform", lambda self, posts: log.append("features") or fit(self, posts))
    return log


def test_equal_posts_are_read_once(tmp_path: Path, made: list[str]) -> None:
    first = FeatureCache(tmp_path / "cache", 10)
    prepared = first.forms(TEXTS, 1, "tables")
    fitted, features = first.features(PostVectorizer(min_df=1), prepared)
    second = FeatureCache(tmp_path / "cache", 10)
    assert second.forms(list(TEXTS), 1, "tables") == prepared == forms.prepare(TEXTS)
    found, again = second.features(PostVectorizer(min_df=1), prepared)
    assert made == ["forms", "features"]
    assert (again != features).nnz == 0
    np.testing.assert_array_equal(found.transform(prepared).toarray(), fitted.transform(prepared).toarray())


def test_other_posts_settings_or_programs_are_read_anew(tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = FeatureCache(tmp_path, 10)
    prepared = kept.forms(TEXTS, 1, "tables")
    kept.forms(TEXTS[::-1], 1, "tables")
    kept.forms(["".join(TEXTS[:2]), TEXTS[2]], 1, "tables")
    kept.forms(TEXTS, 1, "word_tokenize")
    assert made == ["forms"] * 4
    kept.features(PostVectorizer(min_df=1), prepared)
    kept.features(PostVectorizer(min_df=1, pair_window=3), prepared)
    assert made[4:] == ["features"] * 2
    monkeypatch.setattr(cache, "_program", lambda: "another")
    kept.forms(TEXTS, 1, "tables")
    assert made[6:] == ["forms"]


def test_damaged_entries_are_made_anew_without_a_word(
    tmp_path: Path, made: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    prepared = FeatureCache(tmp_path, 10).forms(TEXTS, 1, "tables")
    (entry,) = tmp_path.rglob("output.pkl")
    entry.write_bytes(b"damaged")
    assert FeatureCache(tmp_path, 10).forms(TEXTS, 1, "tables") == prepared
    assert made == ["forms", "forms"]
    assert not caplog.records and capfd.readouterr() == ("", "")
    assert logging.getLogger("joblib").level == logging.NOTSET


def test_no_post_as_typed_is_kept(tmp_path: Path) -> None:
    kept = FeatureCache(tmp_path, 10)
    kept.features(PostVectorizer(min_df=1), kept.forms(TEXTS, 1, "tables"))
    content = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"maskphone" in content
    for typed in ("0951", "234 567", "GỌI", "n.g.u"):
        assert typed.encode() not in content


def test_the_least_used_is_trimmed_and_nothing_is_kept_without_a_folder(tmp_path: Path, made: list[str]) -> None:
    kept = FeatureCache(tmp_path, 0)
    kept.forms(TEXTS, 1, "tables")
    kept.trim()
    assert not list(tmp_path.rglob("output.pkl"))
    nothing = FeatureCache(None)
    assert nothing.forms(TEXTS, 1, "tables") == nothing.forms(TEXTS, 1, "tables")
    nothing.trim()
    assert made == ["forms"] * 3


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/cache: can't be made .*cache\.folder"):
        FeatureCache(tmp_path / "file" / "cache")
