"""Where a post's time goes, step by step: one process, file to file, sampled as it runs; the last line is JSON.

Every few milliseconds of processor time a signal notes which step is at work, so nothing is slowed down or counted twice.
`--save NAME` keeps the figures in docs/performance.json, `--draw` makes docs/performance.png of what is kept there.

Usage: python benchmarks/steps.py [--save NAME | --draw]   (needs a trained model)
"""

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

from scale import keep_figures, kept_figures, mixed_posts, seed_texts, write_posts

from classifier.prediction import Moderator, score_file

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "performance.png"
POSTS, WARM, CHUNK = 10_000, 2000, 2000
EVERY = 0.002
OTHER = "prediction and the rest"
STEPS = {  # by module, outermost first: what a module calls belongs to it, so normalising for the reasons counts as reasons
    "reading": "reading and writing",
    "writing": "reading and writing",
    "scores": "reading and writing",
    "attribution": "reasons",
    "highlighting": "reasons",
    "segment": "segmentation",
    "shipped": "segmentation",
    "crf": "segmentation",
    "neutral": "names made neutral",
    "text": "normalising and folding",
    "masking": "normalising and folding",
    "disguise": "normalising and folding",
    "stretches": "normalising and folding",
    "model": "linear model",
    "predictor": "linear model",
    "routing": "linear model",
    "ngrams": "features",
    "views": "features",
    "terms": "features",
    "features": "features",
}
ORDER = [*dict.fromkeys(STEPS.values()), OTHER]


def step_of(frame: FrameType | None) -> str:
    """The step that a stack is in; `features` prepares posts by other modules, so it counts only where none of these is at work."""
    modules: list[str] = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if "classifier" in path.parts:
            modules.append(path.stem)
        frame = frame.f_back
    named = [module for module in reversed(modules) if module in STEPS]
    return STEPS[next((module for module in named if STEPS[module] != "features"), "features")] if named else OTHER


def measure(moderator: Moderator, source: Path, target: Path, posts: int) -> dict[str, float]:
    """Return microseconds a post of each step."""
    spent = dict.fromkeys(ORDER, 0.0)
    last = time.process_time()

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        spent[step_of(frame)] += now - last  # long calls of compiled code are noted once, at their end, for their whole time
        last = now

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        score_file(moderator, source, target, "text", CHUNK, 1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return {step: round(seconds / posts * 1e6, 1) for step, seconds in spent.items()}


def draw(kept: dict[str, Any]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (bars, lines) = plt.subplots(1, 2, figsize=(12, 4.2), width_ratios=[3, 2], layout="constrained")
    runs = list(kept["steps"].items())[::-1]
    left = [0.0] * len(runs)
    for number, step in enumerate(ORDER):
        widths = [spent.get(step, 0.0) for _, spent in runs]
        bars.barh([name for name, _ in runs], widths, left=left, label=step, color=plt.get_cmap("tab10")(number))
        left = [start + width for start, width in zip(left, widths, strict=True)]
    bars.set(xlabel="processor time a post, µs", title="Where a post's time goes (one process, file to file)")
    bars.legend(fontsize=8, loc="lower right")
    for spine in ("top", "right"):
        bars.spines[spine].set_visible(False)
    if "scale" in kept:
        sizes = [int(size) for size in kept["scale"]["peak_pss_mib"]]
        lines.plot(sizes, list(kept["scale"]["peak_pss_mib"].values()), "o-", color="tab:blue")
        lines.axhline(1024, color="grey", linestyle=":", linewidth=1)
        lines.annotate("1 GiB", (sizes[0], 1024), textcoords="offset points", xytext=(0, 4), color="grey")
        lines.set(xscale="log", ylim=(0, 1150), xlabel="posts", title="Memory and time by size of the batch")
        lines.set_ylabel("peak memory of all processes, MiB (PSS)", color="tab:blue")
        seconds = lines.twinx()
        seconds.plot(sizes, list(kept["scale"]["seconds"].values()), "s--", color="tab:red")
        seconds.set_yscale("log")
        seconds.set_ylabel("seconds", color="tab:red")
    figure.savefig(PICTURE, dpi=130)
    print(f"drawn: {PICTURE.relative_to(PROJECT)}")


def main(name: str | None) -> None:
    posts = mixed_posts(seed_texts())
    moderator = Moderator.load(PROJECT / "models")
    with tempfile.TemporaryDirectory() as folder:
        warm, source, target = (Path(folder) / file for file in ("warm.parquet", "in.parquet", "out.parquet"))
        write_posts(warm, posts, WARM)
        write_posts(source, posts, POSTS)
        score_file(moderator, warm, target, "text", CHUNK, 1)
        spent = measure(moderator, source, target, POSTS)
    total = sum(spent.values())
    for step, microseconds in spent.items():
        print(f"{step:26s} {microseconds:8.1f} µs a post  {microseconds / total:5.1%}")
    if name is not None:
        keep_figures("steps", {**kept_figures().get("steps", {}), name: spent})
    print(json.dumps({"benchmark": "steps", "posts": POSTS, "microseconds_a_post": spent, "total": round(total, 1)}))


if __name__ == "__main__":
    if sys.argv[1:] == ["--draw"]:
        draw(kept_figures())
    elif sys.argv[1:2] in ([], ["--save"]) and len(sys.argv) in (1, 3):
        main(sys.argv[2] if len(sys.argv) == 3 else None)
    else:
        sys.exit("usage: python benchmarks/steps.py [--save NAME | --draw]")
