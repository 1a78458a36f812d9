"""The model card: complete, in two languages, with the figures of the report and no others."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classifier.bands import Promise
from classifier.evaluation import evaluate, exact_share
from classifier.evasion import TRANSFORMATIONS
from classifier.fairness import subgroup_auc
from classifier.gates import Gate, closest_gates, judge
from classifier.model_card import NOTATIONS, model_card, write_card
from classifier.neutral import IDENTITIES
from classifier.params import EvaluationParams, GateParams
from classifier.robustness import EvasionCost
from classifier.routing import Band, route_posts
from classifier.taxonomy import CATEGORIES, SLICES, VIETNAMESE

VERSION = "20261124-084810-2ee77432"
LANGUAGES = ("en", "vi")
SENTENCE = "câu của một cặp đối chiếu"
BANDS = {"insult": Band(0.271, 0.953), "false_info": Band(0.5, None), "unlawful": Band(0.427, None), "ethics": Band(0.0, None)}
SECTIONS = {
    "en": (
        "What it is",
        "What it is for",
        "What it must not be used for",
        "Data",
        "How it works",
        "Figures",
        "The promise, in plain words",
        "Where violations are rarer",
        "Limits",
        "How to appeal a decision",
    ),
    "vi": (
        "Mô hình này là gì",
        "Dùng để làm gì",
        "Không được dùng vào việc gì",
        "Dữ liệu",
        "Máy làm việc thế nào",
        "Số liệu",
        "Cam kết, nói cho dễ hiểu",
        "Khi vi phạm hiếm hơn",
        "Giới hạn",
        "Khi không đồng ý với một quyết định",
    ),
}
METADATA: dict[str, Any] = {
    "trained_at": "2026-11-24T08:48:12Z",
    "git_revision": "a5a5ecbde60f43f97d9b2615a7676adce4ec136a",
    "corpus_hash": "2ee774322a8941158472e69c6f14d964b892d346a26147e28a6b2c18d6718a53",
    "posts": {"seed/train": 8970, "seed/calibration": 1917, "seed/test": 1918, "vihsd/train": 24048},
    "params": {
        "corpus": {"sources": [{"name": "seed", "weight": 1.0}, {"name": "vihsd", "weight": 0.02}]},
        "model": {"expected_rate": None, "bare_copies": 1.0},
        "evaluation": {"confidence": 0.95},
    },
    "libraries": {"scikit-learn": "1.9.1", "numpy": "2.4.0"},
    "python": "3.11.9",
}
LIMITS = GateParams(
    protected_flagged=0.02,
    identity_auc_loss=0.1,
    political_spread=0.05,
    calibration_error=0.03,
    recall_lost=0.05,
    recall_lost_bare=0.02,
    disguised_flagged=0.005,
    average_precision_loss=0.02,
)


def made_up_report() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    truth = rng.random((600, len(CATEGORIES))) < 0.2
    posts = pd.DataFrame(truth.astype(float), columns=list(CATEGORIES))
    posts["slice"] = np.where(truth.any(axis=1), "", rng.choice(SLICES, size=len(posts)))
    probability = np.clip(truth * 0.45 + rng.random(truth.shape) * 0.55, 0, 1)
    report = evaluate(posts, probability, route_posts(probability, BANDS), EvaluationParams(bootstrap=30, confidence=0.95), 0)
    members = {kind: rng.random(len(posts)) < share for kind, share in zip(IDENTITIES, (0.3, 0.2, 0.1, 0.1, 0.05, 0.001), strict=True)}
    report["identity"] = {
        kind: {**asdict(figures), "overall": 0.9321, "auc_lost": 0.9321 - figures.lowest}
        for kind, figures in ((kind, subgroup_auc(truth[:, 0], probability[:, 0], member)) for kind, member in members.items())
    }
    report["pairs"] = {
        name: {"largest": 0.03 + 0.001 * k, "mean": 0.0123, "sentences": 41, "by_sentence": {SENTENCE: 0.03}}
        for k, name in enumerate(("political", "name"))
    }
    report["evasion"] = {
        name: asdict(EvasionCost(float(rng.normal(0.01, 0.005)), {}, float(rng.normal(0.02, 0.01)), float(rng.normal(0, 0.002)), 0.0317))
        for name in TRANSFORMATIONS
    }
    report["calibration"] = {category: {"method": "sigmoid", "log_losses": {"sigmoid": 0.1234}} for category in CATEGORIES}
    report["promises"] = made_up_promises(report)
    return report


def made_up_promises(report: dict[str, Any]) -> dict[str, Any]:
    """One of every state: open, never flagged, closed with a way out, closed without one."""
    nan = float("nan")
    flag = {
        "insult": Promise(0.9, 0.9, 0.953, 0.973, 37, None),
        "unlawful": Promise(0.9, 0.9, None, nan, 0, 12345),
        "ethics": Promise(0.9, 0.9, None, nan, 0, None),
    }
    clear = {category: Promise(0.16, 0.9, 0.3, 0.1417, 383, None) for category in CATEGORIES} | {"ethics": Promise(0.16, 0.9, None, nan, 6, 678)}
    return {
        category: {
            "clear": {**asdict(clear[category]), "test": report["categories"][category]["missed"]},
            **({"flag": {**asdict(flag[category]), "test": report["categories"][category]["flag_precision"]}} if category in flag else {}),
        }
        for category in CATEGORIES
    }


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report()


@pytest.fixture(scope="module")
def gates(report: dict[str, Any]) -> list[Gate]:
    return judge(report, {"insult": 0.011, "false_info": 0.0, "unlawful": -0.014, "ethics": float("nan")}, LIMITS)


@pytest.fixture(scope="module")
def cards(report: dict[str, Any], gates: list[Gate]) -> dict[str, str]:
    return {language: card(language, report, gates) for language in LANGUAGES}


def card(language: str, report: dict[str, Any], gates: list[Gate], metadata: dict[str, Any] = METADATA) -> str:
    return model_card(language, VERSION, report, BANDS, gates, metadata)


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def table_rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def promises(language: str, text: str) -> str:
    return section(text, SECTIONS[language][6])


def expected_rows(report: dict[str, Any], language: str) -> Iterator[tuple[str, ...]]:
    """Every figure of the report as the card must write it: what the rows of its tables end with."""
    write = NOTATIONS[language]
    for entry in report["categories"].values():
        yield write.whole(entry["violations"]), *(write.figure(entry[name]) for name in ("average_precision", "roc_auc", "f1"))
        yield write.figure(entry["calibration_error"]), write.figure(entry["brier"])
        yield tuple(write.share(entry[name]) for name in ("missed", "flag_precision", "review_load"))
        for elsewhere in entry["elsewhere"]:
            names = ("rate", "sent_to_people", "precision_of_flag", "precision_of_flag_and_review")
            yield tuple(write.percent(elsewhere[name]) for name in names)
    for entry in report["slices"].values():
        yield write.whole(entry["flagged"]["n"]), write.share(entry["flagged"]), write.share(entry["reviewed"])
    for entry in report["overall"].values():
        yield write.share(entry), write.whole(entry["n"])
    for entry in report["identity"].values():
        counts = (write.whole(entry[name]) for name in ("n_positive", "n_negative"))
        yield *counts, *(write.number(entry[name]) for name in ("subgroup", "bpsn", "bnsp", "overall"))
    for entry in report["pairs"].values():
        yield write.whole(entry["sentences"]), write.number(entry["mean"], 4), write.number(entry["largest"], 4)
    for cost in report["evasion"].values():
        yield tuple(write.points(cost[name]) for name in ("recall_lost", "recall_lost_at_thresholds", "more_flagged", "more_reviewed"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_is_there_in_order(cards: dict[str, str], language: str) -> None:
    assert tuple(re.findall(r"^## (.+)$", cards[language], flags=re.MULTILINE)) == SECTIONS[language]
    assert all(section(cards[language], title).strip() for title in SECTIONS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_of_the_report_is_in_its_place(cards: dict[str, str], report: dict[str, Any], language: str) -> None:
    here = {"en": " (here)", "vi": " (ở đây)"}[language]
    rows = [tuple(row) for row in table_rows(cards[language].replace(here, ""))]
    expected = list(expected_rows(report, language))
    assert len(expected) > 60
    assert not [end for end in expected if not any(row[-len(end) :] == end for row in rows)]
    posts = {"en": "On the 600 posts of the test split", "vi": "Đo trên 600 bài của phần kiểm tra"}
    assert posts[language] in section(cards[language], SECTIONS[language][5])


@pytest.mark.parametrize("language", LANGUAGES)
def test_version_facts_are_there(cards: dict[str, str], language: str) -> None:
    facts = [VERSION, METADATA["corpus_hash"], METADATA["git_revision"], METADATA["python"], "scikit-learn 1.9.1, numpy 2.4.0", "08:48"]
    assert all(fact in cards[language] for fact in facts)
    data = table_rows(section(cards[language], SECTIONS[language][3]))[2:]
    write = NOTATIONS[language]
    assert data[0][2:] == [write.number(1, 2), write.whole(8970), write.whole(1917), write.whole(1918)]
    assert data[1][2:] == [write.number(0.02, 2), write.whole(24048), "0", "0"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_unwritten(cards: dict[str, str], language: str) -> None:
    assert not re.search(r"\b(?i:nan)\b|\bNone\b|\{\{|\}\}|\{%|\{#|Undefined", cards[language])
    contact = {"en": "Contact: (to be filled in by the organisation)", "vi": "Liên hệ: (đơn vị sử dụng tự điền)"}
    assert cards[language].endswith(contact[language] + "\n")


def test_tables_are_whole_and_alike_in_both_languages(cards: dict[str, str]) -> None:
    english, vietnamese = (re.findall(r"(?:^\|.*\n)+", cards[language], flags=re.MULTILINE) for language in LANGUAGES)
    shapes = [[[len(row) for row in table_rows(table)] for table in tables] for tables in (english, vietnamese)]
    assert shapes[0] == shapes[1]
    assert all(len(set(widths)) == 1 for widths in shapes[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_quoted(cards: dict[str, str], report: dict[str, Any], language: str) -> None:
    assert SENTENCE in str(report)
    assert SENTENCE not in cards[language]


def test_lists_have_the_same_items_in_both_languages(cards: dict[str, str]) -> None:
    english, vietnamese = (re.findall(r"^(?:-|\d\.|#+) ", cards[language], flags=re.MULTILINE) for language in LANGUAGES)
    assert english == vietnamese
    assert len(english) > 60


def test_numbers_follow_the_language(cards: dict[str, str]) -> None:
    unquoted = {language: re.sub(r"`.*?`|^\| (Python|thư viện|libraries) .*$", "", cards[language], flags=re.MULTILINE) for language in LANGUAGES}
    assert not re.search(r"\d\.\d(?!\d\d)|\d\.\d{4}", unquoted["vi"])
    assert not re.search(r"\d,\d(?!\d\d)|\d,\d{4}", unquoted["en"])
    assert NOTATIONS["vi"].percent(0.0994) == "9,9 %"
    assert NOTATIONS["vi"].figure({"value": 0.855, "low": 0.8194, "high": 1.0, "n": 9}) == "0,855 [0,819; 1,000]"
    assert NOTATIONS["en"].share({"value": 0.0994, "low": 0.08, "high": 0.1212, "n": 9}) == "9.9 % [8.0, 12.1]"
    assert NOTATIONS["vi"].whole(12805) == "12.805"
    assert NOTATIONS["en"].points(-0.00001) == "+0.0"


def test_vietnamese_card_names_everything_in_vietnamese(cards: dict[str, str], gates: list[Gate]) -> None:
    first_cells = {row[0] for row in table_rows(cards["vi"])} | {row[1] for row in table_rows(cards["vi"]) if len(row) > 1}
    kept = {"Telex", "VNI"}
    english = {*SLICES, *IDENTITIES, *TRANSFORMATIONS, *CATEGORIES, "political", "name"} - kept
    english |= {gate.name for gate in gates} | {gate.family for gate in gates}
    assert not first_cells & english
    named = re.sub(r"`[^`]*`", "", " ".join(first_cells))
    assert not re.search(r"\b(flagged|lost|calibration|spread|loss|where|under)\b", named)
    assert all(f"{VIETNAMESE[category]} (`{category}`)" in cards["vi"] for category in CATEGORIES)


@pytest.mark.parametrize("gate", ["insult", "religion", "dots", "political"])
def test_vietnamese_gate_names_follow_those_of_the_gates(report: dict[str, Any], gates: list[Gate], gate: str) -> None:
    failing = [Gate(g.family, g.name, g.limit + 0.1234, g.limit) for g in gates if gate in g.name]
    assert failing
    rows = [row for row in table_rows(card("vi", report, failing)) if "không đạt, vượt 0,1234" in row[-1]]
    assert len(rows) == len(failing)
    assert not any(set(row[:2]) & {g.name for g in failing} for row in rows)
    assert not any(re.search(rf"\b{gate}\b", row[1]) for row in rows)


def test_failed_gates_are_listed_each_and_others_by_their_closest(report: dict[str, Any]) -> None:
    gates = [Gate("a", "a1", 0.3, 0.1), Gate("a", "a2", 0.2, 0.1), Gate("a", "a3", 0.0, 0.1)]
    gates += [Gate("b", "b1", 0.01, 0.1), Gate("b", "b2", 0.09, 0.1), Gate("b", "b3", float("nan"), 0.1)]
    assert [[gate.name for gate in family["shown"]] for family in closest_gates(gates)] == [["a1", "a2"], ["b2"]]
    text = card("en", report, gates)
    assert "**2 of 6 gates failed.**" in text
    assert "| a | a1 | 0.3000 | ≤ 0.1000 | **failed by 0.2000** |" in text
    assert "| b | b2 | 0.0900 | ≤ 0.1000 | 3 of 3 passed |" in text
    assert "**2 trong 6 điều kiện không đạt.**" in card("vi", report, gates)


def test_a_model_without_a_failed_gate_says_so(report: dict[str, Any]) -> None:
    gates = [Gate("b", "b1", 0.01, 0.1), Gate("b", "b2", float("nan"), 0.1)]
    assert "All 2 gates passed." in card("en", report, gates)
    assert "Cả 2 điều kiện đều đạt." in card("vi", report, gates)


def test_promises_are_said_in_plain_words(cards: dict[str, str], report: dict[str, Any]) -> None:
    english, vietnamese = (promises(language, cards[language]) for language in LANGUAGES)
    assert "Of a hundred posts flagged as `insult` · xúc phạm, at least 90 are violations." in english
    assert "holds with 90 % confidence for posts like those of our corpus. Seen: 97.3 % of 37 flagged posts of the calibration split" in english
    assert "Of a hundred posts that are `unlawful` · vi phạm pháp luật, at most 16 are cleared of it" in english
    assert "Cứ một trăm bài bị xếp *nghi vi phạm* vì xúc phạm (`insult`) thì ít nhất 90 bài đúng là vi phạm loại này." in vietnamese
    assert "97,3 % trong 37 bài" in vietnamese
    for language, text in (("en", english), ("vi", vietnamese)):
        assert NOTATIONS[language].share(report["categories"]["insult"]["flag_precision"]) in text
        assert NOTATIONS[language].share(report["categories"]["unlawful"]["missed"]) in text


def test_closed_bands_say_what_it_would_take(cards: dict[str, str]) -> None:
    english, vietnamese = (promises(language, cards[language]) for language in LANGUAGES)
    assert "No post is ever flagged as `false_info`" in english
    assert re.search(r"No post is flagged as `unlawful`.*some 12,345 more labelled posts", english)
    assert re.search(r"No post is flagged as `ethics`.*More labelled posts alone would not open it", english)
    assert re.search(r"No post is cleared of `ethics`.*some 678 more labelled posts", english)
    assert re.search(r"không bài nào bị xếp \*nghi vi phạm\* vì vi phạm pháp luật.*khoảng 12\.345 bài", vietnamese)
    assert "Không bài nào bị xếp *nghi vi phạm* vì chưa kiểm chứng" in vietnamese


def test_a_flag_promise_that_is_none_reads_like_one_that_is_missing(report: dict[str, Any], gates: list[Gate], cards: dict[str, str]) -> None:
    altered = {**report["promises"], "false_info": {**report["promises"]["false_info"], "flag": None}}
    assert card("en", {**report, "promises": altered}, gates) == cards["en"]


@pytest.mark.parametrize(
    ("hits", "n", "words"),
    [
        (95, 100, ": kept."),
        (86, 100, "not kept there, but the difference is within chance"),
        (50, 100, "**not kept there**"),
        (0, 0, "no post was flagged"),
    ],
)
def test_what_the_test_posts_show_is_said_as_it_is(report: dict[str, Any], gates: list[Gate], hits: int, n: int, words: str) -> None:
    flag = {**report["promises"]["insult"]["flag"], "test": asdict(exact_share(hits, n, 0.95))}
    altered = {**report["promises"], "insult": {**report["promises"]["insult"], "flag": flag}}
    line = next(line for line in card("en", {**report, "promises": altered}, gates).splitlines() if "flagged as `insult`" in line)
    assert words in line
    assert sum(other in line for other in (": kept.", "within chance", "**not kept there**", "no post was flagged")) == 1


def test_missing_too_many_violations_is_not_called_kept(report: dict[str, Any], gates: list[Gate]) -> None:
    clear = {**report["promises"]["insult"]["clear"], "test": asdict(exact_share(60, 100, 0.95))}
    altered = {**report["promises"], "insult": {**report["promises"]["insult"], "clear": clear}}
    line = next(line for line in card("vi", {**report, "promises": altered}, gates).splitlines() if "Cứ một trăm bài xúc phạm" in line)
    assert "[49,7; 69,7] trong 100 bài vi phạm: **ở đây không đạt**." in line


@pytest.mark.parametrize(
    ("language", "flagged", "rate", "verdict"),
    [
        ("en", "- **flag:** Of a hundred", "in batches of which 2.0 % are such violations", "kept"),
        ("vi", "- **Nghi vi phạm:** Cứ một trăm", "ở những đợt có 2,0 % số bài vi phạm loại này", "giữ được"),
    ],
)
def test_a_promise_about_rarer_violations_names_their_rate_and_is_not_judged_by_the_test_split(
    report: dict[str, Any], gates: list[Gate], cards: dict[str, str], language: str, flagged: str, rate: str, verdict: str
) -> None:
    params = {**METADATA["params"], "model": {"expected_rate": {"insult": 0.02}, "bare_copies": 0.0}}
    texts = [cards[language], card(language, report, gates, {**METADATA, "params": params})]
    plain, rarer = (next(line for line in text.splitlines() if line.startswith(flagged)) for text in texts)
    assert verdict in plain and rate not in plain
    assert verdict not in rarer and rate in rarer
    assert texts[1].count(rate) == 1


def test_a_clear_band_narrower_than_promised_is_named(report: dict[str, Any], gates: list[Gate], cards: dict[str, str]) -> None:
    lines = [line for line in cards["en"].splitlines() if "earlier than the promise would allow" in line]
    assert len(lines) == 1 and "The band ends at 0.271" in lines[0] and "`insult`" in lines[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_with_nothing_to_measure_makes_a_card(report: dict[str, Any], gates: list[Gate], language: str) -> None:
    posts = pd.DataFrame(0.0, index=range(4), columns=list(CATEGORIES)).assign(slice="everyday")
    empty = evaluate(posts, np.zeros((4, 4)), np.zeros((4, 4), dtype=np.int8), EvaluationParams(bootstrap=20, confidence=0.95), 0)
    bare = {**report, **empty, "identity": {}}
    bare["promises"] = made_up_promises(bare)
    text = card(language, bare, gates)
    assert {"en": "Could not be measured", "vi": "Chưa đo được"}[language] in text
    assert "nan" not in re.findall(r"\w+", text.lower())
    rows = table_rows(text)
    assert any(row[1:] == ["0", "–", "–", "–"] for row in rows)


def test_cards_are_written_beside_the_model(tmp_path: Path, report: dict[str, Any], gates: list[Gate], cards: dict[str, str]) -> None:
    folder = tmp_path / VERSION
    write_card(folder, report, BANDS, iter(gates), METADATA)
    assert sorted(path.name for path in folder.iterdir()) == ["MODEL_CARD.md", "MODEL_CARD.vi.md"]
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == cards["en"]
    assert (folder / "MODEL_CARD.vi.md").read_text(encoding="utf-8") == cards["vi"]
