"""Time and memory of `classifier score` from parquet to parquet, from one post to a million, on all cores; the last line is JSON.

The posts are the beginnings of seed posts with the ends of others: good for load, for nothing else. Memory is the sum of
the proportional set sizes (PSS) of all processes of a run, its peak as sampled twice a second, so shared pages count once.
Start-up is what one post takes; rates are those of the posts beyond it, and of those beyond the next smaller batch: how fast a
batch goes on once it is so far. How slow a small batch is for other reasons than its new words is shown by the rate with its words
known: that of a process that has read the same posts before it starts its workers.

Usage: python benchmarks/scale.py [--most N] [--save]   (a million by default; needs a trained model; --save: docs/performance.json)
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from classifier.params import load_params
from classifier.prediction import Moderator, score_file

PROJECT = Path(__file__).parents[1]
FIGURES = PROJECT / "docs" / "performance.json"
SIZES = (1, 1000, 10_000, 100_000, 1_000_000)
FLAT_FROM = 10_000
ROWS_AT_ONCE = 10_000
EVERY = 0.5


def seed_texts() -> list[str]:
    files = sorted((PROJECT / "data" / "seed").glob("*.csv"))
    texts = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files])["text"]
    return [text for text in texts.drop_duplicates() if text.strip()]


def mixed_posts(texts: list[str]) -> Iterator[str]:
    """Endless posts, each the first half of the words of one post and the second half of those of another; none twice for very long."""
    halves = [(text[: len(text) // 2].rpartition(" ")[0], text[len(text) // 2 :].partition(" ")[2]) for text in texts]
    for distance in count(1):
        for number in range(len(halves)):
            yield f"{halves[number][0]} {halves[(number + distance) % len(halves)][1]}".strip() or texts[number]


def write_posts(path: Path, posts: Iterator[str], n: int) -> None:
    schema = pa.schema([("post_id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n, ROWS_AT_ONCE):
            texts = list(islice(posts, min(ROWS_AT_ONCE, n - start)))
            writer.write_table(pa.table([[f"p{start + row}" for row in range(len(texts))], texts], schema=schema))


def kept_figures() -> dict[str, Any]:
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else {}


def keep_figures(name: str, figures: dict[str, Any]) -> None:
    FIGURES.write_text(json.dumps({**kept_figures(), name: figures}, indent=2) + "\n", encoding="utf-8")


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [process, *(member for child in children for member in family(child))]


def proportional_kib(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def run(source: Path, target: Path) -> tuple[float, float]:
    """Score a batch as people do; return seconds and peak MiB."""
    command = [sys.executable, "-m", "classifier", "score", str(source), "--out", str(target), "--params", str(PROJECT / "params.yaml")]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        peak = max(peak, sum(map(proportional_kib, family(process.pid))))
        try:
            process.wait(EVERY)
            break
        except subprocess.TimeoutExpired:
            continue
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return time.perf_counter() - started, peak / 1024


def with_words_known(source: Path, target: Path) -> float:
    """Score a batch in this process after a first reading of its posts; return seconds."""
    prediction = load_params(PROJECT / "params.yaml").prediction
    moderator = Moderator.load(PROJECT / "models")
    texts = pd.read_parquet(source)["text"].tolist()
    for start in range(0, len(texts), prediction.chunk_size):
        moderator.scores(texts[start : start + prediction.chunk_size])
    started = time.perf_counter()
    score_file(moderator, source, target, "text", prediction.chunk_size, -1)
    taken = time.perf_counter() - started
    moderator.workers(-1).stop()
    return taken


def line_through(sizes: np.ndarray, seconds: np.ndarray) -> dict[str, float]:
    """Least squares of relative errors, so that small batches have a say beside a million posts."""
    design = np.column_stack([np.ones(len(sizes)), sizes]) / seconds[:, None]
    (start_up, slope), *_ = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)
    off = np.abs(start_up + slope * sizes - seconds) / seconds
    return {
        "start_up_seconds": round(float(start_up), 3),
        "microseconds_a_post": round(float(slope) * 1e6, 2),
        "worst_error": round(float(off.max()), 4),
    }


def main(most: int, save: bool) -> None:
    texts = seed_texts()
    measured: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.parquet", Path(folder) / "out.parquet"
        for size in sorted({size for size in SIZES if size <= most} | {most}):
            write_posts(source, mixed_posts(texts), size)
            measured[size] = run(source, target)
            if pq.read_metadata(target).num_rows != size:
                raise SystemExit(f"{size} posts in, {pq.read_metadata(target).num_rows} out")
            print(f"{size:10,} posts {measured[size][0]:9.2f} s  peak {measured[size][1]:7.0f} MiB", flush=True)
        known = min(FLAT_FROM, most)
        write_posts(source, mixed_posts(texts), known)
        words_known = {str(known): round(known / with_words_known(source, target))}
    sizes = np.array(list(measured))
    seconds = np.array([taken for taken, _ in measured.values()])
    rates = {str(size): round(float((size - 1) / (taken - seconds[0]))) for size, taken in zip(sizes, seconds, strict=True) if size > 1}
    between = {str(size): round(float(rate)) for size, rate in zip(sizes[1:], np.diff(sizes) / np.diff(seconds), strict=True)}
    flat = [rate for size, rate in rates.items() if int(size) >= FLAT_FROM]
    peaks = {str(size): round(peak) for size, (_, peak) in measured.items()}
    figures = {
        "chunk_size": load_params(PROJECT / "params.yaml").prediction.chunk_size,
        "seconds": {str(size): round(taken, 2) for size, (taken, _) in measured.items()},
        "peak_pss_mib": peaks,
        "posts_a_second_after_start": rates,
        "posts_a_second_beyond_the_smaller": between,
        "posts_a_second_with_words_known": words_known,
        "slowest_to_fastest_from_10000": round(min(flat) / max(flat), 3) if flat else None,
        "line": line_through(sizes, seconds),
    }
    if save:
        keep_figures("scale", figures)
    print(json.dumps({"benchmark": "scale", **figures}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time and memory of `classifier score` by the size of the batch.")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="largest batch, in posts")
    parser.add_argument("--save", action="store_true", help="keep the figures in docs/performance.json")
    arguments = parser.parse_args()
    main(max(arguments.most, 2), arguments.save)
