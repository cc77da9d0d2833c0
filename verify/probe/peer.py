"""Two probe pods against each other: does my address survive the way, do full packets, and do our clocks agree?

A node can answer a handshake and still be cut off: behind source NAT its peers log an address that isn't its own, and
behind an MTU black hole only large packets vanish. Both show only where the other end is ours too. The conversation is
lines of text on one TCP connection to the database's HTTP port, which the regions' firewalls pass anyway.
"""

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from .dns import failure

BLOB = b"\xa5" * 65536
"""64 KiB: some 45 full segments, so each direction sends packets of the path's full size."""
CLOCK_SAMPLES = 8


class Responder(socketserver.ThreadingTCPServer):
    """Answers peers of the same run (they know its id) until the pod ends."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], run: str, clock: Callable[[], float] = time.time) -> None:
        self.run_id = run
        self.clock = clock
        super().__init__(address, _Conversation)

    def start(self) -> "Responder":
        """Serve from a daemon thread; returns self."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        server = cast(Responder, self.server)
        try:
            if self.rfile.readline(200).decode().split() != ["run", server.run_id]:
                return
            while True:
                words = self.rfile.readline(200).split()
                if words == [b"hello"]:
                    received = server.clock()
                    self._say({"you": self.client_address[0], "received": received, "sent": server.clock()})
                elif words == [b"up"]:
                    self._say({"got": len(self.rfile.read(len(BLOB)))})
                elif words == [b"down"]:
                    self.wfile.write(BLOB)
                else:
                    return
        except (OSError, ValueError):
            return

    def _say(self, answer: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def converse(
    address: str,
    port: int,
    run: str,
    timeout: float = 3.0,
    patience: float = 5.0,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Talk to one responder. Never raises.

    `timeout` is in seconds per step; a refused connection is tried again for `patience` seconds (the peer may still
    be starting). Returns {status, stage, seen, offsetMs, roundTripMs, up, down}: `stage` is the last one reached
    (connect, hello, up, down, done), `seen` the caller's address as the peer saw it, `offsetMs` the peer's clock minus
    ours at the shortest round trip, `up` and `down` whether 64 KiB went that way.
    """
    result: dict[str, Any] = {"status": "ok", "stage": "connect", "seen": None, "offsetMs": None, "roundTripMs": None}
    result["up"] = result["down"] = False
    deadline = time.monotonic() + patience
    try:
        with _connect(address, port, timeout, deadline) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = sock.makefile("rb")
            result["stage"] = "hello"
            sock.sendall(f"run {run}\n".encode())
            _clock(sock, stream, result, clock)
            result["stage"] = "up"
            sock.sendall(b"up\n" + BLOB)
            result["up"] = json.loads(_line(stream))["got"] == len(BLOB)
            result["stage"] = "down"
            sock.sendall(b"down\n")
            result["down"] = stream.read(len(BLOB)) == BLOB
            result["stage"] = "done"
    except OSError as error:
        result.update(status=failure(error), error=str(error) or type(error).__name__)
    except (ValueError, KeyError) as error:
        result.update(status="malformed", error=str(error))
    return result


def _clock(sock: socket.socket, stream: BinaryIO, result: dict[str, Any], clock: Callable[[], float]) -> None:
    best = (float("inf"), 0.0)
    for _ in range(CLOCK_SAMPLES):
        sent = clock()
        sock.sendall(b"hello\n")
        answer = json.loads(_line(stream))
        arrived = clock()
        round_trip = (arrived - sent) - (answer["sent"] - answer["received"])
        offset = ((answer["received"] - sent) + (answer["sent"] - arrived)) / 2
        result["seen"] = answer["you"]
        best = min(best, (round_trip, offset))
    result["roundTripMs"], result["offsetMs"] = (round(value * 1000, 3) for value in best)


def _connect(address: str, port: int, timeout: float, deadline: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection((address, port), timeout=timeout)
        except ConnectionRefusedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(1000)
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the peer closed the conversation")
    return line
