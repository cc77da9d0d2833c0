"""Whether the whole cluster is healthy enough to do without one node for a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import peers
from waiting import NotYetError

METRICS = {"liveness_livenodes", "ranges_unavailable", "ranges_underreplicated"}

Result = TypeVar("Result")


class Gate:
    """The whole cluster's health, as nodes tell it without a login: HTTPS `/health?ready=1` and `/_status/vars`."""

    def __init__(self, members: list[dict[str, Any]], http_port: int, ca_file: str) -> None:
        self._members = members
        # Another region's nodes may be reached through its load balancer alone: how many live, any of them tells.
        self._nodes = sum(member.get("nodes", 1) for member in members)
        self._http_port = http_port
        self._ca_file = ca_file

    def _node_problems(self, host: str, http_port: int) -> list[str]:
        health = peers.health(host, http_port, self._ca_file)
        if not health.ready:
            return [f"{host}: not ready ({health.detail})"]
        status, text = peers.fetch(host, http_port, "/_status/vars", self._ca_file)
        if status != 200:
            return [f"{host}: /_status/vars answers HTTP {status}"]
        found = peers.metrics(text, METRICS)
        live = max(found["liveness_livenodes"], default=0.0)
        problems = []
        if live < self._nodes:
            problems.append(f"{host}: sees {live:g} live nodes of {self._nodes}")
        problems += [
            f"{host}: {name} is {sum(found[name]):g}"
            for name in ("ranges_unavailable", "ranges_underreplicated")
            if sum(found[name]) > 0
        ]
        return problems

    def check(self) -> None:
        """Raises NotYetError, with every reason, while a node is not ready or not seen, or a range lacks replicas."""
        problems: list[str] = []
        failures: list[peers.PeerError] = []
        for member in self._members:
            port = member.get("http_port", self._http_port)
            try:
                problems += _of_any(member, partial(self._node_problems, http_port=port))
            except peers.PeerError as failure:
                failures.append(failure)
        if failures:
            problems.append(peers.summary(failures))
        if problems:
            raise NotYetError("; ".join(problems))

    def ways(self, rpc_port: int) -> str:
        """Whether this region reaches every node, as one line: why a new region's pods don't join, and the layer."""
        failures = []
        for member in self._members:
            port = member.get("rpc_port", rpc_port)
            try:
                _of_any(member, partial(peers.check_rpc, port=port, ca_file=self._ca_file))
            except peers.PeerError as failure:
                failures.append(failure)
        return (
            peers.summary(failures) or f"every node of the cluster answers here on {rpc_port}, with a good certificate"
        )


def _of_any(member: dict[str, Any], ask: Callable[[str], Result]) -> Result:
    """The answer of the first of a member's hosts that has one. Raises the last one's PeerError."""
    *others, last = [member["host"], *member.get("instead", [])]
    for host in others:
        try:
            return ask(host)
        except peers.PeerError:
            continue
    return ask(last)
