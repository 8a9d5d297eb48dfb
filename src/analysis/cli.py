"""``siyu``: run, check, compare, verify, schedule, demo, lab, new; each answers with an exit code for schedulers.

0 good · 1 a page failed, or the deadline passed · 2 bad book or parameters · 3 bad data · 4 could not
publish · 75 another run of this book is going on. Heavy imports wait until a command needs them.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from analysis.errors import SiyuError

__all__ = ["main"]

_BRANDS: Final = ("beauty", "coffee", "hair_transplant")
_TERMINATED: Final = 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = options.command(options)
    except SiyuError as error:
        _complain(error.found)
        if error.hint:
            _complain(f"Hint: {error.hint}")
        return error.exit_code
    except KeyboardInterrupt:
        _complain("Stopped; nothing was published.")
        return 130
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="siyu",
        description="Weekly reports on a brand's own customers, from raw orders.",
        epilog="exit codes: 0 good, 1 a page failed, 2 bad book, 3 bad data, 4 cannot publish, 75 already running",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a book and publish its pages")
    _add_book(run)
    run.add_argument("--out", type=Path, metavar="DIR", help="folder of all runs (default: reports)")
    run.add_argument("--jobs", type=_count, metavar="N", help="notebooks side by side (default: as the book says)")
    run.add_argument("--pdf", action="store_true", help="print every page to PDF too (needs chromium)")
    run.add_argument("--predecessor", metavar="RUN", help="run whose state is read: a folder, an id, or none")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="check a book and its data, without running it")
    _add_book(check, optional=True)
    check.add_argument("--schema", action="store_true", help="print the JSON Schema of books, for editors")
    check.set_defaults(command=_check)

    compare = commands.add_parser("compare", help="say which numbers of two runs differ, and why")
    compare.add_argument("before", metavar="RUN", help="a run: its folder, its id, or <book>/latest")
    compare.add_argument("after", metavar="RUN", help="another one")
    compare.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="folder of all runs")
    compare.set_defaults(command=_compare)

    verify = commands.add_parser("verify", help="run a published run again from its manifest, and compare the bytes")
    verify.add_argument("run", metavar="RUN", help="its folder, its id, or <book>/latest")
    verify.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="folder of all runs")
    verify.add_argument("--jobs", type=_count, metavar="N", help="notebooks side by side (default: as the book says)")
    verify.set_defaults(command=_verify)

    schedule = commands.add_parser("schedule", help="run books at the times they name, one at a time")
    schedule.add_argument("books", type=Path, nargs="+", metavar="BOOK", help="params/<book>.yaml with a schedule")
    schedule.add_argument("--print", choices=("cron", "systemd"), help="print what cron or systemd needs, and end")
    schedule.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="folder of all runs")
    schedule.set_defaults(command=_schedule)

    demo = commands.add_parser("demo", help="write a synthetic brand whose truth is known")
    demo.add_argument("brand", choices=_BRANDS, metavar="BRAND", help=", ".join(_BRANDS))
    demo.add_argument("--customers", type=_count, required=True, metavar="N")
    demo.add_argument("--seed", type=_count, default=7, metavar="S")
    demo.add_argument("--out", type=Path, required=True, metavar="DIR")
    demo.set_defaults(command=_demo)

    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks")
    lab.add_argument(
        "book", nargs="?", type=Path, metavar="BOOK", help="book the notebooks work on (default: the demo)"
    )
    lab.add_argument(
        "jupyter", nargs="*", metavar="-- OPTION", help="options for JupyterLab itself, after --, such as --no-browser"
    )
    lab.set_defaults(command=_lab)

    new = commands.add_parser("new", help="write a new notebook from the house pattern")
    new.add_argument("name", metavar="NAME", help="letters, digits and _; the notebook's file and key in books")
    new.set_defaults(command=_new)
    return parser


def _run(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from analysis.runs.notify import run_and_tell
    from analysis.runs.progress import Progress
    from analysis.runs.run import Order

    order = Order(
        book=options.book,
        overrides=tuple(options.set),
        reports=options.out or Path("reports"),
        jobs=options.jobs,
        pdf=options.pdf,
        predecessor=options.predecessor,
    )
    with Progress() as progress:
        outcome = run_and_tell(order, now=datetime.now(UTC), progress=progress)
    page = _shown(outcome.folder / "index.html")
    if outcome.repeated:
        print(f"An identical run is already published, nothing was written: open {page}")
    elif outcome.good:
        print(f"Good: open {page}")
    else:
        print(f"FAILED ({', '.join(outcome.failed)}): open {page}")
    return 0 if outcome.good else 1


def _check(options: argparse.Namespace) -> int:
    import json

    from analysis.books.read import book_schema, find_root

    if options.schema:
        print(json.dumps(book_schema(find_root(options.book)), ensure_ascii=False, indent=2))
        return 0
    if options.book is None:
        _complain("siyu check: name a book, such as params/demo.yaml, or --schema")
        return 2
    from datetime import UTC, datetime

    from analysis.plain_text import for_terminal
    from analysis.runs.check import check_book

    for line in check_book(options.book, overrides=options.set, now=datetime.now(UTC)):
        print(for_terminal(line))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from analysis.runs.compare import compare_runs, find_run, told
    from analysis.runs.compare_page import write_page

    before, after = (find_run(name, reports=options.reports) for name in (options.before, options.after))
    comparison = compare_runs(before, after)
    for line in told(comparison):
        print(line)
    print(f"Page: {_shown(write_page(comparison)[0])}")
    return 0 if comparison.same else 1


def _verify(options: argparse.Namespace) -> int:
    from analysis.runs.compare import find_run
    from analysis.runs.progress import Progress
    from analysis.runs.verify import told, verify_run

    run = find_run(options.run, reports=options.reports)
    with Progress() as progress:
        verification = verify_run(run, progress=progress, jobs=options.jobs)
    for line in told(verification):
        print(line)
    return 0 if verification.same else 1


def _schedule(options: argparse.Namespace) -> int:
    from analysis.runs.schedule import as_cron, as_systemd, planned, serve

    plans = planned(options.books, reports=options.out)
    if options.print is not None:
        print({"cron": as_cron, "systemd": as_systemd}[options.print](plans, folder=Path.cwd()), end="")
        return 0
    serve(plans, say=_complain)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from analysis.data.synthetic import generate

    generate(options.brand, customers=options.customers, seed=options.seed, out=options.out)
    print(f"{options.brand}: {options.customers:,} customers in {_shown(options.out)}, what was planted in truth/")
    return 0


def _lab(options: argparse.Namespace) -> NoReturn:
    from analysis.books.read import find_root

    if options.book is not None and str(options.book).startswith("-"):  # options after --, and no book
        options.book, options.jupyter = None, [str(options.book), *options.jupyter]
    root = find_root(options.book)
    if options.book is not None:
        os.environ["SIYU_BOOK"] = str(options.book.resolve())
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root}",
        "--LabApp.default_url=/lab/tree/notebooks",
        *options.jupyter,
    ]
    os.execv(command[0], command)  # noqa: S606  # our own interpreter


def _new(options: argparse.Namespace) -> int:
    from analysis.books.read import find_root
    from analysis.reporting.pattern import write_new

    path = write_new(options.name, folder=find_root() / "notebooks")
    print(f"Wrote {_shown(path)}: add '{options.name}: {{}}' under notebooks in a book, or open it with siyu lab")
    return 0


class _Version(argparse.Action):
    """Say the version; the package is asked only when somebody wants to know."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="say the version and end")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"siyu {version('siyu')}")
        parser.exit()


def _add_book(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("book", type=Path, metavar="BOOK", nargs="?" if optional else None, help="params/<book>.yaml")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="change a value of the book; repeatable"
    )


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"found '{text}', allowed a whole number")
    return number


def _shown(path: Path) -> str:
    """Return the path from the working folder where that is shorter to read."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _complain(text: str) -> None:
    from analysis.plain_text import for_terminal

    print(for_terminal(text), file=sys.stderr)


def _terminate(number: int, frame: object) -> None:
    del number, frame
    raise SystemExit(_TERMINATED)
