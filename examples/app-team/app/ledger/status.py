"""What one pod has done: a line of JSON for each event, and all of it together for whoever asks."""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8080


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Status:
    """Shared by the threads of a pod; `snapshot` is its JSON."""

    region: str
    """Where the pod is."""
    pod: str
    gateway: str | None = None
    """The region of the database node that answers; None: none has yet."""
    payments: int = 0
    """Acknowledged ones of this pod."""
    conflicts: int = 0
    """Transactions that were run again because others wrote the same rows at the same time."""
    failures: int = 0
    """Attempts that failed otherwise, and were made again."""
    unknown: int = 0
    """Payments that were given up: no attempt was acknowledged in time."""
    last_payment: str | None = None
    longest_gap_seconds: float = 0.0
    """Between two acknowledged payments, or since the last one."""
    last_read: str | None = None
    accounts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Region -> its account, as last read."""
    last_error: str | None = None
    _clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _last: float | None = None

    def change(self, **values: Any) -> None:
        """Set what is given."""
        with self._lock:
            for name, value in values.items():
                setattr(self, name, value)

    def count(self, name: str) -> None:
        """One more of `name`."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)

    def paid(self) -> None:
        """A payment was acknowledged."""
        with self._lock:
            self.payments += 1
            self.last_payment = now()
            self._stretch()
            self._last = self._clock()

    def snapshot(self) -> dict[str, Any]:
        """Everything but what is the threads' own."""
        with self._lock:
            self._stretch()
            return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def _stretch(self) -> None:
        if self._last is not None:
            self.longest_gap_seconds = round(max(self.longest_gap_seconds, self._clock() - self._last), 3)


def log(event: str, **details: Any) -> None:
    """One line on standard output."""
    sys.stdout.write(json.dumps({"time": now(), "event": event, **details}, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def serve(status: Status, port: int = PORT) -> ThreadingHTTPServer:
    """Answers `/status`, `/started` (503 until a payment was acknowledged) and `/live` from a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/status":
                    self._answer(200, status.snapshot())
                case "/started":
                    self._answer(200 if status.payments else 503, {"payments": status.payments})
                case "/live":
                    self._answer(200, {})
                case _:
                    self._answer(404, {})

        def _answer(self, code: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode() + b"\n"
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes are no events."""

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
    return server
