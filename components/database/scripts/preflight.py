"""Decides whether the cluster may be initialised: every join target is reachable, none is in a cluster yet.

Environment: JOIN_FILE with `host:port,…`; INIT_HOST, the node to initialise; JOIN_HOST, at which other nodes find it,
where that isn't INIT_HOST itself (one of several nodes behind a load balancer); CA_FILE; HTTP_PORT; DEADLINE_SECONDS;
STATE_FILE, where the verdict goes: `init`, or `done` where the node to initialise is already a member of a cluster.
"""

from __future__ import annotations

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


def with_target(join: list[tuple[str, int]], init_host: str, join_host: str) -> list[tuple[str, int]]:
    """The join list, with the node to initialise in it. Raises RuntimeError where other nodes would never find that."""
    ports = dict(join)
    if join_host not in ports:
        raise RuntimeError(f"{join_host} is not in the join list: other nodes would never find the cluster")
    return join if init_host in ports else [*join, (init_host, ports[join_host])]


def look(join: list[tuple[str, int]], init_host: str, http_port: int, ca_file: str) -> str:
    """The verdict. Raises NotYetError with every reason why there is none yet."""
    failures: list[peers.PeerError] = []
    initialised: list[str] = []
    for host, port in join:
        try:
            peers.check_rpc(host, port, ca_file)
            found = peers.health(host, http_port, ca_file)
        except peers.PeerError as failure:
            failures.append(failure)
            continue
        if found.initialised:
            initialised.append(host)
    if init_host in initialised:
        return DONE
    if initialised:
        # The target will join that cluster by itself; initialising it would make a second one.
        raise NotYetError(f"{', '.join(initialised)} belongs to a cluster already; waiting for {init_host} to join it")
    if failures:
        raise NotYetError(peers.summary(failures))
    return INIT


def main() -> None:
    env = os.environ
    init_host = env["INIT_HOST"]
    listed = targets(Path(env["JOIN_FILE"]).read_text(encoding="utf-8"))
    join = with_target(listed, init_host, env.get("JOIN_HOST") or init_host)
    deadline = Deadline(float(env["DEADLINE_SECONDS"]))
    verdict = deadline.wait(
        "every join target can be reached",
        lambda: look(join, init_host, int(env["HTTP_PORT"]), env["CA_FILE"]),
    )
    Path(env["STATE_FILE"]).write_text(verdict, encoding="utf-8")
    say(f"{len(join)} join targets resolve, answer and verify; verdict: {verdict}")


if __name__ == "__main__":
    run(main)
