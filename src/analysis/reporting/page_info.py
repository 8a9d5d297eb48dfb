"""What a page says about itself: masthead, notices, links and the footer that lets anybody reproduce it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

__all__ = ["DataLine", "PageInfo", "RunEntry", "Sibling", "Since"]

Status = Literal["ok", "failed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """Another page of the same run.

    Attributes:
        notebook: Its name; its file is ``<notebook>.<language>.html``.
        title: Its title by language; the name where it has none.
        status: ``ok``, ``failed``, or ``missing`` where it lacks its data.
        answer: Its ``answer`` block, shown beside the link; None if it has none.
        reason: Why it failed, in a few words (data).
        kind: Class of the error.
    """

    notebook: str
    title: Mapping[str, str] = field(default_factory=dict)
    status: Status = "ok"
    answer: Mapping[str, Any] | None = None
    reason: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLine:
    """State of the data in one line, on every page.

    Attributes:
        rows_in: Rows of all tables of the source.
        rows_used: Rows used as of the day.
        last_order: Last day with an order, up to the day of the report; None if there is none.
        doubtful: Tables that the page on data finds fault with.
        page: Notebook of the page on data; empty if the run has none.
        failed: Whether that page failed.
    """

    rows_in: int
    rows_used: int
    last_order: date | None = None
    doubtful: int = 0
    page: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What is not the same as in the run before.

    Attributes:
        as_of: Day of the run before.
        rows: Rows that the data have more (or fewer).
        parameters: Notebook → (parameter, value before, value now); a value that was not set is a dash.
        code: Whether notebooks, parameter files or the program changed.
        versions: Packages of another version: name, version before, version now.
    """

    as_of: date
    rows: int = 0
    parameters: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    code: bool = False
    versions: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """One page of one run.

    Attributes:
        notebook: Name of the notebook.
        title: Title of the report by language; empty: from the notebook's metadata ``siyu: {title: {zh, en}}``.
        book: Name of the book.
        book_title: Title of the book by language.
        book_file: The book's file as the command names it.
        as_of: Day of the run, inclusive.
        run_id: Ten hex digits.
        languages: Languages of the run, the leading one first.
        currency: ISO code.
        timezone: IANA name.
        min_cell: Smaller groups of customers are hidden.
        params: The notebook's parameters.
        seed: Seed of the run.
        data_from: First day of the data, if known.
        data_digest: Digest of what was loaded.
        book_digest: Digest of the resolved book.
        versions: Name → version of what computed the page.
        command: Command that reproduces the run.
        notices: What every page must say, by language (stale data).
        siblings: The other pages of the run, in reading order.
        overview: File of the page to go back to; empty on that page itself.
        contact: Whom to ask, by language; empty if the book does not say.
        data: State of the data in one line; None if it is not known.
        since: What is not the same as in the run before; None on a first run.
    """

    notebook: str
    title: Mapping[str, str] = field(default_factory=dict)
    book: str = ""
    book_title: Mapping[str, str] = field(default_factory=dict)
    book_file: str = ""
    as_of: date | None = None
    run_id: str = "scratch"
    languages: tuple[str, ...] = ("zh",)
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    min_cell: int = 10
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    data_from: date | None = None
    data_digest: str = ""
    book_digest: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    notices: tuple[Mapping[str, str], ...] = ()
    siblings: tuple[Sibling, ...] = ()
    overview: str = "index.html"
    contact: Mapping[str, str] = field(default_factory=dict)
    data: DataLine | None = None
    since: Since | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One run in the list of all runs.

    Attributes:
        book: Name of the book.
        title: Title of the book by language.
        as_of: Day of the run.
        run_id: Ten hex digits.
        link: Address of the run's first page, relative to the list.
        failed: Names of pages that failed.
        latest: Whether it is the book's last good run.
        number: Which run of its book it is, counted as they were published; 0 if unknown.
        ended: When it ended, as text; empty if unknown.
        answer: The first page's ``answer`` or ``decision`` block; None if unknown.
        tiles: Its first page's ``tile`` blocks, for the trend of the book.
        currency: ISO code, for the answer.
        min_cell: Smallest group of customers that is shown, for the answer.
    """

    book: str
    title: Mapping[str, str]
    as_of: date
    run_id: str
    link: str
    failed: tuple[str, ...] = ()
    latest: bool = False
    number: int = 0
    ended: str = ""
    answer: Mapping[str, Any] | None = None
    tiles: tuple[Mapping[str, Any], ...] = ()
    currency: str = "CNY"
    min_cell: int = 10
