"""`proxy`: one address for a region, a port of it for each node, known before any pod."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.lock import compare
from components.strategies import strategy
from components.strategies.proxy import haproxy, manifests
from components.strategies.proxy.plan import MOST_NODES

WORD = "proxy"
PROGRAM = shutil.which("haproxy", path="/usr/local/sbin:/usr/sbin:/usr/bin")


def config(*regions: dict[str, Any], **stack: Any) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig", "podsRouted": False}
    listed = [
        {"name": name, "context": name, **common, **more}
        for name, more in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed, **stack}


def backends(count: int) -> list[haproxy.Backend]:
    return [haproxy.Backend(f"cockroachdb-{n}", f"cockroachdb-{n}.c.a.svc", 26300 + n, 28100 + n) for n in range(count)]


def test_a_node_is_a_port_of_its_regions_address() -> None:
    _, addresses = plan(config())
    first = addresses.regions[0]
    assert [node.advertised for node in first.nodes] == ["10.1.16.28:26300", "10.1.16.28:26301", "10.1.16.28:26302"]
    assert [node.http_port for node in first.nodes] == [28100, 28101, 28102]
    assert addresses.join_addresses[:3] == ("10.1.16.28:26300", "10.1.16.28:26301", "10.1.16.28:26302")
    assert "10.1.16.28" in (first.certificate_names or ())
    (balancer,) = first.balancers_of(WORD)
    assert balancer.addresses == ("10.1.16.28",)
    assert [port.number for port in balancer.ports] == [26300, 28100, 26301, 28101, 26302, 28102]


def test_no_region_asks_anothers_names_or_pods() -> None:
    _, addresses = plan(config())
    for region in addresses.regions:
        assert region.forwards == {}
        assert region.dns_addresses == ()
    assert {port.to for port in strategy(WORD).ports()} == {WORD}


def test_one_node_more_changes_no_rule_no_certificate_and_no_join_list() -> None:
    _, three = plan(config())
    _, four = plan(config({"nodes": 4}))
    assert four.regions[0].nodes[:3] == three.regions[0].nodes
    assert (four.join_addresses, four.ports) == (three.join_addresses, three.ports)
    assert four.regions[0].certificate_names == three.regions[0].certificate_names
    assert compare(three.to_json(), four) == []


def test_the_ports_that_are_open_are_those_of_the_most_nodes_and_no_more() -> None:
    settings, _ = plan(config({"nodes": MOST_NODES}))
    chosen = strategy(WORD)
    used = {port for n in range(MOST_NODES) for port in chosen.advertised_ports(settings.regions[0], n)}
    opened = {n for port in chosen.ports() for n in range(port.number, (port.last or port.number) + 1)}
    assert used == opened
    assert len(used) == 2 * MOST_NODES


def test_an_address_of_ones_own() -> None:
    _, addresses = plan(config({"strategyOptions": {"address": "10.1.0.200"}}))
    assert addresses.regions[0].nodes[0].advertised == "10.1.0.200:26300"


def test_the_address_of_a_running_stack_stays() -> None:
    _, before = plan(config())
    _, after = plan(config({"strategyOptions": {"address": "10.1.0.200"}}))
    (problem,) = compare(before.to_json(), after)
    assert str(problem).startswith(
        "regions[0].strategyOptions: would move a's load balancer proxy from 10.1.16.28 to 10.1.0.200"
    )


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"nodes": 51},
         "regions[0].nodes: 51 nodes need two ports each of the region's proxies, which have them for 50"),
        ({"strategyOptions": {"address": "10.1.200.1"}},
         "regions[0].strategyOptions.address: 10.1.200.1 is within a's podCidr (10.1.128.0/17)"),
        ({"strategyOptions": {"address": "10.1.33.1"}},
         "regions[0].strategyOptions.address: 10.1.33.1 is within serviceCidr (10.1.32.0/20)"),
        ({"strategyOptions": {"address": "192.168.7.7"}},
         "regions[0].strategyOptions.address: 192.168.7.7 is outside this region's cidr (10.1.0.0/16)"),
        ({"sqlAddress": "10.1.16.28"},
         "regions[0].sqlAddress: 10.1.16.28 is that of the load balancer proxy, by strategy proxy"),
        ({"cidr": "10.1.0.0/18", "nodeCidr": "10.1.0.0/20", "podCidr": "10.1.16.0/20", "serviceCidr": "10.1.32.0/20",
          "dnsAddresses": ["10.1.48.53"], "sqlAddress": "10.1.48.26"},
         "regions[0].strategyOptions.address: missing; 10.1.0.0/18 is too small"),
        ({"strategyOptions": {"nodeSelector": {"disk!": "ssd"}}},
         'regions[0].strategyOptions.nodeSelector."disk!": "disk!" is not a label of a host'),
    ],
)  # fmt: skip
def test_what_it_cannot_work_with_is_refused(region: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(config(region))
    assert message in str(refused.value)


def test_an_image_without_a_version_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"strategyOptions\.haproxyImage: .* is not pinned"):
        plan(config(strategyOptions={"haproxyImage": "docker.io/library/haproxy"}))


def test_clouds_are_refused_with_a_way_out() -> None:
    zones = [f"us-east-1{letter}" for letter in "abc"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones}
    with pytest.raises(ConfigError, match=r"regions\[0\]\.platform: eks load balancers have no port for each node"):
        plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})


@pytest.mark.skipif(PROGRAM is None, reason="no haproxy on this machine: the lab's set-up installs it")
@pytest.mark.parametrize("count", [1, MOST_NODES])
def test_haproxy_takes_its_file(count: int, tmp_path: Path) -> None:
    file = tmp_path / haproxy.FILE
    file.write_text(haproxy.render(backends(count), 26257, 8080))
    checked = subprocess.run(
        [PROGRAM or "", "-c", "-dW", "-f", str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_each_node_has_two_listeners_with_one_check() -> None:
    text = haproxy.render(backends(2), 26257, 8080)
    assert text.count("  bind :2630") == 2
    assert "server cockroachdb-1 cockroachdb-1.c.a.svc:26257 check port 8080 check-ssl verify none" in text
    assert "server cockroachdb-1 cockroachdb-1.c.a.svc:8080 track cockroachdb-1-sql/cockroachdb-1" in text


def test_one_proxy_at_a_time_and_never_two_on_a_host() -> None:
    spec = manifests.deployment_spec("haproxy:3", {"rack": "a"})
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    pod = spec["template"]["spec"]
    (apart,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert apart["labelSelector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert pod["nodeSelector"] == {"rack": "a"}
    assert manifests.budget_spec()["maxUnavailable"] == 1


def test_a_load_balancer_for_everybody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one client CIDR"):
        manifests.service_spec("10.1.16.28", [], [], None)


def test_policies_let_proxies_reach_the_database_and_dns_alone() -> None:
    spec = manifests.policy_spec("a", {"app": "db"}, ["10.2.0.0/20"], [(26300, 26349)])
    (dns, database) = spec["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert [port["port"] for port in database["ports"]] == [26257, 8080]
    (target,) = database["to"]
    assert target["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "a"}
    assert target["podSelector"]["matchLabels"] == {"app": "db"}
    assert {"protocol": "TCP", "port": 26300, "endPort": 26349} in spec["ingress"][0]["ports"]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(PROGRAM is None, reason="no haproxy on this machine: the lab's set-up installs it")
def test_a_new_file_is_read_by_the_process_that_runs(tmp_path: Path) -> None:
    """The folder as the kubelet keeps it: files are links into `..data`, a link that is swapped."""
    health, *ports = free_ports(5)

    def write(version: str, count: int) -> None:
        folder = tmp_path / version
        folder.mkdir()
        nodes = [haproxy.Backend(f"n-{n}", f"n-{n}.invalid", ports[2 * n], ports[2 * n + 1]) for n in range(count)]
        text = haproxy.render(nodes, 26257, 8080).replace(f":{haproxy.HEALTH_PORT}", f"127.0.0.1:{health}")
        (folder / haproxy.FILE).write_text(text)
        (tmp_path / "fresh").symlink_to(version)
        (tmp_path / "fresh").rename(tmp_path / "..data")

    write("..1", 1)
    (tmp_path / haproxy.FILE).symlink_to(f"..data/{haproxy.FILE}")
    shell, flags, script = haproxy.command()
    script = script.replace("$$$$", "$$").replace(haproxy.FOLDER, str(tmp_path))
    script = script.replace(f"sleep {haproxy.RELOAD_SECONDS}", "sleep 0.1")
    path = f"{Path(PROGRAM or '').parent}:/usr/bin:/bin"
    with subprocess.Popen(
        [shell, flags, script], env={"PATH": path}, start_new_session=True, stderr=subprocess.DEVNULL
    ) as running:
        try:
            until(lambda: listens(health) and listens(ports[0]))
            assert not listens(ports[2])
            write("..2", 2)
            until(lambda: all(map(listens, (health, *ports))))
            assert running.poll() is None
        finally:
            os.killpg(running.pid, signal.SIGKILL)
