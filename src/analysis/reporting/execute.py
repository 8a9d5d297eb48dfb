"""Run one notebook by its path: papermill injects declared parameters and executes; we judge.

Good means: the kernel answered for every cell without an error, and the workbench's end marker came in.
"""

import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis import errors
from analysis.books.catalogue import Notebook
from analysis.errors import MissingTableError, PageError, TooFewError
from analysis.whole_files import write_atomic

if TYPE_CHECKING:
    from analysis.reporting.warm import KernelServer

__all__ = [
    "Execution",
    "Failure",
    "blocks_of",
    "execute",
    "kernel_server",
    "lacking",
    "not_executed",
    "thin",
    "write_notebook",
]

_SOCKET_PATH_LIMIT: Final = 60  # a Unix socket's path has at most 107 bytes, some are the kernel's own
_HOUSE_ERRORS: Final = frozenset(errors.__all__)
_MAX_MESSAGE: Final = 300
# where ipykernel says a cell's code lies; bounded, so that a megabyte of printing costs no second
_CELL_FILE: Final = re.compile(r"(?:/[\w.+-]{1,80}){0,16}/ipykernel_\d+/\d+\.py")
# what TooFewError says
_TOO_FEW: Final = re.compile(r"at least (\d+) (customers(?: who came back)?), these data have (\d+)")
_TIMEOUT_HINT: Final = "raise deadline_minutes in the book, or give this notebook less to do"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a notebook failed, in words for its page, the terminal and the manifest.

    Attributes:
        kind: Class of the error.
        message: What was found.
        hint: What to do; empty if there is nothing to add.
        cell: Number of the code cell, from 1; None if no cell is to blame.
    """

    kind: str
    message: str
    hint: str = ""
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """One executed notebook.

    Attributes:
        name: Its name.
        notebook: The notebook with outputs, redacted; as far as it got if it failed.
        failure: Why it failed, or None.
        seconds: Wall time.
    """

    name: str
    notebook: Any
    failure: Failure | None
    seconds: float


def execute(
    notebook: Notebook,
    *,
    parameters: Mapping[str, Any],
    context: Path,
    cwd: Path,
    threads: int,
    remaining: Callable[[], float],
    redact: Mapping[str, str],
    server: "KernelServer | None" = None,
) -> Execution:
    """Execute a notebook in a kernel of its own and say whether it is good.

    Args:
        notebook: Which notebook.
        parameters: Plain values; only names its parameters cell declares are injected.
        context: The run's context file.
        cwd: Working folder of the kernel: relative paths in parameters start there.
        threads: Threads that the kernel's numerical libraries may use.
        remaining: Seconds until the run's deadline.
        redact: Machine paths and what stands for them in the executed notebook.
        server: What forks its kernel, see ``kernel_server``; None: the kernel is a plain one.
    """
    # imported here: they cost half a second, and the runner wants them only once a book is good
    from analysis.reporting.kernel import KernelSession, kernel_environment

    started = time.monotonic()
    with _private_folder(context.parent) as folder:
        session = KernelSession(
            folder=folder,
            environment=kernel_environment(context=context, threads=threads, folder=folder),
            cwd=cwd,
            remaining=remaining,
            server=server,
        )
        injected = {key: value for key, value in parameters.items() if key in notebook.declared}
        crash = _papermill(notebook.path, injected, session)
        _drop_papermill_banners(session.notebook)
        failure = _judge(session, crash)
        redact = {str(folder): "<kernel>", **redact}
    if failure is not None and failure.kind == MissingTableError.__name__:
        table = _quoted_last(failure.message)
        return replace(lacking(notebook, table), seconds=time.monotonic() - started)
    if failure is not None and failure.kind == TooFewError.__name__ and (told := _TOO_FEW.search(failure.message)):
        return replace(thin(notebook, *told.groups()), seconds=time.monotonic() - started)
    executed = session.notebook if session.notebook is not None else _read(notebook.path)
    _redact(executed, redact)
    if failure is not None:
        failure = Failure(failure.kind, _redacted(failure.message, redact), failure.hint, failure.cell)
    return Execution(notebook.name, executed, failure, time.monotonic() - started)


@contextmanager
def kernel_server(*, context: Path, cwd: Path, threads: int) -> "Iterator[KernelServer | None]":
    """Start what the kernels of a run are forked from, for as long as the run takes; None where there is no fork.

    It imports while the first kernel is asked for; what it holds is what ``execute`` gives a plain kernel.

    Args:
        context: The run's context file.
        cwd: Working folder of the kernels.
        threads: Threads that their numerical libraries may use.
    """
    from analysis.reporting.kernel import kernel_environment
    from analysis.reporting.warm import KernelServer

    if not sys.platform.startswith("linux"):
        yield None
        return
    with _private_folder(context.parent) as folder:
        environment = kernel_environment(context=context, threads=threads, folder=folder)
        with KernelServer(folder, environment=environment, cwd=cwd) as server:
            yield server


def not_executed(notebook: Notebook) -> Execution:
    """Return the execution of a notebook that the deadline did not let begin."""
    failure = Failure("DeadlinePassed", "The run's deadline passed before this notebook began.", _TIMEOUT_HINT)
    executed = _read(notebook.path)
    _redact(executed, {})
    return Execution(notebook.name, executed, failure, 0.0)


def lacking(notebook: Notebook, table: str) -> Execution:
    """Return the execution of a notebook whose data lack a table: its page keeps the question and says what it needs.

    That is no failure: the book's data simply cannot answer this question yet.
    """
    from analysis.page.blocks import missing

    return _saying(notebook, missing(table, needed_by=notebook.name))


def thin(notebook: Notebook, needed: str, whom: str, found: str) -> Execution:
    """Return the execution of a notebook whose data hold too few customers: its page says how many it needs.

    Args:
        notebook: Which.
        needed: How many.
        whom: Customers, or customers who came back: in the words of ``TooFewError``, as the other two.
        found: How many there are.
    """
    from analysis.page.blocks import answer

    back = {"zh": "回头客", "en": "customers who came back"}
    who = back if whom.endswith("back") else {"zh": "买过的客户", "en": "customers with a purchase"}
    return _saying(
        notebook,
        answer(
            {"zh": "客户太少，这一页还答不了", "en": "Too few customers to answer this yet"},
            detail={
                "zh": f"至少要 {needed} 位{who['zh']}，现在有 {found} 位。",
                "en": f"It takes at least {needed} {who['en']}; there are {found}.",
            },
        ),
    )


def _saying(notebook: Notebook, block: Mapping[str, Any]) -> Execution:
    """Return a notebook that was not executed and whose page holds its question and one block."""
    import nbformat

    from analysis.page.blocks import MIME, end, question

    executed = _read(notebook.path)
    _redact(executed, {})
    asked = executed.metadata.get("siyu", {}).get("question")
    shown = [*([question(asked)] if asked else []), block, end(notebook.name)]
    first = next(cell for cell in executed.cells if cell.cell_type == "code")
    first["outputs"] = [
        nbformat.v4.new_output("display_data", data={MIME: block, "text/plain": block["kind"]})  # type: ignore[no-untyped-call]
        for block in shown
    ]
    return Execution(notebook.name, executed, None, 0.0)


def write_notebook(notebook: Any, path: Path) -> None:
    """Write an executed notebook whole or not at all."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, nbformat.writes(notebook))  # type: ignore[no-untyped-call]


def blocks_of(notebook: Any) -> list[dict[str, Any]]:
    """Return the page blocks that a notebook left in its outputs, in order."""
    from analysis.page.blocks import MIME

    return [
        output["data"][MIME]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]


def _papermill(path: Path, parameters: Mapping[str, Any], session: Any) -> Exception | None:
    import logging

    import papermill

    from analysis.reporting.kernel import ENGINE

    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        papermill.execute_notebook(
            _read(path),
            None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            session=session,
        )
    except Exception as error:  # noqa: BLE001  # a kernel can end in any way; the judge says which
        return error
    return None


def _drop_papermill_banners(notebook: Any) -> None:
    """Take out the cells papermill puts before an error: they shift the count, and their ids are random."""
    if notebook is not None:
        notebook.cells = [c for c in notebook.cells if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]


def _judge(session: Any, crash: Exception | None) -> Failure | None:
    cells = [] if session.notebook is None else session.notebook.cells
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code" and cell.source.strip()]
    unanswered = next((index for index in code if index not in session.answered), None)
    at = None if unanswered is None else _number(cells, unanswered)
    if session.error is not None:
        kind, message, index = session.error
        return _cell_failure(kind, message, _number(cells, index))
    if session.oversize:
        return Failure("OutputTooLarge", f"The notebook sent {session.oversize}.", "show less, or keep it as a table")
    if crash is not None:
        return _crash_failure(crash, session, at)
    if unanswered is not None:
        return Failure("CellNotRun", "The notebook stopped before this cell ran.", "", at)
    if not session.ended:
        return Failure("NoEndMarker", "The notebook ran through but never finished.", "end it with wb.finish()")
    return None


def _crash_failure(crash: Exception, session: Any, cell: int | None) -> Failure:
    kind = type(crash).__name__
    if session.remaining() <= 0 or kind == "CellTimeoutError":
        return Failure("DeadlinePassed", "The run's deadline passed.", _TIMEOUT_HINT, cell)
    if kind == "DeadKernelError" or session.exit_code is not None:
        return Failure("KernelDied", _death(session.exit_code), "", cell)
    return Failure(kind, _one_line(str(crash)) or kind, "", cell)


def _number(cells: Any, index: int) -> int:
    """Count code cells as the analyst sees them: without the cell that papermill injects."""
    before = cells[: index + 1]
    return sum(c.cell_type == "code" and "injected-parameters" not in c.metadata.get("tags", []) for c in before)


def _cell_failure(kind: str, message: str, cell: int | None) -> Failure:
    if kind == "SystemExit":
        return Failure(kind, f"The notebook stopped itself with sys.exit({message}).", "end it with wb.finish()", cell)
    found, _, hint = message.partition("\nHint: ")
    if kind not in _HOUSE_ERRORS and not hint:  # errors of a domain room are the house's too: they bring their remedy
        found, hint = _one_line(found) or kind, "the traceback is in the executed notebook"
    return Failure(kind, found, hint, cell)


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"


def _death(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"The notebook's process ended by itself{'' if exit_code is None else f' with code {exit_code}'}."
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    memory = "; often that means out of memory" if name == "SIGKILL" else ""
    return f"The notebook's process was ended by {name}{memory}."


def _read(path: Path) -> Any:
    import nbformat

    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise PageError(f"Cannot read the notebook {path.name}: {error}.") from None


def _redact(notebook: Any, redact: Mapping[str, str]) -> None:
    """Leave no parameter copies, times, random ids or machine paths in what is published."""
    import nbformat

    for name in ("papermill", "widgets"):
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if cell.get("outputs"):
            plain = json.dumps(cell["outputs"], ensure_ascii=False)
            clean = _redacted(plain, redact)
            if clean != plain:
                cell["outputs"] = nbformat.from_dict(json.loads(clean))  # type: ignore[no-untyped-call]


def _quoted_last(message: str) -> str:
    """Return the last name in quotes: the table, in the words of ``MissingTableError``."""
    names = re.findall(r"'([^']*)'", message)
    return names[-1] if names else message


def _redacted(text: str, redact: Mapping[str, str]) -> str:
    text = _CELL_FILE.sub("<cell>", text)
    for path in sorted(redact, key=len, reverse=True):
        text = text.replace(path, redact[path])
    return text


@contextmanager
def _private_folder(work: Path) -> Iterator[Path]:
    """A folder (0700) whose path is short enough for sockets: in the run's own, which the next run clears, if it is."""
    places = (str(work), tempfile.gettempdir(), "/tmp")  # noqa: S108  # the short one
    fits = (place for place in places if Path(place).is_dir() and len(place.encode()) <= _SOCKET_PATH_LIMIT)
    with tempfile.TemporaryDirectory(prefix="siyu-", dir=next(fits, None), ignore_cleanup_errors=True) as name:
        yield Path(name)
