"""The process that pre-warmed kernels are forked from: ``main(SOCKET)``.

It imports, says ``ready`` on its output if it may be forked, and serves ``analysis.reporting.warm``: one connection is
one kernel. It ends when its input does, which is when the runner is gone, and takes its kernels with it.
"""

import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

__all__ = ["WARM", "main"]

# What most notebooks import, told by the sum of what they cost. Imports alone: nothing here may start a thread.
WARM: Final = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "debugpy.server.api",
    "tornado.platform.asyncio",
    "jinja2",
    "ruamel.yaml",
    "analysis.workbench",
    "analysis.params",
    "analysis.page.render",
    "analysis.charts.theme",
    "analysis.features.table",
    "analysis.data.connect",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.compute",
    "pyarrow.dataset",
    "duckdb",
    "narwhals",
    "matplotlib.pyplot",
    "matplotlib.font_manager",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "scipy.stats",
    "scipy.optimize",
    "scipy.special",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "numba",
)
_ENDED: Final = -1
_STANDARD: Final = 2  # the last of input, output and errors


@dataclass
class _Kernel:
    """One connection and the kernel at its end: none yet (pid 0), alive, or ended (-1)."""

    line: socket.socket
    pid: int = 0
    said: bytes = b""


def main(place: str) -> None:
    """Import, listen, fork until the input ends.

    Args:
        place: Path of the socket.
    """
    given = dict(os.environ)
    for name in WARM:
        with suppress(Exception):  # a notebook that needs it will say so itself
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(place)
    listener.listen(64)
    gc.collect()
    gc.freeze()  # what is there now is never collected: its pages stay shared
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        return  # a thread of some library: a fork could inherit a lock that nobody lets go
    os.write(1, b"ready\n")
    # a library may set variables while it is imported: a kernel that had imported it by itself would have them too
    _serve(listener, {name: value for name, value in os.environ.items() if given.get(name) != value})


def _serve(listener: socket.socket, imported: Mapping[str, str]) -> None:
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    kernels: dict[int, _Kernel] = {}
    with selectors.DefaultSelector() as selector:
        for source in (0, woken, listener):
            selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    _end_all(kernels)
                    return
                if key.fileobj == woken:
                    with suppress(BlockingIOError):
                        os.read(woken, 4096)
                    _reap(kernels, selector)
                elif key.fileobj is listener:
                    line, _ = listener.accept()
                    selector.register(line, selectors.EVENT_READ, _Kernel(line))
                else:
                    _hear(key.data, kernels, selector, imported)


def _hear(kernel: _Kernel, kernels: dict[int, _Kernel], selector: Any, imported: Mapping[str, str]) -> None:
    """Take what came over a connection: the request of a kernel, signals to it, or its owner's end."""
    if kernel.line.fileno() < 0:
        return  # it was reaped in this very round
    try:
        more = kernel.line.recv(1 << 16)
    except ConnectionError:
        more = b""
    if not more:
        _hang_up(kernel, selector)
        _signal(kernel, signal.SIGKILL)
        return
    *lines, kernel.said = (kernel.said + more).split(b"\n")
    for line in lines:
        if kernel.pid:
            _signal(kernel, int(line))
        else:
            asked = json.loads(line)
            kernel.pid = _fork({**asked, "environment": {**imported, **asked["environment"]}})
            kernels[kernel.pid] = kernel
            _tell(kernel, {"pid": kernel.pid})


def _hang_up(kernel: _Kernel, selector: Any) -> None:
    selector.unregister(kernel.line)
    kernel.line.close()


def _reap(kernels: dict[int, _Kernel], selector: Any) -> None:
    """Say of every kernel that has ended how it did."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        kernel = kernels.pop(pid)
        kernel.pid = _ENDED
        if kernel.line.fileno() >= 0:
            _tell(kernel, {"ended": os.waitstatus_to_exitcode(status)})
            _hang_up(kernel, selector)


def _tell(kernel: _Kernel, what: dict[str, int]) -> None:
    with suppress(OSError):
        kernel.line.sendall(json.dumps(what).encode() + b"\n")


def _signal(kernel: _Kernel, signum: int) -> None:
    if kernel.pid > 0:
        with suppress(ProcessLookupError):
            os.killpg(kernel.pid, signum)


def _end_all(kernels: dict[int, _Kernel]) -> None:
    for kernel in kernels.values():
        _signal(kernel, signal.SIGKILL)


def _fork(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        with suppress(OSError):  # both do it, whoever comes first: a signal to the group is lost on neither side
            os.setpgid(pid, pid)
        return pid
    try:
        _become_kernel(asked)
    finally:
        os._exit(1)  # whatever happened: a fork must never run on as a second server


def _become_kernel(asked: dict[str, Any]) -> NoReturn:
    """Turn the fork into the kernel that its command line would have started."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _let_go_of_the_server()
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()

    from analysis.reporting.private_kernel import launch

    # the kernel ends by itself should the server go
    arguments = [*asked["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    sys.argv = ["-c", *arguments]
    launch(arguments)
    os._exit(0)


def _let_go_of_the_server() -> None:
    """Close the server's connections, that it alone decides how long they last, and its input and output."""
    for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if number > _STANDARD:
            with suppress(OSError):  # the listing's own is closed already
                os.close(number)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(_STANDARD + 1):
        os.dup2(nothing, standard)
    if nothing > _STANDARD:
        os.close(nothing)
