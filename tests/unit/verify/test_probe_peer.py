"""Two probes in conversation: whose address arrives, whether 64 KiB do, how far the clocks are apart."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from verify.probe import peer


@pytest.fixture
def responder() -> Iterator[peer.Responder]:
    server = peer.Responder(("127.0.0.1", 0), "run1", clock=lambda: time.time() + 2.5).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_whole_conversation(responder: peer.Responder) -> None:
    result = peer.converse("127.0.0.1", responder.server_address[1], "run1")
    assert (result["status"], result["stage"], result["seen"]) == ("ok", "done", "127.0.0.1")
    assert result["up"] and result["down"]
    assert abs(result["offsetMs"] - 2500) < 50
    assert 0 <= result["roundTripMs"] < 1000


def test_a_stranger_gets_no_answer(responder: peer.Responder) -> None:
    result = peer.converse("127.0.0.1", responder.server_address[1], "run2", timeout=0.5)
    assert result["status"] == "reset"
    assert (result["stage"], result["seen"]) == ("hello", None)


def test_large_packets_that_vanish_leave_the_conversation_at_that_stage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        responder = peer.Responder(("127.0.0.1", 0), "run1").start()
        threading.Thread(target=_small_packets_only, args=(listener, responder.server_address[1]), daemon=True).start()
        result = peer.converse("127.0.0.1", listener.getsockname()[1], "run1", timeout=0.4)
        responder.shutdown()
        responder.server_close()
    assert result["seen"] == "127.0.0.1"
    assert (result["status"], result["stage"], result["up"]) == ("timeout", "up", False)


def test_a_peer_that_is_not_there_is_refused_after_patience() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    started = time.monotonic()
    result = peer.converse("127.0.0.1", port, "run1", patience=0.3)
    assert (result["status"], result["stage"]) == ("refused", "connect")
    assert 0.3 <= time.monotonic() - started < 3


def test_a_peer_that_starts_late_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found: list[dict] = []
    caller = threading.Thread(target=lambda: found.append(peer.converse("127.0.0.1", port, "run1", patience=10)))
    caller.start()
    responder = peer.Responder(("127.0.0.1", port), "run1").start()
    caller.join(10)
    responder.shutdown()
    responder.server_close()
    assert found[0]["stage"] == "done"


def _small_packets_only(listener: socket.socket, port: int) -> None:
    """A path that forwards what is under 1 KiB: what an MTU black hole does."""
    here, _ = listener.accept()
    there = socket.create_connection(("127.0.0.1", port))

    def forward(source: socket.socket, destination: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if len(data) < 1024:
                    destination.sendall(data)
        except OSError:
            return

    threading.Thread(target=forward, args=(there, here), daemon=True).start()
    forward(here, there)
