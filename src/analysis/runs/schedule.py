"""Books at their times: one daemon, one run at a time, a missed time caught up once.

The daemon only keeps the clock: each run is the ``siyu run`` that a person would type, in a process of its own, so that
nothing of one run is left for the next. Which time of a book was served last stands beside its runs; a daemon that was
down when a time passed runs the book once when it comes up, however many times it missed.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis.books.read import read_book
from analysis.errors import BookError
from analysis.runs.store import Store
from analysis.whole_files import write_atomic

if TYPE_CHECKING:
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.base import BaseTrigger

__all__ = ["Planned", "as_cron", "as_systemd", "missed", "planned", "prepared", "serve"]

SERVED: Final = ".served"
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBER: Final = re.compile(r"\*|\d{1,2}(-\d{1,2})?")
_LATE: Final = 86_400  # seconds; a run that lasts longer than a day skips the times in between
_PROGRAM: Final = "import sys; from analysis.cli import main; sys.exit(main(sys.argv[1:]))"
_UNDER_WAY: "set[subprocess.Popen[bytes]]" = set()
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """A book and its times.

    Attributes:
        book: Its file.
        name: Its name.
        cron: Cron expression of five fields.
        timezone: IANA name of the zone that the expression is in.
        reports: Folder of all runs.
    """

    book: Path
    name: str
    cron: str
    timezone: str
    reports: Path

    @property
    def served(self) -> Path:
        """The file that names the last time served."""
        return Store(self.reports, self.name).folder / SERVED

    def trigger(self) -> "BaseTrigger":
        """Return its times: as cron has it, days of the month *or* of the week where both are named.

        Raises:
            BookError: If the expression names no time.
        """
        from apscheduler.triggers.combining import OrTrigger
        from apscheduler.triggers.cron import CronTrigger

        minute, hour, day, month, weekday = self.cron.lower().split()
        at = {"minute": minute, "hour": hour, "month": month, "timezone": self.timezone}
        try:
            days = {"day": day, "day_of_week": _named_days(weekday)}
            if "*" in days.values():
                return CronTrigger(**at, **days)
            return OrTrigger([CronTrigger(**at, **{name: field}) for name, field in days.items()])
        except (ValueError, LookupError) as error:
            raise BookError(f"{self.book}: schedule: '{self.cron}': {error}.", hint="such as '0 7 * * 1'") from None


def planned(books: Sequence[Path], *, reports: Path) -> list[Planned]:
    """Return the times of books.

    Raises:
        BookError: If a book is wrong, has no schedule, or stands there twice.
    """
    found: list[Planned] = []
    for path in books:
        book = read_book(path).book
        if book.schedule is None:
            raise BookError(f"{path}: this book has no schedule.", hint='add a line such as schedule: "0 7 * * 1"')
        if any(other.name == book.name for other in found):
            raise BookError(f"{path}: the book '{book.name}' is named twice.", hint="give each book a name of its own")
        one = Planned(path, book.name, book.schedule, book.timezone, reports)
        one.trigger()
        found.append(one)
    return found


def missed(plan: Planned, *, now: datetime) -> datetime | None:
    """Return the last time of a book that passed unserved, or None; a book that was never served missed nothing.

    Args:
        plan: The book.
        now: The time, with its zone.
    """
    with suppress(OSError, ValueError):
        last = datetime.fromisoformat(plan.served.read_text(encoding="utf-8").strip())
        trigger, passed, after = plan.trigger(), None, last
        while (at := trigger.get_next_fire_time(None, after + timedelta(seconds=1))) is not None and at <= now:
            passed = after = at
        return passed
    return None


def serve(plans: Sequence[Planned], *, say: Say) -> None:
    """Run books at their times until interrupted; a run that is under way then is stopped and publishes nothing."""
    scheduler = prepared(plans, say=say, run=_run)
    try:
        scheduler.start()
    finally:
        for process in list(_UNDER_WAY):
            process.terminate()
        if scheduler.running:
            scheduler.shutdown(wait=False)


def prepared(plans: Sequence[Planned], *, say: Say, run: Callable[[Planned], int]) -> "BlockingScheduler":
    """Return a scheduler that is ready to start: what was missed comes first, and never two runs at a time.

    Args:
        plans: The books.
        say: Told what begins, how it ended and when the next one is.
        run: Runs a book and returns its exit code.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.blocking import BlockingScheduler

    one_at_a_time = {"default": ThreadPoolExecutor(1)}
    together = {"coalesce": True, "max_instances": 1, "misfire_grace_time": _LATE}
    scheduler = BlockingScheduler(executors=one_at_a_time, job_defaults=together, timezone=UTC)
    now = datetime.now(UTC)
    for plan in plans:
        late = missed(plan, now=now)
        if late is not None:
            say(f"{plan.name}: {late:%Y-%m-%d %H:%M} was missed; running it now")
            scheduler.add_job(_serve_one, args=(plan, say, run), id=f"{plan.name}, caught up")
        else:
            mark(plan, now)
        scheduler.add_job(_serve_one, plan.trigger(), args=(plan, say, run), id=plan.name)
        following = plan.trigger().get_next_fire_time(None, now)
        say(f"{plan.name}: next at {following:%Y-%m-%d %H:%M %Z}" if following else f"{plan.name}: no time to come")
    return scheduler


def mark(plan: Planned, at: datetime) -> None:
    """Keep that all times of a book up to this one are served."""
    plan.served.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(plan.served, f"{at.astimezone(UTC).isoformat()}\n")


def as_cron(plans: Sequence[Planned], *, folder: Path) -> str:
    """Return lines for a crontab; ``CRON_TZ`` puts each in its book's zone."""
    lines = []
    for plan in plans:
        lines += [f"CRON_TZ={plan.timezone}", f"{plan.cron} cd {_quoted(folder)} && {_command(plan, folder)}"]
    return "\n".join(lines) + "\n"


def as_systemd(plans: Sequence[Planned], *, folder: Path) -> str:
    """Return a service and a timer per book, one after the other; ``Persistent`` catches up once what was missed."""
    made = []
    for plan in plans:
        unit = f"siyu-{plan.name}"
        made.append(
            f"# {unit}.service\n[Unit]\nDescription=siyu book {plan.name}\n\n[Service]\nType=oneshot\n"
            f"WorkingDirectory={folder}\nExecStart={_command(plan, folder)}\n\n"
            f"# {unit}.timer\n[Unit]\nDescription=times of the siyu book {plan.name}\n\n[Timer]\n"
            f"OnCalendar={_calendar(plan)}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
        )
    return "\n".join(made)


def _serve_one(plan: Planned, say: Say, run: Callable[[Planned], int]) -> None:
    say(f"{plan.name}: begins")
    code = run(plan)
    # served also if it failed: the maintainer was told, and running broken data again and again helps nobody
    mark(plan, datetime.now(UTC))
    say(f"{plan.name}: {'good' if code == 0 else f'exit {code}'}")


def _run(plan: Planned) -> int:
    command = [sys.executable, "-c", _PROGRAM, "run", str(plan.book), "--out", str(plan.reports)]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own program
        _UNDER_WAY.add(process)
        try:
            return process.wait()
        finally:
            _UNDER_WAY.discard(process)


def _command(plan: Planned, folder: Path) -> str:
    program = Path(sys.executable).with_name("siyu")
    parts = [program, "run", _from(plan.book, folder), "--out", _from(plan.reports, folder)]
    return " ".join(_quoted(part) for part in parts)


def _from(path: Path, folder: Path) -> Path:
    absolute = path.absolute()
    return absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute


def _quoted(part: Any) -> str:
    import shlex

    return shlex.quote(str(part))


def _named_days(field: str) -> str:
    """Return cron's days of the week by name: in cron 0 and 7 are Sunday, APScheduler counts from Monday.

    Examples:
        >>> _named_days("1-5"), _named_days("0,6"), _named_days("*")
        ('mon,tue,wed,thu,fri', 'sat,sun', '*')
    """
    if field == "*":
        return field
    chosen: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-6" if span == "*" else span).partition("-")
        start = _day_number(first)
        chosen.update(range(start, _day_number(last or first) + 1, int(step or 1)))
    return ",".join(_DAYS[day] for day in sorted({day % 7 or 7 for day in chosen}))


def _day_number(text: str) -> int:
    number = int(text) if text.isdigit() else _DAYS.index(text[:3])
    if number >= len(_DAYS):
        raise ValueError(f"there is no day {text} in a week")
    return number


def _calendar(plan: Planned) -> str:
    """Return a cron expression as systemd's calendar.

    Raises:
        BookError: If systemd has no such calendar: cron joins day of month and day of week by *or*, systemd by *and*.
    """
    minute, hour, day, month, weekday = plan.cron.lower().split()
    if day != "*" and weekday != "*":
        raise BookError(
            f"{plan.book}: schedule '{plan.cron}' names days of the month and of the week.",
            hint="systemd cannot say 'either': use two books, or --print cron",
        )
    days = "" if weekday == "*" else _named_days(weekday).title() + " "
    date_part = f"*-{_list(month, first=1)}-{_list(day, first=1)}"
    return f"{days}{date_part} {_list(hour)}:{_list(minute)}:00 {plan.timezone}"


def _list(field: str, *, first: int = 0) -> str:
    """Return a field of cron as systemd writes it: ``*/15`` becomes ``0/15``, ``1-5`` becomes ``1..5``."""
    parts = []
    for part in field.split(","):
        span, _, step = part.partition("/")
        if not _NUMBER.fullmatch(span):
            raise BookError(f"'{field}' is no field of numbers.", hint="write days and months as numbers")
        start = str(first) if span == "*" and step else span.replace("-", "..")
        parts.append(f"{start}/{step}" if step else start)
    return ",".join(parts)
