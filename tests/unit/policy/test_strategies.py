"""The network that the clouds' examples declare for each strategy is one that it works on, and misses what it needs."""

from collections.abc import Callable
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.strategies import AVAILABLE
from policy.findings import Severity
from policy.guards import GUARDS
from policy.kubernetes import SERVICE
from policy.reach import violations
from policy.sources import from_export
from tests.unit.policy.graphs import config, document, exported, graph, one, plan_of

PER_NODE = "load-balancer-per-node"


CLOUD_DNS = "gke+cloud-dns"


def taken(case: str) -> bool:
    """Whether the strategy takes that example; each takes one at least."""
    try:
        plan(config(case))
    except ConfigError:
        return False
    return True


CASES = {
    name: [case for stack in ("gke", "eks", "multicloud") if taken(case := f"{stack}+{name}")] for name in AVAILABLE
}


def test_every_strategy_for_a_cloud_takes_an_example() -> None:
    assert {name for name, cases in CASES.items() if not cases} == {"istio", "proxy"}, "these run on existing clusters"


@pytest.mark.parametrize("case", [case for cases in CASES.values() for case in cases])
def test_what_the_program_declares_for_it_is_proved(case: str) -> None:
    there = graph(case, known=False)
    assert violations(there, plan_of(there)) == []
    assert [str(finding) for guard in GUARDS for finding in guard.rule(there, plan_of(there))] == []


def broken(case: str, kind: str, *names: str) -> dict[tuple[str, str], set[str]]:
    """(source, target) -> hops that fail, without some resources."""
    before = exported(case)
    found: dict[tuple[str, str], set[str]] = {}
    for each in violations(before.without(*(one(before, kind, name) for name in names)), plan_of(before)):
        if each.severity is Severity.BROKEN:
            found.setdefault((each.source, each.target), set()).add(each.hop)
    return found


def test_a_node_on_gke_whose_load_balancer_is_missing() -> None:
    found = broken(f"gke+{PER_NODE}", SERVICE, "us-east1-cockroachdb-1")
    assert {target for _, target in found} == {"us-east1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_a_node_on_eks_whose_load_balancer_is_missing() -> None:
    found = broken(f"eks+{PER_NODE}", "aws:lb/loadBalancer:LoadBalancer", "us-east-1-node-1")
    assert {target for _, target in found} == {"us-east-1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_the_firewall_lets_regions_in_to_nodes_load_balancers() -> None:
    """SQL's clients have a rule for the same ports: each stands in for the other as far as their ranges go."""
    firewall = "gcp:compute/firewall:Firewall"
    found = broken(f"gke+{PER_NODE}", firewall, "gcp-node", "gcp-clients")
    assert set.union(*found.values()) == {"firewall"}
    assert len(found) == 6
    assert not broken(f"gke+{PER_NODE}", firewall, "gcp-clients")


def test_a_region_on_gke_whose_join_load_balancer_is_missing() -> None:
    found = broken("gke+pod-ip", SERVICE, "us-east1-join-balancer")
    assert {target for _, target in found} == {"us-east1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_a_region_on_eks_whose_join_load_balancer_is_missing() -> None:
    found = broken("eks+pod-ip", "aws:lb/loadBalancer:LoadBalancer", "us-east-1-join")
    assert {target for _, target in found} == {"us-east-1"}
    assert set.union(*found.values()) == {"load balancer"}


def without_names(change: Callable[[dict[str, Any]], None], name: str = "us-east1-cluster") -> set[tuple[str, str]]:
    """(source, target) of what fails by names, with one cluster's inputs changed."""
    found = document(CLOUD_DNS)
    (cluster,) = [
        each
        for each in found["deployment"]["resources"]
        if each["type"] == "gcp:container/cluster:Cluster" and each["urn"].endswith(f"::{name}")
    ]
    for kept in ("inputs", "outputs"):
        change(cluster[kept])
    there = from_export(found)
    broken = [each for each in violations(there, plan_of(there)) if each.severity is Severity.BROKEN]
    assert {each.hop for each in broken} <= {"names"}
    return {(each.source, each.target) for each in broken}


def test_a_cluster_without_its_domain_is_found_by_nobody() -> None:
    def change(inputs: dict[str, Any]) -> None:
        inputs["dnsConfig"].pop("additiveVpcScopeDnsDomain", None)

    assert without_names(change) == {("us-central1", "us-east1"), ("us-west1", "us-east1")}


def test_a_cluster_with_another_domain_is_found_by_nobody() -> None:
    def change(inputs: dict[str, Any]) -> None:
        inputs["dnsConfig"]["additiveVpcScopeDnsDomain"] = "elsewhere.example"

    assert without_names(change) == {("us-central1", "us-east1"), ("us-west1", "us-east1")}


def test_a_cluster_with_kube_dns_neither_finds_nor_is_found() -> None:
    def change(inputs: dict[str, Any]) -> None:
        inputs["dnsConfig"] = {"clusterDns": "KUBE_DNS"}

    others = ("us-central1", "us-west1")
    pairs = {pair for other in others for pair in ((other, "us-east1"), ("us-east1", other))}
    assert without_names(change) == pairs


FEDERATED = "coredns-federated"
GKE_CLUSTER = "gcp:container/cluster:Cluster"


def test_regions_on_eks_without_public_endpoints_call_each_others_api_servers() -> None:
    there = graph(f"eks-private+{FEDERATED}", known=False)
    assert violations(there, plan_of(there)) == []


def test_an_api_server_on_eks_that_is_not_open_to_the_others() -> None:
    found = broken(
        f"eks-private+{FEDERATED}",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "us-east-1-api-from-peer-pods",
    )
    assert {target for _, target in found} == {"us-east-1"}
    assert set.union(*found.values()) == {"security group"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"masterAuthorizedNetworksConfig": {"cidrBlocks": []}}, "does not authorize"),
        ({"privateClusterConfig": {"masterIpv4CidrBlock": "10.1.17.0/28"}}, "has no global access"),
        ({"privateClusterConfig": {}}, "has no private endpoint"),
    ],
)
def test_an_api_server_on_gke_that_is_not_open_to_the_others(change: dict[str, object], says: str) -> None:
    before = exported(f"gke+{FEDERATED}")
    cluster = one(before, GKE_CLUSTER, "us-east1-cluster")
    changed = before.changed(cluster, **change)
    found = [each for each in violations(changed, plan_of(before)) if each.severity is Severity.BROKEN]
    assert {each.target for each in found} == {"us-east1"}
    assert {each.hop for each in found} == {"API server"}
    assert all(says in each.message and each.urn == cluster for each in found)


KEPT = ("gke+private-zone+plain", "gke-peered+private-zone+plain", "eks+private-zone+plain")
MANAGED_ZONE = "gcp:dns/managedZone:ManagedZone"
HOSTED_ZONE = "aws:route53/zone:Zone"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("case", KEPT)
def test_names_that_clouds_keep_are_proved(case: str, known: bool) -> None:
    there = graph(case, known=known)
    assert all(region.private_zone for region in plan_of(there).regions)
    assert violations(there, plan_of(there)) == []
    assert [str(finding) for guard in GUARDS for finding in guard.rule(there, plan_of(there))] == []


@pytest.mark.parametrize(
    ("case", "kind", "region", "others"),
    [
        ("gke+private-zone+plain", MANAGED_ZONE, "us-east1", ("us-central1", "us-west1")),
        ("eks+private-zone+plain", HOSTED_ZONE, "us-east-1", ("us-east-2", "us-west-2")),
    ],
)
def test_a_region_whose_zone_is_missing_is_found_by_nobody(
    case: str, kind: str, region: str, others: tuple[str, ...]
) -> None:
    found = broken(case, kind, f"{region}-names-zone")
    assert found == {(other, region): {"names"} for other in others}


def changed(case: str, kind: str, name: str, **props: object) -> dict[tuple[str, str], str]:
    """(source, target) -> what is said, with one resource's properties changed."""
    before = exported(case)
    after = before.changed(one(before, kind, name), **props)
    found = [each for each in violations(after, plan_of(before)) if each.severity is Severity.BROKEN]
    assert {each.hop for each in found} <= {"names"}
    return {(each.source, each.target): each.message for each in found}


def test_a_vpc_that_does_not_see_a_zone_finds_nobody_in_it() -> None:
    shown = {"networks": [{"networkUrl": "us-central1-id"}]}
    found = changed(KEPT[1], MANAGED_ZONE, "us-east1-names-zone", privateVisibilityConfig=shown)
    assert set(found) == {("us-west1", "us-east1")}
    assert "is not shown to Network us-west1; add that to privateVisibilityConfig.networks" in str(found)
    found = changed(KEPT[2], HOSTED_ZONE, "us-east-1-names-zone", vpcs=[{"vpcId": "us-east-2-vpc-id"}])
    assert set(found) == {("us-west-2", "us-east-1")}
    assert "is not shown to Vpc us-west-2-vpc; add that to vpcs" in str(found)


def test_a_public_zone_is_no_private_one() -> None:
    for case, kind, region, props in (
        (KEPT[0], MANAGED_ZONE, "us-east1", {"visibility": "public"}),
        (KEPT[2], HOSTED_ZONE, "us-east-1", {"vpcs": None}),
    ):
        assert {target for _, target in changed(case, kind, f"{region}-names-zone", **props)} == {region}
        before = exported(case)
        after = before.changed(one(before, kind, f"{region}-names-zone"), **props)
        said = [str(finding) for guard in GUARDS for finding in guard.rule(after, plan_of(before))]
        assert len(said) == 1
        assert "shows its names to the whole internet" in said[0]


@pytest.mark.parametrize("setting", ["enableDnsSupport", "enableDnsHostnames"])
def test_a_vpc_of_amazon_without_its_resolver_finds_nobody(setting: str) -> None:
    found = changed(KEPT[2], "aws:ec2/vpc:Vpc", "us-east-2-vpc", **{setting: False})
    assert {source for source, _ in found} == {"us-east-2"}
    assert all(setting in message for message in found.values())
