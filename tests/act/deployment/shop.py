"""A small real HTTP application that can be bad in every way a release can be: what deployments are tested with.

``python shop.py PORT RELEASE [key=value ...]``: `errors` (share of answers that are 500), `delay_s`, `start_s` (before
it listens), `crash_after_s`, `leak_mb` (per second), `health` (status of /health), `orders` (a file that every POST's
id is appended to). Keep-alive, one asyncio process.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path

OPTIONS = dict(word.split("=", 1) for word in sys.argv[3:])
RELEASE = sys.argv[2] if len(sys.argv) > 2 else ""
ERRORS, DELAY_S = float(OPTIONS.get("errors", 0)), float(OPTIONS.get("delay_s", 0))
HEALTH = int(OPTIONS.get("health", 200))
LEAK: list[bytearray] = []


class Shop(asyncio.Protocol):
    transport: asyncio.Transport
    buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.answer(head)

    def answer(self, head: bytes) -> None:
        method, path, *_ = head.split(b" ", 2)
        status = HEALTH if path == b"/health" else 200
        if path != b"/health":
            if method == b"POST" and "orders" in OPTIONS:
                with Path(OPTIONS["orders"]).open("ab") as orders:
                    orders.write(path + b"\n")
            status = 500 if random.random() < ERRORS else status  # noqa: S311  # no secret
        content = RELEASE.encode()
        reply = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content)
        if DELAY_S and path != b"/health":
            asyncio.get_running_loop().call_later(DELAY_S, self.send, reply)
        else:
            self.send(reply)

    def send(self, reply: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(reply)


async def main() -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Shop, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    if "crash_after_s" in OPTIONS:
        loop.call_later(float(OPTIONS["crash_after_s"]), os._exit, 9)
    while True:
        await asyncio.sleep(0.1)
        LEAK.append(bytearray(int(float(OPTIONS.get("leak_mb", 0)) * 100_000)))


if __name__ == "__main__":
    time.sleep(float(OPTIONS.get("start_s", 0)))
    asyncio.run(main())
