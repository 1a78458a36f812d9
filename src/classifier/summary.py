"""What the commands show: progress, the summary of a batch, explanations, stored versions."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from classifier.attribution import Attribution
from classifier.errors import InputError
from classifier.highlighting import highlighted
from classifier.posts import write_batch
from classifier.prediction import BatchSummary
from classifier.registry import current_version, list_versions, load_model, read_metadata
from classifier.taxonomy import CATEGORIES, VIETNAMESE
from classifier.text import visible

_SHOWN_WEIGHT = 0.25
"""Log-odds from which a word is coloured."""
_PLAIN_LINE_SECONDS = 10
_SUSPECTS_SHOWN = 40


@contextmanager
def progress(console: Console) -> Iterator[Callable[[int], None]]:
    """Show how many posts are done: a bar on a terminal, a plain line every few seconds elsewhere."""
    if console.is_terminal:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TextColumn("posts"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:  # a thread that redraws would not survive forks
            task = bar.add_task("scoring", total=None)

            def advance_bar(rows: int) -> None:
                bar.advance(task, rows)
                bar.refresh()

            yield advance_bar
        return
    done, last = 0, time.monotonic()

    def advance(rows: int) -> None:
        nonlocal done, last
        done += rows
        if time.monotonic() - last >= _PLAIN_LINE_SECONDS:
            last = time.monotonic()
            console.print(f"scored {done:,} posts …", highlight=False)

    yield advance


def print_summary(console: Console, summary: BatchSummary, target: str, version: str) -> None:
    """Print how a batch was sorted, in Vietnamese: moderators read it."""
    table = Table(title=f"Kết quả: {summary.rows:,} bài", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for decision in summary.decisions:
        table.add_column(f"{VIETNAMESE[decision]}\n({decision})", justify="right")
    total = [f"{count:,}" for count in summary.decisions.values()]
    table.add_row("[bold]tất cả[/bold]", *total)
    for category, routes in summary.routes.items():
        table.add_row(f"{VIETNAMESE[category]} ({category})", *(f"{count:,}" for count in routes.values()), "")
    console.print(table)
    where = "stdout" if target == "-" else target
    console.print(f"Đã ghi {where} · mô hình {version}. Máy chỉ sắp xếp; con người quyết định.", highlight=False)


def print_explanation(console: Console, text: str, scored: pd.Series, attribution: Attribution, without_words: Mapping[str, float]) -> None:
    """Print a post as typed, but masked, once for each category, its pieces coloured by what they contributed."""
    console.print(f"[bold]{scored['decision']}[/bold] · {VIETNAMESE[scored['decision']]}\n")
    for column, category in enumerate(CATEGORIES):
        head = f"{category} · {VIETNAMESE[category]}: p = {scored[f'p_{category}']:.3f}, {scored[f'route_{category}']}"
        console.print(head, style="bold", highlight=False)
        line = Text("  ")
        for piece, weight in highlighted(text, attribution, column):
            line.append(visible(piece), style=_style(weight))
            if abs(weight) >= _SHOWN_WEIGHT:
                line.append(f"({weight:+.1f})", style="dim")
        console.print(line)
        total = attribution.weights[:, column].sum()
        console.print(f"  log-odds: {without_words[category]:+.2f} (no words) {total:+.2f} (words)\n", style="dim", highlight=False)


def _style(weight: float) -> str:
    if weight >= _SHOWN_WEIGHT:
        return "bold red"
    return "green" if weight <= -_SHOWN_WEIGHT else ""


def print_suspects(console: Console, suspects: pd.DataFrame, out: Path | None) -> None:
    """Print suspected label errors by id, the least plausible first; all of them go to `out`."""
    table = Table(title=f"{len(suspects):,} suspected label errors", title_justify="left", box=box.SIMPLE_HEAD)
    for column in suspects.columns:
        table.add_column(column, justify="left" if column in ("post_id", "category") else "right")
    for row in suspects.head(_SUSPECTS_SHOWN).itertuples(index=False):
        table.add_row(str(row.post_id), str(row.category), str(row.label), f"{row.probability:.3f}", f"{row.quality:.3f}")
    console.print(table)
    if out is not None:
        with write_batch(out) as writer:
            writer.write(suspects)
        console.print(f"All of them: {out}", highlight=False)


def versions_table(models: Path) -> Table:
    """Build the table of stored versions, newest last."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("", "version", "posts", *(f"AP {category}" for category in CATEGORIES), "missed", "protected flagged"):
        table.add_column(column, justify="left" if column in ("", "version") else "right")
    if not models.is_dir():
        raise InputError(f"{models}: no such folder; run from the project's folder or name it with --models")
    current = current_version(models)
    for version in list_versions(models):
        mark = "→" if version == current else ""
        try:
            posts = f"{sum(read_metadata(models / version)['posts'].values()):,}"
        except InputError:
            table.add_row(mark, version, "can't be read")
            continue
        metrics = _metrics(models / version)
        figures = [_value(metrics, "categories", category, "average_precision") for category in CATEGORIES]
        figures += [_value(metrics, "overall", name) for name in ("violations_cleared", "protected_flagged")]
        table.add_row(mark, version, posts, *figures)
    return table


def print_version(console: Console, models: Path, version: str | None) -> None:
    """Print where a version came from and its report."""
    stored = load_model(models, version)
    facts = {name: stored.metadata.get(name, "–") for name in ("version", "trained_at", "git_revision", "corpus_hash", "posts", "mlflow")}
    for name, value in facts.items():
        console.print(f"{name}: {value}", highlight=False)
    console.print((stored.folder / "report" / "report.txt").read_text(encoding="utf-8"), highlight=False)


def _metrics(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "report" / "metrics.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _value(metrics: Any, *keys: str) -> str:
    for key in keys:
        metrics = metrics.get(key, {}) if isinstance(metrics, dict) else {}
    value = metrics.get("value") if isinstance(metrics, dict) else None
    return "–" if value is None else f"{value:.3f}"
