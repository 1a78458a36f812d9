"""Instants as people in Viet Nam read and type them."""

from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))


def shown(seconds: float) -> str:
    """Return an instant as day and time.

    Examples
    --------
    >>> shown(0)
    '01/01/1970 07:00'
    """
    return datetime.fromtimestamp(seconds, UTC).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def midnight(day: date) -> float:
    """Return when a day begins, in seconds since 1970.

    Examples
    --------
    >>> midnight(date(1970, 1, 2))
    61200.0
    """
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM).timestamp()
