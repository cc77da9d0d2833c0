"""A probe pod's life: serve peers, measure everything at once, print one JSON line, stay until told to go.

Input is `input.json` beside this package (see `verify.manifests.probe_input`); the peers' addresses, which only run
time knows, arrive as an annotation that the kubelet writes into a file. The pod stays after its report because its
peers may still be talking to it; the pod's deadline ends it if nobody does.
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import threading
import time
import uuid
from typing import Any

from . import certificates, dns, peer, wire

HERE = pathlib.Path(__file__).resolve().parent.parent
CERTIFICATES_FILE = pathlib.Path("/etc/cockroachdb/declared/certificates.json")
PEERS_FILE = pathlib.Path("/etc/podinfo/peers")
RESOLV_CONF = pathlib.Path("/etc/resolv.conf")
WORKERS = 48


def main() -> None:
    """Exit code 0 once told to stop; the report is the one line on stdout."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    given = json.loads((HERE / "input.json").read_text())
    me = {"region": given["region"], "zone": os.environ["PROBE_ZONE"], "address": os.environ["POD_IP"]}
    peer.Responder(("", given["ports"]["http"]), given["run"]).start()
    report = measure(given, me, PEERS_FILE, nameservers(RESOLV_CONF.read_text()))
    sys.stdout.write(json.dumps(report, separators=(",", ":")) + "\n")
    sys.stdout.flush()
    stop.wait(given["deadlineSeconds"])


def nameservers(text: str) -> list[str]:
    """Addresses of a resolv.conf's `nameserver` lines, in order."""
    return [line.split()[1] for line in text.splitlines() if line.startswith("nameserver ")]


def measure(
    given: dict[str, Any], me: dict[str, str], peers_file: pathlib.Path, resolvers: list[str]
) -> dict[str, Any]:
    """Run every probe side by side. `given` is the probe input, `me` {region, zone, address}."""
    started = time.monotonic()
    ports = given["ports"]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        named = [node for node in given["nodes"] if node["name"] and not node["address"]] if resolvers else []
        names = [pool.submit(probe_name, resolvers[0], node, ports["dns"]) for node in named]
        servers = [pool.submit(probe_server, server, ports["dns"]) for server in given["servers"]]
        nodes = [pool.submit(probe_node, resolvers, target, given) for target in given["nodes"]]
        balancers = [pool.submit(probe_balancer, one, given) for one in given["balancers"]]
        peers = []
        for other in await_peers(peers_file, given["peersWithinSeconds"]) or []:
            if (other["region"], other["zone"]) != (me["region"], me["zone"]):
                peers.append((other, pool.submit(peer.converse, other["address"], ports["http"], given["run"])))
        return {
            "version": given["version"],
            "run": given["run"],
            **me,
            "certificates": certificates.ends(given["credentials"]["ca"], CERTIFICATES_FILE),
            "resolvers": resolvers,
            "names": [future.result() for future in names],
            "servers": [future.result() for future in servers],
            "nodes": [future.result() for future in nodes],
            "balancers": [future.result() for future in balancers],
            "peers": [{**other, **future.result()} for other, future in peers],
            "seconds": round(time.monotonic() - started, 3),
        }


def await_peers(path: pathlib.Path, seconds: float) -> list[dict[str, str]] | None:
    """The peers' list once the file holds one; None if it doesn't within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            text = path.read_text().strip()
        except OSError:
            text = ""
        if text:
            return json.loads(text)
        time.sleep(0.05)
    return None


def probe_name(resolver: str, target: dict[str, Any], port: int) -> dict[str, Any]:
    """A node's name by the pod's own resolver: over UDP, over TCP, and over each with a query type no cache has seen.

    What a cache holds it answers over both, whichever a forward takes.
    """
    return {
        "region": target["region"],
        "node": target["node"],
        "udp": dns.ask(resolver, target["name"], port=port),
        "tcp": dns.ask(resolver, target["name"], transport="tcp", port=port),
        "fresh": {
            transport: dns.ask(resolver, target["name"], qtype=dns.private_type(), transport=transport, port=port)
            for transport in ("udp", "tcp")
        },
    }


def probe_server(server: dict[str, Any], port: int) -> dict[str, Any]:
    """One DNS balancer address alone: a real name, and a name that never was, over each transport.

    The made-up name is asked several times, each time another: behind one address there may be several servers. All
    questions are asked at once, so that a dead address costs one time-out.
    """
    result: dict[str, Any] = {"region": server["region"], "address": server["address"]}
    names = [server["name"], *(made_up(server["zone"]) for _ in range(server["questions"]))]
    with concurrent.futures.ThreadPoolExecutor(2 * len(names)) as pool:
        asked = {
            transport: [pool.submit(dns.ask, server["address"], name, transport=transport, port=port) for name in names]
            for transport in ("udp", "tcp")
        }
    for transport, futures in asked.items():
        known, *fresh = [future.result() for future in futures]
        result[transport] = {"known": known, "fresh": fresh}
    return result


def probe_node(resolvers: list[str], target: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """One CockroachDB node by name, as another node would reach it."""
    result = {
        "region": target["region"],
        "node": target["node"],
        "connect": None,
        "tls": None,
        "sql": None,
        "http": None,
    }
    address = target.get("address")
    if address is None and target["name"]:
        address = resolve(resolvers, target["name"], given["ports"]["dns"])
    result["address"] = address
    if address is None:
        return result
    name, credentials, ports = target["name"], given["credentials"], target["ports"]
    own = target["region"] == given["region"]
    result.update(wire.check_node(name, address, ports["sql"], credentials, members=own))
    result["http"] = wire.check_ready(name, address, ports["http"], credentials["ca"])
    return result


def probe_balancer(balancer: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """One address of a load balancer that leads to any node, as a client with a `databaseUrls` output reaches SQL's."""
    address = balancer["address"]
    return {**balancer, **wire.check_node(address, address, given["ports"]["sql"], given["credentials"])}


def made_up(zone: str) -> str:
    """A name in `zone` that nobody has, and no cache has seen."""
    return f"verify-{uuid.uuid4().hex[:16]}.{zone}"


def resolve(resolvers: list[str], name: str, port: int) -> str | None:
    """The first address any transport of the pod's resolver gives for `name`, or None."""
    for transport in ("udp", "tcp"):
        answer = dns.ask(resolvers[0], name, transport=transport, port=port) if resolvers else {}
        if answer.get("addresses"):
            return answer["addresses"][0]
    return None


if __name__ == "__main__":
    main()
