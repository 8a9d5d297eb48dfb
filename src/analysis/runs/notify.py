"""Who hears of a run: a headline and a link for the audience when it is good, the cause for the maintainer when not.

Addresses are read from environment variables that the book names, are used once, and appear in no message, log or
published byte. A message that cannot be sent never changes what a run is: it is told on the terminal.
"""

import html
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from analysis.books.read import read_book
from analysis.errors import RunInProgressError, SiyuError
from analysis.params import Book
from analysis.runs.pages import leading_page
from analysis.runs.progress import Progress
from analysis.runs.run import Order, Outcome, run_read
from analysis.runs.store import PublishedRun, read_run

__all__ = ["Message", "failure_message", "good_message", "notify", "refused_message", "run_and_tell"]

_MOST_PAGES: Final = 5
_MOST_TEXT: Final = 600  # characters: robots of chat groups cut longer messages
_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    Attributes:
        title: One line.
        body: Some lines of plain text.
        to: ``audience`` or ``maintainer``.
    """

    title: str
    body: str
    to: str


def run_and_tell(order: Order, *, now: datetime, progress: Progress) -> Outcome:
    """Run a book (``runs.run.run_book``) and tell those whom it names; a run that was there already is no news.

    Raises:
        SiyuError: As ``run_book``; bad data and a disk that is full are told to the maintainer before.
    """
    read = read_book(order.book, overrides=order.overrides, root=order.root)
    try:
        outcome = run_read(read, order, now=now, progress=progress)
    except RunInProgressError:
        raise
    except SiyuError as error:
        notify(read.book, refused_message(read.book, error), say=progress.say)
        raise
    run = read_run(outcome.folder)
    if run is None or outcome.repeated:
        return outcome
    if not outcome.good:
        notify(read.book, failure_message(run), say=progress.say)
    elif _holds_nothing_new(run):
        progress.say("The data are those of the run before: the audience is not told.")
    else:
        notify(read.book, good_message(run), say=progress.say)
    return outcome


def good_message(run: PublishedRun) -> Message:
    """Return what the audience reads of a good run: the leading page's answer, the day, the way there."""
    manifest = run.manifest
    language = _language(manifest)
    said = _headline(run, language=language)
    title = f"{manifest['title'][language]} · {manifest['as_of']}"
    return Message(title, "\n".join(part for part in (said, _link(run, page="index.html")) if part), "audience")


def failure_message(run: PublishedRun) -> Message:
    """Return what the maintainer reads of a run with failed pages: each page, its cell, the reason, the remedy."""
    manifest = run.manifest
    failed = {name: entry for name, entry in manifest["notebooks"].items() if entry["status"] != "good"}
    lines = []
    for name, entry in list(failed.items())[:_MOST_PAGES]:
        cell = f" (cell {entry['cell']})" if entry.get("cell") else ""
        remedy = f" Remedy: {_cut(entry['hint'])}" if entry.get("hint") else ""
        lines.append(f"{name}{cell}: {entry['error']}: {_cut(entry['message'])}{remedy}")
    if len(failed) > _MOST_PAGES:
        lines.append(f"and {len(failed) - _MOST_PAGES} more pages")
    lines.append("The last good report stays up; the audience was not told.")
    lines.append(_link(run, page="index.html"))
    return Message(
        f"FAILED: {manifest['book']} {manifest['as_of']}: {', '.join(failed)}", "\n".join(lines), "maintainer"
    )


def refused_message(book: Book, error: SiyuError) -> Message:
    """Return what the maintainer reads of a run that was refused before it began: bad data, no disk."""
    lines = [_cut(error.found), *([f"Remedy: {_cut(error.hint)}"] if error.hint else [])]
    lines.append("Nothing was published; the last good report stays up.")
    return Message(f"REFUSED: {book.name} (exit {error.exit_code})", "\n".join(lines), "maintainer")


def notify(book: Book, message: Message, *, say: Callable[[str], None]) -> int:
    """Send a message to those whom the book names for it; return how many got it.

    Args:
        book: The book: its ``notify`` names environment variables.
        message: What to send, and to which of the two groups.
        say: Told of each address that is not set or does not answer, by its variable's name alone.
    """
    names: Sequence[str] = getattr(book.notify, message.to)
    sent = 0
    for name in names:
        address = os.environ.get(name, "").strip()
        if not address:
            say(f"Not told: {name} is not set.")
        elif _send(address, message):
            sent += 1
        else:
            say(f"Not told: the address in {name} is wrong or does not answer.")
    return sent


def _send(address: str, message: Message) -> bool:
    import apprise

    # its log lines may carry the address
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    robot = apprise.Apprise(asset=apprise.AppriseAsset(app_id="siyu", app_desc="siyu", app_url="", async_mode=False))
    try:
        if not robot.add(address):
            return False
        for server in robot:
            server.socket_connect_timeout = server.socket_read_timeout = _SECONDS
        return bool(
            robot.notify(
                title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT, interpret_escapes=False
            )
        )
    except Exception:  # noqa: BLE001 - whatever a robot's library raises: a message is no reason to fail a good run
        return False


def _holds_nothing_new(run: PublishedRun) -> bool:
    """Return whether the run before saw the same data of the same day: old news is not told as new."""
    named = run.manifest.get("predecessor")
    before = read_run(run.folder.parent / str(named)) if named else None
    if before is None:
        return False
    same_data = before.manifest["digests"]["data"] == run.manifest["digests"]["data"]
    return same_data and before.as_of == run.as_of


def _headline(run: PublishedRun, *, language: str) -> str:
    from analysis.page.render import Reader

    book = run.manifest["resolved_book"]
    reader = Reader(language=language, currency=book["currency"], min_cell=book["min_cell"])
    for block in _said(run, run.manifest["notebooks"]):
        return html.unescape(str(reader.tell(block["text"], block["values"])))
    return ""


def _said(run: PublishedRun, notebooks: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return the leading page's decision, else its answer."""
    path = run.folder / "results" / f"{leading_page(notebooks)}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_text(encoding="utf-8"))["blocks"]
        return sorted((b for b in found if b["kind"] in {"decision", "answer"}), key=lambda b: b["kind"] == "answer")
    return []


def _link(run: PublishedRun, *, page: str) -> str:
    """Return the page's address: under the book's ``notify.link`` where it has one, else within the reports' folder."""
    base = (run.manifest["resolved_book"].get("notify") or {}).get("link") or ""
    place = Path(run.folder.parent.name) / run.folder.name / page
    return f"{base.rstrip('/')}/{place.as_posix()}" if base else place.as_posix()


def _language(manifest: Mapping[str, Any]) -> str:
    language = str(manifest["resolved_book"]["language"])
    return "zh" if language == "both" else language


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MOST_TEXT else f"{flat[: _MOST_TEXT - 1]}…"
