"""How long servers took to answer, from the lines that HAProxy logs to a local port while somebody listens."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Mapping, Sequence

_MOST_LINES = 20_000
"""Of one call: what comes faster than that is a sample anyway."""
_BUFFER_BYTES = 4 * 1024**2


def free_port() -> int:
    """Give a port for datagrams that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class AnswerTimes:
    """Listens for lines `p<port> <status> <milliseconds>`; a full buffer drops lines, what is left is a sample.

    Raises OSError where somebody else listens on the port.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setblocking(False)  # noqa: FBT003  # the standard library's own signature
        self._socket.bind(("127.0.0.1", port))

    def take(self) -> Mapping[int, Sequence[float]]:
        """Give the seconds of the answers below 500 that were logged since the last call, by port."""
        taken: dict[int, list[float]] = defaultdict(list)
        for _ in range(_MOST_LINES):
            try:
                words = self._socket.recv(1024).split()
            except BlockingIOError:
                break
            if len(words) == 3 and words[0].startswith(b"p") and words[2].isdigit() and words[1] < b"500":
                taken[int(words[0][1:])].append(int(words[2]) / 1000)
        return taken

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
