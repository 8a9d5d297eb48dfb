"""Kernels forked from one warm process: the same bytes as plain ones, and as mortal."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from analysis.books.catalogue import discover
from analysis.reporting import fork_server
from analysis.reporting.execute import Execution, kernel_server
from analysis.reporting.kernel import kernel_environment
from analysis.reporting.warm import ForkedKernel, KernelServer
from analysis.runs.batch import Deadline, run_notebooks
from analysis.runs.progress import Progress

CELLS = [
    "import os, random, sys\nimport numpy as np\nimport pandas as pd",
    "np.random.default_rng(7).normal(size=3), {'b', 'a', 'c'}, horizon",
    "import matplotlib.pyplot as plt\nplt.rcParams['svg.hashsalt'] = 'x'\nplt.plot([1, 2])[0].figure.number",
    "import io\nout = io.StringIO()\nplt.savefig(out, format='svg', metadata={'Date': None})",
    "from IPython.display import SVG\nSVG(out.getvalue())",
    "sorted(k for k in os.environ if not k.startswith(('IPYTHON', 'JPY_', 'KMP_')))",
    "os.environ['TZ'], sys.path[0], __name__, sys.flags, sys.argv[0]",
]
END = """from analysis.page import blocks
from IPython.display import display
display({blocks.MIME: blocks.end('x')}, raw=True)"""


def write(folder: Path, name: str, cells: list[str]) -> None:
    made = [nbformat.v4.new_code_cell("horizon: int = 3", metadata={"tags": ["parameters"]})]
    made += [nbformat.v4.new_code_cell(source) for source in (*cells, END)]
    for place, cell in enumerate(made):
        cell["id"] = f"c{place}"
    notebook = nbformat.v4.new_notebook(cells=made, metadata={"siyu": {"needs": [], "after": []}})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")


def run(root: Path, *, warm: bool, seconds: float = 60) -> dict[str, Execution]:
    found = discover(root / "notebooks")
    return run_notebooks(
        found,
        dict.fromkeys(found, ()),
        parameters={name: {"horizon": 5} for name in found},
        context=root / "context.json",
        cwd=root,
        jobs=2,
        deadline=Deadline(seconds),
        redact={},
        tables=frozenset(),
        progress=Progress(live=False),
        settled=lambda execution: execution,
        warm=warm,
    )


def test_a_warm_kernel_gives_the_same_bytes_as_a_plain_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / "notebooks", name, CELLS)
    told = []
    for warm in (True, False):
        done = run(tmp_path, warm=warm)
        assert all(execution.failure is None for execution in done.values()), done
        told.append({name: nbformat.writes(execution.notebook) for name, execution in done.items()})
    for name, text in told[0].items():
        assert text.splitlines() == told[1][name].splitlines()
    assert len(json.loads(told[0]["one"])["cells"][6]["outputs"]) == 1


def test_kernels_of_a_batch_are_forks_and_do_not_share_their_random_numbers(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(
            tmp_path / "notebooks",
            name,
            [
                "import os, random, numpy",
                "os.getppid(), os.getpgid(0) == os.getpid(), random.random(), numpy.random.rand()",
            ],
        )
    said = [e.notebook.cells[3].outputs[0]["data"]["text/plain"] for e in run(tmp_path, warm=True).values()]
    first, second = (text.strip("()").split(", ") for text in said)
    assert first[0] == second[0] != str(os.getpid())
    assert first[1] == second[1] == "True"
    assert first[2] != second[2]
    assert first[3] != second[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelServer]:
    context = tmp_path_factory.mktemp("warm") / "context.json"
    with kernel_server(context=context, cwd=context.parent, threads=1) as made:
        if made is None:
            pytest.skip("no fork server on this system")
        assert made.ready()
        yield made


def start(server: KernelServer, folder: Path) -> ForkedKernel:
    environment = kernel_environment(context=folder / "context.json", threads=1, folder=folder)
    return server.start(["-f", str(folder / "kernel.json")], environment=environment, cwd=folder)


def test_the_end_of_a_kernel_is_told_as_it_was(server: KernelServer, tmp_path: Path) -> None:
    kernel = start(server, tmp_path)
    assert kernel.poll() is None
    kernel.send_signal(signal.SIGKILL)
    assert kernel.wait(timeout=5) == -signal.SIGKILL
    assert kernel.poll() == -signal.SIGKILL
    kernel.kill()  # nobody is hit by a second signal


def test_a_kernel_whose_owner_hangs_up_is_ended(server: KernelServer, tmp_path: Path) -> None:
    kernel = start(server, tmp_path)
    kernel._line.close()  # as the system does when the runner is killed
    assert gone(kernel.pid)


def test_a_server_whose_runner_is_gone_takes_its_kernels_along(tmp_path: Path) -> None:
    with kernel_server(context=tmp_path / "context.json", cwd=tmp_path, threads=1) as server:
        assert server is not None
        assert server.ready()
        kernel = start(server, tmp_path)
        os.kill(server.pid, signal.SIGKILL)
        assert kernel.wait(timeout=10) == -signal.SIGKILL
        assert gone(kernel.pid)  # it sees that its parent is another one


def test_a_server_that_may_not_be_forked_leaves_kernels_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "busy_thread.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        encoding="utf-8",
    )
    (tmp_path / "sitecustomize.py").write_text("import busy_thread\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with kernel_server(context=tmp_path / "context.json", cwd=tmp_path, threads=1) as server:
        assert server is not None
        assert not server.ready()


def test_every_module_that_is_loaded_before_is_one_that_can_be(server: KernelServer) -> None:
    import importlib.util

    assert server.ready()
    assert [name for name in fork_server.WARM if importlib.util.find_spec(name) is None] == []


def gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
