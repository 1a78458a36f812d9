"""How the model carries over to corpora it was not trained on.

Trains on the seed corpus, victsd and vsfc, without vihsd. Prints the ROC AUC of `insult` against class 2 of ViHSD's dev
part, and how much of the dev part of the students' feedback (legitimate criticism) it flags or sends to review. The last
line is JSON.

Usage: python benchmarks/transfer.py VIHSD_DIR VSFC_DIR   (after `classifier corpus import` of victsd and vsfc)
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from classifier.corpus import load_corpus
from classifier.corpus.adapters import undo_tokens
from classifier.evaluation import exact_share
from classifier.features import prepare
from classifier.params import load_params
from classifier.routing import decide, route_posts
from classifier.taxonomy import CATEGORIES, Route
from classifier.training import choose_bands, fit_classifier

PROJECT = Path(__file__).parents[1]
LEFT_OUT = "vihsd"


def main(vihsd: Path, vsfc: Path) -> None:
    params = load_params(PROJECT / "params.yaml")
    sources = tuple(source for source in params.corpus.sources if source.name != LEFT_OUT)
    corpus = load_corpus(params.corpus.model_copy(update={"sources": sources}), PROJECT, params.seed)
    for line in corpus.skipped:
        print(f"source {line}")
    train, calibration = corpus.split("train"), corpus.split("calibration")
    classifier = fit_classifier(params, train, prepare(train["text"].tolist(), n_jobs=-1))
    chosen = choose_bands(classifier, train, calibration, classifier.predict_proba(prepare(calibration["text"].tolist(), n_jobs=-1)), params)
    bands = {category: choice.band for category, choice in chosen.items()}

    comments = pd.read_csv(vihsd / "dev.csv", dtype={"free_text": str}, keep_default_na=False)
    insult = classifier.predict_proba(prepare(comments["free_text"].tolist(), n_jobs=-1))[:, CATEGORIES.index("insult")]
    sentences = [undo_tokens(line) for line in (vsfc / "dev" / "sents.txt").read_text(encoding="utf-8").splitlines()]
    decisions = decide(route_posts(classifier.predict_proba(prepare(sentences, n_jobs=-1)), bands))
    shares = {route.label: exact_share(int(np.sum(decisions == route)), len(decisions), params.evaluation.confidence) for route in Route}
    result = {
        "benchmark": "transfer",
        "trained_on": sorted(train["source"].unique()),
        "insult_roc_auc_against_vihsd_class_2": round(float(roc_auc_score(comments["label_id"] == 2, insult)), 4),
        "vsfc_dev_sentences": len(sentences),
        **{f"vsfc_dev_{name}": [round(value, 4) for value in (share.value, share.low, share.high)] for name, share in shares.items()},
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python benchmarks/transfer.py VIHSD_DIR VSFC_DIR")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
