"""One kernel for one notebook: private sockets, a clean environment, outputs within bounds, no process left.

Papermill executes; this module is what it runs on. Success is not read off the saved notebook: the
client notes which cells the kernel has answered for and whether the workbench's end marker came in.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from analysis.context import RUN_VARIABLE
from analysis.page.blocks import MIME
from analysis.reporting.warm import KernelServer, WarmProvisioner

__all__ = ["ENGINE", "PLAIN", "KernelSession", "end_marked_processes", "kernel_environment"]

ENGINE: Final = "siyu"
PLAIN: Final = (
    sys.executable,
    "-c",  # nothing is imported from the working folder before the kernel itself looks there
    "import sys; del sys.path[0]; from analysis.reporting.private_kernel import launch; launch(sys.argv[1:])",
)
"""Command of a kernel that is not forked; its connection file and options follow."""

_MAX_STREAM: Final = 1_000_000  # characters a cell may print
_MAX_OUTPUTS: Final = 24_000_000  # characters of pictures, tables and blocks of one notebook
_IOPUB_TIMEOUT: Final = 120  # seconds for outputs to arrive after the kernel has answered
_PASSED_ON: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TMPDIR|TEMP|TMP|SYSTEMROOT|XDG_CACHE_HOME|MPLCONFIGDIR"
    r"|VIRTUAL_ENV|CONDA_PREFIX|(?:DY)?LD_LIBRARY_PATH|(?:JAVA|SPARK|HADOOP)_HOME"
    r"|PYTHON(?:PATH|HOME|UTF8|WARNINGS|DONTWRITEBYTECODE|PYCACHEPREFIX)"
)
_KEPT_BYTES: Final = 1 << 30  # below so many, memory that is freed stays with the process
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")


@dataclass
class KernelSession:
    """What one execution asks of its kernel, and what it has seen.

    Attributes:
        folder: Folder (0700, short path) of the sockets and of IPython's own files.
        environment: The kernel's whole environment.
        cwd: Working folder of the kernel.
        remaining: Seconds until the deadline.
        server: What forks the kernel; None: it is a plain one.
        ended: Whether the end marker came in.
        answered: Cells that the kernel has answered for without an error.
        error: Name, message and cell of the first error.
        oversize: What was said of outputs beyond the bound; empty if none.
        exit_code: Of a kernel that died by itself.
        notebook: The notebook as far as it got.
    """

    folder: Path
    environment: Mapping[str, str]
    cwd: Path
    remaining: Callable[[], float]
    server: KernelServer | None = None
    ended: bool = False
    answered: set[int] = field(default_factory=set)
    error: tuple[str, str, int] | None = None
    oversize: str = ""
    exit_code: int | None = None
    notebook: Any = None


def kernel_environment(*, context: Path, threads: int, folder: Path) -> dict[str, str]:
    """Return the environment of a kernel: what it needs to start, and nothing secret.

    Names are passed on by a list, so that no salt, address or key of the operator's environment can
    reach a notebook. Zone and hash seed are fixed, so that the same inputs give the same bytes.
    """
    kept = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    return {
        **kept,
        **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        RUN_VARIABLE: str(context),
        "IPYTHONDIR": str(folder / "ipython"),
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # only a process with one thread may be forked
        "JUPYTER_PLATFORM_DIRS": "1",
        # memory of large columns is kept for the next ones: the system hands out fresh pages dearly
        "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
        "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
        "MPLBACKEND": "agg",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
    }


def end_marked_processes(context: Path) -> None:
    """Kill every process of that run, by its mark in the environment: what notebooks started and left behind."""
    mark = f"{RUN_VARIABLE}={context}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in entry.read_bytes().split(b"\0"):
                os.kill(int(entry.parent.name), signal.SIGKILL)


class _OwnSpec(KernelSpecManager):
    """Always this interpreter, whatever kernels are installed for the user."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        del kernel_name
        argv = [*PLAIN, "-f", "{connection_file}", "--HistoryManager.enabled=False"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # untyped base
    session: KernelSession

    def create_kernel_manager(self) -> Any:
        self.km = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=_OwnSpec(),
            transport="ipc",
            ip=str(self.session.folder / "s"),
            connection_file=str(self.session.folder / "kernel.json"),
        )
        if self.session.server is not None and self.session.server.ready():
            self.km.provisioner = WarmProvisioner(kernel_id="warm", kernel_spec=self.km.kernel_spec, parent=self.km)
            self.km.provisioner.server = self.session.server
        return self.km

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        content = msg["content"]
        if msg["msg_type"] == "stream":
            printed = sum(len(out["text"]) for out in outs if out["output_type"] == "stream")
            if printed >= _MAX_STREAM:
                return None
            if printed + len(content["text"]) > _MAX_STREAM:
                content["text"] = content["text"][: _MAX_STREAM - printed] + "\n… cut: this cell printed too much\n"
        elif data := content.get("data"):
            self._note_block(data.get(MIME))
            self._size = getattr(self, "_size", 0) + sum(len(str(value)) for value in data.values())
            if self._size > _MAX_OUTPUTS:
                self.session.oversize = f"more than {_MAX_OUTPUTS // 1_000_000} million characters of output"
                return None
        return super().output(outs, msg, display_id, cell_index)

    def _note_block(self, block: Any) -> None:
        if isinstance(block, dict) and block.get("kind") == "end":
            self.session.ended = True

    def note_answer(self, *, cell: Any, cell_index: int, execute_reply: Any) -> None:
        del cell
        content = execute_reply["content"]
        if content["status"] == "ok":
            self.session.answered.add(cell_index)
        elif self.session.error is None:
            self.session.error = (content.get("ename", "Aborted"), content.get("evalue", ""), cell_index)

    def _cleanup_kernel(self) -> None:
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        self.session.exit_code = process.poll() if process is not None else None
        super()._cleanup_kernel()


class _Engine(NBClientEngine):  # type: ignore[misc]  # untyped base
    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        session: KernelSession = kwargs["session"]
        session.notebook = nb_man.nb
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout_func=lambda _cell: max(0.01, session.remaining()),
            startup_timeout=max(1, int(min(60, session.remaining()))),
            iopub_timeout=_IOPUB_TIMEOUT,
            record_timing=False,
            store_widget_state=False,
            force_raise_errors=True,
            shutdown_kernel="immediate",
        )
        client.session = session
        client.on_cell_executed = client.note_answer
        silent = subprocess.DEVNULL  # what the kernel says of itself is no part of the notebook, nor of the terminal
        client.execute(env=dict(session.environment), cwd=str(session.cwd), stdout=silent, stderr=silent)


papermill_engines.register(ENGINE, _Engine)
