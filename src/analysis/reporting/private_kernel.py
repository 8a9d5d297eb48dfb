"""A kernel that opens no port; see ``kernel.PLAIN`` for the command that starts one, as ipykernel's launcher does.

ipykernel speaks over the private sockets that its connection file names, and beside them listens on a TCP port of
127.0.0.1 for what child processes of a notebook print. Here that is a socket too, beside the connection file.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread

__all__ = ["launch"]


class _PrivateOutput(IOPubThread):
    folder: Path

    def _setup_pipe_in(self) -> None:
        """Listen for what child processes print, as the base does, on a socket in the kernel's own folder."""
        import zmq
        from zmq.eventloop.zmqstream import ZMQStream

        self._pipe_uuid = os.urandom(16)
        self._pipe_address = f"ipc://{self.folder}/io-{os.getpid()}"
        inward = self.socket.context.socket(zmq.PULL)
        inward.linger = 0
        inward.bind(self._pipe_address)
        self._pipe_in = ZMQStream(inward, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        """Speak to that socket from a child process."""
        import zmq

        context = zmq.Context()
        outward = context.socket(zmq.PUSH)
        outward.linger = 3000
        outward.connect(self._pipe_address)
        return context, outward


def launch(arguments: Sequence[str]) -> None:
    """Run a kernel with ipykernel's own arguments until it ends; ``-f`` names its connection file."""
    _PrivateOutput.folder = Path(arguments[list(arguments).index("-f") + 1]).parent
    setattr(kernelapp, "IOPubThread", _PrivateOutput)  # noqa: B010  # the one place where ipykernel lets it be chosen
    kernelapp.IPKernelApp.launch_instance(argv=list(arguments))
