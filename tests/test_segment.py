"""Words of a post, alone and in batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from varied_posts import generated_posts, public_posts, seed_posts

from classifier.forms import normal_form, prepare
from classifier.masking import MASKS
from classifier.params import Params
from classifier.segment import SEGMENTERS, _segmenter, segment
from classifier.text import normalize, strip_accents
from classifier.training import build_classifier, forms

VIETNAMESE_LETTERS = "aăâeêioôơuưàáạảãấộđbcghklmnrtv  0123.,!?-_'()😂👍🏽"
PIECES = [*sorted(MASKS), "học sinh", "nhà trường", "không", "đẹp", "😂", "!", "...", "305", "10a1"]
TEXT = (
    st.text(st.characters(exclude_categories=()), max_size=40)
    | st.text(st.sampled_from(VIETNAMESE_LETTERS), max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join)
)


def letters(text: str) -> str:
    """Letters without spaces and accents: underthesea writes "ð" as "đ" and has its own placement of tone marks."""
    return strip_accents(text).replace("ð", "d").replace("_", "").replace(" ", "")


def test_the_syllables_of_a_word_are_joined() -> None:
    assert segment("học sinh trường mình đi học sớm") == ["học_sinh", "trường", "mình", "đi", "học", "sớm"]


def test_an_empty_post_has_no_words() -> None:
    assert segment("") == []


@pytest.mark.parametrize("alone", [*sorted(MASKS), "😂", "👍", "❤"])
def test_mask_tokens_and_emoji_stand_alone(alone: str) -> None:
    for text in (f"học sinh {alone} nhà trường", f"{alone} giáo viên", f"vui {alone} {alone} lắm", f"email {alone} zalo {alone}"):
        words = segment(text)
        assert words.count(alone) == text.split().count(alone), words


def test_a_batch_over_processes_gives_the_same_as_in_one() -> None:
    texts = [f"học sinh lớp {number} nghỉ học" if number % 3 else "" for number in range(4001)]
    assert prepare(texts, n_jobs=2) == prepare(texts)


def test_either_segmenter_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["học sinh trường mình đi học sớm", "", "cô giáo dạy vui 😂"]
    assert prepare(texts, segmenter="word_tokenize") == prepare(texts, segmenter="tables")
    monkeypatch.setitem(SEGMENTERS, "word_tokenize", lambda forms: ["chosen" for _ in forms])
    assert prepare(texts, segmenter="word_tokenize").words == ["chosen"] * 3


def test_posts_are_read_as_params_say(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = params.model_copy(
        update={"features": params.features.model_copy(update={"segmenter": "word_tokenize", "view_weights": (1.0, 0.0, 0.0, 0.0)})}
    )
    monkeypatch.setitem(SEGMENTERS, "word_tokenize", lambda posts: ["chosen" for _ in posts])
    assert forms(chosen, ["học sinh"]).words == ["chosen"]
    assert forms(params, ["học sinh"]).words == ["học_sinh"]
    vectorizer = build_classifier(chosen).vectorizer.fit(["học sinh", "giáo viên"])
    assert "words:chosen" in vectorizer.get_feature_names_out()
    assert vectorizer.prepared(["thầy giáo"]).words == ["chosen"]


@pytest.mark.parametrize("count", [1, 9, 10, 40])
def test_few_posts_are_segmented_as_many_are(count: int) -> None:
    posts = [normal_form(post) for post in generated_posts(40)]
    together = _segmenter().segment(posts)
    apart = [words for start in range(0, 40, count) for words in _segmenter().segment(posts[start : start + count])]
    assert apart == together


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.segment._MOST_SYLLABLES", 20)
    posts = [normal_form(post) for post in seed_posts()[:60]]
    assert [_segmenter().segment([post])[0] for post in posts] == [" ".join(segment(post)) for post in posts]
    assert len(_segmenter()._inner) < 200


def test_a_batch_keeps_its_order_and_its_repeats() -> None:
    assert prepare(["giáo viên", "", "học sinh", "giáo viên"]).words == ["giáo_viên", "", "học_sinh", "giáo_viên"]


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_segmenting_neither_adds_nor_loses_letters(text: str) -> None:
    normalized = normalize(text)
    words = segment(normalized)
    assert letters("".join(words)) == letters(normalized)
    assert not any(" " in word or word == "" for word in words)


def test_many_posts_fall_into_the_words_of_word_tokenize_unless_the_model_is_undecided() -> None:
    posts = [normal_form(post) for post in [*seed_posts(), *public_posts(1500), *generated_posts(7500)]]
    assert len(posts) >= 20_000
    fast, reference = (SEGMENTERS[name](posts) for name in ("tables", "word_tokenize"))
    differing = [post for post, one, other in zip(posts, fast, reference, strict=True) if one != other]
    assert len(differing) < 0.001 * len(posts)
    for post in differing:
        ours, theirs = labels_by_tables(post), labels_by_word_tokenize(post)
        assert (ours != theirs).any()
        assert path_score(post, ours) == pytest.approx(path_score(post, theirs), abs=1e-9)


def syllable_rows(post: str) -> tuple[np.ndarray, np.ndarray]:
    segmenter = _segmenter()
    segmenter.segment([post])
    numbers, lengths = segmenter._syllables([post])
    return lengths, segmenter._table[numbers]


def labels_by_tables(post: str) -> np.ndarray:
    inside = _segmenter()._tagger.inside(*syllable_rows(post))
    inside[0] = False
    return inside


def labels_by_word_tokenize(post: str) -> np.ndarray:
    from underthesea import word_tokenize

    return np.array([position > 0 for word in word_tokenize(post) for position, _ in enumerate(word.split(" "))])


def path_score(post: str, inside: np.ndarray) -> float:
    """What the model says for a sequence of labels: weights of its syllables and of the steps between them."""
    tagger = _segmenter()._tagger
    steps = tagger.transition[inside[:-1].astype(int), inside[1:].astype(int)]
    return float(tagger.scores(*syllable_rows(post))[inside].sum() + steps.sum())


def test_a_tie_is_told_from_a_worse_way_to_cut() -> None:
    post = "học sinh trường mình đi học sớm"
    labels = labels_by_word_tokenize(post)
    assert path_score(post, labels) == path_score(post, labels_by_tables(post))
    for place in range(1, len(labels)):
        worse = labels.copy()
        worse[place] = not worse[place]
        assert path_score(post, worse) < path_score(post, labels) - 1e-9
