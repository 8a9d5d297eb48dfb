"""A run whose every change of a file is seen before it happens, and can be its last, or fail.

The kernel itself enumerates: a seccomp filter hands each system call that changes files to a supervisor, whoever makes
it (Python, Arrow, DuckDB, a child process), so nobody keeps a list of the places that write. The supervisor counts the
calls below the watched folder; at a chosen one it kills the run, or answers that the disk is full.

Run as a program it is a server: it loads the libraries once and runs each request (a line of JSON) in a fork.
"""

import ctypes
import errno
import fcntl
import gc
import json
import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

X86: dict[str, int] = {
    "write": 1,
    "open": 2,
    "pwrite64": 18,
    "writev": 20,
    "sendfile": 40,
    "truncate": 76,
    "ftruncate": 77,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "creat": 85,
    "link": 86,
    "unlink": 87,
    "symlink": 88,
    "chmod": 90,
    "fchmod": 91,
    "openat": 257,
    "mkdirat": 258,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "symlinkat": 266,
    "fchmodat": 268,
    "utimensat": 280,
    "fallocate": 285,
    "pwritev": 296,
    "renameat2": 316,
    "copy_file_range": 326,
    "pwritev2": 328,
}
ARM: dict[str, int] = {
    "mkdirat": 34,
    "unlinkat": 35,
    "symlinkat": 36,
    "linkat": 37,
    "renameat": 38,
    "truncate": 45,
    "ftruncate": 46,
    "fallocate": 47,
    "fchmod": 52,
    "fchmodat": 53,
    "openat": 56,
    "write": 64,
    "writev": 66,
    "pwrite64": 68,
    "pwritev": 70,
    "sendfile": 71,
    "utimensat": 88,
    "renameat2": 276,
    "copy_file_range": 285,
    "pwritev2": 287,
}
CALLS = {"x86_64": X86, "aarch64": ARM}.get(platform.machine(), {})
NAMES = {number: name for name, number in CALLS.items()}
SECCOMP = {"x86_64": 317, "aarch64": 277}.get(platform.machine(), -1)
OPENS = {"open": 1, "openat": 2}  # which argument holds the flags
BY_HANDLE = {"write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "pwritev2": 0, "ftruncate": 0, "fchmod": 0}
BY_HANDLE |= {"fallocate": 0, "sendfile": 0, "copy_file_range": 2}
PATHS: dict[str, tuple[int, ...]] = {
    "open": (0,),
    "creat": (0,),
    "openat": (1,),
    "mkdir": (0,),
    "mkdirat": (1,),
    "rmdir": (0,),
    "unlink": (0,),
}
PATHS |= {"unlinkat": (1,), "rename": (0, 1), "renameat": (1, 3), "renameat2": (1, 3), "link": (0, 1)}
PATHS |= {"linkat": (1, 3), "symlink": (1,), "symlinkat": (2,), "chmod": (0,), "fchmodat": (1,), "truncate": (0,)}
PATHS |= {"utimensat": (1,)}
FOLDER_BEFORE = {"openat", "mkdirat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat", "fchmodat"}
FOLDER_BEFORE |= {"utimensat"}
NEED_NO_ROOM = {"unlink", "unlinkat", "rmdir", "chmod", "fchmod", "fchmodat", "utimensat", "ftruncate", "truncate"}

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_NEW_LISTENER, _RECEIVE, _ANSWER, _GO_ON = 8, 0xC0502100, 0xC0182101, 1
_NOTIFY, _ALLOW = 0x7FC00000, 0x7FFF0000
_LOAD, _EQUALS, _HAS_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06
_ARGUMENTS = 16
_PATIENCE = 3_000  # milliseconds
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Ended:
    """How a watched run ended.

    Attributes:
        points: Every change of a file below the watched folder, in order: system call and paths from there.
        signal: That killed the run; 0 if it ended by itself.
        error: Class of the error that the run raised; empty if none.
        message: What it said.
        good: Whether every page is good.
    """

    points: list[tuple[str, ...]] = field(default_factory=list)
    signal: int = 0
    error: str = ""
    message: str = ""
    good: bool = False


class Server:
    """Runs books of projects, each in a fork of a process that has the libraries loaded.

    ``run(project, book)`` counts; ``run(…, kill_at=k)`` kills right before point k (which is right after point k - 1);
    ``kill_caller`` kills the process that asked instead of the run's own; ``run(…, fail_at=k)`` answers ENOSPC from
    point k on, ``once=True`` at that point alone.
    """

    def __init__(self, log: Path, project: Path, book: Path) -> None:
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(project), str(book)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.ready = self._read() == {"ready": True}

    def run(self, project: Path, book: Path, **wishes: Any) -> Ended:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"project": str(project), "book": str(book), **wishes}) + "\n")
        self._process.stdin.flush()
        ended = Ended(**self._read())
        ended.points = [tuple(point) for point in ended.points]
        return ended

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._log.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        return answer


def kind_of(point: tuple[str, ...]) -> str:
    """Return a point without what differs from run to run or from name to name: call, folder and suffix."""
    call, *paths = point
    return " ".join([call, *(_shape(path) for path in paths)])


def _shape(path: str) -> str:
    parts = [re.sub(r"[0-9a-f]{10,}|(?<=-)[a-z0-9_]{8}$|\d+", "#", part) for part in Path(path).parts]
    if parts and "." in parts[-1].strip("."):
        parts[-1] = "*" + ("#" if parts[-1].endswith("#") else Path(parts[-1]).suffix)
    return "/".join(parts)


# --- the server -----------------------------------------------------------------------------------------------------


def serve() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    _load(*sys.argv[1:])
    if not CALLS or threading.active_count() != 1:
        answers.write('{"ready": false}\n')
        return
    try:
        Watch({"project": "/nowhere", "probe": True}).run()
    except OSError:
        answers.write('{"ready": false}\n')
        return
    answers.write('{"ready": true}\n')
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(Watch(json.loads(line)).run().__dict__) + "\n")
        answers.flush()


def _load(project: str, book: str) -> None:
    """Run a book once: forks then start with all that a run imports and compiles.

    What threads the libraries leave (Arrow's pool is idle, and made anew in a fork) hold no lock.
    """
    from jinja2 import Environment

    compiled: dict[Any, Any] = {}
    compile_one = Environment.compile

    def compile_once(self: Environment, source: Any, *place: Any, **wishes: Any) -> Any:
        key = (str(source), place, str(wishes))
        if key not in compiled:
            compiled[key] = compile_one(self, source, *place, **wishes)
        return compiled[key]

    Environment.compile = compile_once  # type: ignore[method-assign]  # a third of a run of two pages
    _run({"project": project, "book": book})
    gc.collect()
    gc.freeze()


class Watch:
    """One request: a forked run and its supervisor."""

    def __init__(self, wishes: dict[str, Any]) -> None:
        self.wishes = wishes
        self.root = os.path.realpath(wishes["project"])
        self.ended = Ended()
        self.killed = False

    def run(self) -> Ended:
        here, there = socket.socketpair()
        report, told = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(report)
            here.close()
            _be_the_run(self.wishes, there, told)
        there.close()
        os.close(told)
        with here:
            _, handles, _, _ = socket.recv_fds(here, 1, 1)
        try:
            if not handles:
                raise OSError("seccomp hands no calls over here")
            status = self._supervise(handles[0])
        finally:
            for handle in handles:
                os.close(handle)
            said = b""
            with os.fdopen(report, "rb") as pipe:
                said = pipe.read()
        self.ended.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        for name, value in json.loads(said or b"{}").items():
            setattr(self.ended, name, value)
        return self.ended

    def _supervise(self, handle: int) -> int:
        """Answer until the run has ended, and for a while what it left behind; return how it ended."""
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(run := os.pidfd_open(self.child), select.POLLIN)
        patience = None
        while found := dict(poll.poll(patience)):
            if run in found:
                poll.unregister(run)
                patience = _PATIENCE
            event = found.get(handle, 0)
            if event & select.POLLIN:
                with suppress(FileNotFoundError):  # who asked is gone
                    self._answer(handle)
            elif event & (select.POLLHUP | select.POLLERR):  # nobody is left who could ask
                break
        os.close(run)
        return os.waitpid(self.child, 0)[1]

    def _answer(self, handle: int) -> None:
        asked = bytearray(80)
        fcntl.ioctl(handle, _RECEIVE, asked)
        who, pid, _flags, number, _arch, _place, *arguments = struct.unpack_from("=QIIiIQ6Q", asked)
        call = NAMES[number]
        fault = self._judge(call, pid, arguments)
        if fault == signal.SIGKILL:
            return  # it is dead and waits for no answer
        made = struct.pack("=QqiI", who, 0, -fault, 0 if fault else _GO_ON)
        fcntl.ioctl(handle, _ANSWER, made)

    def _judge(self, call: str, pid: int, arguments: list[int]) -> int:
        """Note the call if it changes a file below the folder; return its fault: SIGKILL, an error number, or 0."""
        paths = _paths(call, pid, arguments)
        below = [path[len(self.root) + 1 :] for path in paths if path.startswith(self.root + "/")]
        if not below:
            return 0
        place = len(self.ended.points)
        self.ended.points.append((call, *below))
        kill_at, fail_at = self.wishes.get("kill_at"), self.wishes.get("fail_at")
        where = self.wishes.get("kill_where")  # a part of the path; once
        if kill_at == place or (where and where in below[-1] and not self.killed):
            self.killed = True
            os.kill(_process_of(pid) if self.wishes.get("kill_caller") else self.child, signal.SIGKILL)
            return signal.SIGKILL
        if fail_at is not None and call not in NEED_NO_ROOM:
            hit = place == fail_at if self.wishes.get("once") else place >= fail_at
            grows = call not in OPENS or not Path(paths[0]).exists()
            return errno.ENOSPC if hit and grows else 0
        return 0


def _paths(call: str, pid: int, arguments: list[int]) -> list[str]:
    if call in BY_HANDLE:
        return [_link(f"/proc/{pid}/fd/{arguments[BY_HANDLE[call]]}")]
    found = []
    for place in PATHS[call]:
        text = _text(pid, arguments[place])
        if text is None:  # of a handle: utimensat with no path
            found.append(_link(f"/proc/{pid}/fd/{arguments[place - 1]}"))
            continue
        if not text.startswith("/"):
            start = ctypes.c_int(arguments[place - 1] & 0xFFFFFFFF).value if call in FOLDER_BEFORE else -100
            text = f"{_link(f'/proc/{pid}/cwd' if start == -100 else f'/proc/{pid}/fd/{start}')}/{text}"
        found.append(os.path.normpath(text))
    return found


def _link(place: str) -> str:
    try:
        return str(Path(place).readlink())
    except OSError:
        return ""


def _text(pid: int, address: int) -> str | None:
    if not address:
        return None
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found and len(found) < 4096:
            found += memory.read(min(256, 4096 - (address + len(found)) % 4096))
    return os.fsdecode(found.split(b"\0")[0])


def _process_of(pid: int) -> int:
    return int(re.findall(r"^Tgid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[0])


# --- the run --------------------------------------------------------------------------------------------------------


def _be_the_run(wishes: dict[str, Any], there: socket.socket, told: int) -> None:
    code = 70
    try:
        handle = _filter_calls()
        socket.send_fds(there, [b"x"], [handle] if handle >= 0 else [])
        there.close()
        if handle >= 0:
            os.close(handle)
            os.write(told, json.dumps({} if wishes.get("probe") else _run(wishes)).encode())
            code = 0
    finally:
        os._exit(code)


def _filter_calls() -> int:
    """Hand calls that change files over; return the handle they come from, or -1 where the kernel has no such thing."""
    steps = [(_LOAD, 0, 0, 0)]
    for name, number in CALLS.items():
        if name in OPENS:
            low = _ARGUMENTS + 8 * OPENS[name]
            steps += [(_EQUALS, 0, 4, number), (_LOAD, 0, 0, low), (_HAS_BITS, 0, 1, _WRITES)]
            steps += [(_RETURN, 0, 0, _NOTIFY), (_RETURN, 0, 0, _ALLOW)]
        else:
            steps += [(_EQUALS, 0, 1, number), (_RETURN, 0, 0, _NOTIFY)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    asked = Program(len(steps), ctypes.addressof(program))
    _libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    return int(_libc.syscall(SECCOMP, 1, _NEW_LISTENER, ctypes.byref(asked)))


def _run(wishes: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    from analysis.errors import SiyuError
    from analysis.runs.progress import Progress
    from analysis.runs.run import Order, run_book

    project = Path(wishes["project"])
    os.chdir(project)
    tempfile.tempdir = str(project / "tmp")
    _true_kernels() if wishes.get("kernels") else _execute_here()
    order = Order(
        book=Path(wishes["book"]),
        overrides=tuple(wishes.get("overrides", ())),
        reports=project / "reports",
        cache=project / ".cache",
        jobs=1,
    )
    try:
        outcome = run_book(order, now=datetime(2026, 3, 2, 4, 0, tzinfo=UTC), progress=Progress(live=False))
    except SiyuError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # noqa: BLE001  # a user would see a traceback: the test says so
        return {"error": type(error).__name__, "message": repr(error)}
    return {"good": outcome.good}


_TRUE: dict[str, Any] = {}


def _true_kernels() -> None:
    """Undo ``_execute_here``, which the first run of this process left."""
    from analysis import workbench
    from analysis.runs import batch

    workbench._in_kernel = _TRUE.pop("_in_kernel")
    for name, value in _TRUE.items():
        setattr(batch, name, value)


def _execute_here() -> None:
    """Let notebooks run in the run's own process: it then writes what a kernel would, and a kernel costs a second."""
    import IPython.display
    import nbformat

    from analysis import workbench
    from analysis.context import RUN_VARIABLE
    from analysis.reporting.execute import Execution, Failure
    from analysis.runs import batch

    def execute(notebook: Any, *, parameters: Any, context: Path, **_: Any) -> Execution:
        os.environ[RUN_VARIABLE] = str(context)
        made = nbformat.read(notebook.path, as_version=4)
        space: dict[str, Any] = {}
        for cell in made.cells:
            outputs: list[Any] = []

            def display(data: Any, *, raw: bool, kept: list[Any] = outputs) -> None:
                kept.append(nbformat.v4.new_output("display_data", data=data))

            IPython.display.display = display  # type: ignore[assignment]
            try:
                exec(cell.source, space)
            except Exception as error:  # noqa: BLE001  # as a kernel does
                return Execution(notebook.name, made, Failure(type(error).__name__, str(error)), 0.0)
            finally:
                cell["outputs"] = outputs
        return Execution(notebook.name, made, None, 0.0)

    here = {"execute": execute, "kernel_server": lambda **_: nullcontext()}
    _TRUE.setdefault("_in_kernel", workbench._in_kernel)
    workbench._in_kernel = lambda: True
    for name, value in here.items():
        _TRUE.setdefault(name, getattr(batch, name))
        setattr(batch, name, value)


if __name__ == "__main__":
    serve()
