"""The probes are minimal pairs, there are enough of them, none is training data, and listed terms can't be told apart."""

from collections import defaultdict
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from classifier.neutral import IDENTITIES, LEADER, TOKENS, neutralize
from classifier.probes import (
    IDENTITY_KINDS,
    Probe,
    identity_probes,
    identity_terms,
    mentions,
    name_probes,
    political_pairs,
    probe_sets,
    sides,
)
from classifier.text import normalize, strip_accents

SEED = Path(__file__).parents[1] / "data" / "seed"


def seen_by_features(probe: Probe) -> str:
    return neutralize(normalize(probe.text))


def differing(probes: list[Probe]) -> dict[str, dict[str, list[str]]]:
    """Sentences that the features see in more than one form: the terms of each form."""
    forms: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for probe in probes:
        forms[probe.sentence][seen_by_features(probe)].append(probe.term)
    return {sentence: dict(found) for sentence, found in forms.items() if len(found) > 1}


@pytest.mark.parametrize("name", probe_sets())
def test_probes_of_a_sentence_differ_in_the_term_alone(name: str) -> None:
    around: dict[str, set[str]] = defaultdict(set)
    for probe in probe_sets()[name]:
        term = strip_accents(probe.term).lower() if probe.text.isascii() and probe.text.islower() else probe.term
        assert term in probe.text
        around[probe.sentence].add(probe.text.replace(term, "{}"))
    assert {sentence: texts for sentence, texts in around.items() if len(texts) > 1} == {}


def test_there_are_enough_probes() -> None:
    political = political_pairs()
    institutional = {probe.sentence for probe in political if probe.sentence.startswith("institution")}
    assert len(institutional) >= 40
    assert min(len({p.term for p in political if p.sentence == sentence}) for sentence in institutional) >= 15
    for kind in IDENTITIES:
        assert len({probe.sentence for probe in identity_probes(kind, "plain")}) >= 30
        assert len({probe.sentence for probe in identity_probes(kind, "harsh")}) >= 20
    assert len({probe.sentence for probe in name_probes()}) >= 15
    assert len({probe.term for probe in name_probes()}) >= 12


def test_every_side_is_among_the_targets() -> None:
    for form in ("listed", "unlisted"):
        assert {sides()[probe.term] for probe in political_pairs(form)} >= {"state", "critics", "supporters", "foreign"}


def test_listed_political_targets_look_the_same_to_the_features() -> None:
    assert differing(political_pairs()) == {}


def test_unlisted_targets_do_not_vanish_whole() -> None:
    """Else they would say nothing about phrases beyond the list."""
    tokens = set(TOKENS.values())
    whole = {probe.term for probe in political_pairs("unlisted") if neutralize(normalize(probe.term)) in tokens}
    assert whole == {"Đảng"}, "which is no longer it without its accents"


@pytest.mark.parametrize("kind", IDENTITIES)
@pytest.mark.parametrize("tone", ["plain", "harsh"])
def test_every_listed_identity_is_hidden(kind: str, tone: str) -> None:
    """The features see the kind; a word for people may stand before it."""
    visible = {probe.text: seen_by_features(probe) for probe in identity_probes(kind, tone) if TOKENS[kind] not in seen_by_features(probe)}
    assert len(visible) <= 0.005 * len(identity_probes(kind, tone)), visible


def test_listed_names_behind_a_title_look_the_same_to_the_features() -> None:
    probes = [probe for probe in name_probes() if not probe.text.isascii() and not probe.term.endswith(".")]
    visible = [probe.text for probe in probes if TOKENS["name"] not in seen_by_features(probe)]
    assert visible == ["Ai đi chung xe với em Mai về quê tuần này không"], "the one that may be about tomorrow"


def test_no_probe_is_in_the_corpus() -> None:
    corpus = {normalize(text) for path in SEED.glob("*.csv") for text in pd.read_csv(path)["text"]}
    probes = list(chain.from_iterable(probe_sets().values()))
    assert [probe.text for probe in probes if normalize(probe.text) in corpus] == []


def test_probe_sets_name_all_kinds() -> None:
    assert {"political", "name", *IDENTITY_KINDS} <= set(probe_sets())
    assert all(probe_sets().values())


@pytest.mark.parametrize(
    ("post", "kind"),
    [
        ("Tôi quê Quảng Bình", "region"),
        ("đồ bắc kỳ", "region"),
        ("minh la nguoi khmer", "ethnicity"),
        ("lũ mọi rợ", "ethnicity"),
        ("nhà tôi theo đạo Phật", "religion"),
        ("bọn cuồng đạo", "religion"),
        ("con gái học cơ khí", "gender"),
        ("bạn mình đồng tính", "orientation"),
        ("thang be de kia", "orientation"),
        ("em khiếm thính", "disability"),
        ("đồ què", "disability"),
    ],
)
def test_neutral_terms_and_slurs_count_as_mentions(post: str, kind: str) -> None:
    assert mentions(post, kind)
    assert not mentions("mai mấy giờ thi vậy mọi người", kind)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of region"):
        mentions("abc", LEADER)


def test_identity_terms_hold_neutral_ones_and_slurs() -> None:
    assert {"người khuyết tật", "què"} <= set(identity_terms("disability"))
    assert all(identity_terms(kind) for kind in IDENTITIES)
