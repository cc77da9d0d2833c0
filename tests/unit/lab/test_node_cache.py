"""The Corefile of a host's DNS cache: which servers it asks for what."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lab import addons
from lab.addons import node_cache, node_local_dns
from lab.paths import PROJECT
from lab.world import Region, derive_regions, read_config, read_plan

TEXT = """cluster.local:53 {
    forward . __PILLAR__CLUSTER__DNS__
}
.:53 {
    forward . __PILLAR__UPSTREAM__SERVERS__
}
"""
BIND = (node_local_dns.LINK_LOCAL, "10.1.32.10")


def made(config: dict[str, str]) -> str:
    return node_cache.corefile(TEXT, config, BIND, "10.1.33.7")


def test_a_clusters_own_names_come_from_its_dns_and_others_from_the_hosts() -> None:
    assert made({}) == ("cluster.local:53 {\n    forward . 10.1.33.7\n}\n.:53 {\n    forward . /etc/resolv.conf\n}\n")


def test_upstream_name_servers_answer_what_is_nobodys() -> None:
    assert "forward . 8.8.8.8 1.1.1.1\n" in made({"upstreamNameservers": json.dumps(["8.8.8.8", "1.1.1.1"])})


def test_every_stub_domain_has_a_block_that_asks_its_servers_as_it_was_asked() -> None:
    text = made({"stubDomains": json.dumps({"us-west-2.svc.cluster.local": ["10.4.240.53", "10.4.240.117:5353"]})})
    assert text == made({}) + (
        "us-west-2.svc.cluster.local:53 {\n"
        "    errors\n"
        "    cache 30\n"
        "    bind 169.254.20.10 10.1.32.10\n"
        "    forward . 10.4.240.53 10.4.240.117:5353\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("stubDomains", '["10.1.16.53"]'),
        ("stubDomains", '{"a.example": "10.1.16.53"}'),
        ("stubDomains", '{"a.example": []}'),
        ("stubDomains", '{"a.example": [10]}'),
        ("stubDomains", "{"),
        ("upstreamNameservers", '"8.8.8.8"'),
        ("upstreamNameservers", "[8]"),
    ],
)
def test_a_bad_config_map_is_refused(key: str, bad: str) -> None:
    with pytest.raises(ValueError):
        made({key: bad})


def test_dns_to_the_taken_addresses_is_kept_from_services() -> None:
    rules = node_cache.rules(BIND)
    assert rules.count("ip daddr { 169.254.20.10, 10.1.32.10 }") == 2
    assert rules.count("notrack") == 3


@pytest.fixture
def region() -> Region:
    plan = PROJECT / "Pulumi.dev.yaml"
    west = next(each for each in derive_regions(read_plan(plan), read_config(plan), 1) if each.dns_kind == "kube-dns")
    return replace(west, node_local_dns=True)


def found(region: Region) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["metadata"]["name"]): each for each in addons.dns(region)}


def test_only_hosts_of_clusters_that_ask_for_it_have_one(region: Region) -> None:
    cache = {("ServiceAccount", "node-local-dns"), ("Service", "kube-dns-upstream")}
    cache |= {("ConfigMap", "node-local-dns"), ("DaemonSet", "node-local-dns")}
    assert found(region).keys() - found(replace(region, node_local_dns=False)).keys() == cache
    assert not found(replace(region, dns_kind=""))


def test_every_host_runs_one_in_its_own_network(region: Region) -> None:
    pod = found(region)["DaemonSet", "node-local-dns"]["spec"]["template"]
    assert pod["metadata"]["labels"] == {"k8s-app": "node-local-dns"}
    assert pod["spec"]["hostNetwork"]
    assert pod["spec"]["serviceAccountName"] == "node-local-dns"
    assert pod["spec"]["tolerations"] == [{"operator": "Exists"}]
    # The cluster's own names come from kube-dns's pods, at an address that no host takes.
    assert "clusterIP" not in found(region)["Service", "kube-dns-upstream"]["spec"]
    assert found(region)["Service", "kube-dns-upstream"]["spec"]["selector"] == {"k8s-app": "kube-dns"}


def test_its_own_corefile_has_every_address_once_filled_in(region: Region) -> None:
    text = found(region)["ConfigMap", "node-local-dns"]["data"]["Corefile"]
    whole = node_cache.corefile(text, {}, (node_local_dns.LINK_LOCAL, region.cluster_dns), "10.3.33.7")
    assert "__PILLAR__" not in whole
    assert whole.count(f"bind 169.254.20.10 {region.cluster_dns}\n") == 2
    assert whole.startswith(f"{region.cluster_domain}:53 in-addr.arpa:53 ip6.arpa:53 {{\n")
