"""The report: its files, its tables, and that no post is in it. Figures are made up; labels and probabilities are simulated."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from classifier.bands import Promise
from classifier.evaluation import evaluate, exact_share
from classifier.evasion import TRANSFORMATIONS
from classifier.gates import Gate, judge
from classifier.neutral import IDENTITIES
from classifier.params import EvaluationParams, GateParams
from classifier.probes import probe_sets
from classifier.report import metric_tables, print_report, write_report
from classifier.routing import Band, route_posts
from classifier.taxonomy import CATEGORIES, NEVER_FLAGGED, SLICES

BANDS = {category: Band(0.2, None if category in NEVER_FLAGGED or category == "ethics" else 0.9) for category in CATEGORIES}
SECRET = "chuyện riêng của bạn Mận"
NAN = float("nan")
GATES = [
    Gate("opinion passes", "flagged in political", 0.01, 0.02),
    Gate("opinion passes", "flagged in complaint", 0.035, 0.02),
    Gate("dodging", "recall lost to dots", NAN, 0.05),
]


def posts_and_scores(n: int = 600, violations: float = 0.2) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.random((n, len(CATEGORIES))) < violations
    posts = pd.DataFrame(truth.astype(float), columns=list(CATEGORIES))
    posts["slice"] = np.where(truth.any(axis=1), "", rng.choice(SLICES, size=n))
    posts["text"] = [f"{SECRET} {number}" for number in range(n)]
    return posts, np.clip(truth * 0.5 + rng.random(truth.shape) * 0.6, 0, 1)


def promise(band: str, threshold: float | None, needed: int | None, test: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    target = {"clear": 0.16, "flag": 0.9}[band]
    made = Promise(target, 0.9, threshold, NAN if threshold is None else 0.93, 1400, needed)
    return {**vars(made), "test": vars(exact_share(*test, 0.95))}


def report_on(posts: pd.DataFrame, scores: np.ndarray) -> dict[str, Any]:
    """What training puts together: measured where that is quick, made up where it would take a model."""
    auc = {"subgroup": 0.9, "bpsn": NAN, "bnsp": 0.8, "n_positive": 7, "n_negative": 3, "overall": 0.95, "auc_lost": 0.15}
    spread = {"largest": 0.02, "mean": 0.01, "sentences": 2, "by_sentence": {"p1": 0.0, "p2": 0.02}}
    cost = {"recall_lost": 0.031, "recall_lost_at_thresholds": -0.02, "more_flagged": 0.0, "more_reviewed": 0.1}
    return {
        **evaluate(posts, scores, route_posts(scores, BANDS), EvaluationParams(bootstrap=20, confidence=0.95), 0),
        "identity": dict.fromkeys(IDENTITIES, auc),
        "pairs": dict.fromkeys(probe_sets(), spread),
        "evasion": {name: {**cost, "recall_lost_by_category": dict.fromkeys(CATEGORIES, 0.0)} for name in TRANSFORMATIONS},
        "calibration": {
            category: {"method": "temperature", "log_losses": {"sigmoid": 0.1012, "temperature": 0.0987, "isotonic": 0.0991}}
            for category in CATEGORIES
        },
        "promises": {
            "insult": {"clear": promise("clear", 0.2, None, (4, 100)), "flag": promise("flag", 0.9, None, (60, 100))},
            "false_info": {"clear": promise("clear", None, None)},
            "unlawful": {"clear": promise("clear", 0.2, None, (17, 100)), "flag": promise("flag", 0.9, None, (100, 100))},
            "ethics": {"clear": promise("clear", None, 87), "flag": promise("flag", None, 12_345)},
        },
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "version" / "report"
    posts, scores = posts_and_scores()
    write_report(folder, report_on(posts, scores), BANDS, GATES, posts, scores)
    return folder


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_all_files_are_written_and_the_pictures_are_pictures(written: Path) -> None:
    pictures = {"reliability", "precision_recall", "bands", "trade_off", "slices", "evasion"}
    assert {path.name for path in written.iterdir()} == {"metrics.json", "report.txt", *(f"{name}.png" for name in pictures)}
    for path in written.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG"), path.name
        assert path.stat().st_size > 10_000, path.name


def test_no_text_of_a_post_is_in_any_file(written: Path) -> None:
    for path in written.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name
        assert SECRET.split()[0] not in path.read_text(encoding="utf-8", errors="ignore"), path.name


def test_metrics_are_strict_json_and_hold_the_figures_and_the_verdicts(written: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    posts, scores = posts_and_scores()
    report = report_on(posts, scores)
    metrics = json.loads((written / "metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert set(metrics) == {*report, "gates"}
    assert metrics["categories"]["insult"]["brier"]["value"] == report["categories"]["insult"]["brier"]["value"]
    assert metrics["identity"]["region"]["bpsn"] is None
    assert [gate["passed"] for gate in metrics["gates"]] == [True, False, True]
    assert metrics["gates"][2] == {"family": "dodging", "name": "recall lost to dots", "value": None, "limit": 0.05, "passed": True}


def test_a_closed_promise_says_what_would_open_it(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8")
    assert len(lines_with(text, "ethics", "flag", "closed", "12,345 more labelled posts")) == 1
    assert len(lines_with(text, "ethics", "clear", "closed", "87 more labelled posts")) == 1
    assert len(lines_with(text, "false_info", "clear", "closed", "would not open")) == 1
    assert len(lines_with(text, "false_info", "flag", "never")) == 1


def test_a_promise_is_set_beside_what_the_test_posts_show(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8")
    for category, promised, shown, verdict in (
        ("insult", "clear: missed ≤ 16%", "4.0%", "kept"),
        ("insult", "flag: right ≥ 90%", "60.0%", "missed"),
        ("unlawful", "clear: missed ≤ 16%", "17.0%", "missed, within chance"),
        ("unlawful", "flag: right ≥ 90%", "100.0%", "kept"),
    ):
        assert re.search(rf"^ +{category} +{promised} \(90%\) +93\.0% of 1400 +{shown} \[.*\] +{verdict} *$", text, re.MULTILINE)


def test_the_calibration_table_names_the_method_and_what_it_beat(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8")
    assert lines_with(text, "insult  ", "  temperature  ", "sigmoid 0.1012 temperature 0.0987 isotonic 0.0991")


def test_the_effect_of_rarer_violations_is_shown(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8").split("violations are rarer")[1]
    assert re.search(r"insult +\d\d\.\d% \(here\)", text)
    assert len(re.findall(r"^ +[0-9.]+% +[0-9.]+% ", text.split("Protected slices")[0], re.MULTILINE)) == 3 * len(CATEGORIES)


def test_identities_pairs_and_disguises_have_their_rows(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8")
    assert re.search(r"region +7 +3 +0\.900 +– +0\.800 +0\.950", text)
    assert re.search(r"political +2 +0\.0100 +0\.0200", text)
    assert re.search(r"dots +\+3\.1% +-2\.0% +\+0\.0% +\+10\.0%", text)


def test_every_gate_that_fails_is_named_with_by_how_much(written: Path) -> None:
    text = (written / "report.txt").read_text(encoding="utf-8")
    assert re.search(r"opinion passes +flagged in complaint +0\.0350 +≤ 0\.0200 +failed by 0\.0150", text)
    assert not lines_with(text, "flagged in political")
    assert re.search(r"dodging +recall lost to dots +– +≤ 0\.0500 +1 of 1 passed", text)


def test_of_a_family_that_holds_the_closest_call_is_shown() -> None:
    posts, scores = posts_and_scores(100)
    gates = [Gate("family", "far", 0.0, 0.02), Gate("family", "close", 0.019, 0.02), Gate("family", "unknown", NAN, 0.02)]
    stream = StringIO()
    print_report(Console(file=stream, width=140), report_on(posts, scores), BANDS, gates)
    assert lines_with(stream.getvalue(), "family", "close", "3 of 3 passed")
    assert not lines_with(stream.getvalue(), "family", "far")


def test_nothing_is_cut_off_at_the_width_of_the_file_even_where_every_gate_fails() -> None:
    posts, scores = posts_and_scores(100)
    report, losses = report_on(posts, scores), dict.fromkeys(CATEGORIES, 0.5)
    gates = judge(report, losses, GateParams(**dict.fromkeys(GateParams.model_fields, 0.0)))
    assert sum(not gate.passed for gate in gates) > 30
    stream = StringIO()
    print_report(Console(file=stream, width=140), report, BANDS, gates)
    assert lines_with(stream.getvalue(), "…") == []


def test_without_promises_as_for_a_stored_model_the_other_tables_stand() -> None:
    posts, scores = posts_and_scores(100)
    report = report_on(posts, scores)
    titles = [str(table.title) for table in metric_tables(report, BANDS)]
    report.pop("promises")
    assert [str(table.title) for table in metric_tables(report, BANDS)] == [title for title in titles if not title.startswith("Promises")]


def test_categories_without_violations_without_others_and_without_labels_still_give_a_report(tmp_path: Path) -> None:
    posts, scores = posts_and_scores(80)
    posts = posts.assign(insult=0.0, false_info=1.0, unlawful=np.nan)
    posts.loc[:40, "ethics"] = np.nan
    write_report(tmp_path, report_on(posts, scores), BANDS, GATES, posts, scores)
    assert lines_with((tmp_path / "report.txt").read_text(encoding="utf-8"), "unlawful", "–")
    assert (tmp_path / "trade_off.png").stat().st_size > 0
