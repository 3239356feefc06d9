"""The tools that come along, made for one workspace: what an agent can do here, and nothing else."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_agent.context import Shelf
from tiny_agent.tools import Tool, ToolError, dates, tool, units
from tiny_agent.tools.calculator import CalculationError, calculate
from tiny_agent.tools.workspace import Workspace

Ask = Callable[[str], str]
Search = Callable[[str], str]


def shipped_tools(
    workspace: Path,
    notes: Path | None = None,
    ask: Ask | None = None,
    search: Search | None = None,
    python: bool = True,
    fetch: Callable[[str], Any] | None = None,
    today: Callable[[], dt.date] = dt.date.today,
) -> list[Tool]:
    """`ask` asks the user, `search` the web, `fetch` reads a page; without them there are no such tools."""
    place, note_place, shelf = Workspace(workspace), Workspace(notes or workspace), Shelf()

    @tool
    def calculator(text: str) -> str:
        """Do arithmetic: + - * / // % ^, brackets, percent, sqrt, min, max, round, log, sin and others.

        text: what to calculate, such as (1200 + 35) * 2
        """
        try:
            return calculate(text)
        except CalculationError as error:
            raise ToolError(str(error)) from None

    @tool
    def convert_units(value: float, unit: str, to: str) -> str:
        """Convert between units of length, mass, volume, time, area, speed, data, or temperature.

        value: the number
        unit: its unit, such as mile
        to: the wanted unit, such as km
        """
        return units.convert(value, unit, to)

    @tool
    def date_today() -> str:
        """Today's date and day of the week."""
        return f"{today().isoformat()}, {dates.DAYS[today().weekday()]}"

    @tool
    def date_add(date: str, days: int) -> str:
        """The date so many days after a date (before it, if negative).

        date: YYYY-MM-DD
        days: how many
        """
        return dates.shifted(date, days)

    @tool
    def date_between(start: str, end: str) -> str:
        """How many days from one date to another.

        start: YYYY-MM-DD
        end: YYYY-MM-DD
        """
        return dates.between(start, end)

    @tool
    def weekday(date: str) -> str:
        """The day of the week of a date.

        date: YYYY-MM-DD
        """
        return dates.weekday(date)

    @tool(effect="read", untrusted=True)
    def search_notes(words: str) -> str:
        """Search the notes for lines that hold all the words.

        words: what to look for
        """
        return note_place.search(words)

    @tool(effect="read", untrusted=True)
    def search_files(words: str) -> str:
        """Search the files of the workspace for lines that hold all the words.

        words: what to look for
        """
        return shelf.shorten(place.search(words))

    @tool(effect="read", untrusted=True)
    def read_file(path: str) -> str:
        """Read a file of the workspace.

        path: as search_files names it
        """
        return shelf.shorten(place.read(path))

    @tool(effect="read", untrusted=True)
    def read_more(handle: str, start: int) -> str:
        """Go on reading an output that was cut.

        handle: as the cut output names it
        start: the character to begin with
        """
        try:
            return shelf.read(handle, start)
        except KeyError:
            raise ToolError(f"there is no output {handle!r}; there are {', '.join(shelf.texts) or 'none'}") from None

    found: list[Tool] = [calculator, convert_units, date_today, date_add, date_between, weekday, search_notes,
                         search_files, read_file, read_more]  # fmt: skip
    if python:
        found.append(_python_tool(shelf))
    if fetch:
        found.append(_fetch_tool(shelf, fetch))
    if search:
        asked = search

        @tool(effect="send", untrusted=True)
        def search_web(words: str) -> str:
            """Search the web; gives titles, addresses and a few lines of each.

            words: what to look for
            """
            return shelf.shorten(asked(words))

        found.append(search_web)
    if ask:
        user = ask

        @tool
        def ask_user(question: str) -> str:
            """Ask the user something that only they can know.

            question: in one sentence
            """
            return user(question)

        found.append(ask_user)
    return found


def _python_tool(shelf: Shelf) -> Tool:
    @tool(effect="execute")
    def python(code: str) -> str:
        """Run a Python program in a sandbox without files, network, or other programs; print() what you want to know.

        code: the program
        """
        from tiny_agent.sandbox import SandboxUnavailable, run_python

        try:
            ran = run_python(code)
        except SandboxUnavailable as error:
            raise ToolError(str(error)) from None
        said = [ran.stdout.rstrip()] if ran.stdout.strip() else []
        if ran.timed_out:
            said.append("(stopped: it took too long)")
        elif ran.stopped:
            said.append(f"(stopped: too much {ran.stopped})")
        elif ran.exit_code:
            said.append(ran.stderr.strip()[-1500:] or f"(ended with {ran.exit_code})")
        return shelf.shorten("\n".join(said) or "(it printed nothing)")

    made: Tool = python
    return made


def _fetch_tool(shelf: Shelf, fetch: Callable[[str], Any]) -> Tool:
    @tool(effect="send", untrusted=True)
    def fetch_page(url: str) -> str:
        """Read a page of the web as text.

        url: beginning with https://
        """
        page = fetch(url)
        return shelf.shorten(page.text + ("\n(the page is longer)" if page.cut else ""))

    made: Tool = fetch_page
    return made
