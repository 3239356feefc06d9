"""Dates: today, so many days later, how many days between, which day of the week. All as YYYY-MM-DD."""

import datetime as dt

from tiny_agent.tools import ToolError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def read(text: str) -> dt.date:
    """ToolError for anything but a date of the calendar."""
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise ToolError(f"{text!r} is no date; write YYYY-MM-DD, such as 2024-02-29") from None


def shifted(date: str, days: int) -> str:
    """The date so many days later; before, if negative."""
    try:
        return (read(date) + dt.timedelta(days=days)).isoformat()
    except OverflowError:
        raise ToolError(f"{days} days from {date} is outside the years 1 to 9999") from None


def between(start: str, end: str) -> str:
    return str((read(end) - read(start)).days)


def weekday(date: str) -> str:
    return DAYS[read(date).weekday()]
