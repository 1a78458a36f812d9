"""How fast posts are scored beside bare word_tokenize, fastText and underthesea's TextClassifier, in one run; the last line is JSON.

In each round all get the same new posts, in turn; what counts is the median over rounds of the ratio within a round, since
absolute figures differ between machines. The posts are those of a file, or the beginnings of seed posts with the ends of
others. The peers learn the seed corpus in this run, with the settings that `benchmarks/peers.py` chooses most often, and are
called from Python with many texts at once, as each allows; posts to probabilities, no reasons, no files.

Usage: python benchmarks/speed.py [posts.csv [text column]]   (needs a trained model)
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"  # before its first use: underthesea's Rust threads would take all cores

import numpy as np
import pandas as pd
from peers import fit_fasttext, fit_underthesea
from scale import mixed_posts, seed_texts
from underthesea import word_tokenize

from classifier.corpus import load_corpus
from classifier.params import load_params
from classifier.prediction import Moderator, score_file
from classifier.taxonomy import CATEGORIES
from classifier.workers import available_cores

PROJECT = Path(__file__).parents[1]
ROUNDS, POSTS, SINGLE = 5, 10_000, 500
BARE, FASTTEXT = "word_tokenize, one process", "fastText with subwords"
Job = Callable[[list[str]], object]


def load(path: Path | None, column: str) -> Iterator[str]:
    if path is None:
        return mixed_posts(seed_texts())
    texts = pd.read_csv(path, dtype=str, keep_default_na=False)[column]
    return iter([text for text in texts if text.strip()])


def peers() -> dict[str, Job]:
    params = load_params(PROJECT / "params.yaml")
    sources = tuple(source for source in params.corpus.sources if source.measured)
    posts = load_corpus(params.corpus.model_copy(update={"sources": sources}), PROJECT, params.seed).posts.dropna(subset=list(CATEGORIES))
    texts, labels = posts["text"].tolist(), posts[list(CATEGORIES)].to_numpy(dtype=int)
    return {
        FASTTEXT: fit_fasttext(texts, labels, lr=0.5, epoch=25),
        "underthesea TextClassifier": fit_underthesea(texts, labels, max_features=10**6, c=10),
    }


def ours(moderator: Moderator, folder: Path) -> dict[str, Job]:
    chunk_size = load_params(PROJECT / "params.yaml").prediction.chunk_size

    def from_file_to_file(ending: str, processes: int) -> Job:
        return lambda _: score_file(moderator, folder / f"in{ending}", folder / f"out{ending}", "text", chunk_size, processes)

    return {
        "score texts, one process": moderator.scores,
        "score file to file (csv), one process": from_file_to_file(".csv", 1),
        "score file to file (csv), all cores": from_file_to_file(".csv", -1),
        "score file to file (parquet), all cores": from_file_to_file(".parquet", -1),
    }


def seconds(job: Job, texts: list[str]) -> float:
    started = time.perf_counter()
    job(texts)
    return time.perf_counter() - started


def main(path: Path | None, column: str) -> None:
    posts = load(path, column)
    moderator = Moderator.load(PROJECT / "models")
    times: dict[str, list[float]] = {}
    sizes: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        jobs: dict[str, Job] = {BARE: lambda texts: [word_tokenize(text) for text in texts], **ours(moderator, Path(folder)), **peers()}
        while len(sizes) <= ROUNDS and (texts := list(islice(posts, POSTS))):  # the first round loads models and starts workers
            frame = pd.DataFrame({"text": texts})
            frame.to_csv(Path(folder) / "in.csv", index=False)
            frame.to_parquet(Path(folder) / "in.parquet", index=False)
            sizes.append(len(texts))
            for name, job in jobs.items():
                times.setdefault(name, []).append(seconds(job, texts))
        if len(sizes) < 2:
            sys.exit(f"{path}: needs more than {POSTS:,} posts, the first of which warm up")
        alone = {BARE: jobs[BARE], "figures and reasons": moderator.scores, "with its table": moderator.score}
        single = {name: np.empty(SINGLE) for name in alone}
        for number, text in enumerate(islice(mixed_posts(seed_texts()[::-1]), SINGLE)):
            for name, job in alone.items():
                single[name][number] = seconds(job, [text]) * 1000
    moderator.workers(-1).stop()
    taken = {name: np.array(values[1:]) for name, values in times.items()}
    rates = {name: float(np.median(np.array(sizes[1:]) / values)) for name, values in taken.items()}
    ratios = {peer: {name: round(float(np.median(taken[peer] / values)), 3) for name, values in taken.items()} for peer in (BARE, FASTTEXT)}
    for name, rate in rates.items():
        print(f"{name:40s} {rate:8,.0f} posts/s  {ratios[BARE][name]:6.2f} × word_tokenize  {ratios[FASTTEXT][name]:6.2f} × fastText")
    one_post = {name: dict(zip(("p50", "p95"), np.percentile(values, [50, 95]).round(3).tolist(), strict=True)) for name, values in single.items()}
    for name, spread in one_post.items():
        print(f"one post at a time: {name:26s} p50 {spread['p50']:.2f} ms, p95 {spread['p95']:.2f} ms")
    figures = {"cores": available_cores(), "rounds": len(sizes) - 1, "posts_a_round": POSTS, "one_post_ms": one_post}
    print(json.dumps({"benchmark": "speed", **figures, "ratio_to_word_tokenize": ratios[BARE], "ratio_to_fasttext": ratios[FASTTEXT]}))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit("usage: python benchmarks/speed.py [posts.csv [text column]]")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, sys.argv[2] if len(sys.argv) > 2 else "text")
