"""How fast posts are scored beside bare word_tokenize over the same posts, in one run; the last line is JSON.

Each is timed several times in turn, and the ratio of medians is what counts: absolute figures differ between machines.

Usage: python benchmarks/speed.py [posts.csv [text column]]   (the seed corpus by default; needs a trained model)
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from underthesea import word_tokenize

from classifier.params import load_params
from classifier.prediction import Moderator, score_file

PROJECT = Path(__file__).parents[1]
ROUNDS = 5
POSTS = 10_000


def load(path: Path | None, column: str) -> pd.DataFrame:
    files = [path] if path else sorted((PROJECT / "data" / "seed").glob("*.csv"))
    texts = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files])[column]
    texts = texts[texts.str.strip() != ""].head(POSTS)
    return pd.DataFrame({"text": texts.to_numpy()})


def seconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def main(path: Path | None, column: str) -> None:
    posts = load(path, column)
    texts = posts["text"].tolist()
    moderator = Moderator.load(PROJECT / "models")
    chunk_size = load_params(PROJECT / "params.yaml").prediction.chunk_size
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.csv", Path(folder) / "out.csv"
        posts.to_csv(source, index=False)
        jobs: dict[str, Callable[[], object]] = {
            "word_tokenize, one process": lambda: [word_tokenize(text) for text in texts],
            "score texts, one process": lambda: moderator.score(texts),
            "score file to file, one process": lambda: score_file(moderator, source, target, "text", chunk_size, 1),
            "score file to file, all cores": lambda: score_file(moderator, source, target, "text", chunk_size, -1),
        }
        for job in jobs.values():  # load models, start workers
            job()
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                times[name].append(seconds(job))
    rates = {name: len(texts) / statistics.median(taken) for name, taken in times.items()}
    bare = rates["word_tokenize, one process"]
    for name, rate in rates.items():
        print(f"{name:34s} {rate:8,.0f} posts/s   {rate / bare:5.2f} × word_tokenize")
    print(
        json.dumps(
            {"benchmark": "speed", "posts": len(texts), "ratio_to_word_tokenize": {name: round(rate / bare, 3) for name, rate in rates.items()}}
        )
    )


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit("usage: python benchmarks/speed.py [posts.csv [text column]]")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, sys.argv[2] if len(sys.argv) > 2 else "text")
