"""Who asks: hosts, of DNS servers; and pods that run a test's program where a node of the database would run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.plan.defaults import TOOLS_IMAGE
from lab.paths import PROJECT
from tests.lab.running import RunningLab
from tests.lab.stack import RunningStack, wait_until

DNS = (PROJECT / "verify" / "probe" / "dns.py").read_text(encoding="utf-8")
"""`ask`, the DNS client of verify's probes, for programs to begin with."""

CLIENT = (
    DNS
    + """
import ipaddress, json, os, pathlib, sys, threading

def server():
    lines = pathlib.Path("/etc/resolv.conf").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("nameserver"))

def is_address(host):
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False

def resolve(host, timeout=5):
    if is_address(host):
        return host
    found = ask(server(), host, timeout=timeout, attempts=1)
    if found.get("rcode") != "NOERROR" or not found["addresses"]:
        raise OSError(f"{host}: {found}")
    return found["addresses"][0]

def connect(address, port, timeout=5):
    link = socket.create_connection((address, port), timeout)
    link.sendall(bytes.fromhex("0000000804d2162f"))
    if link.recv(1) != b"S":
        link.close()
        raise ConnectionError("no node answers")
    return link
"""
)
"""Before every pod's program: names that are asked for once, and connections that are there when a node has answered
(to PostgreSQL's SSLRequest), whatever proxy or balancer took them on the way."""

ASK = DNS + "\nimport json, sys\nprint(json.dumps(ask(sys.argv[1], sys.argv[2], timeout=5, attempts=1)))\n"


def asked(lab: RunningLab, host: str, server: str, name: str) -> dict[str, Any]:
    """What a DNS server tells a host that asks for a name's addresses once: what `ask` returns. Nothing, where the host
    can't even ask."""
    done = lab.inside(host, "/usr/bin/python3", "-c", ASK, server, name)
    return json.loads(done.stdout) if done.returncode == 0 else {}


@dataclass(frozen=True)
class Asker:
    """A pod by name."""

    stack: RunningStack
    region: str
    name: str

    @property
    def phase(self) -> str:
        return self.stack.get(self.region, "pod", "-n", self.region, self.name)["status"].get("phase", "")

    def printed(self) -> str:
        """What it has printed so far."""
        return self.stack.kubectl(self.region, "logs", "-n", self.region, self.name)


@contextmanager
def asker(stack: RunningStack, region: str, program: str, *words: str) -> Iterator[Asker]:
    """A pod that runs a program, as long as it is looked at."""
    name = f"asker-{uuid.uuid4().hex[:8]}"
    file = stack.paths.root / f"{name}.json"
    file.write_text(json.dumps(_pod(region, name, ["python3", "-c", CLIENT + program, *words])))
    try:
        stack.kubectl(region, "apply", "-f", str(file))
        yield Asker(stack, region, name)
    finally:
        stack.kubectl(
            region,
            "delete",
            "pod",
            "-n",
            region,
            name,
            "--ignore-not-found",
            "--grace-period=0",
            "--force",
            check=False,
        )


def answer(stack: RunningStack, region: str, program: str, *words: str) -> str:
    """What a program printed that ended well."""
    with asker(stack, region, program, *words) as pod:
        wait_until(120, f"{pod.name} is done", lambda: pod.phase in ("Succeeded", "Failed"))
        assert pod.phase == "Succeeded", pod.printed()
        return pod.printed()


def _pod(region: str, name: str, words: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": region},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "ask",
                    "image": TOOLS_IMAGE,
                    "command": words,
                    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }
