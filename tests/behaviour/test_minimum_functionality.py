"""Minimum functionality: plain violations reach a person, plain protected posts are never flagged and seldom reviewed."""

from pathlib import Path

import pandas as pd
import pytest
from example_posts import PROTECTED, SALES, VIOLATIONS

from classifier.params import Params
from classifier.prediction import Moderator
from classifier.taxonomy import Category, Slice

# Counter-speech and help repeat the words of what they condemn or warn of, so a person may have to look at more of them.
REVIEWED_AT_MOST = dict.fromkeys(Slice, 0.2) | {Slice.COUNTER_SPEECH: 0.3, Slice.HELP: 0.3}


@pytest.mark.parametrize("category", Category)
def test_plain_violations_are_missed_no_more_often_than_params_allow(moderator: Moderator, params: Params, category: Category) -> None:
    posts = VIOLATIONS[category]
    scored = moderator.score(posts)
    missed = {post: p for post, route, p in zip(posts, scored[f"route_{category}"], scored[f"p_{category}"], strict=True) if route == "clear"}
    assert len(missed) <= params.routing.clear_miss_rate * len(posts), missed


@pytest.mark.parametrize("slice_", Slice)
def test_plain_protected_posts_are_never_flagged(moderator: Moderator, slice_: Slice) -> None:
    scored = moderator.score(PROTECTED[slice_])
    assert [post for post, decision in zip(PROTECTED[slice_], scored["decision"], strict=True) if decision == "flag"] == []


@pytest.mark.parametrize("slice_", Slice)
def test_few_plain_protected_posts_need_review(moderator: Moderator, slice_: Slice) -> None:
    posts = PROTECTED[slice_]
    scored = moderator.score(posts)
    reviewed = {post: why for post, why in zip(posts, scored["categories"], strict=True) if why}
    assert len(reviewed) <= REVIEWED_AT_MOST[slice_] * len(posts), reviewed


def test_ordinary_sales_are_never_flagged(moderator: Moderator) -> None:
    """Small advertisements look like the coded ones: reviewers see many of them (README), but nobody is suspected."""
    scored = moderator.score(SALES)
    assert [post for post, decision in zip(SALES, scored["decision"], strict=True) if decision == "flag"] == []


def test_no_example_is_in_the_corpus(project: Path) -> None:
    corpus = "\n".join(pd.concat(pd.read_csv(path)["text"] for path in (project / "data" / "seed").glob("*.csv"))).casefold()
    examples = [post for posts in [*VIOLATIONS.values(), *PROTECTED.values(), SALES] for post in posts]
    assert [post for post in examples if post.casefold() in corpus] == []
