"""Decides whether the cluster may be initialised: every join target is reachable, none is in a cluster yet.

Environment: JOIN_FILE with `host:port,…`; INIT_HOST, the node to initialise, and RPC_PORT (that of the join list's
entry for its host, if missing); JOIN_HOST, at which other nodes find it, where that isn't INIT_HOST itself (one of
several nodes behind a load balancer); CA_FILE; HTTP_PORT, and HTTP_PORTS, a JSON object, for the join list's entries
that have others; DEADLINE_SECONDS; STATE_FILE, where the verdict goes: `init`, or `done` where the node to initialise
is already a member of a cluster.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import peers
from waiting import Deadline, NotYetError, run, say

INIT = "init"
DONE = "done"


def targets(text: str) -> list[tuple[str, int]]:
    """Hosts and ports of a join list. Raises ValueError on an entry without a port."""
    found = []
    for entry in text.strip().split(","):
        host, _, port = entry.strip().rpartition(":")
        if not host:
            raise ValueError(f"join list: {entry!r} is no host:port")
        found.append((host, int(port)))
    return found


Node = tuple[str, int]
"""Host and RPC port."""


def target(join: list[Node], init_host: str, init_port: int | None, join_host: str) -> Node:
    """The node to initialise. Raises RuntimeError where other nodes would never find it."""
    ports = [port for host, port in join if host == join_host and (join_host != init_host or init_port in (None, port))]
    if not ports:
        raise RuntimeError(f"{join_host} is not in the join list: other nodes would never find the cluster")
    return init_host, init_port or ports[0]


def look(join: list[Node], init: Node, http_ports: dict[Node, int], http_port: int, ca_file: str) -> str:
    """The verdict. Raises NotYetError with every reason why there is none yet."""
    failures: list[peers.PeerError] = []
    initialised: list[Node] = []
    for host, port in join:
        try:
            peers.check_rpc(host, port, ca_file)
            found = peers.health(host, http_ports.get((host, port), http_port), ca_file)
        except peers.PeerError as failure:
            failures.append(failure)
            continue
        if found.initialised:
            initialised.append((host, port))
    if init in initialised:
        return DONE
    if initialised:
        # The target will join that cluster by itself; initialising it would make a second one.
        said = ", ".join(f"{host}:{port}" for host, port in initialised)
        raise NotYetError(f"{said} belongs to a cluster already; waiting for {init[0]}:{init[1]} to join it")
    if failures:
        raise NotYetError(peers.summary(failures))
    return INIT


def main() -> None:
    env = os.environ
    init_host = env["INIT_HOST"]
    listed = targets(Path(env["JOIN_FILE"]).read_text(encoding="utf-8"))
    init_port = int(env["RPC_PORT"]) if "RPC_PORT" in env else None
    init = target(listed, init_host, init_port, env.get("JOIN_HOST") or init_host)
    join = listed if init in listed else [*listed, init]
    http_ports = {targets(entry)[0]: port for entry, port in json.loads(env.get("HTTP_PORTS", "{}")).items()}
    deadline = Deadline(float(env["DEADLINE_SECONDS"]))
    verdict = deadline.wait(
        "every join target can be reached",
        lambda: look(join, init, http_ports, int(env["HTTP_PORT"]), env["CA_FILE"]),
    )
    Path(env["STATE_FILE"]).write_text(verdict, encoding="utf-8")
    say(f"{len(join)} join targets resolve, answer and verify; verdict: {verdict}")


if __name__ == "__main__":
    run(main)
