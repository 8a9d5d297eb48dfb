"""One run of a book, from its YAML to published pages: checked first, visible last.

Validate → lock → load → run notebooks → render → publish. The clock is read by the caller, once.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from analysis.books.opening import load_data, make_private, refuse_no_purchases, resolve_as_of, run_context
from analysis.books.read import ReadBook, read_book
from analysis.context import RunContext
from analysis.data.accounting import TableAccount, at, compare, refuse_stale
from analysis.errors import DataError, PublishError
from analysis.reporting.execute import Execution, write_notebook
from analysis.reporting.page_info import PageInfo
from analysis.runs.batch import Deadline, cores, run_notebooks
from analysis.runs.carry import carry_over
from analysis.runs.manifest import Identity, digest_of, file_records, identify, protect
from analysis.runs.outcome import merged_results, settle, write_json
from analysis.runs.pages import find_chromium, overclaims_of, render_pages, write_pdfs
from analysis.runs.progress import Progress
from analysis.runs.publish import mend, publish
from analysis.runs.store import PublishedRun, Store
from analysis.runs.told import data_line, since
from analysis.whole_files import clear_left, forget_unused, held

if TYPE_CHECKING:
    from analysis.data.load import LoadedData

__all__ = ["Order", "Outcome", "run_book", "run_read"]

_SCHEMA: Final = 1
_SHOWN: Final = 90
_CONTEXT: Final = "context.json"
_ROOM_FOR_RESULTS: Final = 8_000_000_000
"""Bytes of kept results of earlier runs: two runs of a weekly book with a million customers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line asks for.

    Attributes:
        book: The book's file.
        overrides: ``key.path=value`` texts.
        reports: Folder of all books' runs.
        cache: Folder of what can be computed again.
        jobs: Notebooks side by side; None: as the book says.
        pdf: Whether pages are printed to PDF too.
        predecessor: A run named by the user, "none", or None: found.
        root: Project folder; None: found.
    """

    book: Path
    overrides: Sequence[str] = ()
    reports: Path = field(default=Path("reports"))
    cache: Path = field(default=Path(".cache"))
    jobs: int | None = None
    pdf: bool = False
    predecessor: str | None = None
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        folder: Where it is published.
        good: Whether every page is.
        repeated: Whether an identical run was there already and nothing was written.
        failed: Names of the notebooks that failed.
    """

    folder: Path
    good: bool
    repeated: bool
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """All that is known of a run before its first notebook begins."""

    read: ReadBook
    order: Order
    now: datetime
    as_of: date
    data: "LoadedData"
    accounts: tuple[TableAccount, ...]
    identity: Identity
    run_id: str
    predecessor: PublishedRun | None
    notices: tuple[dict[str, str], ...]
    chromium: str | None
    number: int


def run_book(order: Order, *, now: datetime, progress: Progress) -> Outcome:
    """Run a book and publish what came of it.

    Args:
        order: What to run.
        now: The time, with its zone; read once by the caller.
        progress: Told how it goes.

    Raises:
        BookError: If the book is wrong; nothing was done.
        DataError: If its data cannot be used.
        RunInProgressError: If another run of this book is going on.
        PublishError: If the disk or the rights do not allow to write.
    """
    return run_read(
        read_book(order.book, overrides=order.overrides, root=order.root), order, now=now, progress=progress
    )


def run_read(read: ReadBook, order: Order, *, now: datetime, progress: Progress) -> Outcome:
    """Run a book that was read already; see ``run_book``."""
    deadline = Deadline(read.book.deadline_minutes * 60)
    chromium = find_chromium() if order.pdf else None
    store = Store(order.reports.absolute(), read.book.name)
    try:
        with store.lock():
            plan = _plan(read, order, store, now=now, chromium=chromium, progress=progress)
            if twin := store.identical(inputs=plan.identity.inputs, run_id=plan.run_id):
                _end_left(store.folder)
                mend(store)
                return Outcome(twin.folder, good=True, repeated=True)
            with held(plan.data.folder):
                return _build_and_publish(plan, store, deadline=deadline, progress=progress)
    except OSError as error:
        raise _told(error, order) from None


def _told(error: OSError, order: Order) -> DataError | PublishError:
    """Say which file the disk or the rights refused: one that a run reads, or one that it writes."""
    why = error.strerror or str(error)
    place = Path(os.path.abspath(error.filename)) if isinstance(error.filename, str) else None  # noqa: PTH100  # no ..
    ours = (order.reports.absolute(), order.cache.absolute())
    temporary = place is not None and any(part.startswith("siyu-") for part in place.parts)  # of a run or a kernel
    if place is not None and not temporary and not any(place.is_relative_to(folder) for folder in ours):
        return DataError(f"Cannot read {_near(place)}: {why}.", hint="check that this user may read it")
    what = "the run" if place is None else _near(place)
    return PublishError(f"Cannot write {what}: {why}.", hint="nothing was published; see the disk, or --out")


def _near(path: Path) -> str:
    """Return a path as a person in the working folder would type it."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)


def _build_and_publish(plan: _Plan, store: Store, *, deadline: Deadline, progress: Progress) -> Outcome:
    building = store.building(plan.run_id)
    folder = store.folder / f"{plan.as_of.isoformat()}-{plan.run_id}"
    try:
        failed = _build(plan, building, deadline=deadline, progress=progress)
        publish(building, folder=folder, store=store)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Outcome(folder, good=not failed, repeated=False, failed=failed)


def _plan(
    read: ReadBook, order: Order, store: Store, *, now: datetime, chromium: str | None, progress: Progress
) -> _Plan:
    book = read.book
    cache = order.cache.absolute()
    data = load_data(read, now=now, cache=cache, progress=progress.doing)
    today = now.astimezone(ZoneInfo(book.timezone)).date()
    refuse_stale(data.tables, today=today, stale_after_days=book.data.stale_after_days)
    as_of = resolve_as_of(book.as_of, latest_day=data.latest_day, today=today)
    refuse_no_purchases(read, data, as_of=as_of)
    identity = identify(
        book,
        as_of=as_of,
        data_digest=data.digest,
        notebooks=[notebook.path for notebook in read.notebooks.values()],
        root=read.root,
        extras=["pdf"] if order.pdf else [],
    )
    predecessor = store.predecessor(as_of=as_of, inputs=identity.inputs, wanted=order.predecessor)
    accounts = tuple(at(account, day=as_of) for account in data.tables)
    before = _accounts_of(predecessor) if predecessor is not None and predecessor.as_of < as_of else ()
    return _Plan(
        read=read,
        order=order,
        now=now,
        as_of=as_of,
        data=data,
        accounts=accounts,
        identity=identity,
        run_id=identity.run_id(predecessor.run_id if predecessor else None),
        predecessor=predecessor,
        notices=compare(accounts, before=before),
        chromium=chromium,
        number=store.next_number(),
    )


def _build(plan: _Plan, building: Path, *, deadline: Deadline, progress: Progress) -> tuple[str, ...]:
    """Fill the folder of the run; return the names of the notebooks that failed."""
    executions = _execute(plan, building, deadline=deadline, progress=progress)
    carry_over(plan.predecessor.folder if plan.predecessor else None, out=building)
    progress.doing("writing pages")
    for execution in executions.values():
        write_notebook(execution.notebook, building / "notebooks" / f"{execution.name}.ipynb")
    write_json(building / "results.json", merged_results(plan.read.notebooks, out=building))
    if plan.data.quarantine is not None:
        shutil.copytree(plan.data.quarantine, building / "private" / "quarantine", dirs_exist_ok=True)
    executions = render_pages(executions, info=_page_info(plan), out=building)
    overclaims = overclaims_of(executions, languages=plan.read.book.languages, out=building)
    _warn(overclaims, progress)
    if plan.chromium is not None:
        progress.doing("printing pages")
        write_pdfs(building, chromium=plan.chromium)
    protect(building)
    write_json(building / "manifest.json", {**_manifest(plan, executions, building), "overclaims": overclaims})
    return tuple(name for name, execution in executions.items() if execution.failure is not None)


def _warn(overclaims: Sequence[dict[str, str]], progress: Progress) -> None:
    """Tell the operator, a line a page, which pages say more than their numbers allow; the manifest lists them all."""
    for page in dict.fromkeys(found["page"] for found in overclaims):
        here = [found for found in overclaims if found["page"] == page]
        said = f"“{here[0]['word']}” on evidence {here[0]['grade']}: {here[0]['sentence'][:_SHOWN]}"
        more = f" (and {len(here) - 1} more, see overclaims in manifest.json)" if len(here) > 1 else ""
        progress.say(f"  {page} claims more than it can: {said}{more}")


def _execute(plan: _Plan, building: Path, *, deadline: Deadline, progress: Progress) -> dict[str, Execution]:
    read = plan.read
    jobs = plan.order.jobs or (cores() if read.book.jobs == "auto" else read.book.jobs)
    with _work_folder(building.parent) as work:
        context = work / _CONTEXT
        _context(plan, building).write(context)
        return run_notebooks(
            read.notebooks,
            read.waits,
            parameters=read.book.notebooks,
            context=context,
            cwd=read.root,
            jobs=max(1, min(jobs, len(read.notebooks))),
            deadline=deadline,
            redact=_redactions(plan, building, work),
            tables=frozenset(account.name for account in plan.accounts),
            progress=progress,
            settled=lambda execution: settle(execution, out=building, data=plan.data.folder),
            warm=read.book.kernels == "warm",
        )


@contextmanager
def _work_folder(runs: Path) -> Iterator[Path]:
    """Give a private folder that every run of a book uses in turn, under the book's lock: see ``_end_left``."""
    _end_left(runs)
    folder = _place_to_work(runs)
    folder.mkdir(mode=0o700)  # refused if somebody else's stands there
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end_left(runs: Path) -> None:
    """End what a killed run left at work: its folder, and processes of notebooks, marked by their context's path."""
    if (folder := _place_to_work(runs)).is_dir():
        from analysis.reporting.kernel import end_marked_processes

        end_marked_processes(folder / _CONTEXT)
        shutil.rmtree(folder, ignore_errors=True)


def _place_to_work(runs: Path) -> Path:
    return Path(tempfile.gettempdir()) / f"siyu-run-{digest_of([str(runs), os.getuid()])[:16]}"


def _context(plan: _Plan, building: Path) -> RunContext:
    recipes = make_private(plan.order.cache.absolute() / "recipes")
    clear_left(recipes, ".*.*.[0-9]*")
    forget_unused(recipes, room=_ROOM_FOR_RESULTS)
    return run_context(
        plan.read,
        plan.data,
        as_of=plan.as_of,
        out=building,
        cache=recipes,
        previous=plan.predecessor.folder if plan.predecessor else None,
        run_id=plan.run_id,
        notices=plan.notices,
    )


def _page_info(plan: _Plan) -> PageInfo:
    """What every page says about the run; no time, so that the same run gives the same bytes."""
    book, shown = plan.read.book, _shown(plan.order.book, plan.read.root)
    orders = next((account for account in plan.accounts if account.name == "orders"), None)
    return PageInfo(
        notebook="",
        book=book.name,
        book_title=book.titles,
        book_file=shown,
        as_of=plan.as_of,
        run_id=plan.run_id,
        languages=book.languages,
        currency=book.currency,
        timezone=book.timezone,
        min_cell=book.min_cell,
        params=book.notebooks,
        seed=book.seed,
        data_from=orders.first_day if orders else None,
        data_digest=plan.identity.data,
        book_digest=plan.identity.book,
        versions=plan.identity.versions,
        command=_command(plan, shown),
        notices=plan.notices,
        contact=book.contacts,
        data=data_line(plan.accounts, notebooks=book.notebooks),
        since=since(
            plan.predecessor.manifest if plan.predecessor else None,
            rows=sum(account.used for account in plan.accounts),
            parameters=book.notebooks,
            code=plan.identity.code,
            versions=plan.identity.versions,
        ),
    )


def _command(plan: _Plan, book: str) -> str:
    """The command that makes this run again; of the machine's own folders only the last name is told."""
    overrides = [_without_folder(text) for text in plan.order.overrides]
    return shlex.join(["siyu", "run", book, *(part for text in overrides for part in ("--set", text))])


def _without_folder(override: str) -> str:
    key, _, value = override.partition("=")
    return f"{key}=…/{Path(value).name}" if Path(value).is_absolute() else override


def _manifest(plan: _Plan, executions: dict[str, Execution], building: Path) -> dict[str, Any]:
    book, identity = plan.read.book, plan.identity
    ended = datetime.now(UTC)  # the one other reading: it is only written down
    return {
        "schema": _SCHEMA,
        "run_id": plan.run_id,
        "status": "good" if all(e.failure is None for e in executions.values()) else "failed",
        "book": book.name,
        "book_file": _shown(plan.order.book, plan.read.root),
        "overrides": [_without_folder(text) for text in plan.order.overrides],
        "title": book.titles,
        "as_of": plan.as_of.isoformat(),
        "predecessor": plan.predecessor.folder.name if plan.predecessor else None,
        "seed": book.seed,
        "parameters": book.notebooks,
        "resolved_book": book.model_dump(mode="json"),
        "digests": {
            "inputs": identity.inputs,
            "book": identity.book,
            "data": identity.data,
            "code": identity.code,
            "package": identity.package,
            "files": dict(identity.files),
            "sources": dict(plan.data.sources),
        },
        "versions": dict(identity.versions),
        "notebooks": {name: _status(execution) for name, execution in executions.items()},
        "rows": [{**account.as_json(), "daily": []} for account in plan.accounts],
        "notices": list(plan.notices),
        "files": file_records(building),
        "times": {
            "number": plan.number,
            "started_at": plan.now.astimezone(UTC).isoformat(timespec="seconds"),
            "ended_at": ended.isoformat(timespec="milliseconds"),
            "notebook_seconds": {name: round(e.seconds, 2) for name, e in executions.items()},
        },
    }


def _status(execution: Execution) -> dict[str, Any]:
    failure = execution.failure
    if failure is None:
        return {"status": "good"}
    return {
        "status": "failed",
        "cell": failure.cell,
        "error": failure.kind,
        "message": failure.message,
        "hint": failure.hint,
    }


def _accounts_of(run: PublishedRun) -> tuple[TableAccount, ...]:
    with suppress(KeyError, TypeError, ValueError, DataError):
        return tuple(TableAccount.from_json(plain) for plain in run.manifest["rows"])
    return ()  # an earlier edition's manifest: nothing to compare with


def _redactions(plan: _Plan, building: Path, work: Path) -> dict[str, str]:
    import sys

    places = {
        building: "<run>",
        plan.data.folder.absolute(): "<data>",
        plan.order.cache.absolute(): "<cache>",
        Path(sys.prefix): "<python>",
        Path(sys.base_prefix): "<python>",
        Path(__file__).resolve().parent.parent: "<siyu>",
        plan.read.root: "<project>",
        work: "<work>",
        plan.order.reports.absolute(): "<reports>",
        Path.home(): "~",
    }
    return {str(path): word for path, word in places.items() if len(path.parts) > 1}


def _shown(path: Path, root: Path) -> str:
    """Return a path without the machine in it: from the project folder, or its name alone."""
    absolute = path.resolve()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else path.name
