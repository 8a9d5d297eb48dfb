"""What reaches a terminal moves no cursor; a kernel's own channels are closed to others."""

import json
import os
import subprocess
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from analysis.cli import main
from analysis.reporting.kernel import PLAIN
from analysis.runs.progress import Progress
from tests.security.conftest import Watch
from tests.security.payloads import of_kind

CONTROLS = {*map(chr, range(9)), "\x0b", "\x0c", *map(chr, range(14, 32)), "\x7f", "\r", "\u202e", "\u2066"}


@pytest.mark.parametrize("kind", ["signs", "markup", "path"])
def test_no_text_of_an_error_moves_a_cursor(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(live=False)
    for text in of_kind(kind):
        progress.say(text)
        progress.doing(text)
        assert main(["run", f"missing-{text[:100]}.yaml".replace("\0", "\x1b")]) == 2
    told = capsys.readouterr()
    assert len(told.err) > 500
    assert not CONTROLS & set(told.err + told.out)


def test_a_kernel_of_ours_opens_no_port_and_its_children_are_heard(tmp_path_factory: pytest.TempPathFactory) -> None:
    from jupyter_client.blocking.client import BlockingKernelClient

    folder = Path(tmp_path_factory.mktemp("k"))
    folder.chmod(0o700)
    ports = {f"{name}_port": port for port, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
    connection = {
        "transport": "ipc",
        "ip": str(folder / "s"),
        "key": "k" * 32,
        "signature_scheme": "hmac-sha256",
        **ports,
    }
    file = folder / "kernel.json"
    file.write_text(json.dumps(connection), encoding="utf-8")
    command = [*PLAIN, "-f", str(file)]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as kernel:
        client: Any = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            watch = Watch()
            watch.look()
            client.execute(
                "import os\nif os.fork() == 0:\n    print('from a child', flush=True)\n    os._exit(0)\nos.wait()"
            )
            said = ""
            while "from a child" not in said:
                said += client.get_iopub_msg(timeout=20)["content"].get("text", "")
        except Empty:
            said = ""
        finally:
            client.stop_channels()
            kernel.kill()
    assert "from a child" in said
    assert watch.listened == set()
    assert len(watch.sockets) >= 5
    assert set(watch.sockets.values()) == {"closed"}
