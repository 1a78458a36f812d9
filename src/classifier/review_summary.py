"""What the commands of the review and of monitoring show."""

from collections.abc import Iterable, Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from classifier.evaluation import Estimate
from classifier.monitoring import Drift
from classifier.review import figures
from classifier.review.export import Exported
from classifier.review.intake import Queued
from classifier.review.store.people import User
from classifier.taxonomy import VIETNAMESE


def print_queued(console: Console, queued: Queued) -> None:
    """Say what went into the queue, in Vietnamese: moderators read it."""
    if queued.already:
        console.print("Lô bài này đã có trong hàng chờ từ trước; không thêm gì.", highlight=False)
        return
    clear = f", trong đó {queued.sampled_clear:,} bài 'clear' lấy ngẫu nhiên để đo phần bỏ sót" if queued.sampled_clear else ""
    joined = f"; {queued.joined:,} bài khác đã có sẵn hoặc gần trùng với bài đang chờ nên được gộp vào đó" if queued.joined else ""
    console.print(f"Đã đưa {queued.items:,} bài mới vào hàng chờ cho người xem{clear}{joined}.", highlight=False)


def print_exported(console: Console, exported: Exported) -> None:
    """Say what was written for training."""
    console.print(f"{exported.posts:,} decided posts: {exported.path} ({exported.single:,} of them decided by one person)", highlight=False)
    if exported.contradictory:
        numbers = ", ".join(str(item) for item in exported.contradictory)
        console.print(f"Left out, because equal texts were decided differently: items {numbers}", highlight=False)


def users_table(users: Iterable[User]) -> Table:
    """Build the table of accounts; it says nothing of what they decided."""
    return _table("", [[user.name, user.role.value, user.language] for user in users], ["name", "role", "language"])


def drift_table(drifts: Sequence[Drift]) -> Table:
    """Build the table of a monitor run, what drifted first."""
    rows = []
    for drift in sorted(drifts, key=lambda drift: not drift.drifted):
        shares = [f"{drift.reference:.3f}", f"{drift.batch:.3f}"] if drift.check not in ("probability_psi", "probability_ks") else ["", ""]
        verdict = "[bold red]drifted[/bold red]" if drift.drifted else "within"
        rows.append([drift.check, drift.subject, *shares, f"{drift.distance:.3f}", f"{drift.limit:.3f}", f"{drift.noise:.3f}", verdict])
    return _table("Batch beside the test split", rows, ["check", "of", "training", "batch", "distance", "limit", "by chance", ""])


def print_stats(console: Console, waiting: pd.DataFrame, answers: pd.DataFrame, settled: pd.DataFrame, days: pd.DataFrame) -> None:
    """Print the state of the queue, agreement, the model against people, and what slips through; see `classifier.review.figures`."""
    rows = [[row.state, f"{row.posts:,}", _days(row.median_days), _days(row.oldest_days)] for row in figures.queue_length(waiting)]
    console.print(_table("Queue", rows, ["", "posts", "median days", "oldest"]))
    last = [[str(row["day"]), f"{row['decisions']:,}"] for row in days.tail(7).to_dict("records")]
    console.print(_table("Decisions, last days with any", last, ["day", "decisions"]))
    console.print(_estimates("Two people who saw neither each other nor the model", figures.agreement(answers)))
    console.print(_estimates("Violations, as people see it, by the model's route", figures.against_people(settled)))
    missed = figures.missed_among_clear(settled)
    console.print(f"Violations among posts that passed as clear: {_estimate(missed)}", highlight=False)


def _estimates(title: str, by_category: dict[str, dict[str, Estimate]]) -> Table:
    names = list(next(iter(by_category.values())))
    rows = [[f"{VIETNAMESE[category]} ({category})", *(_estimate(found[name]) for name in names)] for category, found in by_category.items()]
    return _table(title, rows, ["", *names])


def _estimate(estimate: Estimate) -> str:
    return f"{estimate} of {estimate.n:,}" if estimate.value == estimate.value else "–"


def _days(value: float) -> str:
    return f"{value:.1f}" if value == value else "–"


def _table(title: str, rows: Iterable[Sequence[str]], columns: Sequence[str]) -> Table:
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="left" if column in ("", "name", "role", "language", "check", "of", "day") else "right")
    for row in rows:
        table.add_row(*row)
    return table
