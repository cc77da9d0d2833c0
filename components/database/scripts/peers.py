"""Looks at CockroachDB nodes from outside: their names, ports, certificates, health.

Says which layer fails, and what likely mends it.
"""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass

TIMEOUT_SECONDS = 5.0

FIXES = {
    "DNS": "does this cluster's DNS forward the zone, and does that region's DNS balancer answer over UDP and TCP?",
    "route": "are the regions' pod and node ranges peered and routed both ways?",
    "firewall": "do firewalls and NetworkPolicies let this region's pods and nodes reach TCP 26257 and 8080 there?",
    "process": "the host answers but nothing listens on the port: is the pod running, and what does its log say?",
    "TLS": "is the node's certificate signed by the authority in ca.crt, valid now, and does it name this host?",
    "membership": "see the node's log and `cockroach node status`",
}


class PeerError(Exception):
    """A node that can't be used, and the layer to blame."""

    def __init__(self, host: str, layer: str, detail: str) -> None:
        self.host = host
        self.layer = layer
        self.detail = detail
        super().__init__(f"{host}: {layer}: {detail}; {FIXES[layer]}")


def summary(failures: list[PeerError]) -> str:
    """Many failures in one line: each layer once, with its likely fix, and who failed how."""
    by_layer: dict[str, dict[str, list[str]]] = {}
    for failure in failures:
        by_layer.setdefault(failure.layer, {}).setdefault(failure.detail, []).append(failure.host)
    lines = []
    for layer, details in by_layer.items():
        said = ", ".join(f"{detail}: {', '.join(hosts)}" for detail, hosts in details.items())
        lines.append(f"{layer}: {said} ({FIXES[layer]})")
    return "; ".join(lines)


@dataclass(frozen=True)
class Health:
    """`/health?ready=1` of one node."""

    ready: bool
    initialised: bool
    detail: str


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Trusts the cluster's own authorities only, and checks the host's name."""
    context = ssl.create_default_context(cafile=ca_file)
    # Python 3.13 is stricter about extensions than Go, and so than the nodes are with each other.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def resolve(host: str) -> list[str]:
    """Addresses of `host`. Raises PeerError (DNS)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PeerError(host, "DNS", f"the name does not resolve ({error})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(host: str, port: int) -> socket.socket:
    """A TCP connection. Raises PeerError (DNS, route, firewall, process)."""
    addresses = resolve(host)
    try:
        return socket.create_connection((addresses[0], port), timeout=TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise PeerError(
            host, "firewall", f"{addresses[0]}:{port} does not answer within {TIMEOUT_SECONDS:g} s"
        ) from error
    except ConnectionRefusedError as error:
        raise PeerError(host, "process", f"{addresses[0]}:{port} refuses connections") from error
    except OSError as error:
        layer = "route" if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH) else "firewall"
        raise PeerError(host, layer, f"{addresses[0]}:{port}: {error}") from error


def secure(host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS connection whose certificate names `host`. Raises PeerError."""
    plain = connect(host, port)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except (OSError, ssl.SSLError) as error:
        plain.close()
        raise PeerError(host, "TLS", f"port {port}: {error}") from error


def check_rpc(host: str, port: int, ca_file: str) -> None:
    """The node's SQL and RPC port answers with a certificate for `host`. Raises PeerError."""
    context = tls_context(ca_file)
    # Nodes speak gRPC here; a server may insist on its protocol being named.
    context.set_alpn_protocols(["h2"])
    secure(host, port, context).close()


def fetch(host: str, port: int, path: str, ca_file: str) -> tuple[int, str]:
    """Status and body of an HTTPS GET. Raises PeerError."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    connection.sock = secure(host, port, tls_context(ca_file))
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise PeerError(host, "process", f"port {port}: no answer to {path}: {error}") from error
    finally:
        connection.close()


def health(host: str, port: int, ca_file: str) -> Health:
    """Whether the node takes clients, and whether it belongs to an initialised cluster.

    Raises PeerError where it can't be asked.
    """
    status, body = fetch(host, port, "/health?ready=1", ca_file)
    if status == 200:
        return Health(ready=True, initialised=True, detail="ready")
    try:
        detail = str(json.loads(body).get("error") or body)
    except (ValueError, AttributeError):
        detail = body.strip()[:200]
    # The node's own words for «no `cockroach init` yet»; every other reason comes from a member of a cluster.
    waiting = "waiting for cluster initialization" in detail
    return Health(ready=False, initialised=not waiting, detail=f"HTTP {status}: {detail}")


_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})?\s+(\S+)")


def metrics(text: str, wanted: set[str]) -> dict[str, list[float]]:
    """Samples of the wanted metrics in a Prometheus text, whatever their labels."""
    found: dict[str, list[float]] = {name: [] for name in wanted}
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match and match.group(1) in wanted:
            found[match.group(1)].append(float(match.group(2)))
    return found
