"""Works out what a hundred million posts a day take, from measured figures and stated assumptions.

Each figure stands in one place below; what follows from it is computed by the formula that is shown. `docs/scale.md` holds the tables
that this prints: after a change, run it with --write.

Usage: python benchmarks/capacity.py [--write]
"""

import argparse
import re
from math import ceil
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).parents[1] / "docs" / "scale.md"
BLOCK = re.compile(r"(<!-- (?!end)(\w+) -->\n).*?(?=<!-- end -->)", flags=re.DOTALL)


class Figure(NamedTuple):
    """A figure, what it says, and where it is from."""

    name: str
    value: float
    meaning: str
    source: str


class Worked(NamedTuple):
    """What follows from other figures, named in the formula."""

    name: str
    formula: str
    meaning: str


MEASURED = [
    Figure("posts_a_core_second", 2895, "posts that one core scores a second", "`benchmarks/speed.py`"),
    Figure("spark_share", 0.9, "of that pace, what is left per core under Spark", "`score-spark` in `local[1]`, starting aside"),
    Figure("start_seconds", 7, "core-seconds until a worker has imported and loaded the model", "the same"),
    Figure("worker_mb", 600, "MB of a Python worker (proportional set size), one a core", "the same"),
    Figure("bytes_in", 108, "bytes of a post in parquet (id and text)", "posts of the seed corpus, numbered"),
    Figure("bytes_out", 138, "bytes of a scored post in parquet", "the same"),
    Figure("review_protected", 0.168, "share of posts without violation that is routed `review`", "README, protected posts"),
    Figure("flag_protected", 0.002, "... that is routed `flag`", "README, protected posts"),
    Figure("clear_violation", 0.088, "share of violations routed `clear`", "README"),
    Figure("flag_violation", 0.130, "... that is routed `flag`", "README"),
    Figure("item_bytes", 710, "bytes of a queued post in PostgreSQL, indexes included", "`benchmarks/store_size.py`"),
    Figure("decision_bytes", 963, "bytes of a decision: lease, decision, audit entry, indexes", "`benchmarks/store_size.py`"),
    Figure("queued_a_second", 1920, "posts queued a second (one writer at a time, by design)", "`benchmarks/store_size.py`"),
    Figure("compared_a_second", 972, "posts that intake compares a second with all that is open", "`benchmarks/store_size.py`"),
    Figure("decision_ms", 50.1, "ms for a handout and its answer, one reviewer after the other", "`benchmarks/store_size.py`"),
]
ASSUMED = [
    Figure("posts_a_day", 100_000_000, "posts a day", "the task"),
    Figure("violations", 0.02, "share of violations among them", "assumed; the corpus has far more"),
    Figure("window_hours", 4, "hours in which a day's posts are to be scored", "assumed: at night"),
    Figure("use", 0.7, "share of the cores' time that goes into scoring", "assumed: skew, retries, starting"),
    Figure("node_cores", 16, "cores of a node", "assumed"),
    Figure("core_hour_price", 0.05, "US dollars for a core-hour with 4 GB of memory", "assumed; list prices of large clouds are near it"),
    Figure("heap_mb", 4096, "MB of an executor's Java heap", "assumed; Spark's rows pass through it in chunks"),
    Figure("clear_share", 0.02, "hidden random share of `clear`", "`review.clear_share`"),
    Figure("double_share", 0.1, "share of the posts not flagged that two people decide on", "`review.double_share`"),
    Figure("disagree", 0.1, "share of the posts with two answers that need a third person", "assumed"),
    Figure("decision_seconds", 20, "seconds that a person takes for a post", "assumed"),
    Figure("reviewer_hours", 6, "hours a day that a person decides", "assumed"),
    Figure("team", 100, "reviewers of a large team", "assumed"),
    Figure("largest_id", 2**31 - 1, "largest number of an `Integer` key", "PostgreSQL"),
]
COMPUTING = [
    Worked("pace", "posts_a_core_second * spark_share", "posts a core and second under Spark"),
    Worked("core_hours", "posts_a_day / pace / use / 3600", "core-hours a day"),
    Worked("cores", "ceil(core_hours / window_hours)", "cores in the window"),
    Worked("nodes", "ceil(cores / node_cores)", "nodes"),
    Worked("node_gb", "(heap_mb * 1.1 + node_cores * worker_mb) / 1000", "GB of memory that a node needs (one executor a node)"),
    Worked("dollars", "core_hours * core_hour_price", "US dollars a day for scoring"),
    Worked("gb_in", "posts_a_day * bytes_in / 1e9", "GB to read a day"),
    Worked("gb_out", "posts_a_day * bytes_out / 1e9", "GB to write a day"),
    Worked("partitions", "ceil(cores * 4)", "parts, four a core"),
    Worked("start_share", "start_seconds * cores / (core_hours * 3600)", "share of the time that goes into starting workers"),
    Worked("alone_hours", "posts_a_day / (posts_a_core_second * 16) / 3600", "hours that one machine of 16 cores takes without Spark, if all scale"),
]
QUEUE = [
    Worked("flagged", "posts_a_day * ((1 - violations) * flag_protected + violations * flag_violation)", "flagged a day"),
    Worked("right", "violations * flag_violation / (violations * flag_violation + (1 - violations) * flag_protected)", "of the flagged, violations"),
    Worked(
        "in_review",
        "posts_a_day * ((1 - violations) * review_protected + violations * (1 - clear_violation - flag_violation))",
        "routed `review` a day",
    ),
    Worked("sampled", "(posts_a_day - flagged - in_review) * clear_share", "hidden sample of `clear` a day"),
    Worked("items", "flagged + in_review + sampled", "posts into the queue a day, before near-duplicates are joined"),
    Worked("doubled", "flagged + (in_review + sampled) * double_share", "of them for two people"),
    Worked("decisions", "items + doubled * (1 + disagree)", "decisions a day"),
    Worked("per_reviewer", "reviewer_hours * 3600 / decision_seconds", "decisions of a reviewer a day"),
    Worked("reviewers", "ceil(decisions / per_reviewer)", "reviewers for all of it"),
    Worked("flag_reviewers", "ceil(flagged * (2 + disagree) / per_reviewer)", "reviewers for the flagged posts alone, two each"),
    Worked("team_share", "team * per_reviewer / decisions", "share of the decisions that the team can take"),
    Worked("team_items", "team * per_reviewer / (1 + double_share * (1 + disagree))", "posts a day that the team can decide on"),
]
STORE = [
    Worked("items_gb", "items * item_bytes / 1e9", "GB of new items a day, all queued"),
    Worked("decisions_gb", "decisions * decision_bytes / 1e9", "GB of decisions a day, all taken"),
    Worked("queue_hours", "items / queued_a_second / 3600", "hours to write the day's items"),
    Worked("intake_hours", "items / compared_a_second / 3600", "hours in which intake compares one day's open items, for each further batch"),
    Worked("decisions_a_second", "decisions / 86400", "decisions a second, spread over the day"),
    Worked("store_pace", "1000 / decision_ms", "decisions a second, one after the other"),
    Worked("days_to_largest_id", "largest_id / decisions", "days until the keys of `decisions` are used up"),
    Worked("team_gb", "(team_items * item_bytes + team * per_reviewer * decision_bytes) / 1e9", "GB a day, if only what the team decides is queued"),
]
WORKED = {"computing": COMPUTING, "queue": QUEUE, "store": STORE}


def work_out() -> dict[str, float]:
    """Compute all figures, in order."""
    values: dict[str, float] = {figure.name: figure.value for figure in MEASURED + ASSUMED}
    for row in [row for rows in WORKED.values() for row in rows]:
        values[row.name] = float(eval(row.formula, {"__builtins__": {}, "ceil": ceil}, values))
    return values


def shown(value: float) -> str:
    """Three digits, or all of a count."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def tables() -> dict[str, str]:
    """The tables by name, as Markdown."""
    values = work_out()
    made = {
        name: ["| name | figure | what it is | from |", "|---|---|---|---|"]
        + [f"| `{figure.name}` | {shown(figure.value)} | {figure.meaning} | {figure.source} |" for figure in figures]
        for name, figures in (("measured", MEASURED), ("assumed", ASSUMED))
    }
    for name, rows in WORKED.items():
        made[name] = ["| name | figure | what it is | = |", "|---|---|---|---|"]
        made[name] += [f"| `{row.name}` | **{shown(values[row.name])}** | {row.meaning} | `{row.formula}` |" for row in rows]
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def renewed(document: str) -> str:
    """Put the present tables into a document's blocks."""
    made = tables()
    return BLOCK.sub(lambda block: block[1] + made[block[2]], document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="Put the tables into docs/scale.md.")
    if parser.parse_args().write:
        DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    for name, table in tables().items():
        print(f"{name}\n{table}")


if __name__ == "__main__":
    main()
