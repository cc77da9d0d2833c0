"""Clusters and node pools."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clouds.gcp.base import ACCOUNT, CLUSTER, IAM_MEMBER, NODE_POOL, SERVICE
from lab.clouds.kinds import Refused
from lab.clouds.store import Record
from tests.unit.lab.clouds.gcp.places import balancers, cluster, cluster_inputs, network, subnetwork
from tests.unit.lab.clouds.world import World


def test_a_cluster_starts_a_control_plane(gcp: World) -> None:
    net = network(gcp)
    sub = subnetwork(gcp, net)
    found = cluster(gcp, net, sub)
    assert found.id == f"projects/my-project/locations/us-east1/clusters/{found['name']}"
    assert found["endpoint"] == "10.1.17.2:6443"
    assert found["masterAuth"]["clusterCaCertificate"] == "Q0E="
    spec = gcp.substrate.clusters[found["name"]]
    assert (spec.pod_cidr, spec.service_cidr, spec.node_cidr) == ("10.1.128.0/17", "10.1.32.0/20", "10.1.0.0/20")
    assert (spec.control_cidr, spec.network) == ("10.1.17.0/28", net.id)
    assert gcp.substrate.dns[found["name"]] == ("kube-dns", None)
    with pytest.raises(Refused, match="resourceInUse"):
        gcp.delete(sub)
    gcp.delete(found)
    assert gcp.substrate.clusters == {}
    gcp.delete(sub)


@pytest.mark.parametrize(("addons", "asked"), [({}, False), ({"dnsCacheConfig": {"enabled": True}}, True)])
def test_hosts_have_a_dns_cache_where_the_cluster_asks_for_it(gcp: World, addons: dict[str, Any], asked: bool) -> None:
    net = network(gcp)
    found = cluster(gcp, net, subnetwork(gcp, net), addonsConfig=addons)
    assert gcp.substrate.clusters[found["name"]].node_local_dns is asked


def test_deletion_protection(gcp: World) -> None:
    net = network(gcp)
    found = cluster(gcp, net, subnetwork(gcp, net), deletionProtection=True)
    with pytest.raises(Refused, match="deletion_protection is set to true"):
        gcp.delete(found)
    gcp.update(found, deletionProtection=False)
    gcp.delete(found)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (
            {"ipAllocationPolicy": {"clusterSecondaryRangeName": "pod", "servicesSecondaryRangeName": "services"}},
            'Pods secondary range "pod" does not exist',
        ),
        ({"ipAllocationPolicy": {"clusterSecondaryRangeName": "pods"}}, "no model of ranges that GKE makes itself"),
        ({"nodeLocations": ["us-west1-a"]}, "us-west1-a is not a zone of us-east1"),
        ({"location": "us-west1"}, "cannot be found|is not in region us-west1"),
        ({"privateClusterConfig": {"masterIpv4CidrBlock": "10.1.16.0/28"}}, "overlaps with 10.1.16.0/24"),
        ({"workloadIdentityConfig": {"workloadPool": "other.svc.id.goog"}}, "is not the project's own"),
        ({"network": "nowhere"}, "cannot be found"),
    ],
)
def test_what_gke_refuses(gcp: World, inputs: dict[str, Any], reason: str) -> None:
    net = network(gcp)
    sub = subnetwork(gcp, net)
    balancers(gcp, net)
    with pytest.raises(Refused, match=reason):
        cluster(gcp, net, sub, **inputs)
    assert gcp.substrate.clusters == {}


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        ({"releaseChannel": {"channel": "FAST"}}, ["releaseChannel.channel"]),
        (
            {"privateClusterConfig": {"masterIpv4CidrBlock": "10.1.17.0/27"}},
            ["privateClusterConfig.masterIpv4CidrBlock"],
        ),
        ({"initialNodeCount": 0}, ["initialNodeCount"]),
        ({"enableAutopilot": True}, ["removeDefaultNodePool"]),
        ({"location": "east"}, ["location"]),
        ({"dnsConfig": {"clusterDns": "coredns"}}, ["dnsConfig.clusterDns"]),
        (
            {"dnsConfig": {"clusterDns": "KUBE_DNS", "additiveVpcScopeDnsDomain": "a.example"}},
            ["dnsConfig.additiveVpcScopeDnsDomain"],
        ),
        ({"dnsConfig": {"clusterDns": "CLOUD_DNS", "clusterDnsDomain": "a.example"}}, ["dnsConfig.clusterDnsDomain"]),
        ({"dnsConfig": {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE"}}, ["dnsConfig.clusterDnsScope"]),
        (
            {"dnsConfig": {"clusterDns": "CLOUD_DNS", "additiveVpcScopeDnsDomain": "a_b.example"}},
            ["dnsConfig.additiveVpcScopeDnsDomain"],
        ),
        ({"deletionProtected": True}, ["deletionProtected"]),
    ],
)
def test_what_a_preview_says(gcp: World, inputs: dict[str, Any], paths: list[str]) -> None:
    net = network(gcp)
    given = cluster_inputs(net, subnetwork(gcp, net), **inputs)
    assert [path for path, _ in gcp.check(CLUSTER, "x", **given)[1]] == paths


@pytest.mark.parametrize(
    ("start", "end", "recurrence", "right"),
    [
        ("2026-01-03T03:00:00Z", "2026-01-03T11:00:00Z", "FREQ=WEEKLY;BYDAY=SA,SU", True),
        ("2026-01-03T03:00:00Z", "2026-01-03T07:00:00Z", "FREQ=DAILY", True),
        ("2026-01-03T03:00:00Z", "2026-01-03T07:00:00Z", "FREQ=WEEKLY;BYDAY=SA", False),
        ("2026-01-03T03:00:00Z", "2026-01-03T05:00:00Z", "FREQ=DAILY", False),
        ("2026-01-03T03:00:00Z", "2026-01-03T07:00:00Z", "FREQ=HOURLY", False),
        ("three", "2026-01-03T07:00:00Z", "FREQ=DAILY", False),
    ],
)
def test_maintenance_windows(gcp: World, start: str, end: str, recurrence: str, right: bool) -> None:
    net = network(gcp)
    window = {"recurringWindow": {"startTime": start, "endTime": end, "recurrence": recurrence}}
    given = cluster_inputs(net, subnetwork(gcp, net), maintenancePolicy=window)
    assert (gcp.check(CLUSTER, "x", **given)[1] == []) is right


def test_two_control_planes_do_not_overlap(gcp: World) -> None:
    net = network(gcp)
    cluster(gcp, net, subnetwork(gcp, net))
    west = subnetwork(gcp, net, 2, "us-west1")
    with pytest.raises(Refused, match=r"overlaps with 10\.1\.17\.0/28"):
        cluster(gcp, net, west)
    cluster(gcp, net, west, privateClusterConfig={"masterIpv4CidrBlock": "10.2.17.0/28"})


def pool(gcp: World, cluster: Record, /, **inputs: Any) -> Record:
    given: dict[str, Any] = {
        "cluster": cluster.id,
        "location": cluster["location"],
        "nodeCount": 1,
        "nodeConfig": {"machineType": "n2-standard-8", "tags": ["cockroachdb"]},
    }
    return gcp.create(NODE_POOL, "us-east1-nodes", **{**given, **inputs})


def test_a_pool_has_hosts_in_each_zone(gcp: World) -> None:
    net = network(gcp)
    parent = cluster(gcp, net, subnetwork(gcp, net))
    found = pool(gcp, parent)
    assert found.id == f"{parent.id}/nodePools/{found['name']}"
    hosts = gcp.substrate.hosts[parent["name"], found["name"]]
    assert [host.zone for host in hosts] == ["us-east1-b", "us-east1-c", "us-east1-d"]
    assert {(host.subnet, host.pods, host.tags) for host in hosts} == {
        ("10.1.0.0/20", "10.1.128.0/17", ("cockroachdb",))
    }
    assert len({host.name for host in hosts}) == 3
    assert max(len(host.name) for host in hosts) <= 52
    gcp.update(found, nodeCount=2)
    more = gcp.substrate.hosts[parent["name"], found["name"]]
    assert len(more) == 6
    assert {host.name for host in hosts} < {host.name for host in more}
    gcp.delete(found)
    assert gcp.substrate.hosts[parent["name"], found["name"]] == []


def test_what_a_pool_needs(gcp: World) -> None:
    net = network(gcp)
    parent = cluster(gcp, net, subnetwork(gcp, net))
    with pytest.raises(Refused, match="Not found"):
        pool(gcp, parent, cluster="nowhere")
    with pytest.raises(Refused, match="is not a zone of region us-east1"):
        pool(gcp, parent, nodeLocations=["us-west1-a"])
    with pytest.raises(Refused, match="IP_SPACE_EXHAUSTED"):
        pool(gcp, parent, nodeCount=43)
    with pytest.raises(Refused, match="does not exist"):
        pool(gcp, parent, nodeConfig={"serviceAccount": "nobody@my-project.iam.gserviceaccount.com"})
    account = gcp.create(ACCOUNT, "nodes", accountId="us-east1-nodes")
    role = "roles/container.defaultNodeServiceAccount"
    gcp.create(IAM_MEMBER, "nodes", project="my-project", role=role, member=account["member"])
    pool(gcp, parent, nodeConfig={"serviceAccount": account["email"]})


def test_deleting_a_cluster_takes_its_pools(gcp: World) -> None:
    net = network(gcp)
    parent = cluster(gcp, net, subnetwork(gcp, net))
    found = pool(gcp, parent)
    gcp.delete(parent)
    gcp.delete(found)
    assert gcp.store.snapshot()["gcp"].all(NODE_POOL) == []


def test_accounts_and_roles(gcp: World) -> None:
    account = gcp.create(ACCOUNT, "nodes", accountId="us-east1-nodes")
    assert account["email"] == "us-east1-nodes@my-project.iam.gserviceaccount.com"
    assert gcp.check(ACCOUNT, "x", accountId="short")[1][0][0] == "accountId"
    assert gcp.check(IAM_MEMBER, "x", project="p", role="editor", member="me@example.com")[1] != []
    nobody = "serviceAccount:nobody@my-project.iam.gserviceaccount.com"
    with pytest.raises(Refused, match="does not exist"):
        gcp.create(IAM_MEMBER, "x", project="my-project", role="roles/viewer", member=nobody)


def named(domain: str) -> dict[str, str]:
    return {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE", "additiveVpcScopeDnsDomain": domain}


def test_cloud_dns_needs_its_api(gcp: World) -> None:
    net = network(gcp)
    sub = subnetwork(gcp, net)
    with pytest.raises(Refused, match="Cloud DNS API has not been used"):
        cluster(gcp, net, sub, dnsConfig=named("a.example"))
    gcp.create(SERVICE, "dns", service="dns.googleapis.com")
    found = cluster(gcp, net, sub, dnsConfig=named("a.example"))
    assert gcp.substrate.dns[found["name"]] == ("cloud-dns", None)


def test_a_domain_is_one_clusters_in_a_vpc(gcp: World) -> None:
    gcp.create(SERVICE, "dns", service="dns.googleapis.com")
    net = network(gcp)
    east, west = subnetwork(gcp, net), subnetwork(gcp, net, 2, "us-west1")
    control = {"masterIpv4CidrBlock": "10.2.17.0/28"}
    cluster(gcp, net, east, dnsConfig=named("a.example"))
    with pytest.raises(Refused, match=r"DNS domain a\.example is already used by"):
        cluster(gcp, net, west, dnsConfig=named("a.example"), privateClusterConfig=control)
    second = cluster(gcp, net, west, dnsConfig=named("b.example"), privateClusterConfig=control)
    with pytest.raises(Refused, match=r"DNS domain a\.example is already used by"):
        gcp.update(second, dnsConfig=named("a.example"))
    gcp.update(second, dnsConfig=named("c.example"))
    elsewhere = network(gcp, "other")
    cluster(gcp, elsewhere, subnetwork(gcp, elsewhere, 3, "us-west2"), dnsConfig=named("a.example"))


@pytest.mark.parametrize("config", [{"clusterDns": "KUBE_DNS"}, {"clusterDns": "CLOUD_DNS"}])
def test_a_clusters_dns_and_its_scope_stay(gcp: World, config: dict[str, str]) -> None:
    gcp.create(SERVICE, "dns", service="dns.googleapis.com")
    net = network(gcp)
    found = cluster(gcp, net, subnetwork(gcp, net), dnsConfig=named("a.example"))
    with pytest.raises(Refused, match="cannot change from"):
        gcp.update(found, dnsConfig=config)
