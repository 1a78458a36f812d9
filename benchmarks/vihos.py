"""Do our explanations point where people marked? Character spans of ViHOS, which our model has never seen.

One head for rude wording is trained on the seed corpus and, if imported, victsd: their labels of whole posts, no spans, no
lexicon, no text of ViHOS or of ViHSD, from which ViHOS is drawn. A post that it calls rude gets as spans its words that
weigh at least a quarter of the heaviest; those with at most one word between them are joined. Views, C and weights are
those of params.yaml. Beside it two baselines: all words, and a lexicon (a JSON list of words).
Prints figures for dev.csv and, if it is there, test.csv; the last line is JSON.

Usage: python benchmarks/vihos.py DIR [LEXICON]
"""

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from classifier.attribution import Attribution
from classifier.corpus.adapters import ADAPTERS
from classifier.corpus.sources import read_source
from classifier.features import prepare
from classifier.highlighting import locate, written_pieces
from classifier.model import PostClassifier
from classifier.params import load_params
from classifier.taxonomy import Slice
from classifier.training import build_classifier

PROJECT = Path(__file__).parents[1]
SHARE = 1 / 4
"""Of the heaviest word's weight. On 250 hand-marked posts of the seed corpus and victsd, a fifth to a third do alike."""
GAP = 1
"""Light words between two heavy ones that are marked with them: people mark phrases."""
UNDECIDED = {Slice.COUNTER_SPEECH, Slice.POLITICAL, Slice.COMPLAINT, Slice.NEGATIVE_REVIEW}
"""Slices whose posts may quote or use rude words or not: their label is about something else."""
RESAMPLES = 2000
_WORD = re.compile(r"\w+(?:[^\w\s]+\w+)*")


class Spans(NamedTuple):
    """What a method marks in a comment: all characters, and those of the word it points at first, marked or not."""

    marked: set[int]
    first: set[int]


def training_posts() -> pd.DataFrame:
    """Return texts with `rude` (0 or 1) and `weight`: insults in so many words and bare curses against posts of other kinds."""
    sources = {source.name: source for source in load_params(PROJECT / "params.yaml").corpus.sources}
    seed = read_source("posts", PROJECT / sources["seed"].path, "seed")
    seed = seed[~seed["slice"].isin([slice_.value for slice_ in UNDECIDED])]
    rude = (seed["insult"] == "1") & (seed["subtle"] != "1") | (seed["slice"] == Slice.UNTARGETED)
    posts = [pd.DataFrame({"text": seed["text"], "rude": rude.astype(int), "weight": sources["seed"].weight})]
    comments = PROJECT / sources["victsd"].path / ADAPTERS["victsd"].files[0]
    if comments.is_file():
        table = pd.read_csv(comments, dtype=str, keep_default_na=False)
        posts.append(pd.DataFrame({"text": table["Comment"], "rude": table["Toxicity"].astype(int), "weight": sources["victsd"].weight}))
    return pd.concat(posts, ignore_index=True)


def train() -> PostClassifier:
    posts = training_posts()
    print(f"training on {len(posts):,} posts, {posts['rude'].sum():,} of them rude", flush=True)
    classifier = build_classifier(load_params(PROJECT / "params.yaml")).set_params(categories=("rude",))
    prepared = prepare(posts["text"].tolist(), n_jobs=-1)
    return classifier.fit(prepared, posts[["rude"]].to_numpy(dtype=float), sample_weight=posts["weight"].to_numpy())


def explained_spans(text: str, attribution: Attribution, rude: bool) -> Spans:
    pieces = written_pieces(text, locate(attribution, text))
    heaviest = max((float(piece.weights[0]) for piece in pieces), default=0.0)
    if heaviest <= 0:
        return Spans(set(), set())
    edges = [_word_edges(text, piece.start, piece.end) for piece in pieces]
    chosen = [place for place, piece in enumerate(pieces) if piece.weights[0] >= SHARE * heaviest]
    marked = {position for place in chosen for position in range(*edges[place])}
    for one, other in pairwise(chosen):
        if other - one <= GAP + 1:
            marked.update(range(edges[one][0], edges[other][1]))
    first = max(chosen, key=lambda place: pieces[place].weights[0])
    return Spans(marked if rude else set(), set(range(*edges[first])))


def _word_edges(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the signs around a word, if it is not all signs."""
    inner = [position for position in range(start, end) if text[position].isalnum()] or [start, end - 1]
    return inner[0], inner[-1] + 1


def all_words(text: str) -> Spans:
    words = [set(range(*word.span())) for word in _WORD.finditer(text)]
    return Spans(set().union(*words), words[0] if words else set())


def lexicon_spans(path: Path) -> Callable[[str], Spans]:
    entries = {unicodedata.normalize("NFC", entry).strip() for entry in json.loads(path.read_text(encoding="utf-8"))} - {""}
    longest_first = sorted(entries, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def spans(text: str) -> Spans:
        found = [set(range(*match.span())) for match in pattern.finditer(text)]
        return Spans(set().union(*found), max(found, key=len, default=set()))

    return spans


def f1_by_comment(predicted: list[Spans], truth: list[set[int]]) -> np.ndarray:
    """Character F1 of each comment as in SemEval-2021 task 5; 1 where neither side marks anything."""
    pairs = [(spans.marked, marks) for spans, marks in zip(predicted, truth, strict=True)]
    return np.array([2 * len(ours & marks) / (len(ours) + len(marks)) if ours or marks else 1.0 for ours, marks in pairs])


def lead(ours: np.ndarray, theirs: np.ndarray, seed: int) -> list[float]:
    """The difference of two means over the same comments, and its 95 % interval by resampling these."""
    drawn = np.random.default_rng(seed).integers(len(ours), size=(RESAMPLES, len(ours)))
    difference = ours - theirs
    low, high = np.percentile(difference[drawn].mean(axis=1), [2.5, 97.5])
    return [round(float(value), 4) for value in (difference.mean(), low, high)]


def measure(predicted: list[Spans], truth: list[set[int]]) -> dict[str, float]:
    """Character F1 by comment and over all characters, and how often the first span is right in marked comments."""
    pairs = [(spans.marked, marks) for spans, marks in zip(predicted, truth, strict=True)]
    f1 = f1_by_comment(predicted, truth)
    hits, ours, marks = (sum(map(len, sets)) for sets in ([a & b for a, b in pairs], [a for a, _ in pairs], [b for _, b in pairs]))
    first = [2 * len(spans.first & marks) > len(spans.first) for spans, marks in zip(predicted, truth, strict=True) if marks]
    return {
        "f1_per_comment": float(np.mean(f1)),
        "f1_of_marked_comments": float(np.mean([value for value, (_, marks) in zip(f1, pairs, strict=True) if marks])),
        "micro_f1": 2 * hits / (ours + marks),
        "micro_precision": hits / max(ours, 1),
        "micro_recall": hits / marks,
        "first_span_right": float(np.mean(first)),
    }


def main(folder: Path, lexicon: Path | None) -> None:
    classifier = train()
    result: dict[str, object] = {"benchmark": "vihos"}
    for part in ("dev", "test"):
        if not (folder / f"{part}.csv").is_file():
            continue
        comments = pd.read_csv(folder / f"{part}.csv", dtype=str, keep_default_na=False)
        texts, truth = comments["content"].tolist(), [set(json.loads(spans)) for spans in comments["index_spans"]]
        prepared = prepare(texts, n_jobs=-1)
        rude = classifier.predict(prepared)[:, 0] == 1
        methods = {"our explanation": list(map(explained_spans, texts, classifier.explain(prepared), rude)), "all words": list(map(all_words, texts))}
        if lexicon is not None:
            methods["lexicon"] = list(map(lexicon_spans(lexicon), texts))
        figures = pd.DataFrame({name: measure(spans, truth) for name, spans in methods.items()}).T.round(4)
        print(f"\n{part}: {len(texts):,} comments, {sum(map(bool, truth)):,} with marks\n{figures.to_string()}", flush=True)
        ours, *others = (f1_by_comment(spans, truth) for spans in methods.values())
        leads = {name: lead(ours, theirs, load_params(PROJECT / "params.yaml").seed) for name, theirs in zip(list(methods)[1:], others, strict=True)}
        for name, (difference, low, high) in leads.items():
            print(f"f1_per_comment beyond {name}: {difference:+.3f} [{low:+.3f}, {high:+.3f}]")
        result[part] = {**figures.to_dict(orient="index"), "lead_in_f1_per_comment": leads}
    print(json.dumps(result))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not (Path(sys.argv[1]) / "dev.csv").is_file():
        sys.exit("usage: python benchmarks/vihos.py DIR [LEXICON], where DIR holds dev.csv")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None)
