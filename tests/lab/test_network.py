"""What the lab's network lets through, seen from its hosts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lab.paths import PROJECT
from tests.lab.running import RunningLab

LISTEN = """
import socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("listening", flush=True)
while True:
    server.accept()[0].sendall(b"hello")
"""
CONNECT = "import socket, sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).recv(5).decode())"
ADDRESS = {"us-east1": "10.1.0.10", "us-central1": "10.2.0.10"}


@contextmanager
def listening(lab: RunningLab, host: str, port: int) -> Iterator[None]:
    """A server on a port of a host that nothing else uses."""
    words = ["exec", "--name", lab.paths.name, host, "--", "/usr/bin/python3", "-c", LISTEN, str(port)]
    server = subprocess.Popen([sys.executable, "-m", "lab", *words], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout and server.stdout.readline() == "listening\n"
        yield
    finally:
        server.kill()
        server.wait()


def reaches(lab: RunningLab, host: str, address: str, port: int) -> bool:
    return lab.inside(host, "/usr/bin/python3", "-c", CONNECT, address, str(port)).stdout == "hello\n"


def test_only_the_stated_ports_cross_between_regions(lab: RunningLab) -> None:
    for port, crosses in ((26257, True), (8080, True), (53, True), (22, False), (9999, False)):
        with listening(lab, "us-east1-host-0", port):
            assert reaches(lab, "us-east1-host-1", ADDRESS["us-east1"], port), f"{port} inside the region"
            assert reaches(lab, "us-central1-host-0", ADDRESS["us-east1"], port) == crosses, f"{port} from another"


def test_a_cut_region_is_alone_until_healed(lab: RunningLab) -> None:
    with listening(lab, "us-east1-host-0", 26257):
        lab.run("fault", "cut", "us-east1")
        try:
            assert not reaches(lab, "us-central1-host-0", ADDRESS["us-east1"], 26257)
            assert reaches(lab, "us-east1-host-1", ADDRESS["us-east1"], 26257)
            lab.run("up")
            assert not reaches(lab, "us-central1-host-0", ADDRESS["us-east1"], 26257), "`up` heals no fault"
        finally:
            lab.run("fault", "heal")
        assert reaches(lab, "us-central1-host-0", ADDRESS["us-east1"], 26257)


def test_hosts_reach_no_other_regions_api_server(lab: RunningLab) -> None:
    probe = "import socket, sys; socket.create_connection((sys.argv[1], 6443), 2)"
    assert lab.inside("us-east1-host-0", "/usr/bin/python3", "-c", probe, "10.1.17.2").returncode == 0
    assert lab.inside("us-east1-host-0", "/usr/bin/python3", "-c", probe, "10.2.17.2").returncode != 0


def test_a_stopped_api_server_comes_back_with_its_objects(lab: RunningLab) -> None:
    lab.run("fault", "stop-api", "us-west1")
    assert [region["ready"] for region in lab.status()["regions"] if region["name"] == "us-west1"] == [False]
    lab.run("fault", "start-api", "us-west1")
    status = lab.status()
    assert [region["ready"] for region in status["regions"]] == [True, True, True]
    assert status["faults"]["stopped"] == []
