"""A plugin's gRPC server, its life tied to the engine that started it, as lab/plugins/internal/serve does in Go."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

MESSAGE = 400 << 20
"""The largest message, in bytes: the engine's own limit."""

WORKERS = 1024
"""Requests at once: the engine has 256 operations under way in a lab, each with one."""

GRACE = 3.0
"""Seconds that requests under way have to notice their cancellation."""

OPTIONS = [("grpc.max_receive_message_length", MESSAGE), ("grpc.max_send_message_length", MESSAGE)]


def serve(arguments: Sequence[str], register: Callable[[grpc.Server], Callable[[], None]]) -> None:
    """Serve until the engine goes away or a signal asks to stop.

    `register` adds the service and returns what to call to cancel requests under way. `arguments` are the engine's: its
    address is the last; without one (a person attaches to the plugin), only a signal ends it.
    """
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=OPTIONS)
    cancel = register(server)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    addresses = [word for word in arguments if not word.startswith("-")]
    channel = _watch(addresses[-1], stop) if addresses else None
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stop.wait()
    cancel()
    server.stop(GRACE).wait(GRACE)
    if channel is not None:
        channel.close()
    sys.stdout.flush()
    os._exit(0)  # threads that still wait for something have nobody to tell


def _watch(address: str, stop: threading.Event) -> grpc.Channel:
    """Set `stop` once a connection that was up breaks: an engine that was killed leaves no plugin behind."""
    channel = grpc.insecure_channel(address, options=[*OPTIONS, ("grpc.client_idle_timeout_ms", 2**31 - 1)])
    up = False

    def changed(state: grpc.ChannelConnectivity) -> None:
        nonlocal up
        if state is grpc.ChannelConnectivity.READY:
            up = True
        elif up and state is not grpc.ChannelConnectivity.CONNECTING:
            stop.set()

    channel.subscribe(changed, try_to_connect=True)
    return channel
