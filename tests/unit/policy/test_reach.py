"""Take one thing away, or change it: the proof names the pairs that cannot talk for it, and the hop."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any, NamedTuple

import pytest

from policy.aws import kinds as aws
from policy.findings import Severity, Violation
from policy.gcp import kinds as gcp
from policy.graph import Graph
from policy.kubernetes import SERVICE
from policy.reach import INTERNET, violations
from tests.unit.policy.graphs import exported, graph, one, plan_of

CASES = ("gke", "gke-peered", "eks", "eks-transit", "multicloud", "multicloud-peered")
Change = Callable[[Graph], Graph]


def gone(kind: str, name: str) -> Change:
    return lambda there: there.without(one(there, kind, name))


def to(kind: str, name: str, **props: Any) -> Change:
    return lambda there: there.changed(one(there, kind, name), **props)


def both(*changes: Change) -> Change:
    def change(there: Graph) -> Graph:
        for each in changes:
            there = each(there)
        return there

    return change


def every(region: str, case: str) -> set[tuple[str, str]]:
    """Every ordered pair with that region."""
    names = [other.name for other in plan_of(exported(case)).regions if other.name != region]
    return {pair for other in names for pair in ((region, other), (other, region))}


def ways(one_end: str, other: str) -> set[tuple[str, str]]:
    return {(one_end, other), (other, one_end)}


def towards(region: str, case: str) -> set[tuple[str, str]]:
    return {(source, target) for source, target in every(region, case) if target == region}


def pairs(found: list[Violation], severity: Severity) -> set[tuple[str, str]]:
    """Of two regions: what a region has with itself or the internet is degraded at most."""
    return {
        (each.source, each.target)
        for each in found
        if each.severity is severity and each.target != INTERNET and each.source != each.target
    }


@pytest.mark.parametrize("case", CASES)
def test_what_the_program_declares_is_proved(case: str) -> None:
    there = exported(case)
    assert violations(there, plan_of(there)) == []


@pytest.mark.parametrize("case", ["gke-peered", "eks", "eks-transit", "multicloud"])
def test_a_first_preview_is_proved_with_no_id_known(case: str) -> None:
    there = graph(case, known=False)
    assert violations(there, plan_of(there)) == []


@pytest.mark.parametrize(
    ("kind", "name", "hop"),
    [
        (aws.ACCEPTER, "us-east-1-to-us-east-2", "peering accepter"),
        (aws.ROUTE, "us-east-1-private-b-to-us-east-2", "route"),
        (aws.PEERING, "us-east-1-to-us-east-2", "peering"),
        (aws.ASSOCIATION, "us-east-1-private-b", "route table"),
        (aws.LISTENER, "us-east-1-dns-dns", "listener"),
        (aws.INGRESS, "us-east-1-sql-from-peer-pods", "security group"),
        (aws.PREFIX_LIST, "us-east-1-peer-pods", "security group"),
    ],
)
def test_a_first_preview_misses_what_is_not_declared(kind: str, name: str, hop: str) -> None:
    before = graph("eks", known=False)
    found = violations(before.without(one(before, kind, name)), plan_of(before))
    assert hop in {each.hop for each in found if each.severity is Severity.BROKEN}


class Broken(NamedTuple):
    """A change after which pairs cannot talk."""

    case: str
    change: Change
    hop: str
    pairs: set[tuple[str, str]]


GKE, EAST, WEST = "us-central1", "us-east1", "us-west1"
EKS_1, EKS_2, EKS_W = "us-east-1", "us-east-2", "us-west-2"

BROKEN = {
    "gcp network": Broken("gke-peered", gone(gcp.NETWORK, EAST), "network", every(EAST, "gke-peered")),
    "gcp subnet": Broken("gke", gone(gcp.SUBNETWORK, f"{EAST}-nodes"), "subnet", every(EAST, "gke")),
    "gcp subnet range": Broken(
        "gke", to(gcp.SUBNETWORK, f"{EAST}-nodes", ipCidrRange="10.9.0.0/20"), "subnet", every(EAST, "gke")
    ),
    "gcp pod range": Broken(
        "gke",
        to(gcp.SUBNETWORK, f"{EAST}-nodes", secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.9.0.0/17"}]),
        "pod range",
        every(EAST, "gke"),
    ),
    "gcp balancers' subnet": Broken("gke", gone(gcp.SUBNETWORK, f"{EAST}-balancers"), "subnet", towards(EAST, "gke")),
    "gcp node pool": Broken("gke", gone(gcp.NODE_POOL, f"{EAST}-nodes"), "nodes", every(EAST, "gke")),
    "gcp peering, one side": Broken("gke-peered", gone(gcp.PEERING, f"{EAST}-to-{GKE}"), "peering", ways(EAST, GKE)),
    "gcp peering elsewhere": Broken(
        "gke-peered", to(gcp.PEERING, f"{EAST}-to-{GKE}", peerNetwork=f"{WEST}-id"), "peering", ways(EAST, GKE)
    ),
    "gcp firewall of nodes": Broken(
        "gke-peered", gone(gcp.FIREWALL, f"{EAST}-nodes"), "firewall", towards(EAST, "gke-peered")
    ),
    "gcp firewall of dns": Broken(
        "gke-peered", gone(gcp.FIREWALL, f"{EAST}-dns"), "firewall", towards(EAST, "gke-peered")
    ),
    "gcp firewall off": Broken(
        "gke-peered", to(gcp.FIREWALL, f"{EAST}-nodes", disabled=True), "firewall", towards(EAST, "gke-peered")
    ),
    "gcp firewall for others": Broken(
        "gke-peered", to(gcp.FIREWALL, f"{EAST}-nodes", targetTags=["web"]), "firewall", towards(EAST, "gke-peered")
    ),
    "gcp firewall without tcp to dns": Broken(
        "gke-peered",
        to(gcp.FIREWALL, f"{EAST}-dns", allows=[{"protocol": "udp", "ports": ["53"]}]),
        "firewall",
        towards(EAST, "gke-peered"),
    ),
    "gcp firewall without one region": Broken(
        "gke-peered",
        to(gcp.FIREWALL, f"{EAST}-nodes", sourceRanges=["10.1.128.0/17", "10.3.128.0/17"]),
        "firewall",
        {(GKE, EAST)},
    ),
    "gcp firewall that denies first": Broken(
        "gke",
        to(
            gcp.FIREWALL,
            "gcp-health-checks",
            priority=1,
            allows=[],
            denies=[{"protocol": "all"}],
            sourceRanges=["10.2.128.0/20"],
            targetTags=None,
        ),
        "firewall",
        {(GKE, EAST), (GKE, WEST)},
    ),
    "gcp egress that denies": Broken(
        "gke-peered",
        to(
            gcp.FIREWALL,
            f"{EAST}-health-checks",
            direction="EGRESS",
            allows=[],
            denies=[{"protocol": "all"}],
            destinationRanges=["10.2.0.0/16"],
        ),
        "egress firewall",
        {(EAST, GKE)},
    ),
    "gcp shared address": Broken("gke", gone(gcp.ADDRESS, f"{EAST}-dns-0"), "reserved address", towards(EAST, "gke")),
    "gcp address not to share": Broken(
        "gke", to(gcp.ADDRESS, f"{EAST}-dns-0", purpose="GCE_ENDPOINT"), "reserved address", towards(EAST, "gke")
    ),
    "aws vpc": Broken("eks", gone(aws.VPC, f"{EKS_1}-vpc"), "VPC", every(EKS_1, "eks")),
    "aws private subnet": Broken("eks", gone(aws.SUBNET, f"{EKS_1}-private-b"), "subnet", every(EKS_1, "eks")),
    "aws node groups": Broken(
        "eks", both(*(gone(aws.NODE_GROUP, f"{EKS_1}-{zone}") for zone in "abc")), "nodes", every(EKS_1, "eks")
    ),
    "aws association": Broken("eks", gone(aws.ASSOCIATION, f"{EKS_1}-private-b"), "route table", every(EKS_1, "eks")),
    "aws route of one zone": Broken(
        "eks", gone(aws.ROUTE, f"{EKS_1}-private-b-to-{EKS_2}"), "route", ways(EKS_1, EKS_2)
    ),
    "aws route elsewhere": Broken(
        "eks",
        to(aws.ROUTE, f"{EKS_1}-private-b-to-{EKS_2}", vpcPeeringConnectionId=f"{EKS_1}-to-{EKS_W}-id"),
        "peering",
        ways(EKS_1, EKS_2),
    ),
    "aws route to half": Broken(
        "eks",
        to(aws.ROUTE, f"{EKS_1}-private-b-to-{EKS_2}", destinationCidrBlock="10.2.128.0/18"),
        "route",
        ways(EKS_1, EKS_2),
    ),
    "aws peering": Broken("eks", gone(aws.PEERING, f"{EKS_1}-to-{EKS_2}"), "peering", ways(EKS_1, EKS_2)),
    "aws accepter": Broken("eks", gone(aws.ACCEPTER, f"{EKS_1}-to-{EKS_2}"), "peering accepter", ways(EKS_1, EKS_2)),
    "aws accepter that does not": Broken(
        "eks", to(aws.ACCEPTER, f"{EKS_1}-to-{EKS_2}", autoAccept=False), "peering accepter", ways(EKS_1, EKS_2)
    ),
    "aws security group rule": Broken(
        "eks", gone(aws.INGRESS, f"{EKS_1}-sql-from-peer-pods"), "security group", towards(EKS_1, "eks")
    ),
    "aws security group rule by udp": Broken(
        "eks",
        to(aws.INGRESS, f"{EKS_1}-http-from-peer-pods", ipProtocol="udp"),
        "security group",
        towards(EKS_1, "eks"),
    ),
    "aws prefix list": Broken(
        "eks", gone(aws.PREFIX_LIST, f"{EKS_1}-peer-pods"), "security group", towards(EKS_1, "eks")
    ),
    "aws prefix list's entry": Broken(
        "eks",
        to(aws.PREFIX_LIST, f"{EKS_1}-peer-pods", entries=[{"cidr": "10.3.128.0/17"}]),
        "security group",
        {(EKS_2, EKS_1)},
    ),
    "aws prefix list's entry, of who asks dns": Broken(
        "eks",
        to(aws.PREFIX_LIST, f"{EKS_1}-peer-pods-and-nodes", entries=[{"cidr": "10.3.128.0/17"}]),
        "load balancer security group",
        {(EKS_2, EKS_1)},
    ),
    "aws cni": Broken("eks", gone(aws.ADDON, f"{EKS_1}-vpc-cni"), "SNAT", {(EKS_1, EKS_2), (EKS_1, EKS_W)}),
    "aws snat": Broken(
        "eks",
        to(aws.ADDON, f"{EKS_1}-vpc-cni", configurationValues='{"env": {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "false"}}'),
        "SNAT",
        {(EKS_1, EKS_2), (EKS_1, EKS_W)},
    ),
    "aws nlb": Broken("eks", gone(aws.BALANCER, f"{EKS_1}-dns"), "load balancer", towards(EKS_1, "eks")),
    "aws nlb that is public": Broken(
        "eks", to(aws.BALANCER, f"{EKS_1}-dns", internal=False), "load balancer", towards(EKS_1, "eks")
    ),
    "aws listener": Broken("eks", gone(aws.LISTENER, f"{EKS_1}-dns-dns"), "listener", towards(EKS_1, "eks")),
    "aws listener of tcp alone": Broken(
        "eks", to(aws.LISTENER, f"{EKS_1}-dns-dns", protocol="TCP"), "listener", towards(EKS_1, "eks")
    ),
    "aws target group": Broken("eks", gone(aws.TARGETS, f"{EKS_1}-dns-dns"), "target group", towards(EKS_1, "eks")),
    "aws targets": Broken(
        "eks",
        both(*(gone(aws.ATTACHMENT, f"{EKS_1}-dns-dns-{zone}") for zone in "abc")),
        "targets",
        towards(EKS_1, "eks"),
    ),
    "aws clients of the nlb": Broken(
        "eks",
        gone(aws.INGRESS, f"{EKS_1}-dns-dns-udp-from-peer-pods-and-nodes"),
        "load balancer security group",
        towards(EKS_1, "eks"),
    ),
    "aws nlb egress": Broken(
        "eks", gone(aws.EGRESS, f"{EKS_1}-dns-dns-udp-to-hosts"), "load balancer egress", towards(EKS_1, "eks")
    ),
    "aws node port": Broken(
        "eks", gone(aws.INGRESS, f"{EKS_1}-dns-dns-tcp-at-hosts"), "node port", towards(EKS_1, "eks")
    ),
    "aws proxy": Broken("eks", gone(aws.ADDON, f"{EKS_1}-kube-proxy"), "add-on", towards(EKS_1, "eks")),
    "aws dns server": Broken("eks", gone(aws.ADDON, f"{EKS_1}-coredns"), "add-on", towards(EKS_1, "eks")),
    "transit gateway": Broken(
        "eks-transit", gone(aws.TRANSIT_GATEWAY, f"{EKS_1}-transit"), "Transit Gateway", every(EKS_1, "eks-transit")
    ),
    "transit attachment": Broken(
        "eks-transit",
        gone(aws.TRANSIT_ATTACHMENT, f"{EKS_1}-transit"),
        "Transit Gateway attachment",
        every(EKS_1, "eks-transit"),
    ),
    "transit attachment in two zones": Broken(
        "eks-transit",
        to(aws.TRANSIT_ATTACHMENT, f"{EKS_1}-transit", subnetIds=[f"{EKS_1}-private-{z}-id" for z in "ab"]),
        "Transit Gateway attachment",
        every(EKS_1, "eks-transit"),
    ),
    "transit peering": Broken(
        "eks-transit",
        gone(aws.TRANSIT_PEERING, f"{EKS_1}-to-{EKS_2}"),
        "Transit Gateway peering",
        ways(EKS_1, EKS_2),
    ),
    "transit accepter": Broken(
        "eks-transit",
        gone(aws.TRANSIT_ACCEPTER, f"{EKS_1}-to-{EKS_2}"),
        "Transit Gateway accepter",
        ways(EKS_1, EKS_2),
    ),
    "transit route": Broken(
        "eks-transit", gone(aws.TRANSIT_ROUTE, f"{EKS_1}-to-{EKS_2}"), "Transit Gateway route", ways(EKS_1, EKS_2)
    ),
    "vpn, amazon's gateway": Broken(
        "multicloud",
        gone(aws.VPN_GATEWAY, f"{EKS_2}-vpn"),
        "VPN gateway",
        ways(GKE, EKS_2) | ways(EAST, EKS_2),
    ),
    "vpn, propagation to one zone": Broken(
        "multicloud",
        gone(aws.PROPAGATION, f"{EKS_2}-vpn-1"),
        "route propagation",
        ways(GKE, EKS_2) | ways(EAST, EKS_2),
    ),
    "vpn, google's only gateway": Broken(
        "multicloud-peered",
        gone(gcp.VPN_GATEWAY, f"{EAST}-vpn"),
        "VPN gateway",
        ways(EAST, EKS_2) | ways(EAST, EKS_W),
    ),
    "vpn, its router": Broken(
        "multicloud-peered",
        gone(gcp.ROUTER, f"{EAST}-vpn"),
        "Cloud Router",
        ways(EAST, EKS_2) | ways(EAST, EKS_W),
    ),
    "vpn, its number": Broken(
        "multicloud",
        to(aws.VPN_GATEWAY, f"{EKS_2}-vpn", amazonSideAsn="65000"),
        "BGP peer",
        ways(GKE, EKS_2) | ways(EAST, EKS_2),
    ),
    "vpn, nothing advertised of a region": Broken(
        "multicloud",
        both(
            *(
                to(
                    gcp.ROUTER,
                    f"{name}-vpn",
                    bgp={"asn": asn, "advertiseMode": "CUSTOM", "advertisedIpRanges": [{"range": "10.1.0.0/16"}]},
                )
                for name, asn in ((GKE, 64512), (EAST, 64514))
            )
        ),
        "BGP advertisement",
        ways(EAST, EKS_2) | ways(EAST, EKS_W),
    ),
    "vpn, routes of one region only": Broken(
        "multicloud",
        both(to(gcp.NETWORK, "gcp", routingMode="REGIONAL"), gone(gcp.VPN_GATEWAY, f"{EAST}-vpn")),
        "routing mode",
        ways(EAST, EKS_2) | ways(EAST, EKS_W),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_needed_thing_is_missed(what: str) -> None:
    broken = BROKEN[what]
    before = exported(broken.case)
    found = violations(broken.change(before), plan_of(before))
    assert pairs(found, Severity.BROKEN) == broken.pairs, "\n".join(map(str, found))
    hops = {each.hop.removesuffix(", way back") for each in found if each.severity is Severity.BROKEN}
    assert broken.hop in hops, hops


DEGRADED = {
    "gcp snat, in private ranges": ("gke", to(gcp.CLUSTER, f"{EAST}-cluster", defaultSnatStatus=None), "SNAT"),
    "gcp icmp": ("gke", gone(gcp.FIREWALL, "gcp-icmp"), "firewall"),
    "gcp health checks": ("gke", gone(gcp.FIREWALL, "gcp-health-checks"), "health checks"),
    "gcp nat": ("gke", gone(gcp.ROUTER_NAT, f"{EAST}-nat"), "egress NAT"),
    "aws nat": ("eks", gone(aws.NAT_GATEWAY, f"{EKS_1}-nat-b"), "egress route"),
    "aws internet gateway": ("eks", gone(aws.INTERNET_GATEWAY, f"{EKS_1}-internet"), "egress internet gateway"),
    "aws cross-zone": ("eks", to(aws.BALANCER, f"{EKS_1}-dns", enableCrossZoneLoadBalancing=False), "cross-zone"),
    "aws hosts of one zone": ("eks", gone(aws.ATTACHMENT, f"{EKS_1}-dns-dns-b"), "targets"),
    "aws node group of one zone": ("eks", gone(aws.NODE_GROUP, f"{EKS_1}-b"), "node group"),
    "aws one dns address": ("eks", gone(aws.SUBNET, f"{EKS_1}-balancers-b"), "subnet"),
    "aws way back from one dns address": (
        "eks",
        gone(aws.ASSOCIATION, f"{EKS_1}-balancers-b"),
        "route table, way back",
    ),
    "aws icmp": ("eks", gone(aws.INGRESS, f"{EKS_1}-path-mtu-from-peer-pods-and-nodes"), "security group"),
    "aws console": ("eks", gone(aws.LISTENER, f"{EKS_1}-sql-http"), "listener"),
    "vpn tunnel": ("multicloud", gone(gcp.TUNNEL, f"{GKE}-to-{EKS_2}-0"), "VPN tunnel"),
    "vpn interface": ("multicloud", gone(gcp.INTERFACE, f"{GKE}-to-{EKS_2}-0"), "router interface"),
    "vpn peer": ("multicloud", gone(gcp.PEER, f"{GKE}-to-{EKS_2}-0"), "BGP peer"),
    "vpn peer off": ("multicloud", to(gcp.PEER, f"{GKE}-to-{EKS_2}-0", enable=False), "BGP peer"),
    "vpn secret": ("multicloud", to(gcp.TUNNEL, f"{GKE}-to-{EKS_2}-0", sharedSecret="guess"), "VPN connection"),
    "vpn connection": ("multicloud", gone(aws.VPN_CONNECTION, f"{GKE}-to-{EKS_2}-0"), "VPN connection"),
    "vpn customer gateway": ("multicloud", gone(aws.CUSTOMER_GATEWAY, f"{GKE}-to-{EKS_2}-0"), "customer gateway"),
    "vpn external gateway": ("multicloud", gone(gcp.EXTERNAL_GATEWAY, f"{GKE}-to-{EKS_2}"), "external gateway"),
    "vpn gateway, one of two": ("multicloud", gone(gcp.VPN_GATEWAY, f"{GKE}-vpn"), "VPN gateway"),
    "vpn router, one of two": ("multicloud", gone(gcp.ROUTER, f"{GKE}-vpn"), "Cloud Router"),
}


@pytest.mark.parametrize("what", DEGRADED)
def test_what_another_stands_in_for_is_degraded(what: str) -> None:
    case, change, hop = DEGRADED[what]
    before = exported(case)
    found = violations(change(before), plan_of(before))
    assert found
    assert {each.severity for each in found} == {Severity.DEGRADED}, "\n".join(map(str, found))
    assert hop in {each.hop for each in found}, "\n".join(map(str, found))


def test_a_tunnel_less_degrades_the_pairs_at_its_ends_alone() -> None:
    for kind in (gcp.TUNNEL, gcp.INTERFACE, gcp.PEER, aws.VPN_CONNECTION, aws.CUSTOMER_GATEWAY):
        before = exported("multicloud")
        found = violations(gone(kind, f"{GKE}-to-{EKS_2}-0")(before), plan_of(before))
        assert pairs(found, Severity.DEGRADED) == ways(GKE, EKS_2) | ways(EAST, EKS_2), kind


def test_all_stand_ins_gone_is_broken() -> None:
    before = exported("multicloud")
    change = both(*(gone(gcp.PEER, f"{gateway}-to-{EKS_2}-{k}") for gateway in (GKE, EAST) for k in range(4)))
    found = violations(change(before), plan_of(before))
    assert pairs(found, Severity.BROKEN) == ways(GKE, EKS_2) | ways(EAST, EKS_2)


def service(there: Graph, namespace: str, region: str, suffix: str = "") -> str:
    """URN of a load balancer's Service in a region's cluster."""
    (found,) = [
        each.urn
        for each in there.of(SERVICE)
        if each.get("metadata.namespace") == namespace
        and each.name.startswith(f"{region}-")
        and each.name.endswith(suffix)
        and each.get("spec.type") in ("LoadBalancer", "NodePort")
    ]
    return found


@pytest.mark.parametrize(
    ("props", "hop"),
    [
        ({"metadata": {"annotations": {}}}, "load balancer"),
        (
            {"metadata": {"annotations": {"networking.gke.io/load-balancer-type": "Internal"}}},
            "global access",
        ),
        ({"spec": {"type": "ClusterIP"}}, "load balancer"),
    ],
)
def test_a_service_that_does_not_answer_other_regions(props: dict[str, Any], hop: str) -> None:
    before = exported("gke")
    urn = service(before, "kube-system", EAST, "-tcp")
    now = {key: {**before[urn].props[key], **changed} for key, changed in props.items()}
    found = violations(before.changed(urn, **now), plan_of(before))
    assert pairs(found, Severity.BROKEN) == towards(EAST, "gke")
    assert hop in {each.hop for each in found}


def test_a_service_closed_to_one_region() -> None:
    before = exported("gke")
    urn = service(before, "kube-system", EAST, "-tcp")
    kept = [text for text in before[urn].texts("spec.loadBalancerSourceRanges") if text != "10.2.0.0/20"]
    found = violations(
        before.changed(urn, spec={**before[urn].props["spec"], "loadBalancerSourceRanges": kept}), plan_of(before)
    )
    assert pairs(found, Severity.BROKEN) == {(GKE, EAST)}
    (broken,) = [each for each in found if each.severity is Severity.BROKEN]
    assert (broken.hop, broken.what) == ("source ranges", ("nodes tcp/53",))


def test_a_node_port_that_nothing_takes() -> None:
    before = exported("eks")
    found = violations(before.without(service(before, "kube-system", EKS_1)), plan_of(before))
    assert pairs(found, Severity.BROKEN) == towards(EKS_1, "eks")
    assert {each.hop for each in found} == {"node port Service"}


def test_masquerading_outside_of_the_private_ranges_is_broken() -> None:
    """GKE leaves packets to 10.0.0.0/8 alone by default; in other ranges peers would see hosts."""
    case = "gke"
    before = exported(case)
    planned = plan_of(before)
    public = IPv4Network("198.20.0.0/17")
    regions = tuple(replace(region, pod_cidr=public) if region.name == WEST else region for region in planned.regions)
    now = to(
        gcp.SUBNETWORK,
        f"{WEST}-nodes",
        secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": str(public)}],
    )(to(gcp.CLUSTER, f"{EAST}-cluster", defaultSnatStatus={"disabled": False})(before))
    found = violations(now, replace(planned, regions=regions))
    assert (EAST, WEST) in {
        (each.source, each.target) for each in found if each.hop == "SNAT" and each.severity is Severity.BROKEN
    }


def test_a_message_says_what_is_missing_and_what_would_be_right() -> None:
    before = exported("eks")
    (text,) = {
        str(each)
        for each in violations(gone(aws.ROUTE, f"{EKS_1}-private-b-to-{EKS_2}")(before), plan_of(before))
        if (each.source, each.hop) == (EKS_1, "route")
    }
    assert text == (
        "broken: us-east-1 -> us-east-2 (pods tcp/26257, pods tcp/8080, pods udp/53, nodes udp/53, pods tcp/53, "
        "nodes tcp/53, pods tcp/26257 to the load balancer sql, pods tcp/8080 to the load balancer sql): route: "
        "RouteTable us-east-1-private-b (of Subnet us-east-1-private-b) has no route to 10.2.128.0/17; add one through "
        "a peering connection or Transit Gateway that leads to Vpc us-east-2-vpc"
    )
