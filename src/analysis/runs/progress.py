"""What a person sees while a run goes on: a line per event, and on a terminal what is running now."""

import sys
import time
from typing import Any, Self

from analysis.plain_text import for_terminal
from analysis.reporting.execute import Failure

__all__ = ["Progress"]


class Progress:
    """Tells a terminal, or a log, how a run goes.

    Args:
        live: Whether to show what is running now; by default if standard error is a terminal.
    """

    def __init__(self, *, live: bool | None = None) -> None:
        self._status: Any = None
        self._running: list[str] = []
        self._began = time.monotonic()
        self.live = sys.stderr.isatty() if live is None else live
        self._console: Any = None
        if self.live:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)

    def __enter__(self) -> Self:
        if self._console is not None:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """Print a line; what data or an error put into it moves no cursor."""
        text = for_terminal(text)
        if self._console is not None:
            self._console.print(text, markup=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal

    def doing(self, text: str) -> None:
        """Say what is being done; a log gets a line."""
        if self._status is not None:
            from rich.markup import escape

            self._status.update(escape(for_terminal(text)))
        else:
            self.say(text)

    def started(self, name: str) -> None:
        """Tell that a notebook began."""
        self._running.append(name)
        if self._status is not None:
            self._status.update("running " + ", ".join(self._running))
        else:
            self.say(f"  {name} …")

    def ended(self, name: str, seconds: float, failure: Failure | None) -> None:
        """Tell that a notebook ended, and why if it failed."""
        self._running.remove(name)
        if failure is None:
            self.say(f"  {name:<20} good     {seconds:6.1f} s")
        else:
            place = f"cell {failure.cell}: " if failure.cell else ""
            self.say(f"  {name:<20} FAILED   {seconds:6.1f} s   {place}{failure.kind}: {failure.message}")
            if failure.hint:
                self.say(f"  {'':<20} Hint: {failure.hint}")
        if self._status is not None:
            self._status.update("running " + ", ".join(self._running) if self._running else "working")
