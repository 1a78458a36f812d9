"""What is put together from known stretches is what the rules give on the whole text."""

import threading

import pytest
from varied_posts import generated_posts, public_posts, seed_posts

from classifier import text as steps
from classifier.aligned import Aligned
from classifier.masking import fixed_point
from classifier.text import fold, normalize


def normalized_whole(text: str) -> str:
    return fixed_point(steps._normalize_once, text)


def folded_whole(text: str) -> str:
    return fixed_point(steps._fold_once, text)


def test_many_posts_normalise_and_fold_as_their_whole_text_does() -> None:
    posts = [*seed_posts()[::2], *public_posts(1000), *generated_posts(14_000)]
    assert len(posts) >= 20_000
    assert [(post, normalize(post)) for post in posts if normalize(post) != normalized_whole(post)] == []
    assert [(post, fold(post)) for post in posts if fold(post) != folded_whole(post)] == []


@pytest.mark.parametrize(
    "text",
    [
        "đồ n g u",
        "đồ n  g\u200b u",
        "k b ố",
        "bạn h. lớp 9",
        "bạn h. 9 lớp",
        "bạn h.:)",
        "bạn h.t_t lớp",
        "gọi 09 51 23 45 67 nha",
        "gọi 09 x x x x x x x x",
        "0951 - 234 567",
        "stk 12 345 678",
        "so tai khoan: 123 456",
        "cccd 012 345 678 901",
        "www. 5 giờ",
        "maskphone, 5",
        "+1 202 555 0143",
        "toi ddang thawngf ddi",
        "ngu0i v1et ma n0i",
        "a\x85b",
        "a \u200b b c",
        "em😂h. lớp",
    ],
)
def test_rules_that_look_beyond_a_space_are_kept(text: str) -> None:
    for around in ("{}", "hôm nay {}", "{} nha mọi người", "ừ {} đó"):
        post = around.format(text)
        assert normalize(post) == normalized_whole(post)
        assert normalize(post) == normalize(Aligned.of(post))


def test_most_posts_need_no_pass_over_the_whole_text(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = seed_posts()[:2000]
    passes = []
    monkeypatch.setattr(steps, "_normalize_once", lambda text, once=steps._normalize_once: passes.append(text) or once(text))
    for post in posts:
        normalize(post)
    assert len(passes) < 0.2 * len(posts)


def test_long_stretches_are_not_remembered() -> None:
    long = "ngu" * 1000
    assert normalize(long) == normalized_whole(long)
    assert long not in steps._STRETCHES._known


def test_threads_get_what_one_gets() -> None:
    posts = generated_posts(300)
    expected = [normalize(post) for post in posts]
    found: list[list[str]] = []
    steps._STRETCHES._known.clear()
    threads = [threading.Thread(target=lambda: found.append([normalize(post) for post in posts])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
