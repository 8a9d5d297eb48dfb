"""Pre-warmed kernels: one process imports what notebooks use, and every kernel of the run is a fork of it.

A plain kernel spends a CPU second or more on imports before its first cell speaks; a fork has them already. What a
notebook computes is the same to the last byte: both kinds have the same environment (threads, hash seed, zone), and
nothing but imports happens before the fork. Forking is safe only while a process has a single thread; the server says
so of itself, and where it cannot, or the system has no fork, kernels are plain ones.

The server holds a folder's worth of trust: a socket in a folder of mode 0700. A connection is a kernel: the first line
asks for it, later lines are signals to it, and what comes back is its pid and, at its end, how it ended. A connection
that breaks takes its kernel with it, so that a killed run leaves none behind.
"""

import json
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["ForkedKernel", "KernelServer", "WarmProvisioner"]

# as Jupyter's own launcher: nothing is imported from the working folder before the kernel itself looks there
_SERVER: Final = "import sys; del sys.path[0]; from analysis.reporting.fork_server import main; main(sys.argv[1])"
_START_SECONDS: Final = 60.0
_LOST: Final = -signal.SIGKILL  # what a kernel is taken to have died of if its server is gone


class KernelServer:
    """The process that kernels are forked from, as the runner sees it.

    Args:
        folder: Private folder (0700, short path) for its socket.
        environment: Environment of the kernels; what differs by kernel is sent with each.
        cwd: Working folder of the kernels.
    """

    def __init__(self, folder: Path, *, environment: Mapping[str, str], cwd: Path) -> None:
        self._path = folder / "fork"
        self._process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            [sys.executable, "-c", _SERVER, str(self._path)],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.PIPE,  # its end tells the server that the runner is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._ready: bool | None = None
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready(self) -> bool:
        """Wait until it has imported everything; whether it may be forked: alive, and single-threaded."""
        with self._asking:  # kernels side by side ask at the same time
            if self._ready is None and self._process.stdout is not None:
                heard, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
                self._ready = bool(heard) and self._process.stdout.readline() == b"ready\n"
        return bool(self._ready) and self._process.poll() is None  # a notebook may have killed it since

    def start(self, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path) -> "ForkedKernel":
        """Fork a kernel.

        Args:
            arguments: Those of the kernel's command line, after the program.
            environment: Its whole environment.
            cwd: Its working folder.

        Raises:
            OSError: If the server does not answer.
        """
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_START_SECONDS)
        line.connect(str(self._path))
        asked = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)}
        line.sendall(json.dumps(asked).encode() + b"\n")
        return ForkedKernel(line)

    def close(self) -> None:
        """End it, and with it every kernel that is left."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
            return
        self._process.kill()
        self._process.wait()


class ForkedKernel:
    """A forked kernel, with as much of ``Popen`` as a provisioner asks for.

    Args:
        line: The connection to the server that stands for it.

    Attributes:
        pid: Its process id, which is its process group's too.
        returncode: As Popen's; None while it lives.
    """

    stdin = stdout = stderr = None

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._said = b""
        self.returncode: int | None = None
        told = self._next()
        if told is None or "pid" not in told:
            raise OSError("the kernel server did not fork a kernel")
        self.pid: int = told["pid"]
        self._line.settimeout(0)  # from now on it is asked, not waited for

    def poll(self) -> int | None:
        """Return how it ended, or None while it lives."""
        if self.returncode is None:
            with suppress(BlockingIOError):
                told = self._next()
                self.returncode = _LOST if told is None else told["ended"]
                self._line.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._next()
            except TimeoutError:
                raise subprocess.TimeoutExpired("kernel", timeout or 0) from None
            self.returncode = _LOST if told is None else told["ended"]
            self._line.close()
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal to it and to all it has started, unless it has ended."""
        if self.poll() is None:
            with suppress(OSError):
                self._line.sendall(b"%d\n" % signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _next(self) -> dict[str, Any] | None:
        """Return what the server says next; None once it says nothing more."""
        while b"\n" not in self._said:
            try:
                more = self._line.recv(4096)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        return told


class WarmProvisioner(LocalProvisioner):
    """Jupyter's own provisioner, but for where the process comes from."""

    server: KernelServer

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel that the command would start."""
        arguments = cmd[cmd.index("-f") :]
        kernel = self.server.start(arguments, environment=kwargs["env"], cwd=Path(kwargs["cwd"]))
        self.process = kernel  # type: ignore[assignment]  # as much of Popen as is asked for
        self.pid = kernel.pid
        self.pgid = None  # signals go through the server: it knows whether that pid still is this kernel
        self.cwd = kwargs["cwd"]
        return self.connection_info
