"""How long names and connections take, as a pod of one region has it: a pod that asks, and what it prints."""

from __future__ import annotations

import json
import statistics
import uuid
from pathlib import Path
from typing import Any

from components.plan.defaults import TOOLS_IMAGE
from lab.paths import PROJECT
from tests.lab.stack import RunningStack, wait_until

ASKED = 200
"""Questions, and connections, of each kind: the 99th of a hundred is the second slowest of these."""

_PROGRAM = """
import json, pathlib, socket, sys, time, uuid
host, port, zone, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
lines = pathlib.Path("/etc/resolv.conf").read_text().splitlines()
server = next(line.split()[1] for line in lines if line.startswith("nameserver"))
found = {"cold": [], "warm": [], "connect": []}
address = host
if zone:
    address = ask(server, host)["addresses"][0]
    for _ in range(count):
        found["cold"].append(ask(server, f"m-{uuid.uuid4().hex[:12]}.{zone}")["ms"])
        found["warm"].append(ask(server, host)["ms"])
for _ in range(count):
    begun = time.monotonic()
    socket.create_connection((address, port), 5).close()
    found["connect"].append(round((time.monotonic() - begun) * 1000, 2))
print(json.dumps(found))
"""


def measure(stack: RunningStack, source: str, host: str, port: int, zone: str) -> dict[str, dict[str, float]]:
    """`cold`, `warm`, `connect` -> {p50, p99} in milliseconds; what has not been asked is left out.

    Cold is a name in `zone` that nobody has asked for before, warm the node's own, asked again. No `zone`: the node has
    an address, there is nothing to resolve.
    """
    name = f"latency-{uuid.uuid4().hex[:8]}"
    client = (PROJECT / "verify" / "probe" / "dns.py").read_text(encoding="utf-8")
    words = ["python3", "-c", client + _PROGRAM, host, str(port), zone, str(ASKED)]
    _run(stack, source, name, words)
    told = json.loads(stack.kubectl(source, "logs", "-n", source, name))
    stack.kubectl(source, "delete", "pod", "-n", source, name, "--wait=false")
    return {kind: _percentiles(taken) for kind, taken in told.items() if taken}


def _run(stack: RunningStack, region: str, name: str, words: list[str]) -> None:
    pod: dict[str, Any] = {
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
    file = Path(stack.paths.root) / f"{name}.json"
    file.write_text(json.dumps(pod))
    stack.kubectl(region, "apply", "-f", str(file))
    wait_until(120, f"{name} is done", lambda: _phase(stack, region, name) in ("Succeeded", "Failed"))
    assert _phase(stack, region, name) == "Succeeded", stack.kubectl(region, "logs", "-n", region, name)


def _phase(stack: RunningStack, region: str, name: str) -> str:
    return stack.get(region, "pod", "-n", region, name)["status"].get("phase", "")


def _percentiles(taken: list[float]) -> dict[str, float]:
    hundredths = statistics.quantiles(taken, n=100, method="inclusive")
    return {f"p{percent}": round(hundredths[percent - 1], 2) for percent in (50, 99)}
