"""What a lab is made of follows from the address plan alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab import network, world
from lab.shell import LabError
from lab.world import Host, Region, World, derive_regions, read_config, read_plan

PROJECT = Path(__file__).parents[3]
DEV = PROJECT / "Pulumi.dev.yaml"


@pytest.fixture(scope="module")
def dev() -> World:
    return World("dev", "abcdef", 3, derive_regions(read_plan(DEV), read_config(DEV), 3))


def test_addresses_follow_the_plan(dev: World) -> None:
    east = dev.region("us-east1")
    assert (east.router_address, east.api_address, east.cluster_dns) == ("10.1.0.1", "10.1.17.2", "10.1.32.10")
    assert east.lb_cidr == "10.1.16.0/24"
    assert [host.address for host in east.hosts] == ["10.1.0.10", "10.1.0.11", "10.1.0.12"]
    assert [host.zone for host in east.hosts] == ["us-east1-a", "us-east1-b", "us-east1-c"]
    assert [region.dns_kind for region in dev.regions] == ["coredns", "coredns", "kube-dns"]


def test_management_addresses_are_of_this_lab_alone(dev: World) -> None:
    other = World("other", "fedcba", 4, dev.regions)
    urls = {w.management_url(region) for w in (dev, other) for region in w.regions}
    assert len(urls) == 6
    assert "https://198.18.3.10:6443" in urls


def test_hosts_beyond_the_zones_take_turns() -> None:
    regions = derive_regions(read_plan(DEV), {}, 5)
    assert [host.zone[-1] for host in regions[0].hosts] == ["a", "b", "c", "a", "b"]


def test_a_removed_region_keeps_its_place_but_has_no_world() -> None:
    plan = read_plan(DEV)
    plan["regions"][1]["state"] = "removed"
    regions = derive_regions(plan, {}, 3)
    assert [(region.name, region.index) for region in regions] == [("us-east1", 0), ("us-west1", 2)]


def test_balancers_elsewhere_get_the_range_where_the_plan_has_them() -> None:
    plan = read_plan(DEV)
    dns = {"kind": "dns", "name": "dns", "addresses": ["10.1.20.53"]}
    plan["regions"][0].update(balancers=[dns], sqlAddress="10.1.20.26")
    assert derive_regions(plan, {}, 1)[0].lb_cidr == "10.1.20.0/24"


def test_clouds_make_their_own_regions() -> None:
    plan = read_plan(DEV)
    plan["regions"][1]["platform"] = "gke"
    regions = derive_regions(plan, {}, 3)
    assert [(region.name, region.index) for region in regions] == [("us-east1", 0), ("us-west1", 2)]


def test_a_world_is_read_back_as_it_was_written(dev: World) -> None:
    with_cloud = replace(dev, regions=(*dev.regions, cloud_region()))
    assert world.load(with_cloud.dump()) == with_cloud
    assert with_cloud.by_cluster("eu-cluster-1") == cloud_region()
    assert dev.by_cluster("") is None


def cloud_region() -> Region:
    """A region that a cloud made, with one host."""
    labels = (("eks.amazonaws.com/nodegroup", "g"),)
    host = Host("h", "eu", "eu-a", "10.4.128.10", "10.4.128.1", "10.4.129.0/24", "g", labels, ("sg-1",))
    return Region(
        name="eu",
        index=3,
        context="eu",
        dns_kind="coredns",
        cluster_domain="cluster.local",
        node_cidr="10.4.128.0/17",
        lb_cidr="",
        control_cidr="100.65.3.0/28",
        service_cidr="10.4.32.0/20",
        pod_cidr="10.4.128.0/17",
        balancer_addresses=(),
        zones=("eu-a",),
        hosts=(host,),
        platform="eks",
        cluster="eu-cluster-1",
        location="eu-west-1",
    )


def test_a_clouds_host_has_nobody_beside_it(dev: World) -> None:
    """Every packet passes the router, where filters are; the network knows of no route that the cloud doesn't make."""
    region = cloud_region()
    whole = replace(dev, regions=(*dev.regions, region))
    host = "\n".join(network.host_namespace(whole, region, region.hosts[0]).commands)
    assert "address add 10.4.128.10/32 dev eth0" in host
    assert "route replace default via 10.4.128.1" in host
    router = "\n".join(network.router(whole, region).commands)
    assert "route add" not in router


def test_a_stack_file_without_a_plan_says_why(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bad.yaml"
    file.write_text("config: {'cockroachdb-multiregion:regions': [{name: 'NOT A LABEL'}]}\n")
    with pytest.raises(LabError, match=r"regions\[0\]\.name"):
        read_plan(file)


def test_unknown_places_are_named_with_the_known_ones(dev: World) -> None:
    with pytest.raises(LabError, match="us-east1, us-central1, us-west1"):
        dev.region("mars")
    with pytest.raises(LabError, match="us-west1-host-2"):
        dev.host("mars-host-0")


def test_a_router_lets_in_only_peers_on_the_stated_ports(dev: World) -> None:
    rules = network.router_rules(dev, dev.region("us-east1"), unbalanced=False)
    assert "ip saddr { 10.2.0.0/20, 10.2.128.0/17, 10.3.0.0/20, 10.3.128.0/17 }" in rules
    peers = rules.split("chain from_peers {")[1].split("}")[0]
    ports = {f"{protocol} dport {number}" for protocol, number in
             (("tcp", 26257), ("tcp", 8080), ("tcp", 53), ("udp", 53))}  # fmt: skip
    assert {line.strip() for line in peers.strip().splitlines()} == {
        *(f"{port} accept" for port in ports),
        "ip protocol icmp accept",
    }
    assert rules.count("drop") == 1


def test_a_router_lets_in_callers_of_the_api_server_where_the_plan_has_them() -> None:
    usual = read_plan(DEV)
    called = {"name": "api", "protocol": "TCP", "first": 6443, "last": 6443, "sources": ["pods"], "to": "api-servers"}
    plan = {**usual, "ports": [*usual["ports"], called]}
    calling = World("dev", "abcdef", 3, derive_regions(plan, {}, 1))
    rules = network.router_rules(calling, calling.region("us-east1"), unbalanced=False)
    assert "ip saddr { 10.2.128.0/17, 10.3.128.0/17 } ip daddr 198.18.3.10 tcp dport 6443 accept" in rules
    assert world.load(calling.dump()) == calling
    silent = World("dev", "abcdef", 3, derive_regions(read_plan(DEV), {}, 1))
    assert "6443" not in network.router_rules(silent, silent.region("us-east1"), unbalanced=False)


def test_a_router_lets_in_the_ranges_that_the_strategy_states(dev: World) -> None:
    region = replace(dev.region("us-east1"), ports=(("tcp", "26300-26349"), ("tcp", "8080")))
    rules = network.router_rules(dev, region, unbalanced=False)
    assert "tcp dport 26300-26349 accept" in rules
    assert "dport 53" not in rules
    assert rules.count("tcp dport 8080 accept") == 1


def test_a_region_alone_lets_nobody_in(dev: World) -> None:
    alone = World("alone", "abcdef", 0, dev.regions[:1])
    assert (
        "accept\n    udp" not in network.router_rules(alone, alone.regions[0], unbalanced=False).split("from_peers")[0]
    )


def test_faults_are_rules(dev: World) -> None:
    assert "drop" not in network.core_rules(dev, frozenset())
    assert 'iifname "region2" drop' in network.core_rules(dev, frozenset({"us-west1"}))
    assert "ip daddr 10.1.16.53 counter drop" in network.router_rules(dev, dev.region("us-east1"), unbalanced=True)


def test_everything_of_a_half_made_namespace_can_be_found(dev: World) -> None:
    """Links that a namespace puts into others are listed, or a repeat after kill -9 would meet them."""
    region, cloud = dev.regions[0], cloud_region()
    for made in (
        network.router(dev, region),
        network.control_plane(dev, region),
        network.host_namespace(dev, region, region.hosts[1]),
        network.router(dev, cloud),
        network.host_namespace(dev, cloud, cloud.hosts[0]),
    ):
        peers = {line.split("peer name ")[1].split()[0] for line in made.commands if "peer name" in line}
        assert {link for _, link in made.attached} == peers
