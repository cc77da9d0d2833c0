"""Cloud DNS's stand-in: whose names are answered where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.clouds import cloud_dns
from lab.clouds.fabric import Site
from lab.clouds.store import State
from lab.world import METADATA_SERVER
from tests.unit.lab.clouds import fabrics
from tests.unit.lab.test_world import cloud_region

SITES = [Site(f"{region}-c", "gke", region, ()) for region in fabrics.GKE]
EAST, WEST = (site.key for site in SITES)


def clusters(*, peered: bool = False, **other: Any) -> State:
    """Both clusters with a domain of their own; `other`: what the first one's config has instead."""
    state = fabrics.gcp(peered=peered)
    for region in fabrics.GKE:
        config = {"clusterDns": "CLOUD_DNS", "additiveVpcScopeDnsDomain": f"{region}.example"}
        own = {**config, **other} if region == fabrics.GKE[0] else config
        fabrics.change(
            state,
            "gcp:container/cluster:Cluster",
            f"projects/p/locations/{region}/clusters/{region}-c",
            dnsConfig=own,
        )
    return state


def test_a_vpcs_clusters_know_each_others_names() -> None:
    everyone = {"us-east1.example": EAST, "us-west1.example": WEST}
    found = cloud_dns.names(clusters(), SITES)
    assert {key: dict(names.domains) for key, names in found.items()} == {EAST: everyone, WEST: everyone}


def test_another_vpc_is_not_answered_even_if_peered() -> None:
    found = cloud_dns.names(clusters(peered=True), SITES)
    assert {key: set(names.domains.values()) for key, names in found.items()} == {EAST: {EAST}, WEST: {WEST}}


@pytest.mark.parametrize(
    ("other", "served", "known"),
    [
        ({"additiveVpcScopeDnsDomain": None}, {EAST, WEST}, {WEST}),
        ({"clusterDns": "KUBE_DNS"}, {WEST}, {WEST}),
    ],
)
def test_a_cluster_without_a_domain_is_known_to_none(other: dict[str, Any], served: set[str], known: set[str]) -> None:
    found = cloud_dns.names(clusters(**other), SITES)
    assert set(found) == served
    assert {key for names in found.values() for key in names.domains.values()} == known


def test_a_cluster_that_does_not_run_is_not_watched() -> None:
    assert set(cloud_dns.names(clusters(), SITES[:1])) == {EAST}
    assert set(cloud_dns.names(clusters(), SITES[:1])[EAST].domains.values()) == {EAST}


def test_a_server_watches_each_zones_own_cluster() -> None:
    region = replace(cloud_region(), dns_kind="cloud-dns")
    text = cloud_dns.corefile(region, {"us-west1.example": "us-west1"}, Path("/lab/keys"))
    servers = [line for line in text.splitlines() if line.endswith("{") and not line.startswith(" ")]
    assert servers == ["cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {", "us-west1.example:53 {", ". {"]
    assert f"kubeconfig /lab/keys {region.context}" in text
    assert "kubeconfig /lab/keys us-west1" in text
    assert text.count(f"bind {METADATA_SERVER}") == len(servers)
    assert region.cluster_dns == METADATA_SERVER
