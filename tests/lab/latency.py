"""How long names and connections take, as a pod of one region has it."""

from __future__ import annotations

import json
import statistics

from tests.lab.asking import answer
from tests.lab.stack import RunningStack

ASKED = 200
"""Questions, and connections, of each kind: the 99th of a hundred is the second slowest of these."""

_PROGRAM = """
host, port, zone, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
taken = {"cold": [], "warm": [], "connect": []}

def name(asked, rcode):
    begun = time.monotonic()
    found = ask(server, asked, timeout=5, attempts=1)
    ended = time.monotonic()
    assert found.get("rcode") == rcode and bool(found["addresses"]) == (rcode == "NOERROR"), (asked, found)
    return (ended - begun) * 1000

address, server = resolve(host), server()
for _ in range(count if zone else 0):
    taken["cold"].append(name(f"m-{secrets.token_hex(6)}.{zone}", "NXDOMAIN"))
    taken["warm"].append(name(host, "NOERROR"))
for _ in range(count):
    begun = time.monotonic()
    link = connect(address, port)
    taken["connect"].append((time.monotonic() - begun) * 1000)
    link.close()
print(json.dumps(taken))
"""


def measure(stack: RunningStack, source: str, host: str, port: int, zone: str) -> dict[str, dict[str, float]]:
    """`cold`, `warm`, `connect` -> {p50, p99} in milliseconds; what has not been asked is left out.

    Cold is a name in `zone` that is not there, so that nobody has asked for it before; warm the node's own, asked
    again. One packet lost is a failure, and so is any other answer than expected. A connection is there when the node
    has answered. No `zone`: the node has an address, there is nothing to resolve.
    """
    told = json.loads(answer(stack, source, _PROGRAM, host, str(port), zone, str(ASKED)))
    return {kind: _percentiles(taken) for kind, taken in told.items() if taken}


def _percentiles(taken: list[float]) -> dict[str, float]:
    hundredths = statistics.quantiles(taken, n=100, method="inclusive")
    return {f"p{percent}": round(hundredths[percent - 1], 2) for percent in (50, 99)}
