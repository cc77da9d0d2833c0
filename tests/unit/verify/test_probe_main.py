"""The whole probe on loopback: a region of two nodes, its DNS, a peer, as a pod would measure them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.verify.dns_server import DnsServer, Zone
from tests.unit.verify.tls_servers import Authority, Behaviour, NodeServer
from verify import manifests
from verify.probe import __main__ as probe
from verify.probe import peer

EAST, WEST = "us-east1.svc.cluster.local", "us-west1.svc.cluster.local"
NODES = {
    "us-east1": f"cockroachdb-0.cockroachdb.{EAST}",
    "us-west1": f"cockroachdb-0.cockroachdb.{WEST}",
}


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The probe's input for two regions whose nodes are 127.0.0.1 and 127.0.0.2."""
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue("node", (*NODES.values(), "127.0.0.2"))
    client, key = authority.issue("verifier")
    rows = [[str(number), f"{name}:26257", "", "t"] for number, name in enumerate(NODES.values(), 1)]
    behaviour = Behaviour(members=rows, states=[["1", "f", "active"], ["2", "f", "active"]])
    east = NodeServer(authority, certificate, behaviour)
    west = NodeServer(authority, certificate, behaviour, "127.0.0.2", east.sql_port, east.http_port)
    dns = DnsServer(Zone({NODES["us-east1"]: ["127.0.0.1"], NODES["us-west1"]: ["127.0.0.2"]}))
    ports = {"sql": east.sql_port, "http": east.http_port}
    yield {
        "version": 1,
        "run": "run1",
        "region": "us-east1",
        "deadlineSeconds": 20,
        "peersWithinSeconds": 5.0,
        "ports": {**ports, "dns": dns.port},
        "nodes": [
            {"region": region, "node": 0, "name": name, "address": None, "ports": ports}
            for region, name in NODES.items()
        ],
        "servers": [
            {"region": "us-west1", "address": "127.0.0.1", "zone": WEST, "name": NODES["us-west1"], "questions": 3}
        ],
        "balancers": [{"region": "us-west1", "address": "127.0.0.2"}],
        "credentials": {"ca": authority.ca, "certificate": client, "key": key, "user": "verifier"},
    }
    for server in (east, west, dns):
        server.close()


def test_everything_is_measured_at_once(loopback: dict[str, Any], tmp_path: Path) -> None:
    responder = peer.Responder(("127.0.0.3", loopback["ports"]["http"]), "run1").start()
    peers = tmp_path / "peers"
    peers.write_text(
        json.dumps(
            [
                {"region": "us-east1", "zone": "a", "address": "127.0.0.9"},
                {"region": "us-west1", "zone": "a", "address": "127.0.0.3"},
            ]
        )
    )
    me = {"region": "us-east1", "zone": "a", "address": "127.0.0.1"}
    report = probe.measure(loopback, me, peers, ["127.0.0.1"])
    responder.shutdown()
    responder.server_close()

    assert [one["udp"]["addresses"] for one in report["names"]] == [["127.0.0.1"], ["127.0.0.2"]]
    assert all(one["tcp"]["addresses"] for one in report["names"])
    assert {one["fresh"][way]["rcode"] for one in report["names"] for way in ("udp", "tcp")} == {"NOERROR"}
    (server,) = report["servers"]
    assert [answer["rcode"] for answer in server["tcp"]["fresh"]] == ["NXDOMAIN"] * 3
    assert server["udp"]["known"]["addresses"] == ["127.0.0.2"]
    assert [(node["region"], node["sql"]["status"], node["http"]["status"]) for node in report["nodes"]] == [
        ("us-east1", "ok", "ok"),
        ("us-west1", "ok", "ok"),
    ]
    assert ["members" in node["sql"] for node in report["nodes"]] == [True, False]
    assert [(one["address"], one["sql"]["status"]) for one in report["balancers"]] == [("127.0.0.2", "ok")]
    assert [(one["region"], one["stage"], one["seen"]) for one in report["peers"]] == [
        ("us-west1", "done", "127.0.0.1")
    ]
    assert report["resolvers"] == ["127.0.0.1"]
    json.dumps(report)


def test_peers_that_never_come_leave_none(tmp_path: Path) -> None:
    assert probe.await_peers(tmp_path / "peers", 0.1) is None
    (tmp_path / "peers").write_text("[]")
    assert probe.await_peers(tmp_path / "peers", 0.1) == []


def test_a_name_that_does_not_resolve_is_not_connected_to(loopback: dict[str, Any]) -> None:
    target = {"region": "us-west1", "node": 7, "name": f"cockroachdb-7.cockroachdb.{WEST}", "address": None}
    result = probe.probe_node(["127.0.0.1"], target, loopback)
    assert (result["address"], result["connect"], result["http"]) == (None, None, None)


def test_resolv_conf_is_read() -> None:
    text = "search a b\nnameserver 10.1.32.10\nnameserver 10.1.32.11\noptions ndots:5\n"
    assert probe.nameservers(text) == ["10.1.32.10", "10.1.32.11"]


def test_as_a_pod_it_reports_one_line_and_leaves_when_told(loopback: dict[str, Any], tmp_path: Path) -> None:
    """The files as a ConfigMap lays them out, run as the container's command is."""
    package = tmp_path / "probe"
    package.mkdir()
    for name, text in manifests.sources().items():
        (package / name).write_text(text)
    loopback["ports"]["http"] = 0
    loopback["peersWithinSeconds"] = 0.1
    (tmp_path / "input.json").write_text(json.dumps(loopback))
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "probe"],
        cwd=tmp_path,
        env={**os.environ, "PROBE_ZONE": "a", "POD_IP": "127.0.0.1", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    report = json.loads(process.stdout.readline())
    assert (report["run"], report["zone"], report["address"]) == ("run1", "a", "127.0.0.1")
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert process.stdout.read() == ""
